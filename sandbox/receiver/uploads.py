"""Uploads of the receiver, on disk: `<id>.part` with the bytes that came, and what was said when they were begun."""

import hashlib
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.state import Document, Store

LIFE_S = 24 * 3600.0


class TusError(Exception):
    """An answer that isn't what was asked for."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status, self.text = status, text


@dataclass
class Behaviour:
    """What tests change.

    drop_at   after this many received bytes, counted over all calls from when it was set, the connection breaks off
              once; 0 = never
    accept    at most so many bytes of a PATCH are kept; 0 = all
    location  answered instead of the upload URL
    receipt   fields of the receipt that are answered otherwise; {"absent": true} = no receipt
    checksum  whether the checksum extension is offered
    limit     Tus-Max-Size
    advance   seconds by which the clock is ahead
    """

    drop_at: int = 0
    accept: int = 0
    location: str = ""
    receipt: dict[str, Any] = field(default_factory=dict)
    checksum: bool = True
    limit: int = 50 * 1024**3
    advance: float = 0.0


class Uploads:
    """All uploads. Documents hold length, metadata (decoded), began, received (bytes that came, dropped ones too),
    calls to PATCH, and the receipt's id and time once it is complete."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.behaviour = folder / "receiver", Behaviour()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._documents = store["uploads"]
        self._busy: set[str] = set()
        self._received = 0

    def behave(self, behaviour: Behaviour) -> None:
        """Change it; the count for `drop_at` begins anew."""
        self.behaviour, self._received = behaviour, 0

    def create(self, length: int, metadata: dict[str, str]) -> str:
        """A new upload's id."""
        name = secrets.token_hex(16)
        self._path(name).touch()
        self._documents[name] = {"length": length, "metadata": metadata, "began": self._now(), "received": 0}
        return name

    def get(self, name: str) -> Document:
        """404 for one that never was, 410 for one that has ended unfinished."""
        document = self._documents.get(name)
        if document is None:
            raise TusError(404, "no such upload")
        if "receipt_id" not in document and self._now() > document["began"] + LIFE_S:
            self._path(name).unlink(missing_ok=True)
            raise TusError(410, "the upload has ended")
        return document

    def offset(self, name: str) -> int:
        """How many bytes are there."""
        return self._path(name).stat().st_size

    async def append(self, name: str, offset: int, checksum: bytes | None, body: AsyncIterator[bytes]) -> int:
        """The new offset. With a checksum the chunk counts as a whole or not at all; without, what came stays."""
        document, start = self.get(name), self.offset(name)
        if name in self._busy:
            raise TusError(423, "another call writes to this upload")
        if offset != start:
            raise TusError(409, "the offset is another")
        self._busy.add(name)
        digest, whole = hashlib.sha256(), False
        try:
            with self._path(name).open("ab") as file:
                async for piece in body:
                    digest.update(piece)
                    document["received"] += len(piece)
                    room = (
                        start + self.behaviour.accept if self.behaviour.accept else document["length"]
                    ) - file.tell()
                    file.write(piece[: max(room, 0)])
                    self._maybe_drop(len(piece))
            whole = checksum is None or self.behaviour.accept > 0 or digest.digest() == checksum
            if not whole:
                raise TusError(460, "the checksum does not match")
        finally:
            self._busy.discard(name)
            if checksum is not None and not whole:
                with self._path(name).open("rb+") as file:
                    file.truncate(start)
            self._documents[name] = document
            self._maybe_complete(name, document)
        return self.offset(name)

    def receipt(self, name: str) -> dict[str, Any]:
        """404 until the upload is complete."""
        document = self.get(name)
        if "receipt_id" not in document or self.behaviour.receipt.get("absent"):
            raise TusError(404, "no receipt")
        receipt = {
            "receipt_id": document["receipt_id"],
            "sha256": document["sha256"],
            "bytes": document["length"],
            "received_at": document["received_at"],
            "recipient": "Exempelmottagaren AB",
        }
        return receipt | self.behaviour.receipt

    def listed(self) -> list[dict[str, Any]]:
        """All, oldest first, each with its id and offset."""
        return [
            {"id": name, "offset": self.offset(name) if self._path(name).exists() else None, **document}
            for name, document in self._documents.items()
        ]

    def clear(self) -> None:
        """Forget all."""
        for name in list(self._documents):
            self._path(name).unlink(missing_ok=True)
            del self._documents[name]

    def content(self, name: str) -> bytes:
        """The bytes that are there."""
        return self._path(name).read_bytes()

    def _maybe_complete(self, name: str, document: Document) -> None:
        if self.offset(name) == document["length"] and "receipt_id" not in document:
            with self._path(name).open("rb") as file:
                document["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
            document["receipt_id"] = f"RX-{secrets.token_hex(8)}"
            document["received_at"] = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="seconds")
            self._documents[name] = document

    def _maybe_drop(self, count: int) -> None:
        before, self._received = self._received, self._received + count
        if before < self.behaviour.drop_at <= self._received:
            raise ConnectionResetError("dropped")

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.part"

    def _now(self) -> float:
        return time.time() + self.behaviour.advance
