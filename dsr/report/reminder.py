"""What reminds the privacy team of open requests: ids, rights and days, nothing of anybody's."""

from collections.abc import Sequence

from dsr.report.letters import render
from dsr.settings import Settings
from dsr.steps.watch import OVERDUE, Reminder


def reminder(due: Sequence[Reminder], settings: Settings) -> tuple[str, str]:
    """(subject, HTML) of one mail about all of them, at least one, in English as all that officers see."""
    overdue = sum(one.before == OVERDUE for one in due)
    near = len(due) - overdue
    parts = [f"{overdue} overdue"] if overdue else []
    parts += [f"{near} due soon"] if near else []
    subject = f"Requests about personal data: {', '.join(parts)}"
    return subject, render("reminder.html.j2", due=due, subject=subject, settings=settings, overdue=OVERDUE)
