"""The commands of docs/operations.md and docs/security.md, for the tests that run them."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "operations.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
_FENCED = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(section: str = "", text: str = TEXT) -> list[str]:
    """All blocks of commands, or those of a section, as the shell would get them."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    return [found for name, part in sections.items() if section in ("", name) for found in _FENCED.findall(part)]


def block(section: str, holds: str) -> str:
    """The one block of a section that holds those words."""
    [found] = [one for one in blocks(section) if holds in one]
    return found
