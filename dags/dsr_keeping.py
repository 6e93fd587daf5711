"""Composition root of the upkeep: see `dsr_tasks`."""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, cast

from airflow.sdk import TriggerRule, get_current_context, task

from dsr.errors import PermanentError, TransientError
from dsr.source import IndexedSource
from dsr_coded import coded
from dsr_workplace import Workplace, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dsr.ledger import Event

log = logging.getLogger("dsr")

_OVERLAP: Final = timedelta(days=2)
"""Read again on top of what is new: vendors finish recordings and reports late."""

_KEEP_REQUEST: Final = timedelta(days=30)
"""How long a request that ended without an answer is kept, so that it can be started over."""

_KEEP_DELIVERIES: Final = timedelta(days=30)
_COUNTED: Final = timedelta(days=400)
"""Requests of an address are counted over a year (`dsr.triage.WITHIN`), and some take months to come to their end."""
_DAGS: Final = (
    "dsr_triage", "dsr_access", "dsr_portability", "dsr_erasure", "dsr_rectification", "dsr_restriction",
    "dsr_objection", "dsr_erasure_list",
)  # fmt: skip
_ACTIVE: Final = ["queued", "running"]


@task(retries=0, show_return_value_in_logs=False)
@coded
def watch() -> None:
    """Red while a request without an answer is near the day that is worked by, or past it; the log says which. An
    answer that has not come into its ticket yet is none. See the DAG's documentation for what to do."""
    from dsr.steps import watch as step

    place, at = Workplace(), now()
    day = at.astimezone(place.settings.zone).date()
    within, waiting = place.settings.alarm_days, place.waiting.untold()
    alarms = step.watch(place.ledger, day=day, within=within, at=at, undelivered=waiting)
    for alarm in alarms:
        log.warning("%s %s: %s days left", alarm.request_id, alarm.right, alarm.left)
    if alarms:
        code = "deadline.passed" if any(alarm.passed for alarm in alarms) else "deadline.near"
        raise PermanentError(code, "watch")


@task(show_return_value_in_logs=False)
@coded
def index(source: str) -> None:
    """Reads what is new in a system without look-up into the index; all that can be reached the first time."""
    place, at = Workplace(), now()
    client = place.source(source)
    if client is None:
        log.info("not connected")
        return
    known = place.index.freshness(source)
    since = known - _OVERLAP if known else None
    entries = place.index.put(source, cast(IndexedSource, client).index(since), at)
    log.info("%s entries", entries)


@task(show_return_value_in_logs=False)
@coded
def end_links() -> None:
    """Destroys the case files whose last download link has ended: key first, then the package. One whose ticket has yet
    to get an answer, or an officer to send one, is kept until the person has it."""
    from dsr.standing import unsent

    place, at = Workplace(), now()
    waiting = place.waiting.untold()
    over = [request_id for request_id in place.links.expire(at) if request_id not in waiting]
    ended = [request_id for request_id in over if not unsent(place.ledger.events(request_id))]
    for request_id in ended:
        _destroy(place, request_id)
        place.ledger.append(request_id, "link_expired", at=at)
        place.links.forget(request_id)
    log.info("ended %s", len(ended))


@task(show_return_value_in_logs=False)
@coded
def sweep() -> None:
    """Removes working data that a run left behind, and case files without use: a request that ended unanswered is
    kept for 30 days, so that it can be started over. One in which changes were begun is kept until it is brought to
    its end: nobody else can tell what is still to be done, or taken back. So is one whose ticket has yet to get an
    answer, and whoever is on an erasure list that hasn't ended; a list that nobody has gone on with for so long ends,
    unless it was begun.

    *The ledger knows nothing of* some, in its log: it broke off while they were taken in, so that whoever sent them saw
    an error and sends them again, and they go 30 days after this saw them first; or an older ledger was restored, see
    `python -m dsr store check`: what is more than taken in stays."""
    from dsr.steps import close

    place, at = Workplace(), now()
    staging = forgotten = kept = 0
    unknown = _sweep_unknown(place, at)
    for request_id in place.cases.cases():
        if request_id in unknown or _runs(request_id) or _listed(place, request_id, at):
            continue
        case = place.case(request_id)
        if close.awaited(case):
            kept += 1
            continue
        if any(name.startswith(close.STAGING) for name in case.names()) and close.shred(case):
            place.ledger.append(request_id, "shredded", {"outcome": "swept"}, at=at)
            staging += 1
        if not case.exists("package") and not place.undelivered(case) and _is_old(place.ledger.events(request_id), at):
            case.close()
            place.ledger.append(request_id, "closed", {"outcome": "ended"}, at=at)
            forgotten += 1
    place.deliveries.forget(at - _KEEP_DELIVERIES)
    place.requesters.forget(at - _COUNTED)
    _forget_visits(place, at)
    removed = (staging, forgotten, place.cases.sweep(at))
    log.info("removed working data of %s, cases %s, remains %s; kept %s with changes begun", *removed, kept)


