"""JSON text as it lies in cells and goes into the package."""

import json
import re
from typing import Any, Final

import orjson

_LONG_NUMBER: Final = re.compile(r"[0-9]{19}")


def parse(text: str) -> Any:
    """The value of a JSON text; integers with all their digits. ValueError when it is none, or nested too deeply."""
    try:
        if _LONG_NUMBER.search(text):
            return json.loads(text)  # orjson makes a float of an integer beyond 64 bits
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _loaded(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _loaded(text: str, **more: Any) -> Any:
    try:
        return json.loads(text, **more)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dump(value: Any) -> bytes:
    """JSON in UTF-8, indented, keys as they come. Lone surrogates, which UTF-8 can't carry, become U+FFFD."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # integers beyond 64 bits, lone surrogates
        text = json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n"
        return whole(text).encode()


def embeddable(text: str) -> str:
    """A cell's JSON text such that any parser takes it as a part of a document: as it is where it is sound; with
    U+FFFD for lone surrogates; as a JSON string where it is no JSON at all."""
    try:
        orjson.loads(text)
        return text
    except orjson.JSONDecodeError:
        pass
    try:
        value = _loaded(text, parse_constant=_refuse)
    except ValueError:
        return json.dumps(text, ensure_ascii=False)
    return whole(json.dumps(value, ensure_ascii=False))


def whole(text: str) -> str:
    """The text with lone surrogates replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _refuse(constant: str) -> Any:
    raise ValueError(constant)
