"""Mounts the webhook in Airflow's api-server at /dsr, and nothing else.

The app is made with its first request: Airflow loads plugins in every component, and only the api-server has use
for FastAPI. It checks authenticity itself (signatures of the ticket systems); Airflow's sign-in does not apply.
"""

from typing import Any

from airflow.plugins_manager import AirflowPlugin


class LazyApp:
    """An ASGI app that is made when it is first called."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the call on."""
        if self._app is None:
            from dsr.web.intake import create_app

            self._app = create_app()
        await self._app(scope, receive, send)


_APPS: list[Any] = [{"app": LazyApp(), "url_prefix": "/dsr", "name": "dsr intake"}]


class DsrPlugin(AirflowPlugin):
    """See the module."""

    name = "dsr"
    fastapi_apps = _APPS
