"""The content coding of an HTTP answer, undone in pieces: what a few bytes unpack to is never in memory at once.

httpx unpacks each piece that it reads as a whole, one coding after the other: 800 bytes that were compressed twice are
400 MB then.
"""

import zlib
from collections.abc import Iterator
from typing import Final

import httpx

ACCEPTED: Final = "gzip, deflate"
"""For Accept-Encoding."""
_PIECE: Final = 64 * 1024
_BITS: Final = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}
_IDLE: Final = 1024 * 1024
"""Bytes in a row of which nothing comes: nobody who waits for a piece would ever look at the clock."""
_MEMBER: Final = b"\x1f\x8b"
"""How each part of a gzip file begins; there may be several."""


class Unpacked(httpx.SyncByteStream):
    """The bytes of `stream` without their coding, in pieces of 64 KiB at most; `most`: after how many bytes or a few
    more it ends, None = never. httpx.DecodingError when it is broken, cut off, or unpacks to nothing without end."""

    def __init__(self, stream: httpx.SyncByteStream, coding: str, most: int | None = None) -> None:
        self._stream, self._coding, self._most = stream, coding, most

    @staticmethod
    def knows(coding: str) -> bool:
        """Whether it can be undone: none, or a single one that was asked for."""
        return coding in ("", "identity", *_BITS)

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        for piece in self._stream if self._coding in ("", "identity") else self._unpack():
            seen += len(piece)
            yield piece
            if self._most is not None and seen >= self._most:
                return

    def close(self) -> None:
        """Of the stream below."""
        self._stream.close()

    def _unpack(self) -> Iterator[bytes]:
        bits, begun = _BITS[self._coding], False
        unpacker, idle = zlib.decompressobj(bits), 0
        for packed in self._stream:
            idle += len(packed)
            if idle > _IDLE:
                raise httpx.DecodingError("nothing in it")
            while packed:
                if unpacker.eof:
                    if not packed.startswith(_MEMBER):
                        break  # what follows the end is no content
                    unpacker = zlib.decompressobj(bits)
                try:
                    piece = unpacker.decompress(packed, _PIECE)
                except zlib.error:
                    if begun or self._coding != "deflate":
                        raise httpx.DecodingError("broken") from None
                    bits, begun = -zlib.MAX_WBITS, True  # as some send "deflate"
                    unpacker = zlib.decompressobj(bits)
                    continue
                begun = True
                if piece:
                    idle = 0
                    yield piece
                packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        if begun and not unpacker.eof:
            yield self._last(unpacker)

    @staticmethod
    def _last(unpacker: "zlib._Decompress") -> bytes:
        """The few bytes that an unpacker may still hold when it has taken in everything."""
        try:
            piece = unpacker.flush()
        except zlib.error:
            raise httpx.DecodingError("broken") from None
        if not unpacker.eof:
            raise httpx.DecodingError("cut off")
        return piece
