"""Composition root of what recipients are told (Art. 19): at once, again, and when a restriction has ended."""

import logging

from airflow.sdk import task

import dsr_changing as changing
from dsr_coded import coded
from dsr_retries import DELIVERY_RETRIES, ENFORCE_RETRIES, is_last_try
from dsr_tasks import this_request
from dsr_workplace import Workplace

log = logging.getLogger("dsr")


@task(retries=DELIVERY_RETRIES, show_return_value_in_logs=False)
@coded
def notify() -> None:
    """Tells every recipient that got the data (Art. 19): over OpenDSR, with signed receipts, or by mail; each once.
    One that can't be told is put down, named in the answer, and left to *tell_untold*."""
    place = Workplace()
    told = changing.notify(place, this_request(place), final=is_last_try())
    log.info("told %s, failed %s", len(told.told), len(told.failed))


@task(retries=ENFORCE_RETRIES, show_return_value_in_logs=False)
@coded
def follow_notices() -> None:
    """Asks the recipients that were told over OpenDSR what became of it, each by itself, beside the answer, which
    doesn't wait for it.

    **Up for retry** with `notice.pending`: one of them hasn't acted yet, and is asked again for weeks; no slot is held.
    With `notice.failed`: that too, and another one is a person's. **Red**, `notice.failed`: the log names recipients
    with a code. `notice.cancelled`: they don't do it: ask them why, then mark the task as success. Any other: their
    answer proves nothing; mend the connection, or ask them, and clear the task.
    """
    from dsr.steps import notify as step

    place = Workplace()
    found = step.follow(changing.telling(place, this_request(place)), place.register)
    log.info("told %s, failed %s", len(found.told), len(found.failed))


@task(retries=ENFORCE_RETRIES, show_return_value_in_logs=False)
@coded
def tell_untold() -> None:
    """Tells the recipients that *notify* could not tell, beside the answer; nothing to do where it told all.

    **Up for retry**: they can't be reached now, or were told at last and haven't acted yet. **Red**, `notice.failed`:
    the log names recipients with a code. `notice.unsettled`, `connection.…`, `http.401`, `address.invalid`,
    `recipient.absent`: mend the register or the connection, then clear the task. `identity.absent`: no address is
    surely the person's alone; `notice.unsupported`: the endpoint doesn't take that kind: tell the recipient by other
    means, then mark the task as success.
    """
    _tell_again(ends=False)


@task(retries=ENFORCE_RETRIES, show_return_value_in_logs=False)
@coded
def tell_lifted() -> None:
    """Tells every recipient that was told of the restriction that it is lifted, by mail; each once.

    **Up for retry**: the mail server is down. **Red**, `notice.failed`: the log names recipients with a code.
    `notice.by_hand`: they are told over OpenDSR, which has no words for it: name an address in `recipients.yaml` (`to`)
    and clear the task, or tell them by other means and mark it as success. Others as for *tell_untold*.
    """
    _tell_again(ends=True)


def _tell_again(*, ends: bool) -> None:
    from dsr.steps import notify as step

    place = Workplace()
    found = step.tell_again(
        changing.telling(place, this_request(place)), place.register, ends=ends, final=is_last_try()
    )
    log.info("told %s, failed %s", len(found.told), len(found.failed))
