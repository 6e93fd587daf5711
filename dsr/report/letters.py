"""The words of mails, ticket answers and the download page: Swedish and English catalogues, Jinja2 templates.

Values are filled in by name; in HTML they are escaped, always. An unknown name or text is an error, never a gap.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

LANGUAGES: Final = ("sv", "en")


class Texts:
    """One language's texts, with values that are the same in all of them (the controller's name, for example). `of`:
    "report" for those of the report; "" for those of mails, ticket answers and the download page."""

    def __init__(self, language: str, values: Mapping[str, str], of: str = "") -> None:
        self.language = language
        self._texts = catalogue(language, of)
        self._values = values

    def __call__(self, key: str, **values: str) -> str:
        """The text of `section.key` with its values. KeyError when either is absent."""
        section, _, name = key.partition(".")
        return self._texts[section][name].format_map({**self._values, **values})

    def moment(self, moment: datetime) -> str:
        """A time in words, in its own zone: "4 December 2026, 10:32 CET"; Swedish "4 december 2026 kl. 10:32 CET"."""
        return f"{self.day(moment)}{', ' if self.language == 'en' else ' kl. '}{moment:%H:%M %Z}"

    def day(self, day: date) -> str:
        """A day in words: "4 December 2026"; of a moment, that in its own zone."""
        return format_date(day, "long", locale="en_GB" if self.language == "en" else self.language)

    def reference(self, request_id: str, received: date | None) -> str:
        """What a letter is about: the request's id, and the day in words on which it came; None = that isn't said."""
        if received is None:
            return self("common.reference", request_id=request_id)
        return self("common.reference_dated", request_id=request_id, received=self.day(received))

    def size(self, count: int) -> str:
        """Bytes in decimal units, as file managers show them: "20 kB"."""
        size, unit = float(count), "B"
        for larger in ("kB", "MB", "GB", "TB"):
            if size < 1000:
                break
            size, unit = size / 1000, larger
        digits = f"{size:.0f}" if size >= 10 or unit == "B" else f"{size:.1f}"
        return f"{digits if self.language == 'en' else digits.replace('.', ',')}\u00a0{unit}"

    def authority(self, country: str) -> str:
        """The supervisory authority to complain to, with its address when the country is known here."""
        named = self._texts["authority"]
        return named.get(country, named["other"])


@cache
def catalogue(language: str, of: str = "") -> dict[str, dict[str, str]]:
    """section → key → text of `texts/<of>.<language>.toml`, or of `texts/<language>.toml`. FileNotFoundError for a
    language that isn't one of LANGUAGES."""
    name = f"{of}.{language}.toml" if of else f"{language}.toml"
    return tomllib.loads(files("dsr.report").joinpath("texts", name).read_text(encoding="utf-8"))


LINK: Final = re.compile(r"https?://[!-~]+")


def render(template: str, **values: Any) -> str:
    """A template of `dsr/report/templates` with its values; all but `.txt.j2` escape them for HTML."""
    return compiled(template).render(**values)


@cache
def compiled(name: str) -> Template:
    """A template of `dsr/report/templates`, compiled once per process."""
    return _environment(escaping=not name.endswith(".txt.j2")).get_template(name)


def compile_all() -> None:
    """All templates, those too that others extend or include."""
    for name in _environment(escaping=True).list_templates(extensions=("j2",)):
        compiled(name)


@cache
def _environment(*, escaping: bool) -> Environment:
    return Environment(
        loader=PackageLoader("dsr.report", "templates"),
        autoescape=escaping,  # noqa: S701 - off for plain text only, where nothing interprets markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
