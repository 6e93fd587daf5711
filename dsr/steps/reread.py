"""reread: after the approval, and before any system is written to, every system is asked and read once more.

What it reads is what `enforce` compares with the plan and acts on. All systems are read before the first is changed,
since what is done in one shows in others (Account Engagement follows the CRM), and since a system that can't be read
any more must stop the others too. Once a system was written to, the readings stand.
"""

from datetime import datetime

from dsr import rounds, rows
from dsr.carried import planned_found
from dsr.casefile import CaseFile
from dsr.enforced import Progress
from dsr.errors import PermanentError
from dsr.model import Found
from dsr.plan import read
from dsr.rereading import Reading, find_again, known_identifiers, narrowed, read_again
from dsr.source import Declaration, Source


def reread(case: CaseFile, source: Source, declaration: Declaration, *, at: datetime) -> int:
    """Finds the certain records of a source again and reads them; how many rows. Nothing was found there = 0, without
    a call. Called again it reads anew, unless a system was written to in this round: then the reading stays that was
    taken before. PermanentError("plan.absent") without a plan, ("reread.lost") when the source was written to and its
    reading is gone; errors of the source are passed on."""
    name, planned = declaration.name, read(case)
    kept, begun = Reading.load(case, name), Progress.load(case, name).begun_at
    if begun and kept is None:
        # What our own doing has left would be taken for what there was.
        raise PermanentError("reread.lost", name)
    if kept is not None and (begun or rounds.written(case, planned.order)):
        return kept.count
    before = planned_found(case, name)
    now = Found(name)
    if before.matches:
        now = find_again(source, case.case_id, known_identifiers(declaration, before.matches))
    found = narrowed(now, before)
    keys = {(m.dataset, m.record_id) for m in found.matches}
    answers = Found(name, tuple(m for m in now.matches if (m.dataset, m.record_id) in keys))
    case.remove(Reading.place(name))
    case.remove(rows.folder(f"{name}.changed"))
    reading = Reading(name, planned.digest, at, found, answers, read_again(case, source, found, f"{name}.fresh"))
    reading.save(case)
    return reading.count
