"""What a case is called."""

import base64
import secrets


def new_id(kind: str = "dsr") -> str:
    """128 random bits: the kind, a hyphen, and 26 characters of base 32. Fits Airflow's run ids and file names."""
    return f"{kind}-" + base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()
