"""Small real media files: ISO base media containers (ISO/IEC 14496-12) with a movie header and no tracks."""

import struct


def mp4() -> bytes:
    """An MP4 file of a few hundred bytes: well formed, one second long, nothing to see."""
    return _box(b"ftyp", b"isom\0\0\2\0isomiso2mp41") + _movie() + _box(b"mdat", bytes(256))


def m4a() -> bytes:
    """The same as an audio file."""
    return _box(b"ftyp", b"M4A \0\0\0\0M4A isommp42") + _movie() + _box(b"mdat", bytes(128))


def _movie() -> bytes:
    times = struct.pack(">IIIII", 0, 0, 0, 1000, 1000)
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = times + struct.pack(">IHHII", 0x10000, 0x0100, 0, 0, 0) + matrix + bytes(24) + struct.pack(">I", 1)
    return _box(b"moov", _box(b"mvhd", header))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content
