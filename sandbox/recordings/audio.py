"""Short telephone calls as WAV: 8 kHz, 16 bit, the customer on the left channel and the agent on the right.

Each side hums its own tone, so that a test can tell which of them a file still holds.
"""

import io
import math
import struct
import wave

RATE = 8000
CUSTOMER_HZ = 440
AGENT_HZ = 600
_SECONDS = 0.4


def call() -> bytes:
    """A call of 0.4 seconds: about 13 kB."""
    frames = (struct.pack("<hh", _sample(CUSTOMER_HZ, n), _sample(AGENT_HZ, n)) for n in range(int(RATE * _SECONDS)))
    return _wav(2, b"".join(frames))


def mono_call() -> bytes:
    """The same with both sides mixed, as older systems record."""
    frames = (
        struct.pack("<h", (_sample(CUSTOMER_HZ, n) + _sample(AGENT_HZ, n)) // 2) for n in range(int(RATE * _SECONDS))
    )
    return _wav(1, b"".join(frames))


def _sample(hertz: int, n: int) -> int:
    return int(8000 * math.sin(2 * math.pi * hertz * n / RATE))


def _wav(channels: int, frames: bytes) -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(RATE)
        writer.writeframes(frames)
    return target.getvalue()
