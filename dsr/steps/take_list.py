"""take_list: an erasure list becomes a case of its own, and each person on it gets the id that theirs will have.

Nobody is searched for yet: that is the run's, and changes nothing before two officers have agreed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from dsr.casefile import CaseStore
from dsr.erasurelist import ErasureList, Line
from dsr.ledger import Ledger
from dsr.listed import RECEIVED
from dsr.requestid import new_id


def take_list(
    people: Sequence[Mapping[str, str]],
    list_id: str,
    *,
    reason: str,
    by: str,
    at: datetime,
    cases: CaseStore,
    ledger: Ledger,
) -> int:
    """Takes it in; in how many chunks. A list that was taken in stays as it is, so that one which is given again, by
    somebody who saw no answer, is not erased twice: 0 then.

    people  as `listfile.read` gives them; reason: of `erasurelist.REASONS`; by: whose list it is, a code; at: aware
    """
    if any(event.kind == RECEIVED for event in ledger.events(list_id)):
        return 0
    lines = [Line(new_id(), **person) for person in people]
    listed = ErasureList.make(cases.create(list_id), lines, reason=reason, by=by, at=at)
    ledger.append(list_id, RECEIVED, {"people": listed.people, "reason": reason, "by": by}, at=at)
    return listed.chunks
