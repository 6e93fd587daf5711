"""Terms of the Data Privacy Vocabulary (DPV) 2.3 that the project uses: `dpv-2.3.csv` in the register's folder.

Columns iri, type, label and broader are the W3C group's own; label_sv is a translation of ours, "" where nobody reads
the term. Terms are written short: `pd:Name` is https://w3id.org/dpv/pd#Name.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dsr.register.nouns import Words

PREFIXES: Final = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "just": "https://w3id.org/dpv/justifications#",
}
COLUMNS: Final = ("iri", "type", "label", "broader", "label_sv")


@dataclass(frozen=True)
class Term:
    """A term. type: class or property; broader: IRIs of the terms right above it."""

    iri: str
    type: str
    label: str
    broader: tuple[str, ...]
    label_sv: str


class Terms:
    """The terms by their short names."""

    def __init__(self, terms: Mapping[str, Term]) -> None:
        self._terms = dict(terms)

    @classmethod
    def parse(cls, text: str) -> "Terms":
        """From the CSV's text. ValueError with words for a person when it isn't one."""
        reader = csv.DictReader(io.StringIO(text), restkey="", strict=True)
        terms = {}
        try:
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ValueError(f"the columns must be {', '.join(COLUMNS)}")
            for row in reader:
                if "" in row or None in row.values():
                    raise ValueError(f"line {reader.line_num} has not {len(COLUMNS)} columns")
                broader = tuple(part for part in row["broader"].split(";") if part)
                terms[_short(row["iri"])] = Term(row["iri"], row["type"], row["label"], broader, row["label_sv"])
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}") from None
        return cls(terms)

    def __contains__(self, term: object) -> bool:
        return term in self._terms

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms)

    def __getitem__(self, term: str) -> Term:
        return self._terms[term]

    def words(self, term: str) -> Words:
        """What a term is called. The term itself when it isn't one: `check` reports that, and a name is not made up."""
        known = self._terms.get(term)
        if known is None:
            return {"sv": term, "en": term}
        return {"sv": known.label_sv or known.label, "en": known.label}


def _short(iri: str) -> str:
    for prefix, start in PREFIXES.items():
        name = iri.removeprefix(start)
        if name != iri:
            return f"{prefix}:{name}"
    raise ValueError(f"{iri} is in no vocabulary of {', '.join(PREFIXES)}")
