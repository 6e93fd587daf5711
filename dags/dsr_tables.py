"""What people decide by, as Markdown for Airflow's page: counts and codes only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dsr.errors import PermanentError
from dsr.source import Declaration

if TYPE_CHECKING:
    from dsr_recipients import Allowed


def sources_table(case: Any, declarations: Iterable[Declaration]) -> str:
    """One line per source: what came of it."""
    return _table([_row(case, declaration.name) for declaration in declarations])


def register_lines(unsettled: Iterable[Mapping[str, Any]]) -> str:
    """One line per row of the register of processing that is blank in part or unconfirmed; "" when there is none."""
    lines = [f"- `{row['row']}`: {row['words']['en']}" for row in unsettled]
    return "\n".join(["**Register of processing** (see `python -m dsr register check`):", "", *lines]) if lines else ""


def contact_line(case: Any, declarations: Sequence[Declaration], at: datetime) -> str:
    """That the address which the link would go to may be the work of whoever asks; "" when it isn't new."""
    from dsr.contact import changed_lately

    if not changed_lately(case, declarations, at):
        return ""
    return (
        "**Contact**: an address of theirs was changed within the last 30 days, perhaps by whoever asks now. Make sure "
        "who asks, by an older contact, before you approve: the link goes to the address on file."
    )


def reviewed_line(case: Any) -> str:
    """What the review came to: "" when there was nothing to look at."""
    from dsr import review
    from dsr.review import Concluded

    total, verdicts = len(review.entries(case)), Concluded.load(case).verdicts.values()
    if not total:
        return ""
    counts = {name: sum(v.verdict == name for v in verdicts) for name in review.VERDICTS}
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    left = total - len(verdicts)
    rest = f"; **{left} nobody has looked at stay out, and the ticket stays open for them**" if left else ""
    return f"**Review** of {total} texts and files: {listed}{rest}."


def doubts_line(case: Any) -> str:
    """How the doubtful records stand; "" when there is none."""
    from dsr import judging

    doubts, by = judging.doubts(case), judging.judges(case)
    lines = []
    if doubts.open or doubts.waiting:
        decided = f"; **{doubts.waiting} decided since: only another plan goes by it**" if doubts.waiting else ""
        lines.append(f"**Doubtful records**: {doubts.open} open on the tab *Review*{decided}.")
    if by:
        named = ", ".join(sorted(by))
        lines.append(f"**Some records are theirs by a person's word** ({named}): who gave it can't approve.")
    return "\n\n".join(lines)


def transmission_line(recipient: "Allowed | None") -> str:
    """Where a copy would be sent; None = nowhere, since nobody has allowed the recipient that was named."""
    if recipient is None:
        return "**Transmission**: the person named a recipient that has no connection here; the ticket will say so."
    try:
        title = recipient.client().title
    except PermanentError as error:
        return (
            f"**Transmission**: the connection `dsr_recipient_{recipient.key}` can't be used (`{error.code}`), so "
            "nothing is sent there and the ticket will say so. To send it, mend the connection and clear *compose* "
            "with all downstream before you decide."
        )
    return (
        f"**Transmission** on the person's instruction (Art. 20(2)): to {title}, `{recipient.where}`. "
        "Approving the release approves it."
    )


def _row(case: Any, name: str) -> dict[str, Any]:
    """One line of the table that people decide by: counts and codes."""
    search = case.read_json(f"search/{name}") if case.exists(f"search/{name}") else {}
    collected = case.read_json(f"collected/{name}")
    reasons = case.read_json(f"evidence/{name}")["reasons"] if case.exists(f"evidence/{name}") else {}
    return {
        "system": name,
        "result": collected["status"],
        "code": collected.get("code") or search.get("code") or "",
        "records": sum(collected.get("datasets", {}).values()),
        "attachments": len(collected.get("attachments", ())),
        "withheld": sum(item["count"] for item in collected.get("withheld", ())),
        "doubtful": search.get("doubtful") or 0,
        "why doubtful": ", ".join(f"{code} {count}" for code, count in reasons.items()),
    }


def _table(rows: list[dict[str, Any]]) -> str:
    """Markdown for the page where a person decides."""
    heads = list(rows[0])
    lines = [heads, ["---"] * len(heads), *([str(row[head]) for head in heads] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
