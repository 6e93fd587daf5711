"""Sequences of pages: a token is good for four hours, and only `fields` may go with it."""

import secrets
from dataclasses import dataclass

from sandbox.pardot.errors import ApiError
from sandbox.pardot.settings import Settings


@dataclass(frozen=True)
class Rest:
    """What remains of a sequence: ids in order, and how many a page takes."""

    path: str
    ids: tuple[int, ...]
    limit: int
    expires: float


class Pages:
    """Hands out tokens for what remains. A token may be used again, so that a lost answer can be asked for anew."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[str, Rest] = {}

    def first(self, path: str, ids: list[int], limit: int) -> tuple[tuple[int, ...], str | None]:
        """The first page of a new sequence and the token of the next; None = no more, or the sequence's limit."""
        rest = tuple(ids[: self._settings.sequence])
        return self._turn(Rest(path, rest, limit, self._settings.now() + self._settings.token_life))

    def next(self, path: str, token: str) -> tuple[tuple[int, ...], str | None]:
        """The page that a token stands for; ApiError 210 (not one of this object) or 211 (expired)."""
        rest = self._open.get(token)
        if rest is None or rest.path != path:
            raise ApiError(210)
        if rest.expires <= self._settings.now():
            raise ApiError(211)
        return self._turn(rest)

    def _turn(self, rest: Rest) -> tuple[tuple[int, ...], str | None]:
        page, remaining = rest.ids[: rest.limit], rest.ids[rest.limit :]
        if not remaining:
            return page, None
        token = secrets.token_urlsafe(24)
        self._open[token] = Rest(rest.path, remaining, rest.limit, self._settings.now() + self._settings.token_life)
        return page, token
