"""What comes out of a ticket and what goes back into it; the contract of a channel.

Nothing here is specific to a ticket system. Values that hold personal data hide it in `repr`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, Self

from dsr.errors import PermanentError
from dsr.source import Connection


@dataclass(frozen=True)
class Delivery:
    """One authentic call of a webhook.

    delivery_id  the sender's id of it, the same when it is sent again
    replay_key   a value that is the same for the same signed content; "" when the signature covers delivery_id.
                 Where it does not, a copied call under another id is recognised by this.
    """

    delivery_id: str
    replay_key: str = ""


@dataclass(frozen=True)
class Acting:
    """What a request that changes data says beside its right; empty = it doesn't say.

    corrections  Art. 16: attribute of the person (`channels.acting.ATTRIBUTES`) → its right value, or dataset → field
                 of its schema → its right value
    purposes     DPV terms that are to stop (Art. 18, 21, 7(3))
    ground       one of `channels.acting.GROUNDS` for the right
    """

    corrections: Mapping[str, Any] = field(default_factory=dict, repr=False)
    purposes: tuple[str, ...] = ()
    ground: str = ""


@dataclass(frozen=True)
class Relation:
    """What a request says about what it is about, beside its right; empty = it doesn't say.

    about     one of `vocabulary.ABOUT`
    customer  key of the customer whose data it is, with "on_behalf" only; whether there is such a customer is for
              `dsr.steps.triage` to see
    """

    about: str = ""
    customer: str = ""


@dataclass(frozen=True)
class Ticket:
    """A data subject's request as a ticket system told it.

    right        one of `vocabulary.RIGHTS`, or `vocabulary.UNCLEAR`: then `unclear` and `among` are as
                 `channels.rights.Named` has them
    subject      email, always, and those of name, phone and customer_number that were stated, as the sender wrote
                 them but for surrounding blanks
    received_at  when the ticket was made, aware; None when the system doesn't say
    package      how the package is to be closed: "encryption", one of `vocabulary.PACKAGE_ENCRYPTIONS`, and with "age"
                 the person's key as "age_recipient"; {} = as the installation does it
    transmit_to  key of the controller that the package is to be sent to (Art. 20(2)); "" = to the person only
    acting       what a right that changes the data needs beside
    relation     what it is about
    id_token     the customer portal's word on who asks (an OpenID Connect ID token); "" = none. It is looked at once
                 and kept nowhere
    callbacks    where the system wants to be told of changes; their hosts are known and allowed
    """

    channel: str
    ticket_id: str
    right: str
    language: str
    subject: Mapping[str, str] = field(repr=False)
    received_at: datetime | None = None
    package: Mapping[str, str] = field(default_factory=dict, repr=False)
    transmit_to: str = field(default="", repr=False)
    acting: Acting = field(default=Acting(), repr=False)
    unclear: str = ""
    among: tuple[str, ...] = ()
    relation: Relation = Relation()
    id_token: str = field(default="", repr=False)
    callbacks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """A text for a ticket. `close`: the ticket is done with it.

    at         when it is written
    answer_id  stays the same when the same answer is given again; the second is dropped
    kind       what the text is, a code
    secrets    what stands in it that nobody but the person may keep: codes, passwords
    public     the person reads it; else it is a note for those who work on tickets
    stage      the stage that it tells, one of `progress.STAGES`; "" = it tells none
    until      with a stage: the last day by law, ISO
    callbacks  of the ticket; the outbox puts them in
    """

    request_id: str
    answer_id: str
    channel: str
    ticket_id: str
    text: str = field(repr=False)
    close: bool
    at: datetime
    kind: str = "answer"
    secrets: tuple[str, ...] = field(default=(), repr=False)
    public: bool = True
    stage: str = ""
    until: str = ""
    callbacks: tuple[str, ...] = ()


class Refused(PermanentError):
    """A call that can't be taken. `problems`: (JSON pointer, what is wrong) pairs, without any value; () when the
    fault isn't in a field."""

    def __init__(self, code: str, place: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(code, place)
        self.problems = tuple(problems)


class Http(Protocol):
    """The calls that answering needs, closed at the end of a `with` block. Raises TransientError or PermanentError
    only, for whatever is not 2xx too."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def get_json(self, path: str) -> Any:
        """The JSON of an answer."""
        ...

    def request(self, method: str, path: str, **kwargs: Any) -> Any:
        """One call; keyword arguments as httpx takes them (`json`, `content`, `headers`)."""
        ...


class HttpFactory(Protocol):
    """Makes a client for one system; `extractors.http.HttpClient` is one."""

    def __call__(self, base_url: str, *, place: str, headers: Mapping[str, str] | None = None, ca: str = "") -> Http:
        """`headers` go with every call; `ca` is the file of the authority to trust, "" = the system's."""
        ...


class Channel(Protocol):
    """A way by which tickets come in and answers go back."""

    @property
    def name(self) -> str:
        """The last part of the webhook's path; the connection for answers is `dsr_<name>`."""
        ...

    @property
    def outside(self) -> bool:
        """Answers go to addresses that tickets name: only by a client that has no way into the own network."""
        ...

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], at: datetime) -> Delivery:
        """Whether one of the secrets signed this very body, in time. Names of headers are in lower case.
        Refused("signature.missing" | "signature.wrong" | "signature.stale") when not."""
        ...

    def parse(self, body: bytes) -> Ticket:
        """The request in the body. Refused("body.not_json" | "body.invalid"), the latter with the fields."""
        ...

    def answer(self, connection: Connection, answer: Answer, http: HttpFactory, before: int | None = None) -> None:
        """Write into the ticket, and close it if asked. A note that isn't public leaves its state as it is.

        `before`: None = this is the first attempt. Else an earlier one began and nobody knows how it ended: the text is
        written only if the ticket doesn't have it more often than so many times already. A system that drops what has
        the same `answer_id` needn't be asked."""
        ...
