"""What people decide by, as Markdown for Airflow's page: counts and codes only."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from dsr.source import Connection, Declaration

if TYPE_CHECKING:
    from dsr.transmission import Recipient


def sources_table(case: Any, declarations: Iterable[Declaration]) -> str:
    """One line per source: what came of it."""
    return _table([_row(case, declaration.name) for declaration in declarations])


def register_lines(unsettled: Iterable[Mapping[str, Any]]) -> str:
    """One line per row of the register of processing that is blank in part or unconfirmed; "" when there is none."""
    lines = [f"- `{row['row']}`: {row['words']['en']}" for row in unsettled]
    return "\n".join(["**Register of processing** (see `python -m dsr register check`):", "", *lines]) if lines else ""


def transmission_line(recipient: "Recipient | None", connection: Connection | None) -> str:
    """Where a package would be sent; None = nowhere, since nobody has allowed the recipient that was named."""
    if recipient is None or connection is None:
        return "**Transmission**: the person named a recipient that has no connection here; the ticket will say so."
    where = f"{connection.host}:{connection.port}" if connection.port else connection.host or connection.schema
    return (
        f"**Transmission** on the person's instruction (Art. 20(2)): to {recipient.title}, `{where}`. "
        "Approving the release approves it."
    )


def _row(case: Any, name: str) -> dict[str, Any]:
    """One line of the table that people decide by: counts and codes."""
    search = case.read_json(f"search/{name}") if case.exists(f"search/{name}") else {}
    collected = case.read_json(f"collected/{name}")
    return {
        "system": name,
        "result": collected["status"],
        "code": collected.get("code") or search.get("code") or "",
        "records": sum(collected.get("datasets", {}).values()),
        "attachments": len(collected.get("attachments", ())),
        "withheld": sum(item["count"] for item in collected.get("withheld", ())),
        "doubtful": search.get("doubtful") or 0,
    }


def _table(rows: list[dict[str, Any]]) -> str:
    """Markdown for the page where a person decides."""
    heads = list(rows[0])
    lines = [heads, ["---"] * len(heads), *([str(row[head]) for head in heads] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
