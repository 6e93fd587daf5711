"""What Art. 19 GDPR covers: of which changes the recipients of the data are to be told."""

from collections.abc import Mapping
from typing import Any, Final

_KINDS: Final[Mapping[str, str]] = {
    "erase": "erasure", "anonymise": "erasure", "rectify": "rectification", "restrict": "restriction",
}  # fmt: skip
"""Effect → what Art. 19 calls for. "keep" and "expire" change nothing that a recipient would have to follow."""
_HAPPENED: Final = ("done", "absent", "scheduled")


def kind_of(outcome: Mapping[str, Any], *, restricting: bool) -> str:
    """ "erasure", "rectification" or "restriction"; "" for what no recipient has to hear of. `outcome`: effect, outcome
    and count of one dataset, as the event `enforced` has them. `restricting`: it was done for a restriction under
    Art. 18; else what is restricted may not be erased yet, or is a stop of marketing alone."""
    happened = outcome.get("outcome") in _HAPPENED and bool(outcome.get("count"))
    kind = _KINDS.get(outcome["effect"], "") if happened else ""
    return "" if kind == "restriction" and not restricting else kind
