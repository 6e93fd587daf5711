"""`/objects/prospects/<id>/do/addTag` and `removeTag`, and the tags themselves."""

from starlette.responses import JSONResponse, Response

from sandbox.pardot.data import Data, Record
from sandbox.pardot.errors import ApiError


class Tagging:
    """A tag on a prospect is a record of `tagged-objects`, which goes only by taking the tag away."""

    def __init__(self, data: Data) -> None:
        self._data = data

    def change(self, prospect: Record, body: Record, action: str) -> Response:
        """200; ApiError 71 for a body without `tagId` or `tagName`, 109 for a tag there isn't or that isn't on it."""
        tag = self._tag(body)
        found = [
            r for r in self._data["tagged-objects"].values()
            if (r["tagId"], r["objectType"], r["objectId"]) == (tag["id"], "Prospect", prospect["id"])
        ]  # fmt: skip
        if action == "removeTag":
            if not found:
                raise ApiError(109)
            for record in found:
                self._data.drop("tagged-objects", str(record["id"]))
        elif not found:
            name = f"{prospect.get('firstName') or ''} {prospect.get('lastName') or ''}".strip()
            new = {"id": self._data.new_id("tagged-objects"), "tagId": tag["id"], "objectType": "Prospect",
                   "objectId": prospect["id"], "objectName": name, "createdAt": self._data.now()}  # fmt: skip
            self._data.put("tagged-objects", new)
        used = sum(r["tagId"] == tag["id"] for r in self._data["tagged-objects"].values())
        self._data.put("tags", {**tag, "objectCount": used})
        return JSONResponse({"id": prospect["id"]})

    def remove(self, tag: Record) -> None:
        """Delete a tag; ApiError 108 while something carries it."""
        if any(r["tagId"] == tag["id"] for r in self._data["tagged-objects"].values()):
            raise ApiError(108)
        self._data.drop("tags", str(tag["id"]))

    def _tag(self, body: Record) -> Record:
        if not {"tagId", "tagName"} & set(body):
            raise ApiError(71, "tagId")
        for tag in self._data["tags"].values():
            if tag["id"] == body.get("tagId") or tag["name"] == body.get("tagName"):
                return tag
        raise ApiError(109)
