"""What an event of the ledger says, in words for officers; what the words leave out stands behind them as codes."""

from collections.abc import Mapping
from string import Formatter
from typing import Any, Final, NamedTuple

from dsr.ledger import Event

_WORDS: Final[Mapping[str, str]] = {
    "request_received": "Received through {channel}, about {right}",
    "request_entered": "Entered by {by}; it came by {way}",
    "list_received": "An erasure list of {people} people was taken in by {by}: {reason}",
    "listed": "Is on the erasure list {list}",
    "budget_waited": "Waits: {source} has {left} of its {a_day} calls a day left, and {reserve} percent are for others",
    "set_aside": "Set aside, nothing is done: {code}",
    "triaged": "Triaged; it is request {within_year} of this address within a year",
    "linked": "Joined with another request",
    "cancel_asked": "The sender takes the request back: {by}",
    "referred": "Referred to who answers instead: {to}",
    "run_started": "Its run was started",
    "source_searched": "{source} was searched: {status}",
    "source_extracted": "{source} was read: {records} records, {attachments} files",
    "source_failed": "{source} could not be read: {code}",
    "decision": "Decided on {decision}: {choice}, by {by}",
    "deadline_near": "The last day is near: {latest}",
    "deadline_passed": "The last day has passed: {latest}",
    "reminded": "The privacy team was reminded; the last day is {latest}",
    "record_judged": "{by} said of a record in {source} whose it is",
    "review_viewed": "{by} looked at what others may be spoken of in",
    "review_decided": "{by} decided about what others may be spoken of in: {verdict}",
    "composed": "The package was made: {files} files",
    "released": "The package was released",
    "delivered": "The link to the package went out by {by}",
    "given_by_hand": "{by} gave the person what the ticket could not get",
    "written": "A copy of what was written was kept: {kind}, by {by}",
    "transmitted": "The package was sent to the other controller: {recipient}",
    "transmission_failed": "The package could not be sent to the other controller: {recipient}",
    "download_begun": "The package is being fetched",
    "downloaded": "The package was fetched",
    "code_refused": "A wrong code was typed on the download page",
    "link_expired": "The download link has ended; the case file is destroyed",
    "identity_asked": "Who asks was asked whether it is them: {outcome}",
    "identity_refused": "Who asks was not confirmed",
    "identity_verified": "Who asks: {method}, by {by}",
    "number_asked": "Who asks was asked to show that they hold a phone, numbers: {numbers}: {outcome}",
    "number_texted": "A code was asked for by text: {outcome}",
    "number_refused": "A wrong code was typed for a phone",
    "number_proven": "They have shown that they hold a phone",
    "planned": "What happens to the data was planned",
    "prepared": "The plan was prepared",
    "approved": "The plan was approved",
    "hold_added": "A legal hold was added, by {by}",
    "hold_ended": "A legal hold has ended, by {by}",
    "suppressed": "They are on the suppression list: {scope}",
    "readmitted": "They are off the suppression list again: {scope}",
    "enforced": "{source}: {effect}, {outcome}: {count} records",
    "restricted": "{source}: {count} records are restricted",
    "lift_announced": "That the restriction ends was announced for {on}",
    "lifted": "{source}: the restriction was lifted",
    "verified": "All systems were read again and compared with the plan",
    "certified": "What was done is certified",
    "replayed": "After a restore it was carried out again",
    "retention_ended": "{source}: what had been kept was looked at again",
    "notified": "A recipient was told: {recipient}, {kind}",
    "notice_failed": "A recipient could not be told: {recipient}, {kind}, {code}",
    "extended": "Extended until {latest}: {reason}, by {by}",
    "refused": "Refused: {reason}",
    "answered": "Answered: {outcome}",
    "answer_kept": "Text {answer} waits for an officer to send it",
    "answer_viewed": "The texts that wait were read by {by}",
    "answer_sent": "Text {answer} was sent on {on}, says {by}: {way}",
    "shredded": "The working data was removed: {outcome}",
    "closed": "Closed: {outcome}",
    "failed": "Its run failed in {task}",
}
_APART: Final = {"certified": ("systems",)}
"""What is too much for a line, and is shown by itself (`dsr.certified`)."""
_NO_WORD: Final = "unknown"


class Told(NamedTuple):
    """An event in words, and what they leave out."""

    words: str
    more: tuple[tuple[str, str], ...]


def told(event: Event) -> Told:
    """This event; a kind that has no words here stands for itself."""
    words = _WORDS.get(event.kind, event.kind.replace("_", " ").capitalize())
    named = [name for _, name, _, _ in Formatter().parse(words) if name]
    values = {name: _said(event.detail[name]) if name in event.detail else _NO_WORD for name in named}
    named += _APART.get(event.kind, ())
    more = tuple((name, _said(value)) for name, value in event.detail.items() if name not in named)
    return Told(words.format_map(values), more)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_said(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_said(inner) for inner in value) or "none"
    return str(value)


TITLES: Final[Mapping[str, str]] = {
    "receive": "Receipt",
    "settle": "Triage",
    "join": "Joining",
    "search": "Search",
    "read": "Reading",
    "incomplete": "What is missing",
    "review": "Review",
    "compose": "Package",
    "release": "Release",
    "deliver": "Answer",
    "transmit": "Transmission",
    "plan": "Plan",
    "identity": "Identity",
    "prepare": "Preparation",
    "approve": "Approval",
    "suppress": "Suppression list",
    "enforce": "Enforcement",
    "verify": "Verification",
    "notify": "Notices",
    "answer": "Answer",
    "decide_lift": "Lift or keep",
    "decide_objection": "Objection",
    "announce": "Announcement",
    "lift": "Lifting",
    "close": "Closing",
    "send": "Sending",
}
"""What a step of `dsr.way` is called."""
