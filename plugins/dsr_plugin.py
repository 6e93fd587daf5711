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
_VIEWS: list[Any] = [
    {
        "name": "Review",
        "href": "/dsr-console/review/{RUN_ID}",
        "destination": "dag_run",
        "url_route": "dsr_review",
    }
]


class DsrPlugin(AirflowPlugin):
    """See the module."""

    name = "dsr"
    fastapi_apps = _APPS
    external_views = _VIEWS
