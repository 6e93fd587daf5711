"""Whether rows still carry what identifies a person: addresses, numbers, their full name."""

import re
from collections.abc import Iterable
from functools import reduce
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from dsr.evidence import name_of
from dsr.model import Identifier, Match
from dsr.schema import SOURCE_ID

_BETWEEN: Final = "[^0-9A-Za-z]{0,3}"
"""What may stand between two digits of a number as people write it."""
_DIGITS: Final = 8
"""So many digits at a number's end are the same however its start is written."""


class Traces:
    """What to look for: all addresses and numbers of a person, and their names where they have two words or more."""

    def __init__(self, identifiers: Iterable[Identifier], matches: Iterable[Match]) -> None:
        known = sorted(identifiers)
        self._texts = [i.value for i in known if i.kind == "email"]
        self._numbers = [_pattern(i.value) for i in known if i.kind == "phone"]
        names = {tuple(match.person.replace(",", " ").split()) for match in matches if len(name_of(match.person)) > 1}
        self._names = sorted(names)

    def carried(self, batch: pa.RecordBatch) -> pa.Array:
        """Per row, whether any text of it holds one of them. The record's own id doesn't count."""
        texts = [
            batch.column(field.name)
            for field in batch.schema
            if pa.types.is_string(field.type) and field.name != SOURCE_ID
        ]
        found = pa.array([False] * batch.num_rows, pa.bool_())
        if not texts:
            return found
        whole = pc.binary_join_element_wise(*texts, "\n", null_handling="skip")
        masks = [_holds(whole, text) for text in self._texts]
        masks += [pc.match_substring_regex(whole, pattern) for pattern in self._numbers]
        masks += [reduce(pc.and_, (_holds(whole, word) for word in name)) for name in self._names]
        return reduce(pc.or_, masks, found)


def _holds(texts: pa.Array, text: str) -> pa.Array:
    return pc.match_substring(texts, text, ignore_case=True)


def _pattern(number: str) -> str:
    digits = re.sub(r"[^0-9]", "", number)[-_DIGITS:]
    return _BETWEEN.join(digits)
