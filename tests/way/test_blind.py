"""A system that can't be searched or read, any of them, at any of the two times: nothing is changed anywhere."""

import pytest
from office import SYSTEMS, Office
from running_sandbox import Sandbox
from state import State

from sandbox.invoicing.roles import PASSWORDS

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def breaks(office: Office, system: str) -> None:
    """That system refuses to let us in from now on."""
    if system == "invoicing":
        for role in PASSWORDS:
            office.admin.post("/invoicing/faults", json={"kind": "revoked", "role": role}).raise_for_status()
    else:
        status = 403 if system == "recordings" else 401
        office.admin.post("/faults", json={"system": system, "status": status}).raise_for_status()


def mend(office: Office) -> None:
    """All are sound again."""
    office.admin.delete("/faults").raise_for_status()
    office.admin.delete("/invoicing/faults").raise_for_status()


@pytest.mark.thorough
def test_nothing_is_changed_anywhere(office: Office, way_sandbox: Sandbox) -> None:
    """First while the person is searched for, then while all is read again after the approval; then it goes on."""
    caller = way_sandbox.population.crowd[0]
    before = State.of(office.state())
    request_id = office.ask(caller.email, "erasure")
    for system in SYSTEMS:
        breaks(office, system)
        assert office.finish(request_id).failed["make_plan"] == "plan.incomplete", system
        mend(office)
        office.runner.clear(request_id, "open_case")
    for system in SYSTEMS:
        office.until(request_id, "reread.salesforce")
        breaks(office, system)
        failed = office.finish(request_id).failed
        assert f"reread.{system}" in failed, system
        assert not any(task.startswith("enforce.") for task in failed), system
        mend(office)
        office.runner.clear(request_id, "open_case")
    assert State.of(office.state()) == before
    assert "enforced" not in office.kinds(request_id)
    assert office.finish(request_id).failed == {}
