"""Where a person has looked at what others may be spoken of in: the end of the review, which happens on a page of its
own (`dsr.web.review`)."""

from typing import Any, Final

from airflow.sdk import TriggerRule

from dsr_coded import Coded
from dsr_collecting import combine_case
from dsr_decisions import STOP, AskedAgain, Asks, asking, note, read_again, who
from dsr_numbers import ask_number, number_line, waiting
from dsr_tasks import this_request
from dsr_workplace import Workplace

REVIEWED: Final = "All is reviewed"
WITHOUT_REST: Final = "Without what is not reviewed"
_WITHOUT: Final = ("release_without", "without_what_is_not_reviewed")
"""Choices that say to go on without something, as the ledger has them."""


class NotReviewed(AskedAgain):
    """Something is left to look at: asked again."""


class Review(Asks):
    """Other people may be spoken of in texts and files of this answer (Art. 15(4) GDPR), and some records may be theirs
    or somebody else's. Nothing of it leaves before a person has looked: on the tab **Review** of this run (or at
    `/dsr-console/review/<run id>`) release each text and file, mask parts of it, or withhold it; say of each record
    whose it is. Then answer here.

    - **All is reviewed**: the package is made as was decided there. Not accepted while something is open.
    - **Without what is not reviewed**: the package is made without the rest, and says so. Choose it when the month
      won't do; what is left can follow.
    - **Stop**: no package. The request stays open in the ticket system; working data is shredded.

    Records that were said to be theirs are fetched first; then this asks again, with what is in them. So is what hangs
    on a number whose phone the person has shown to hold meanwhile, by a code in a text message. Where decisions
    need four eyes, who said so can't answer here. Where there is nothing to look at, this goes on by itself.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            subject="Is everything reviewed that others may be spoken of in?",
            options=[REVIEWED, WITHOUT_REST, STOP],
            options_mapping={REVIEWED: "compose", WITHOUT_REST: "compose", STOP: "shred"},
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
            **asking(self, "", who_may=("DSR_REVIEWERS", "DSR_OFFICERS")),
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        """Asks, unless nothing is to be looked at or the review is over."""
        from dsr import judging, review

        with Coded():
            request_id = this_request(place := Workplace())
            case = place.case(request_id)
            settled = judging.doubts(case) == judging.Doubts(0, 0) and not _missing(place, request_id)
            if case.exists(review.CONCLUDED) and settled:
                return self.do_branch(context, [_next(case)])
            ask_number(place, request_id)
            self.body = f"{_standing(place, request_id)}\n\n{self.body}"
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """The reviewer has answered."""
        if "error" in event:
            return super().execute_complete(context, event)
        with Coded():
            request_id = this_request(place := Workplace())
            if event["chosen_options"][0] == STOP:
                note("review", event, {})
                return super().execute_complete(context, event)
            _conclude(place, request_id, event)
            following = _next(place.case(request_id))
        return self.do_branch(context, [following])


def _standing(place: Workplace, request_id: str) -> str:
    """What the reviewer sees of it: counts and codes."""
    from dsr import judging, reviewing

    case = place.case(request_id)
    found, doubts = reviewing.progress(case, four_eyes=place.settings.review_four_eyes), judging.doubts(case)
    lines = [f"**{found.items}** texts and files to look at, **{found.open}** open."]
    if found.unseconded:
        lines.append(f"**{found.unseconded}** need a second look.")
    if doubts.open:
        lines.append(f"Records that may be theirs: **{doubts.open}** open.")
    lines.append(number_line(place, request_id, "*All is reviewed* searches again first"))
    if missing := _missing(place, request_id):
        lines.append(f"**Missing, or not confirmed: {', '.join(missing)}.** *All is reviewed* tries them again first.")
    return " ".join(filter(None, lines))


def _next(case: Any) -> str:
    """Where nothing surely is theirs after all, there is no package to make."""
    found = any(case.read_json(name)["status"] == "found" for name in case.names("search/"))
    return "compose" if found else "answer_unfound"


def _missing(place: Workplace, request_id: str) -> list[str]:
    """Systems that could not be read and rows of the register that nobody confirmed, but for those without which a
    person has said to go on."""
    from dsr.steps import combine

    case = place.case(request_id)
    said = [e.detail for e in place.ledger.events(request_id) if e.kind == "decision"]
    accepted = {name for d in said if d["choice"] in _WITHOUT for name in (*d.get("sources", ()), *d.get("rows", ()))}
    open_ones = [*combine.incomplete(case), *(row["row"] for row in combine.unsettled(case))]
    return [name for name in open_ones if name not in accepted]


def _conclude(place: Workplace, request_id: str, event: dict[str, Any]) -> None:
    """NotReviewed when the answer can't stand: something is open, missing, or to be ended by somebody else."""
    without_rest = event["chosen_options"][0] == WITHOUT_REST
    _apply(place, request_id)
    missing = _missing(place, request_id)
    if missing and not without_rest:
        raise NotReviewed("incomplete", "review")
    with place.alone(request_id):
        counts = _end(place, request_id, by=who(event), without_rest=without_rest)
    note("review", event, {**counts, **({"sources": missing} if missing else {})})


def _apply(place: Workplace, request_id: str) -> None:
    """What was said of doubtful records, phones that they have shown to hold, and what could not be read: searched and
    read again where that is needed."""
    from dsr import judging

    case = place.case(request_id)
    doubts = judging.doubts(case)
    if doubts.waiting or waiting(place, request_id) or _missing(place, request_id):
        read_again(place, request_id)
    elif doubts.dismissed:
        judging.dismiss(case)
    else:
        return
    combine_case(place, request_id)


def _end(place: Workplace, request_id: str, *, by: str, without_rest: bool) -> dict[str, int]:
    from dsr import judging, reviewing
    from dsr.errors import PermanentError

    case, four_eyes = place.case(request_id), place.settings.review_four_eyes
    doubts = judging.doubts(case)
    if doubts.waiting or (doubts.open and not without_rest):
        raise NotReviewed("records.open", "review")
    if four_eyes and by in judging.judges(case):
        raise NotReviewed("review.same_person", "review")
    try:
        counts = reviewing.conclude(case, by=by, four_eyes=four_eyes, without_rest=without_rest)
    except PermanentError as error:
        if error.code != "review.open":
            raise
        raise NotReviewed("review.open", "review") from None
    return {**counts, "doubtful": doubts.open}