@task(show_return_value_in_logs=False)
@coded
def end_retention(source: str) -> None:
    """Erases in this source what a law, a legal hold or a lock kept when an erasure was carried out, once nothing keeps
    it any more; notes the new day of what is still kept.

    **Red**, `retention.needs_person`: its log says of which requests, how many records and why; all others were done.
    `refused`: they, or parts of them, are not surely what was approved; `unseen`: nothing leads to them; `left`: the
    system didn't erase them; `unclear`: a law keeps them, and the register or a field doesn't say until when;
    `by_hand`: no API can; a code: what stopped that request (`replay.approval`: the ledger doesn't say who approved it;
    `retained.tampered`: somebody changed the table). The next night looks again; `python -m dsr retained` shows them
    all and takes a person's word. **Up for retry**: the system was down. `http.401`: renew `dsr_<source>_write`.
    """
    from functools import partial

    from dsr.assessing import Law
    from dsr.reapproval import erased_under
    from dsr.steps import assess
    from dsr.steps import end_retention as step

    place, at, zone = Workplace(), now(), Workplace().settings.zone
    if not place.retained.requests(source, at.astimezone(zone).date()):
        log.info("nothing is due")
        return
    law, holds = Law(assess.plan_rows, assess.bonds_of), place.holds.in_force(at.astimezone(zone).date())
    stores = step.Stores(place.retained, place.erasures, place.ledger, partial(erased_under, place.ledger))
    client, _ = place.acting(source)
    again, persons = "", False
    for ended in step.end_retention(client, stores, step.Today(at, zone, law, place.register, holds)):
        log.info("%s: %s%s", ended.request_id, dict(ended.counts), f" {ended.failed}" if ended.failed else "")
        again, persons = (ended.failed if ended.again else again), persons or ended.needs_person
    if again:
        raise TransientError(again, source)
    if persons:
        raise PermanentError("retention.needs_person", source)


@task(trigger_rule=TriggerRule.ONE_FAILED, retries=0, show_return_value_in_logs=False)
@coded
def needs_person() -> None:
    """Is red when an *end_retention* is, so that the night's run is too: others may have gone on after it."""
    raise PermanentError("retention.needs_person", "upkeep")


def _destroy(place: Workplace, request_id: str) -> None:
    if request_id in place.cases.cases():
        place.case(request_id).close()


def _sweep_unknown(place: Workplace, at: datetime) -> list[str]:
    """The cases of which the ledger knows nothing. Those that hold no more than what taking in writes are destroyed in
    time; any other is a person's, as after an older ledger was restored."""
    from dsr import interrupted

    unknown = [case_id for case_id in place.cases.cases() if not place.ledger.events(case_id)]
    destroyed = [case_id for case_id in unknown if not _runs(case_id) and interrupted.ended(place.case(case_id), at)]
    for case_id in destroyed:
        _destroy(place, case_id)
    if unknown:
        log.warning("the ledger knows nothing of %s; destroyed of them: %s", unknown, destroyed)
    return unknown


def _listed(place: Workplace, case_id: str, at: datetime) -> bool:
    """Whether it is an erasure list's, which has cases of its own way: the list itself, or somebody on it."""
    from dsr.erasurelist import ErasureList
    from dsr_list_chunks import destroy, end

    events = place.ledger.events(case_id)
    first = events[0].kind if events else ""
    if first == "listed" and any(event.kind == "closed" for event in events):
        destroy(place, case_id)
    elif first == "list_received" and events[-1].at < at - _KEEP_REQUEST:
        case = place.case(case_id)
        if not case.exists("begun"):
            end(place, ErasureList(case))
    return first in ("listed", "list_received")


def _runs(request_id: str) -> bool:
    """Whether a run of that request is queued, running or waits for a person."""
    count = get_current_context()["ti"].get_dr_count
    return any(count(dag_id=dag_id, run_ids=[request_id], states=_ACTIVE) for dag_id in _DAGS)


def _is_old(events: "Sequence[Event]", at: datetime) -> bool:
    """Whether nothing has happened to it for so long since it was started."""
    started = any(event.kind == "run_started" for event in events)
    return started and events[-1].at < at - _KEEP_REQUEST


def _forget_visits(place: Workplace, at: datetime) -> None:
    """Drops what is known of sign-ins that have expired: ID tokens, the download page's sessions and attempts."""
    from dsr import idtoken
    from dsr.allowances import Allowances
    from dsr.sessions import Sessions
    from dsr.settings import subkey

    limits, key = place.settings.portal, subkey(place.settings.master_key, "allowances")
    idtoken.forget(place.engine, at)
    Sessions(place.engine, limits.session).forget(at)
    Allowances(place.engine, key, limits.attempts, limits.within).forget(at)
