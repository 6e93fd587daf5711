"""The mark that a restriction leaves on a prospect: a line of its own in the prospect's notes, one for each request.

    [dsr-restricted <request>: dpv:DirectMarketing dpv:Personalisation; set isDoNotEmail 84010001]

Users see it where they work. `set` names what the restriction has changed: fields of the prospect, ids of list
memberships. Lifting undoes that and nothing else; what the person or an employee had set before stays.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_LINE: Final = re.compile(r"\[dsr-restricted ([^\s:\]]+): ([^;\]\r\n]*); set ?([^\]\r\n]*)\]")
_ALL: Final = "all"


@dataclass(frozen=True)
class Mark:
    """One request's. `purposes`: DPV terms, () = all; `changed`: names of fields and ids of memberships."""

    request_id: str
    purposes: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def line(self) -> str:
        """As it stands in the notes."""
        return f"[dsr-restricted {self.request_id}: {' '.join(self.purposes) or _ALL}; set {' '.join(self.changed)}]"


@dataclass(frozen=True)
class Notes:
    """A prospect's notes: the text that isn't ours, and the marks, in their order."""

    text: str
    marks: tuple[Mark, ...]

    @classmethod
    def read(cls, value: str | None) -> "Notes":
        """Taken apart; marks stand at the end, each on a line of its own, but are found wherever they were moved."""
        text, marks = value or "", []
        for found in _LINE.finditer(text):
            purposes = () if found[2] == _ALL else tuple(found[2].split())
            marks.append(Mark(found[1], purposes, tuple(found[3].split())))
        return cls(re.sub(rf"\n?{_LINE.pattern}", "", text), tuple(marks))

    def of(self, request_id: str) -> Mark | None:
        """The mark of that request."""
        return next((mark for mark in self.marks if mark.request_id == request_id), None)

    def marked(self, request_id: str, purposes: Sequence[str], changed: Iterable[str]) -> "Notes":
        """With the request's mark, which names what it had changed before too."""
        before = self.of(request_id)
        both = dict.fromkeys([*(before.changed if before else ()), *changed])
        others = tuple(mark for mark in self.marks if mark.request_id != request_id)
        return Notes(self.text, (*others, Mark(request_id, tuple(purposes), tuple(both))))

    def lifted(self, request_id: str) -> tuple["Notes", tuple[str, ...]]:
        """Without the request's mark, and what is to be undone. While another request restricts the prospect too,
        that is nothing: its mark takes over what was changed."""
        gone = self.of(request_id)
        others = tuple(mark for mark in self.marks if mark.request_id != request_id)
        changed = gone.changed if gone else ()
        if not others:
            return Notes(self.text, ()), changed
        heir = others[-1]
        kept = Mark(heir.request_id, heir.purposes, tuple(dict.fromkeys([*heir.changed, *changed])))
        return Notes(self.text, (*others[:-1], kept)), ()

    @property
    def value(self) -> str | None:
        """As the vendor keeps it; None for nothing."""
        return "\n".join([*([self.text] if self.text else []), *(mark.line for mark in self.marks)]) or None
