"""Secrets of one stack: made at random when its folder is new, kept in a file that only its owner reads."""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

USERS: Mapping[str, str] = {"officer": "user", "second": "user", "engineer": "admin", "intake": "user"}
"""Who signs in to Airflow, with their role: the officer decides, the engineer runs it, the webhook starts runs."""

CHANNELS = ("STANDARD_WEBHOOKS", "ZENDESK", "JIRA", "FRESHDESK")


@dataclass(frozen=True)
class Secrets:
    """All secrets of a stack. `passwords` by user, `channels` by the name used in DSR_CHANNEL_<NAME>_SECRET."""

    fernet_key: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    session_key: str = field(repr=False)
    master_key: str = field(repr=False)
    passwords: Mapping[str, str] = field(repr=False)
    channels: Mapping[str, str] = field(repr=False)


def load(path: Path) -> Secrets:
    """The secrets in that file; made and written (mode 0600) when it does not exist."""
    if not path.exists():
        partial = path.with_suffix(".partial")
        write_private(partial, json.dumps(asdict(_fresh())))
        os.replace(partial, path)
    return Secrets(**json.loads(path.read_text()))


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)


def _fresh() -> Secrets:
    return Secrets(
        fernet_key=base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        jwt_secret=secrets.token_urlsafe(48),
        session_key=secrets.token_urlsafe(32),
        master_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        passwords={user: secrets.token_urlsafe(12) for user in USERS},
        channels={
            # Standard Webhooks prescribes the form; the others take any string.
            name: ("whsec_" + base64.b64encode(secrets.token_bytes(24)).decode())
            if name == "STANDARD_WEBHOOKS"
            else secrets.token_urlsafe(32)
            for name in CHANNELS
        },
    )
