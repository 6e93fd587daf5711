"""The download page tried out by schemathesis: any path, query, form, cookie and origin."""

import httpx
import pytest
import requests
from counter_hall import Clock, Office
from fuzzed import pages, tried

from dsr.web.portal import create_app

PAGES = (200, 303, 304, 400, 403, 404, 405, 413, 416)
FIELDS = ("link", "code", "second")
SHOWN_AGAIN = ("/package", "/confirm", "/number")
"""Where the link that somebody typed stands in the field again."""


def with_a_cookie(request: requests.PreparedRequest) -> None:
    """One that opens nothing, from our own page."""
    request.headers.update({"cookie": "dsr-session=guessed", "sec-fetch-site": "same-origin"})


@pytest.mark.parametrize("examples", [4, pytest.param(150, marks=pytest.mark.thorough)])
def test_nothing_that_is_sent_breaks_it(portal: str, office: Office, clock: Clock, examples: int) -> None:
    routes = list(create_app(office.counter(clock)).app.routes)
    document = pages(routes, PAGES, FIELDS)
    assert tried(document, portal, with_a_cookie, examples, own=SHOWN_AGAIN) >= examples * 8
    office.ledger.verify()


@pytest.mark.parametrize("origin", ["http://[", "http://]", "//", "http://127.0.0.1:99999999", "http://[::1"])
@pytest.mark.parametrize("path", ["/package", "/package/end", "/confirm", "/number"])
def test_an_origin_that_is_none_is_not_ours(portal: str, path: str, origin: str) -> None:
    answer = httpx.post(f"{portal}{path}", data={"link": "x", "code": "y"}, headers={"origin": origin})
    assert answer.status_code == 403
