"""What was read from one source: the marker that `collect` writes last, and the counts that may leave a task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dsr.effort import Effort
from dsr.search import stamp


@dataclass(frozen=True)
class Counts:
    """How much there is; codes and numbers only, so it may go anywhere."""

    records: int = 0
    attachments: int = 0
    withheld: int = 0
    invalid: int = 0
    datasets: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As a JSON object."""
        numbers = {"records": self.records, "attachments": self.attachments, "withheld": self.withheld}
        return {**numbers, "invalid": self.invalid, "datasets": dict(self.datasets)}


@dataclass(frozen=True)
class KeptAttachment:
    """A file in the case file: `name` is its object. `title` is its real name, which may hold personal data;
    `extension` is safe: letters and digits, "bin" when the source's wasn't. `sha256` is hex; `mixed` as
    `model.Attachment` has it."""

    name: str
    dataset: str
    record_id: str
    attachment_id: str
    media_type: str
    extension: str
    title: str = field(repr=False)
    bytes: int
    sha256: str
    mixed: bool = False


@dataclass(frozen=True)
class Collected:
    """The marker: once it is there the source has been read wholly.

    status       "found", "none" or "failed" (with `code`): a failed source holds no rows
    extracted_at when reading began, aware
    datasets     rows per dataset; sizes: their bytes in memory
    withheld     (dataset, ground) → how many items were left out
    effort       what it took
    """

    source: str
    status: str
    extracted_at: datetime
    datasets: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    attachments: tuple[KeptAttachment, ...] = ()
    withheld: Mapping[tuple[str, str], int] = field(default_factory=dict)
    code: str = ""
    effort: Effort = field(default_factory=Effort)

    def counts(self) -> Counts:
        """In numbers."""
        records, withheld = sum(self.datasets.values()), sum(self.withheld.values())
        return Counts(records, len(self.attachments), withheld, datasets=dict(self.datasets))

    def as_json(self) -> dict[str, Any]:
        """The form kept under collected/<source>."""
        value: dict[str, Any] = {
            "source": self.source,
            "status": self.status,
            "extracted_at": stamp(self.extracted_at),
            "datasets": dict(self.datasets),
            "sizes": dict(self.sizes),
            "attachments": [vars(attachment) for attachment in self.attachments],
            "withheld": [
                {"dataset": dataset, "ground": ground, "count": count}
                for (dataset, ground), count in sorted(self.withheld.items())
            ],
            "effort": self.effort.as_json(),
        }
        return {**value, "code": self.code} if self.code else value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Collected":
        """Back from `as_json`."""
        return cls(
            value["source"],
            value["status"],
            datetime.fromisoformat(value["extracted_at"]),
            value["datasets"],
            value["sizes"],
            tuple(KeptAttachment(**attachment) for attachment in value["attachments"]),
            {(w["dataset"], w["ground"]): w["count"] for w in value["withheld"]},
            value.get("code", ""),
            Effort(**value.get("effort", {})),
        )
