"""Mounts the webhook in Airflow's api-server at /dsr and the officers' pages at /dsr-console, and nothing else.

The apps are made with their first request: Airflow loads plugins in every component, and only the api-server has use
for them. The webhook checks authenticity itself (signatures of the ticket systems); the pages take Airflow's sign-in.
"""

from collections.abc import Callable
from typing import Any

from airflow.plugins_manager import AirflowPlugin


class LazyApp:
    """An ASGI app that is made when it is first called."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the call on."""
        if self._app is None:
            self._app = self._make()
        await self._app(scope, receive, send)


def _intake() -> Any:
    from dsr.web.intake import create_app

    return create_app()


def _console() -> Any:
    from dsr_signed_in import console

    return console()


_APPS: list[Any] = [
    {"app": LazyApp(_intake), "url_prefix": "/dsr", "name": "dsr intake"},
    {"app": LazyApp(_console), "url_prefix": "/dsr-console", "name": "dsr console"},
]
_CATEGORY = "Data subject requests"


def _view(name: str, path: str, route: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "href": f"/dsr-console/{path}", "url_route": route, **more}


_VIEWS: list[Any] = [
    _view("Request", "run/{RUN_ID}", "dsr_request", destination="dag_run"),
    _view("Review", "review/{RUN_ID}", "dsr_review", destination="dag_run"),
    _view("Requests", "requests", "dsr_requests", destination="nav", nav_top_level=True),
    _view("Enter a request", "entry", "dsr_entry", destination="nav", category=_CATEGORY),
    _view("Erasure lists", "lists", "dsr_lists", destination="nav", category=_CATEGORY),
    _view("Letters", "letters", "dsr_letters", destination="nav", category=_CATEGORY),
    _view("Register", "register", "dsr_register", destination="nav", category=_CATEGORY),
    _view("Sources", "sources", "dsr_sources", destination="nav", category=_CATEGORY),
]
"""Where Airflow's UI shows the pages: on each run, in the navigation."""


class DsrPlugin(AirflowPlugin):
    """See the module."""

    name = "dsr"
    fastapi_apps = _APPS
    external_views = _VIEWS
