"""The tables of the ledger's database. `migrations/` makes them; a test compares the two.

No table holds personal data: request ids are opaque, everything that points to a person is a keyed hash.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

MOMENT = DateTime(timezone=True)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3 … without gaps"),
    Column("request_id", Text, nullable=False),
    Column("kind", Text, nullable=False, comment="see schemas/event.schema.json"),
    Column("detail", JSONB, nullable=False, comment="codes, counts and hashes"),
    Column("at", MOMENT, nullable=False),
    Column("previous", Text, nullable=False, comment="hash of the event before, hex; 64 zeros for the first"),
    Column("hash", Text, nullable=False, comment="SHA-256 over the RFC 8785 form of the columns before, hex"),
    Index("events_request_id", "request_id", "seq"),
    Index("events_lists", "kind", "seq", postgresql_where=text("kind IN ('list_received', 'listed')")),
)

unstarted = Table(
    "unstarted", metadata,
    Column("request_id", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False, comment="of the event of its receipt; the order of starting"),
    Column("at", MOMENT, nullable=False, comment="when that event was noted"),
    Index("unstarted_seq", "seq"),
)  # fmt: skip

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("count", BigInteger, nullable=False),
    Column("hash", Text, nullable=False, comment="hash of the last event"),
    Column("signature", Text, nullable=False, comment="HMAC-SHA256 over count and hash, hex; empty when unsigned"),
    CheckConstraint("id = 1", name="ledger_head_single"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("key", LargeBinary, primary_key=True, comment="SHA-256 of channel and delivery id"),
    Column("digest", Text, nullable=False, comment="of the delivery's body"),
    Column("request_id", Text, nullable=False),
    Column("at", MOMENT, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("link", LargeBinary, primary_key=True, comment="hash of the link"),
    Column("code", LargeBinary, nullable=False, comment="hash of the code, keyed by the link"),
    Column("request_id", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0", comment="wrong codes so far"),
    Index("links_expires_at", "expires_at"),
    Index("links_request_id", "request_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session", LargeBinary, primary_key=True, comment="hash of the cookie"),
    Column("link", LargeBinary, nullable=False, comment="hash of the link it came by; it ends with that"),
    Column("digest", Text, nullable=False, comment="SHA-256 of the package it is for, hex"),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("ended_at", MOMENT, comment="when the person was done; null = not said"),
    Column("noted", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]"), comment="codes; in the ledger"),
    Index("sessions_link", "link", "created_at"),
    Index("sessions_expires_at", "expires_at"),
)

allowances = Table(
    "allowances",
    metadata,
    Column("address", LargeBinary, primary_key=True, comment="HMAC-SHA256 of what was tried and from where"),
    Column("since", MOMENT, nullable=False, comment="they are counted from then"),
    Column("used", Integer, nullable=False, comment="attempts since"),
    Index("allowances_since", "since"),
)

challenges = Table(
    "challenges",
    metadata,
    Column("link", LargeBinary, primary_key=True, comment="hash of the link"),
    Column("request_id", Text, nullable=False),
    Column("contact", LargeBinary, nullable=False, comment="HMAC-SHA256 of the address that was written to"),
    Column("second", LargeBinary, comment="hash of the code in the ticket, keyed by the link; NULL = none is needed"),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("code", LargeBinary, comment="hash of the code that was mailed last, keyed by the link; NULL = none is out"),
    Column("code_until", MOMENT, comment="the code is good until then"),
    Column("codes", Integer, nullable=False, server_default="0", comment="codes mailed so far"),
    Column("attempts", Integer, nullable=False, server_default="0", comment="wrong answers so far"),
    Column("reminders", Integer, nullable=False, server_default="0", comment="mails that reminded of it"),
    Column("confirmed_at", MOMENT, comment="when the person confirmed; NULL = not yet"),
    Index("challenges_contact", "contact", "created_at"),
    Index("challenges_request_id", "request_id"),
)

possessions = Table(
    "possessions", metadata,
    Column("link", LargeBinary, primary_key=True, comment="hash of the link"),
    Column("request_id", Text, nullable=False),
    Column("contact", LargeBinary, nullable=False, comment="HMAC-SHA256 of the address that was written to"),
    Column("number", LargeBinary, nullable=False, comment="HMAC-SHA256 of the number that is asked about"),
    Column("created_at", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("code", LargeBinary, comment="hash of the code that was sent last, keyed by the link; NULL = none is out"),
    Column("code_until", MOMENT, comment="the code is good until then"),
    Column("texts", Integer, nullable=False, server_default="0", comment="texts sent so far"),
    Column("attempts", Integer, nullable=False, server_default="0", comment="wrong answers so far"),
    Column("proven_at", MOMENT, comment="when the person had the phone in hand; NULL = not yet"),
    *(Index(f"possessions_{name}", name, "created_at") for name in ("contact", "number", "request_id")),
)  # fmt: skip

subject_index = Table(
    "subject_index",
    metadata,
    Column("source", Text, primary_key=True),
    Column("identifier", LargeBinary, primary_key=True, comment="HMAC-SHA256 of kind and value"),
    Column("dataset", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("reference", JSONB, nullable=False),
    Column("at", MOMENT, nullable=False),
)

index_freshness = Table(
    "index_freshness", metadata,
    Column("source", Text, primary_key=True),
    Column("at", MOMENT, nullable=False),
)  # fmt: skip

suppression = Table(
    "suppression",
    metadata,
    Column("identifier", LargeBinary, primary_key=True, comment="HMAC-SHA256 of kind and value"),
    Column("scope", Text, primary_key=True, comment="all or marketing"),
    Column("request_id", Text, primary_key=True),
    Column("since", MOMENT, nullable=False),
    Column("lifted_at", MOMENT, comment="when it ended; null while it holds"),
    Column("lifted_reason", Text, nullable=False, server_default="", comment="a code"),
    Index("suppression_request_id", "request_id"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("record", LargeBinary, primary_key=True, comment="HMAC-SHA256 of source, dataset and record id"),
    Column("source", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("effect", Text, nullable=False, comment="erase or anonymise"),
    Column("version", LargeBinary, nullable=False, comment="HMAC-SHA256 of the approved version"),
    Column("digest", Text, nullable=False, comment="of the approved plan"),
    Column("sealed", LargeBinary, nullable=False, comment="the record's id, AES-256-GCM"),
    Column("noted_at", MOMENT, nullable=False),
    Column("erased_at", MOMENT, comment="when it was seen to be gone; null until then"),
    Index("erasures_source", "source", "request_id"),
)

retained = Table(
    "retained",
    metadata,
    Column("record", LargeBinary, primary_key=True, comment="HMAC-SHA256 of source, dataset and record id"),
    Column("request_id", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("ground", Text, nullable=False, comment="a DPV term; empty when the system itself keeps it"),
    Column("reason", Text, nullable=False, comment="a code"),
    Column("until", Date, comment="the last day that it is kept; null = no end is known"),
    Column("digest", Text, nullable=False, comment="of the approved plan"),
    Column("version", LargeBinary, nullable=False, comment="HMAC-SHA256 of the version; empty when it was not read"),
    Column("sealed", LargeBinary, nullable=False, comment="the record's id and how to know it again, AES-256-GCM"),
    Column("noted_at", MOMENT, nullable=False),
    Column("asked_at", MOMENT, comment="when its erasure was asked for; null = not yet"),
    Column("left_at", MOMENT, comment="since when it waits for a person; null = it doesn't"),
    Index("retained_source", "source", "request_id"),
    Index("retained_request_id", "request_id"),
)

retained_ways = Table(
    "retained_ways", metadata,
    Column("request_id", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False, comment="ids that lead to the records, AES-256-GCM"),
)  # fmt: skip

retained_subjects = Table(
    "retained_subjects",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("subject", LargeBinary, primary_key=True, comment="HMAC-SHA256 of kind and value, as legal holds have it"),
)

requesters = Table(
    "requesters",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("address", LargeBinary, nullable=False, comment="HMAC-SHA256 of the stated address"),
    Column("going", Text, nullable=False, server_default="", comment="right it goes its way by; empty = none"),
    Column("place", BigInteger, nullable=False, server_default="0", comment="order in which they set out"),
    Column("at", MOMENT, nullable=False),
    Column(
        "ticket", LargeBinary, comment="HMAC-SHA256 of the ticket's id; null = entered before there was this column"
    ),
    Index("requesters_address", "address", "at"),
    Index("requesters_ticket", "ticket"),
)

id_tokens = Table(
    "id_tokens", metadata,
    Column("token", LargeBinary, primary_key=True, comment="HMAC-SHA256 of the token's issuer and id"),
    Column("request_id", Text, nullable=False),
    Column("until", MOMENT, nullable=False, comment="it is expired by then"),
)  # fmt: skip

source_checks = Table(
    "source_checks",
    metadata,
    Column("source", Text, primary_key=True),
    Column("at", MOMENT, primary_key=True),
    Column("code", Text, nullable=False, comment="of the error; empty = all was well"),
    Column("undeclared", JSONB, nullable=False, comment="names of tables and fields that nobody declared"),
    Column("fresh", JSONB, nullable=False, comment="those of them that the last good check did not see"),
    Column("calls_left", BigInteger, comment="of the day's; null = the system doesn't say"),
    Column("calls_a_day", BigInteger),
)

outbox = Table(
    "outbox",
    metadata,
    Column("request_id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("answer", Boolean, nullable=False, comment="the person waits for something; else only notes"),
    Column("since", MOMENT, nullable=False),
    Column("due", MOMENT, nullable=False, comment="when it is tried next"),
    Column("tries", Integer, nullable=False, server_default="0", comment="in vain so far"),
    Column("code", Text, nullable=False, server_default="", comment="of the last error; empty = not tried"),
    Column("held", Boolean, nullable=False, server_default=false(), comment="a person has to see to it"),
    Index("outbox_due", "due"),
)

told_stages = Table(
    "told_stages", metadata,
    Column("request_id", Text, primary_key=True),
    Column("stages", Integer, nullable=False, comment="how many its ticket was told, or passed over"),
    Column("seq", BigInteger, nullable=False, comment="of the last event that was looked at"),
    Index("told_stages_seq", "seq"),
)  # fmt: skip
