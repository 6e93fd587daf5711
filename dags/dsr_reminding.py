"""Reminders of days by which answers are due, through Airflow's own notifier: see `dsr_tasks`."""

import logging
import smtplib
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowException

from dsr.errors import PermanentError, TransientError
from dsr_coded import coded
from dsr_workplace import Workplace, now

if TYPE_CHECKING:
    from dsr.settings import Settings

log = logging.getLogger("dsr")

_PLACE: Final = "mail"
_CONNECTION: Final = "dsr_mail"


@task(show_return_value_in_logs=False)
@coded
def remind() -> None:
    """Mails the privacy team (DSR_REMIND_TO) which requests have come to one of the distances of DSR_REMIND_DAYS, or
    are overdue, one mail for all; then the ledger says of each that it was reminded of.

    **Up for retry**: the mail server is down; nothing is noted. **Red**: it refuses the addresses or the sign-in.
    """
    from dsr.report.reminder import reminder
    from dsr.steps import watch as step

    place, at = Workplace(), now()
    settings = place.settings
    day = at.astimezone(settings.zone).date()
    due = step.reminders(place.ledger, day=day, distances=settings.remind_days, undelivered=place.waiting.untold())
    if not settings.remind_to:
        log.info("%s reminders are due, and DSR_REMIND_TO names nobody", len(due))
        return
    if due:
        subject, page = reminder(due, settings)
        notify(subject, page, settings, get_current_context())
    for one in due:
        step.remind(place.ledger, one, at=at)
    log.info("reminded of %s", len(due))


def notify(subject: str, page: str, settings: "Settings", context: Any) -> None:
    """Sends a page of HTML to DSR_REMIND_TO through the connection `dsr_mail`; coded errors as `dsr.post` has them.

    `notify` itself and not the notifier as a callback: a callback's failure is only logged, and a reminder that nobody
    got must not be noted as given.
    """
    notifier = SmtpNotifier(
        to=list(settings.remind_to),
        from_email=settings.mail_from,
        subject=subject,
        html_content=page,
        mime_subtype="alternative",
        custom_headers={"Auto-Submitted": "auto-generated", "Content-Language": "en"},
        smtp_conn_id=_CONNECTION,
    )
    try:
        notifier.notify(context)
    except smtplib.SMTPRecipientsRefused as error:
        raise _reply(max(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPResponseException as error:
        raise _reply(error.smtp_code) from None
    except (smtplib.SMTPException, AirflowException, OSError):
        raise TransientError("connection.failed", _PLACE) from None


def _reply(code: int) -> PermanentError | TransientError:
    kind = PermanentError if code in range(500, 600) else TransientError
    return kind(f"smtp.{code}", _PLACE)
