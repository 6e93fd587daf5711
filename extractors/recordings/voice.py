"""The sound of a call without the employee's voice: Connect records the customer left and the employee right.

(Amazon Connect Administrator Guide, "Review recorded conversations": the agent is on the right channel, everybody
else on the left.) Only 16-bit PCM in two channels can be told apart; anything else is a person's to decide on.
"""

import struct
from array import array
from collections.abc import Iterator
from itertools import chain
from typing import Final

_PCM: Final = 1
_EXTENSIBLE: Final = 0xFFFE
_FRAME: Final = 4
_HEADER_MAX: Final = 1024 * 1024


def without_agent(chunks: Iterator[bytes]) -> Iterator[bytes] | None:
    """The same file with the right channel silent and nothing but sound in it; None when that can't be done.

    Before it says None it reads to the end: a file that was cut off on its way must show itself as that.
    """
    head = b""
    for chunk in chunks:
        head += chunk
        parsed = _parse(head)
        if parsed is not None:
            rate, start, size = parsed
            return _silenced(rate, size, chain([head[start:]], chunks))
        if len(head) > _HEADER_MAX or not _may_become_wave(head):
            break
    for _ in chunks:
        continue
    return None


def _may_become_wave(head: bytes) -> bool:
    return head[:4] == b"RIFF"[: len(head)] and (len(head) < 12 or head[8:12] == b"WAVE")


def _parse(head: bytes) -> tuple[int, int, int] | None:
    """Sample rate, where the sound begins and its bytes; None when the head is not whole or not separable."""
    rate, at = 0, 12
    while len(head) >= at + 8:
        name, size = head[at : at + 4], struct.unpack("<I", head[at + 4 : at + 8])[0]
        if name == b"fmt " and len(head) >= at + 24:
            form, channels, rate, _, _, bits = struct.unpack("<HHIIHH", head[at + 8 : at + 24])
            if form not in (_PCM, _EXTENSIBLE) or channels != 2 or bits != 16:
                return None
        elif name == b"data":
            return (rate, at + 8, size) if rate else None
        at += 8 + size + size % 2
    return None


def _silenced(rate: int, size: int, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A fresh header, then `size` bytes of frames with a silent right sample; what follows the sound is left out."""
    size -= size % _FRAME
    form = struct.pack("<HHIIHH", _PCM, 2, rate, rate * _FRAME, _FRAME, 16)
    yield b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<I", 16) + form
    yield b"data" + struct.pack("<I", size)
    rest, left = b"", size
    for chunk in chunks:
        whole = rest + chunk
        usable = min(len(whole) - len(whole) % _FRAME, left)
        rest = whole[usable:]
        if usable:
            samples = array("h", whole[:usable])
            samples[1::2] = array("h", bytes(usable // 2))
            left -= usable
            yield samples.tobytes()
    if left:  # a file that ends early: silence, so that the header stays true
        yield bytes(left)
