"""A copy of the case store for when it is lost: the cases to one place, their keys to another.

What is destroyed in the store goes from the copy with the next run, so a copy holds what was destroyed since its last
run, and no more; `dsr.restored` says what that was once it is brought back.
"""

import shutil
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from dsr.objectstore import ObjectStore, store_errors

CASES: Final = "cases"
KEYS: Final = "keys"
_CLOCKS: Final = timedelta(minutes=5)
"""So far two stores' clocks may be apart: what was written about when it was copied is copied again."""


@dataclass(frozen=True)
class Mirrored:
    """How many objects were copied, and how many that the original doesn't have were removed."""

    copied: int
    removed: int


def mirror(original: ObjectStore, copy: ObjectStore, folder: str) -> Mirrored:
    """Brings a folder of the copy in line with the original's. An object appears whole or not at all; one that is
    removed while it is copied is left out. Errors as of `ObjectStore`."""
    there, here = original.written(folder), copy.written(folder)
    copied = 0
    for name, (size, at) in there.items():
        known = here.get(name)
        if known is None or known[0] != size or at + _CLOCKS > known[1]:
            copied += _copy(original, copy, f"{folder}/{name}")
    gone = here.keys() - there.keys()
    for name in gone:
        copy.remove(f"{folder}/{name}")
    return Mirrored(copied, len(gone))


def _copy(original: ObjectStore, copy: ObjectStore, name: str) -> bool:
    try:
        stream = original.open(name)
    except FileNotFoundError:
        return False
    with stream:
        pending = copy.begin(name)
        try:
            with store_errors():
                shutil.copyfileobj(stream, pending.file)
            pending.publish()
        finally:
            pending.discard()
    return True
