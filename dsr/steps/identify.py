"""identify: which records in which system are the person's. Asks all sources in rounds until nothing new appears.

The ticket's e-mail address is the anchor and the only thing of the ticket that leads to a record: a stated phone or
customer number, which anybody can type, is looked up only when a record that surely is theirs carries it too; a
stated name never. The decision itself is `dsr.identity`; systems without look-up are asked by way of the index.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from dsr import provable, review
from dsr.casefile import CaseFile
from dsr.findings import JUDGED_THEIRS, Finding, reasons
from dsr.inquiring import Inquiry, settle
from dsr.judging import with_judgement
from dsr.model import Identifier
from dsr.search import PLANNED, SearchResult, found_as_json
from dsr.source import Declaration, Source
from dsr.subjects import SubjectIndex

_FOLLOWING: Final = (
    "search/", "found/", "shared/", "evidence/", "others/", "collected/", "document", PLANNED, provable.SEARCH,
    *review.FOLLOWING,
)  # fmt: skip
"""What an earlier search and the steps after it left: it answers for other records than this search will find."""


def identify(
    case: CaseFile,
    sources: Mapping[str, Source | None],
    declarations: Sequence[Declaration],
    index: SubjectIndex,
    *,
    at: datetime,
    final: bool,
    side_by_side: bool = True,
    possessed: frozenset[Identifier] = frozenset(),
) -> dict[str, str]:
    """Searches every declared source and keeps, per source, the result (search/<source>) and, when there is one, the
    certain matches (found/<source>), why each record is theirs or doubtful (evidence/<source>) and who else was seen on
    the way (others/<source>, for `dsr.proposing`); status per source, in the order of the declarations.

    All that an earlier search led to is removed first, so that what follows can only work with this one; what a person
    has judged about a doubtful record stays, and counts while the evidence is the same.

    A source that is absent or None is not connected. A permanent failure is recorded as such and the others go on; a
    transient one is raised, since another try may do, unless this is the `final` try: then it is recorded too.
    `side_by_side` and `possessed` as `settle`; which numbers could be proven is kept for `dsr.provable`. A proven
    number leads nowhere when a person has said of a record behind it that it isn't theirs.
    """
    request = case.read_json("request")
    anchor = Identifier("email", unicodedata.normalize("NFC", request["subject"]["email"].strip().lower()))
    for prefix in _FOLLOWING:
        case.remove(prefix)
    inquiries = {
        d.name: Inquiry(source, index, request["request_id"], at)
        for d in declarations
        if (source := sources.get(d.name)) is not None
    }
    search = partial(settle, anchor, inquiries, final=final, side_by_side=side_by_side)
    decision = search(possessed=possessed)
    if denied := provable.denied(
        case, (f for inquiry in inquiries.values() for f in inquiry.evidence(anchor, decision))
    ):
        decision = search(possessed=possessed - denied)
    statuses: dict[str, str] = {}
    doubted: list[Finding] = []
    for declaration in declarations:
        inquiry = inquiries.get(declaration.name)
        result = SearchResult(declaration.name, "not_connected")
        if inquiry is not None:
            findings = [with_judgement(case, finding) for finding in inquiry.evidence(anchor, decision)]
            result = inquiry.result(decision, at, findings)
            doubted += findings
            if findings:
                evidence = {"reasons": reasons(findings), "findings": [finding.as_json() for finding in findings]}
                case.write_json(f"evidence/{declaration.name}", {"source": declaration.name, **evidence})
            if others := inquiry.others(decision):
                case.write_json(f"others/{declaration.name}", others)
            if result.status == "found":
                judged = {(f.dataset, f.record_id) for f in findings if f.verdict == JUDGED_THEIRS}
                case.write_json(f"found/{declaration.name}", found_as_json(inquiry.found(decision, judged)))
                case.write_json(f"shared/{declaration.name}", inquiry.shared(decision, judged))
        case.write_json(f"search/{declaration.name}", result.as_json())
        statuses[declaration.name] = result.status
    provable.keep(case, decision, possessed, doubted)
    return statuses
