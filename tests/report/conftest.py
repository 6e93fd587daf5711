"""A browser for the report, and made-up datasets beside the real ones."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from dsr import schema

DIARY: dict[str, Any] = {
    "title": "Diary",
    "description": "What happened.",
    "x-sv": {"title": "Dagbok", "description": "Vad som hände."},
    "x-time": "at",
    "type": "object",
    "properties": {
        "at": {"type": ["string", "null"], "format": "date-time", "title": "At", "x-sv": {"title": "När"}},
        "text": {"type": ["string", "null"], "title": "Text", "description": "What.", "x-sv": {"title": "Text"}},
        "count": {"type": ["integer", "null"], "title": "Count", "x-sv": {"title": "Antal"}},
        "seen": {"type": ["boolean", "null"], "title": "Seen", "x-sv": {"title": "Sedd"}},
        "nested": {"type": ["object", "null"], "title": "Nested", "x-sv": {"title": "Inuti"}},
        "never": {"type": ["string", "null"], "title": "Never filled", "x-sv": {"title": "Aldrig ifyllt"}},
    },
}


@pytest.fixture(autouse=True, scope="session")
def diary() -> Iterator[None]:
    """`schema.load` also knows the dataset "diary", with a time and a field of each type."""
    patch, load = pytest.MonkeyPatch(), schema.load
    patch.setattr(schema, "load", lambda name: copy.deepcopy(DIARY) if name == "diary" else load(name))
    yield
    patch.undo()
