"""The steps that change systems, called for a request with what there is at the workplace: by the tasks of a request,
and for everybody on an erasure list."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dsr_permission import permission
from dsr_retries import ENFORCE_AGAIN
from dsr_workplace import DECLARATIONS, Workplace, now

if TYPE_CHECKING:
    from dsr.enforced import Enforced
    from dsr.notices.telling import Telling
    from dsr.source import Declaration, Source
    from dsr.steps.notify import Notified
    from dsr.steps.verify import Verified


def enforce(place: Workplace, request_id: str, client: "Source", declaration: "Declaration") -> "Enforced":
    """Does what was approved in one source; see `dsr.steps.enforce`."""
    from dsr.steps import assess
    from dsr.steps import enforce as step

    case, at = place.case(request_id), now()
    return step.enforce(
        case,
        client,
        declaration,
        permission(place, case, at),
        holds=place.holds.in_force(at.astimezone(place.settings.zone).date()),
        ledger=place.ledger,
        erasures=place.erasures,
        at=at,
        corrections_of=assess.corrections_of,
        again=ENFORCE_AGAIN,
    )


def verify(place: Workplace, request_id: str, sources: "Mapping[str, Source | None]") -> "tuple[Verified, int]":
    """What was seen, and how many records are noted as kept for now; see `dsr.steps.verify` and `retain`."""
    from dsr.steps import assess, retain
    from dsr.steps import verify as step

    case, at = place.case(request_id), now()
    verified = step.verify(
        case,
        sources,
        DECLARATIONS,
        place.index,
        ledger=place.ledger,
        erasures=place.erasures,
        at=at,
        corrections_of=assess.corrections_of,
    )
    kept = retain.retain(case, sources, DECLARATIONS, retained=place.retained, holds=place.holds, at=at)
    return verified, kept


def notify(place: Workplace, request_id: str, *, final: bool) -> "Notified":
    """Tells the recipients what was changed; see `dsr.steps.notify`."""
    from dsr.enforced import Progress
    from dsr.steps import notify as step

    case = place.case(request_id)
    done = [Progress.load(case, d.name).enforced(request_id) for d in DECLARATIONS]
    outcomes = [outcome for source in done for outcome in source.outcomes]
    to = telling(place, request_id)
    return step.notify(to, place.register, declarations=DECLARATIONS, outcomes=outcomes, final=final)


def telling(place: Workplace, request_id: str) -> "Telling":
    """What it takes to tell recipients; nothing is opened before it is used."""
    from dsr.notices.telling import Telling

    return Telling(
        place.case(request_id),
        send_mail=lambda message: place.send_mail(message),
        opendsr=place.opendsr,
        ledger=place.ledger,
        at=now(),
        settings=place.settings,
        away=place.opendsr.away,
    )
