"""Cloud recordings: lists, the bin, files to download."""

import base64
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.webinars.account import Account, Answer, Call, Endpoint, ZoomError

BIN_DAYS = 30
"""How long a file can be taken out of the bin."""


class Recordings:
    """A recording is one document per instance; each of its files is live, or in the bin for 30 days by the sandbox's
    clock. A file that was in the bin from the beginning came there on the day the data is made around."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def endpoints(self) -> list[Endpoint]:
        """Method, path, rate-limit category, handler."""
        return [
            Endpoint("GET", "users/{user}/recordings", "medium", self._list),
            Endpoint("GET", "meetings/{id}/recordings", "light", self._get),
            Endpoint("DELETE", "meetings/{id}/recordings", "light", self._delete),
            Endpoint("PUT", "meetings/{id}/recordings/status", "light", self._recover),
            Endpoint("DELETE", "meetings/{id}/recordings/{rid}", "light", self._delete),
            Endpoint("PUT", "meetings/{id}/recordings/{rid}/status", "light", self._recover),
        ]

    def sweep(self) -> None:
        """Delete for good what has been in the bin for too long."""
        for file_id, document in self._account["file"].held():
            if document["trashed"] and self._account.moment() >= self._binned_at(document) + timedelta(days=BIN_DAYS):
                del self._account["file"][file_id]

    def _binned_at(self, document: dict[str, Any]) -> datetime:
        start = self._account.moment() - timedelta(seconds=self._account.clock.offset)
        return datetime.fromisoformat(document["trashed_at"]) if "trashed_at" in document else start

    def content(self, file_id: str) -> tuple[bytes, str] | None:
        """Bytes and media type of a file that may be downloaded; None when it is gone or in the bin."""
        document = self._account["file"].get(file_id)
        if document is None or document["trashed"]:
            return None
        return base64.b64decode(document["content"]), document["media_type"]

    def _document(self, call: Call) -> dict[str, Any]:
        name = call.args["id"]
        wanted = [r for r in self._account["recording"].values() if name in (r["uuid"], str(r["id"]))]
        if not wanted:
            raise ZoomError(404, 3301, "This recording does not exist.")
        return max(wanted, key=lambda r: str(r["start_time"]))

    def _shown(self, recording: dict[str, Any], origin: str, trashed: bool) -> dict[str, Any] | None:
        """The recording with its files that are live, or that are in the bin; None when there are none."""
        self.sweep()
        files = [self._account["file"][f] for f in recording["files"] if f in self._account["file"]]
        rows = [
            {**f["row"], **({"deleted_time": f"{self._binned_at(f):%Y-%m-%dT%H:%M:%SZ}"} if trashed else {})}
            for f in files
            if f["trashed"] == trashed
        ]
        if not rows:
            return None
        urls = [{**row, "download_url": f"{origin}/rec/download/{row['id']}"} for row in rows]
        size = sum(row["file_size"] for row in rows)
        head = {k: v for k, v in recording.items() if k != "files"}
        return {**head, "recording_count": len(rows), "total_size": size, "recording_files": urls}

    def _list(self, call: Call) -> Answer:
        start, end = (_day(call, name, self._account.today) for name in ("from", "to"))
        if (end - start).days > 31:
            raise ZoomError(400, 300, "The date range is limited to one month.")
        users = self._account["user"]
        host = next(iter(users)) if call.args["user"] == "me" else call.args["user"]
        if host not in users:
            raise ZoomError(404, 1001, f"User does not exist: {host}.")
        chosen = [
            shown
            for r in self._account["recording"].values()
            if r["host_id"] == host and start.isoformat() <= r["start_time"][:10] <= end.isoformat()
            if (shown := self._shown(r, call.origin, call.query.get("trash") == "true"))
        ]
        return 200, self._account.page(call, "meetings", chosen)

    def _get(self, call: Call) -> Answer:
        shown = self._shown(self._document(call), call.origin, trashed=False)
        if shown is None:
            raise ZoomError(404, 3301, "This recording does not exist.")
        return 200, shown

    def _delete(self, call: Call) -> Answer:
        action = call.query.get("action") or "trash"
        if action not in ("trash", "delete"):
            raise ZoomError(400, 300, "Validation Failed: action is one of trash, delete.")
        files, at = self._account["file"], self._account.moment().isoformat()
        for file_id in self._meant(call):
            if action == "delete":
                del files[file_id]
            elif not files[file_id]["trashed"]:
                files[file_id] = {**files[file_id], "trashed": True, "trashed_at": at}
        return 204, None

    def _meant(self, call: Call) -> list[str]:
        """The file that the call names, or all of the recording, as far as they are there. 404/3301 for none."""
        self.sweep()
        recording = self._document(call)
        wanted = [call.args["rid"]] if "rid" in call.args else recording["files"]
        known = [f for f in wanted if f in recording["files"] and f in self._account["file"]]
        if not known:
            raise ZoomError(404, 3301, "This recording does not exist.")
        return known

    def _recover(self, call: Call) -> Answer:
        if not isinstance(call.body, dict) or call.body.get("action") != "recover":
            raise ZoomError(400, 300, "Validation Failed: action is recover.")
        for file_id in self._meant(call):
            document = {k: v for k, v in self._account["file"][file_id].items() if k != "trashed_at"}
            self._account["file"][file_id] = {**document, "trashed": False}
        return 204, None


def _day(call: Call, name: str, default: date) -> date:
    try:
        return date.fromisoformat(call.query.get(name) or default.isoformat())
    except ValueError:
        raise ZoomError(400, 300, f"Validation Failed: {name} is a date, yyyy-mm-dd.") from None
