"""The officers' pages tried out by schemathesis: any path, query and form, as an officer, as a viewer and as nobody."""

from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest
import requests
from console_desk import USERS, console
from fuzzed import pages, tried

from dsr.web.console import create_app

PAGES = (200, 303, 304, 400, 401, 403, 404, 405, 409, 413, 422)
FIELDS = ("token", "kind", "choice", "reason", "link", "code")


@pytest.mark.parametrize("examples", [3, pytest.param(120, marks=pytest.mark.thorough)])
def test_nothing_that_is_sent_breaks_it(new_ledger: Callable[[], str], tmp_path: Path, examples: int) -> None:
    users = cycle(["", *USERS])

    def somebody(request: requests.PreparedRequest) -> None:
        request.headers["x-user"] = next(users)

    with console(new_ledger(), tmp_path) as at:
        routes = list(create_app(at.desk).app.routes)
        document = pages(routes, PAGES, FIELDS)
        assert tried(document, at.url, somebody, examples) >= examples * len(document["paths"]) / 2
        at.desk.ledger.verify()
