"""Connections from the environment, for commands that run outside Airflow: AIRFLOW_CONN_<ID>, as Airflow reads them.

Two forms (Airflow's "Managing Connections"): JSON with `conn_type`, `host`, `port`, `login`, `password`, `schema` and
`extra`; or a URI, type://login:password@host:port/schema?extra, its parts percent-encoded, where the query is the
extra, or has it whole as JSON under `__extra__`.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from dsr.errors import PermanentError
from dsr.source import Connection


def from_environment(conn_id: str, env: Mapping[str, str]) -> Connection | None:
    """The connection of that id; None when the environment has none.
    PermanentError("connection.unreadable") when it has one in neither form."""
    text = env.get(f"AIRFLOW_CONN_{conn_id.upper()}", "").strip()
    if not text:
        return None
    try:
        return _from_json(conn_id, json.loads(text)) if text.startswith("{") else _from_uri(conn_id, text)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise PermanentError("connection.unreadable", conn_id) from None


def _from_json(conn_id: str, value: Mapping[str, Any]) -> Connection:
    extra = value.get("extra") or {}
    port = value.get("port")
    texts = {name: value.get(name) or "" for name in ("host", "login", "password", "schema")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError(conn_id)
    return Connection(conn_id, port=int(port) if port else None, extra=_extra(extra), **texts)


def _extra(given: Any) -> dict[str, Any]:
    """An object, or its JSON. TypeError for anything else."""
    extra = json.loads(given) if isinstance(given, str) else given
    if not isinstance(extra, dict):
        raise TypeError
    return extra


def _from_uri(conn_id: str, uri: str) -> Connection:
    parts = urlsplit(uri)
    if not parts.scheme:
        raise ValueError(conn_id)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra = _extra(query["__extra__"]) if "__extra__" in query else query
    return Connection(
        conn_id,
        host=unquote(parts.hostname or ""),
        port=parts.port,
        login=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        schema=unquote(parts.path.removeprefix("/")),
        extra=extra,
    )
