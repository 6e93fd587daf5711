"""What concerns all systems at once, on the admin port.

    GET    /state?system=…             every entry of these systems (all without), see `sandbox.entries`: NDJSON
    POST   /snapshots?system=…         201 {"id"}: these systems (all without) as they are now, as a backup keeps them
    GET    /snapshots                  [{"id"}…]
    POST   /snapshots/{id}/restore     204 once every system that is in it is as it was then
    DELETE /snapshots/{id}             204
    POST   /import                     {"system","rows":[{…}]} → {"created":[id],"updated":[id]}: an import from a
                                       file; `{"person": key}` in a row stands for that person's columns
    GET    /clock                      {"now","offset"}
    PUT    /clock                      {"now": ISO with zone} or {"offset": seconds}; DELETE: the real time

A snapshot holds every document, row and object, recycle bins, versions and locks too, but not the call log, faults
and settings. While one is made or restored, sessions of the database are cut, and the S3 server stands still (made)
or starts anew (restored: some seconds). Bytes that the receiver took in stay as they are.
"""

import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.entries import Enumerable, Kept, of_store, owners
from sandbox.importing import FORMS, Done, into_pardot, into_salesforce, spelled_out
from sandbox.people import Population
from sandbox.state import Store
from sandbox.system import HttpSystem, Options, ServerSystem

System = HttpSystem | ServerSystem
_ZONE = ZoneInfo("Europe/Stockholm")


@runtime_checkable
class _Importing(Protocol):
    def take_in(self, given: list[dict[str, Any]]) -> Done: ...


class Administration:
    """All systems of a sandbox, once they have started."""

    def __init__(self, options: Options, population: Population, systems: Sequence[System]) -> None:
        self._options, self._population = options, population
        self._systems = {system.name: system for system in systems}
        self._folder = options.folder / "snapshots"

    def routes(self) -> list[Route]:
        """See the module."""
        return [
            Route("/state", self._state),
            Route("/snapshots", self._snapshots, methods=["GET", "POST"]),
            Route("/snapshots/{id}", self._snapshot, methods=["DELETE"]),
            Route("/snapshots/{id}/restore", self._restore, methods=["POST"]),
            Route("/import", self._import, methods=["POST"]),
            Route("/clock", self._clock, methods=["GET", "PUT", "DELETE"]),
        ]

    def lines(self, names: Sequence[str] = ()) -> Iterator[str]:
        """Every entry of these systems, or of all, system by system."""
        stores = {store.system: store for store in Store.opened(self._options.folder)}
        for name in sorted(names or {*self._systems, *stores}):
            system = self._systems.get(name)
            if isinstance(system, Enumerable):
                yield from (entry.line() for entry in system.entries())
            elif name in stores:
                whose = owners(system.truth()) if system else {}
                yield from (entry.line() for entry in of_store(stores[name], whose))

    def save(self, names: Sequence[str] = ()) -> str:
        """Make a snapshot of these systems, or of all; its id."""
        self._folder.mkdir(exist_ok=True)
        snapshot = f"s{1 + max((int(path.name[1:]) for path in self._folder.iterdir()), default=0)}"
        (self._folder / snapshot).mkdir()
        for store in Store.opened(self._options.folder):
            if not names or store.system in names:
                store.save(self._folder / snapshot / f"{store.system}.sqlite3")
        for system in self._kept():
            if not names or system.name in names:
                system.save(snapshot)
                (self._folder / snapshot / system.name).touch()
        return snapshot

    def load_saved(self, snapshot: str) -> None:
        """Put everything back that is in it."""
        for store in Store.opened(self._options.folder):
            if (saved := self._folder / snapshot / f"{store.system}.sqlite3").exists():
                store.load_saved(saved)
        for system in self._kept():
            if (self._folder / snapshot / system.name).exists():
                system.load_saved(snapshot)

    def forget_saved(self, snapshot: str) -> None:
        """Throw a snapshot away."""
        for system in self._kept():
            system.forget_saved(snapshot)
        shutil.rmtree(self._folder / snapshot)

    def _kept(self) -> list[Kept]:
        return [system for system in self._systems.values() if isinstance(system, Kept)]

    def _named(self, request: Request) -> list[str] | None:
        """The systems that a request names; None when there is no such."""
        names = request.query_params.getlist("system")
        return names if set(names) <= set(self._systems) else None

    def _unknown(self) -> Response:
        return JSONResponse({"error": f"system is one of {', '.join(sorted(self._systems))}"}, 400)

    async def _state(self, request: Request) -> Response:
        if (names := self._named(request)) is None:
            return self._unknown()
        return StreamingResponse(_batched(self.lines(names)), media_type="application/x-ndjson")

    async def _snapshots(self, request: Request) -> Response:
        if request.method == "POST":
            if (names := self._named(request)) is None:
                return self._unknown()
            return JSONResponse({"id": await run_in_threadpool(self.save, names)}, 201)
        known = sorted(path.name for path in self._folder.iterdir()) if self._folder.exists() else []
        return JSONResponse([{"id": snapshot} for snapshot in known])

    async def _restore(self, request: Request) -> Response:
        return await self._with_snapshot(request, self.load_saved)

    async def _snapshot(self, request: Request) -> Response:
        return await self._with_snapshot(request, self.forget_saved)

    async def _with_snapshot(self, request: Request, act: Any) -> Response:
        snapshot = request.path_params["id"]
        if not snapshot.isalnum() or not (self._folder / snapshot).is_dir():
            return JSONResponse({"error": "no such snapshot"}, 404)
        await run_in_threadpool(act, snapshot)
        return Response(status_code=204)

    async def _import(self, request: Request) -> Response:
        order = await request.json()
        try:
            rows = spelled_out(order["system"], order["rows"], self._population)
            return JSONResponse(await run_in_threadpool(self._take_in, order["system"], rows))
        except (KeyError, ValueError) as error:
            return JSONResponse({"error": f"system is one of {', '.join(FORMS)}; unknown: {error}"}, 400)

    def _take_in(self, name: str, rows: list[dict[str, Any]]) -> Done:
        system, now = self._systems[name], self._options.clock.at()
        if isinstance(system, _Importing):
            return system.take_in(rows)
        store = next(store for store in Store.opened(self._options.folder) if store.system == name)
        if name == "salesforce":
            done = into_salesforce(store, rows, f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}+0000")
        else:
            done = into_pardot(store, rows, now.astimezone(_ZONE).isoformat(timespec="seconds"))
        store.tell_rewritten()
        return done

    async def _clock(self, request: Request) -> Response:
        clock = self._options.clock
        if request.method != "GET":
            order = await request.json() if request.method == "PUT" else {}
            offset = float(order.get("offset", 0.0))
            if "now" in order:
                wanted = datetime.fromisoformat(order["now"])
                if wanted.tzinfo is None:
                    return JSONResponse({"error": "now needs a zone"}, 400)
                offset = (wanted - datetime.now(UTC)).total_seconds()
            await run_in_threadpool(clock.move, offset)
        return JSONResponse({"now": clock.at().isoformat(), "offset": clock.offset})


def _batched(lines: Iterator[str], size: int = 200) -> Iterator[str]:
    """Several lines a piece: each piece costs a change of threads."""
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) == size:
            yield "".join(batch)
            batch.clear()
    yield "".join(batch)
