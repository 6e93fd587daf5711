"""What the officers' pages show of requests that people have sent: nothing that tells who they are."""

from pathlib import Path

import httpx
from console_desk import console
from front_desk import NOW, SECRETS
from served import served

from dsr.web.intake import Desk, create_app
from sandbox.people import populate
from sandbox.tickets.sender import signed, ticket_body


def test_nobody_is_told_by_it(desk: Desk, tmp_path: Path) -> None:
    """Neither by the list, its table and figures, nor by a request's own page; though each request is on them."""
    people = populate(12).people[:6]
    request_ids = []
    with served(create_app(desk)) as url:
        for number, person in enumerate(people):
            body = ticket_body(
                "zendesk", str(77000 + number), email=person.email, name=person.name, phone=person.mobile, at=NOW
            )
            headers, raw = signed("zendesk", body, SECRETS["zendesk"], NOW, f"shown-{number}")
            answer = httpx.post(f"{url}/requests/zendesk", headers=headers, content=raw, timeout=60)
            request_ids.append(answer.json()["request_id"])
    with console(desk.settings.ledger_url, tmp_path, NOW, master_key=desk.settings.master_key) as pages:
        paths = ["requests", "requests.csv", "requests/figures", *(f"run/{request_id}" for request_id in request_ids)]
        answers = [pages.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    found = [answer.text for answer in answers]
    for number, request_id in enumerate(request_ids):
        assert sum(request_id in text for text in found) >= 2, "it is shown"
        assert not [value for value in people[number].identifying() if any(value in text for text in found)]
        assert not any(str(77000 + number) in text for text in found)
