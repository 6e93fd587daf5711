"""README.txt of the package: how to open, check and complain, in both languages, the person's own first."""

from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from string import Template
from textwrap import fill
from typing import Any, Final

from dsr import document as documents
from dsr.document_copy import completeness
from dsr.report.package import LANGUAGES, NOTHING_HELD

_NAMES: Final = {"access": "readme.{language}.txt", "portability": "readme.portability.{language}.txt"}


def readme(document: Mapping[str, Any], portal_url: str) -> str:
    """The text. `portal_url`: where the public key of the signature is published, under /signing-key.pub."""
    own = document["request"]["language"]
    ordered = sorted(LANGUAGES, key=lambda name: name != own)
    return "\n\n".join(_in(language, document, portal_url) for language in ordered)


def readme_for_recipient(document: Mapping[str, Any], portal_url: str) -> str:
    """The text for another controller, of a document as `document_copy.for_recipient` gives it."""
    controller = document["processing"]["controller"]
    texts = []
    for language in sorted(LANGUAGES, key=lambda name: name != document["request"]["language"]):
        values = {
            "request_id": document["request"]["request_id"],
            "made_at": _minute(document["made_at"]),
            "complete": completeness(document)[language],
            "portal_url": portal_url,
            "controller_name": controller["name"],
            "controller_address": controller["address"],
            "controller_mail": controller["dpo_mail"],
        }
        texts.append(_filled(f"readme.recipient.{language}.txt", values))
    return "\n\n".join(texts)


def _in(language: str, document: Mapping[str, Any], portal_url: str) -> str:
    request, processing = document["request"], document["processing"]
    held = any(line["status"] == "found" for line in document["search"])
    values = {
        "request_id": request["request_id"],
        "received_at": _minute(request["received_at"]),
        "made_at": _minute(document["made_at"]),
        "complete": documents.completeness(document)[language] + ("" if held else f"\n{NOTHING_HELD[language]}"),
        "search": "\n".join(_wrapped(line["words"][language]) for line in document["search"]),
        "portal_url": portal_url,
        "controller_name": processing["controller"]["name"],
        "controller_address": processing["controller"]["address"],
        "controller_mail": processing["controller"]["dpo_mail"],
        "authority": _authority(processing["authority"], language),
    }
    name = _NAMES[request["right"]].format(language=language)
    return _filled(name, values)


def _filled(name: str, values: Mapping[str, str]) -> str:
    return Template(files("dsr.report").joinpath(name).read_text(encoding="utf-8")).substitute(values)


def _authority(authority: Mapping[str, Any], language: str) -> str:
    where = ", ".join((authority["name"][language], authority["address"], authority["mail"]))
    lines = (authority["words"][language], where)
    return "\n".join(fill(line, 110, initial_indent="  ", subsequent_indent="  ") for line in lines)


def _wrapped(line: str) -> str:
    return fill(line, 110, initial_indent="  - ", subsequent_indent="    ", break_on_hyphens=False)


def _minute(stamped: str) -> str:
    return documents.minute(datetime.fromisoformat(stamped))
