"""What the person provided, for themselves and for another controller, through a real Airflow; and what stops it."""

import hashlib
import io
import json
import re
import zipfile
from pathlib import Path

import httpx
import pytest
from observed import Observed

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

_ROW = "crm"


@pytest.mark.thorough
def test_the_subset_goes_to_the_person_and_to_the_other_controller(stack: Observed, tmp_path: Path) -> None:
    """The same records, but to the other controller nothing of what is not among them; the officer reads where it goes
    before approving, the ticket gets the receipt."""
    portability = stack.of("portability")
    request_id = portability.ask(stack.population.canary.email, "T-take-along", transmit_to="example")
    decision = portability.decision(request_id)
    assert decision["task_id"] == "release"
    assert "Exempelmottagaren AB" in decision["body"]
    portability.decide(request_id, "release", "Approve")
    assert portability.end(request_id) == "success"
    package = portability.download(request_id, tmp_path / "package.zip")
    with zipfile.ZipFile(package) as archive:
        decisions = json.loads(archive.read("decisions.json"))
        names = archive.namelist()
    assert {entry["reason"] for entry in decisions["excluded"]} >= {"not_consent_or_contract", "derived"}
    assert not [name for name in names if "pardot_lifecycle_history" in name]
    (release,) = (
        e.detail for e in stack.events(request_id) if e.kind == "decision" and e.detail["choice"] == "approve"
    )
    assert release["sha256"] == hashlib.sha256(package.read_bytes()).hexdigest()
    digest = release["transmit_sha256"]
    received = _received(stack, digest)
    with zipfile.ZipFile(io.BytesIO(received)) as archive:
        there, empty = archive.namelist(), json.loads(archive.read("decisions.json"))
    data = {name for name in names if name.startswith("data/")}
    assert data == {name for name in there if name.startswith("data/")}
    assert not any(empty[part] for part in ("excluded", "withheld", "doubtful", "invalid"))
    assert not {"index.html", "processing-information.json"} & set(there)
    sent = [event.detail for event in stack.events(request_id) if event.kind == "transmitted"]
    assert [(event["recipient"], event["sha256"]) for event in sent] == [("example", digest)]
    answers = stack.requester.answers(request_id)
    assert [answer["closed"] for answer in answers] == [False, True]
    assert digest in answers[-1]["text"]


def _received(stack: Observed, digest: str) -> bytes:
    """The bytes of that SHA-256 at the other controller."""
    with httpx.Client(base_url=stack.running.endpoints["admin"], trust_env=False) as admin:
        (upload,) = (u for u in admin.get("/receiver/uploads").json() if u["sha256"] == digest)
        return admin.get(f"/receiver/uploads/{upload['id']}/content").content


@pytest.mark.thorough
def test_a_recipient_that_nobody_allowed_gets_nothing_and_the_person_is_told(stack: Observed) -> None:
    portability = stack.of("portability")
    request_id = portability.ask(stack.population.canary.email, "T-take-where", transmit_to="nobody-knows")
    assert "no connection" in portability.decision(request_id)["body"]
    portability.decide(request_id, "release", "Approve")
    assert portability.end(request_id) == "success"
    assert "transmitted" not in stack.kinds(request_id)
    assert stack.requester.answers(request_id)[-1]["closed"]
    for log in (stack.running.folder / "logs").glob("*.log"):
        assert "nobody-knows" not in log.read_text(encoding="utf-8", errors="replace"), log.name


@pytest.mark.thorough
def test_an_unconfirmed_row_of_the_register_stops_at_a_person_who_alone_may_release(stack: Observed) -> None:
    """Once somebody has confirmed it, another try goes on. Only the officer may decide: neither the webhook's own user
    nor an administrator can release what came in."""
    folder = stack.running.folder / "register"
    path = folder / "activities" / f"{_ROW}.yaml"
    confirmed = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^confirmed:.*$", "confirmed:", confirmed), encoding="utf-8")
    try:
        request_id = stack.ask(stack.population.canary.email, "T-unconfirmed")
        decision = stack.decision(request_id)
        assert decision["task_id"] == "decide_incomplete"
        assert f"`{_ROW}`" in decision["body"]
    finally:
        path.write_text(confirmed, encoding="utf-8")
    stack.decide(request_id, "decide_incomplete", "Try again")
    assert stack.decision(request_id)["task_id"] == "release"
    for user in ("intake", "engineer"):
        with pytest.raises(httpx.HTTPStatusError, match="403"):
            stack.user(user).answer(stack.dag, request_id, "release", "Approve")
    stack.decide(request_id, "release", "Reject")
    assert stack.end(request_id) == "success"
    noted = [event.detail for event in stack.events(request_id) if event.kind == "decision"]
    seen = [(entry["decision"], entry.get("rows")) for entry in noted]
    assert seen == [("incomplete", [_ROW]), ("review", None), ("release", None)]
