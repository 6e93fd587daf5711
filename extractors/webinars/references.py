"""Record ids of person-level records, which say by themselves where the record is.

    <webinar>:r:<registrant>        who signed up
    <webinar>:p:<panelist>          who was invited to speak
    <webinar>:a:<uuid>:<user>       who was there under an e-mail address without having signed up with it

The API looks nobody up by e-mail, so such an id is what the keyed-hash index gives for an address, and the value of
an identifier of kind `webinar_registrant`.
"""

import re
from dataclasses import dataclass

KIND = "webinar_registrant"
REGISTRANT, PANELIST, ATTENDEE = "r", "p", "a"

_FORM = re.compile(
    r"(?P<webinar>[0-9]{1,20}):(?:(?P<kind>[rp]):(?P<person>[A-Za-z0-9_-]{1,64})"
    r"|a:(?P<uuid>[A-Za-z0-9+/=_-]{1,64}):(?P<user>[A-Za-z0-9_-]{1,64}))"
)


@dataclass(frozen=True)
class Reference:
    """Where a record is. `uuid` is set for attendees only: the instance of the webinar that they were in."""

    webinar: str
    kind: str
    person: str
    uuid: str = ""

    @property
    def record_id(self) -> str:
        """The text form."""
        parts = (self.webinar, self.kind, self.uuid, self.person)
        return ":".join(part for part in parts if part)

    def ids(self) -> dict[str, str]:
        """The same as JSON: webinar, and uuid, registrant, panelist or user."""
        names = {REGISTRANT: "registrant", PANELIST: "panelist", ATTENDEE: "user"}
        parts = {"webinar": self.webinar, "uuid": self.uuid, names[self.kind]: self.person}
        return {name: value for name, value in parts.items() if value}

    @classmethod
    def parse(cls, text: str) -> "Reference | None":
        """The reference that a text stands for; None for any other text, whoever sent it."""
        form = _FORM.fullmatch(text)
        if form is None:
            return None
        kind = form["kind"] or ATTENDEE
        return cls(form["webinar"], kind, form["person"] or form["user"], form["uuid"] or "")
