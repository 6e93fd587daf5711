"""One language of the report: its texts, numbers, times, countries, and the titles that schemas give."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from babel import Locale

from dsr.report.letters import Texts


class Wording:
    """`language`: "sv" or "en"."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.text = Texts(language, {}, "report")

    def number(self, number: int) -> str:
        """With groups of three digits: "12,345", in Swedish "12 345" (no-break spaces)."""
        grouped = f"{number:,}"
        return grouped if self.language == "en" else grouped.replace(",", "\u00a0")

    def count(self, key: str, number: int) -> str:
        """The text of `key`, of `<key>_one` when it is one."""
        return self.text(f"{key}_one" if number == 1 else key, count=self.number(number))

    def moment(self, stamped: str) -> str:
        """A time in RFC 3339 in words, in its own zone. ValueError when it is none."""
        return self.text.moment(datetime.fromisoformat(stamped))

    def size(self, count: int) -> str:
        """Bytes in words: "20 kB"."""
        return self.text.size(count)

    def country(self, code: str) -> str:
        """The country's name; the code itself when it is none of ISO 3166-1."""
        return str(self._territories.get(code, code))

    def own(self, words: Mapping[str, str] | None) -> str:
        """These words in this language; "" for none."""
        return words[self.language] if words else ""

    def title(self, annotated: Mapping[str, Any], name: str) -> str:
        """`title` of a schema or property; the name where it has none."""
        return str(self._annotation(annotated, "title") or name)

    def description(self, annotated: Mapping[str, Any]) -> str:
        """`description` of a schema or property; "" where it has none in this language."""
        return str(self._annotation(annotated, "description") or "")

    def _annotation(self, annotated: Mapping[str, Any], key: str) -> Any:
        plain = annotated.get(key)
        if self.language == "en":
            return plain
        own = annotated.get(f"x-{self.language}", {}).get(key)
        # A title in English is better than a vendor's field name; a text in English is no description here.
        return own or (plain if key == "title" else None)

    @cached_property
    def _territories(self) -> Mapping[str, str]:
        return Locale(self.language).territories
