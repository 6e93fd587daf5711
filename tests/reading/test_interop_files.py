"""The contact and the calendar, as the libraries that other programs use read them."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import icalendar
import pyarrow as pa
import vobject
from clear import cleared
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_packages import LEDGER, source, written
from made_up_sources import REQUEST_ID

import dsr
from dsr import interop, schema
from dsr.casefile import CaseFile

MADE_AT = "2026-11-20T12:00:00.123456Z"
HOSTILE = "x\r\nEND:VEVENT\r\nBEGIN:VEVENT\nSUMMARY:y;,\\\x00\u2028" + "å" * 200
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40) | st.just(HOSTILE)


def document(language: str = "sv", **attributes: list[tuple[str, int]]) -> dict[str, Any]:
    """What the interop files are drawn from: values of the profile with how many records bear each."""
    profile = {
        name: {"conflict": len(listed) > 1, "more_values": 0,
               "values": [{"value": value, "records": records, "provenance": []} for value, records in listed]}
        for name, listed in attributes.items()
    }  # fmt: skip
    dataset = {"name": LEDGER, "title": "Entries", "title_sv": "Poster", "source": "salesforce"}
    return {
        "request": {"request_id": REQUEST_ID, "language": language},
        "made_at": MADE_AT,
        "profile": {"attributes": profile},
        "categories": [{"name": "purchases", "datasets": [dataset]}],
    }


def files(given_document: dict[str, Any], records: list[dict[str, Any]] | None = None) -> dict[str, bytes]:
    """Path → content."""

    def rows(name: str, dataset: str) -> Iterator[pa.RecordBatch]:
        assert (name, dataset) == ("salesforce", LEDGER)
        for number, record in enumerate(records or []):
            yield schema.batch(LEDGER, [(f"l{number}", record)])

    return {path: b"".join(content) for path, content in interop.members(given_document, cleared(rows))}


def test_nothing_for_nothing() -> None:
    """Neither an empty card nor an empty calendar."""
    assert files(document()) == {}
    assert files(document(language=[("sv", 1)], name=[(" \x00", 1)]), [{"at": "in går"}, {}]) == {}


def test_every_value_is_on_the_card() -> None:
    """Also those that contradict each other; the name that most records bear is the name."""
    card = vobject.readOne(
        files(
            document(
                "en",
                name=[("Åsa Bergfalk", 1), ("Åsa Öhrnqvist", 5)],
                email=[("a@kvarn.example", 1), ("b@kvarn.example", 2)],
                phone=[("+46 70 174 06 05", 1)],
                address=[("Kvarngatan 1; box 2, 111 22 Ån", 1)],
                organisation=[("Kvarn; & Co, AB", 1)],
                title=[("VD", 1), ("CEO", 1)],
            )
        )["interop/contact.vcf"].decode()
    )
    assert card.version.value == "3.0"
    assert card.fn.value == card.n.value.given == "Åsa Öhrnqvist"
    assert [email.value for email in card.email_list] == ["b@kvarn.example", "a@kvarn.example"]
    assert card.tel.value == "+46 70 174 06 05"
    assert card.adr.value.street == "Kvarngatan 1; box 2, 111 22 Ån"
    assert card.org.value == ["Kvarn; & Co, AB"]
    assert [title.value for title in card.title_list] == ["CEO", "VD"]
    assert card.note.value == "Also recorded as: Åsa Bergfalk"


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_hostile_values_stay_values_on_the_card(name: str, email: str, address: str) -> None:
    """No value begins a property of its own, whatever it holds; lines are folded at 75 characters (RFC 2426 2.6)."""
    made = files(document(name=[(name, 1)], email=[(email, 1)], address=[(address, 1)], phone=[("1", 1)]))
    content = made["interop/contact.vcf"]
    (card,) = vobject.readComponents(content.decode())
    assert {child.name for child in card.getChildren()} <= {
        "VERSION", "FN", "N", "EMAIL", "TEL", "ADR", "UID", "REV",
    }  # fmt: skip
    assert all(len(line) <= 75 for line in content.decode().split("\r\n"))
    assert b"\x00" not in content


@settings(max_examples=60, deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_hostile_values_stay_values_in_the_calendar(text: str, place: str, link: str) -> None:
    """One appointment in, one out, with no property that isn't ours."""
    record = {"at": "2026-11-20T12:00:00+01:00", "text": text, "place": place, "link": "https://x.example/" + link}
    content = files(document(), [record])["interop/events.ics"]
    calendar = icalendar.Calendar.from_ical(content)
    (event,) = calendar.walk("VEVENT")
    assert set(event) <= {"UID", "DTSTAMP", "DTSTART", "SUMMARY", "LOCATION", "URL"}
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    assert b"\x00" not in content
    assert "\r" not in content.decode().replace("\r\n", "")


def test_times() -> None:
    """Offsets become UTC, dates whole days, what has no offset stays so; the rest is left out and counted."""
    records = [
        {"at": "2026-11-20T12:00:00.5+01:00", "until": "2026-11-20T13:00:00+01:00", "text": "ett", "place": "Ån",
         "link": "https://x.example/?a=1,2;b"},
        {"at": "2026-11-20", "until": "2026-11-21"},
        {"at": "2026-11-20T12:00:00", "until": "2026-11-20T13:00:00Z", "link": "javascript:alert(1)"},
        {"at": "2026-11-20T12:00:00Z", "until": "2026-11-20T11:00:00Z", "link": "https://x.example/\r\nX:1"},
        {"at": "0001-01-01T00:00:00Z"},
        {"at": "9999-12-31", "until": "9999-12-31"},
        {"at": "0001-01-01T00:00:00+14:00"},
        {"at": "in går"},
        {"text": "utan tid"},
    ]  # fmt: skip
    made = files(document(), records)
    assert made == files(document(), records)
    calendar = icalendar.Calendar.from_ical(made["interop/events.ics"])
    assert calendar["X-DSR-LEFT-OUT"] == "3"
    events = calendar.walk("VEVENT")
    assert [event.decoded("DTSTART") for event in events] == [
        dt.datetime(2026, 11, 20, 11, tzinfo=dt.UTC),
        dt.date(2026, 11, 20),
        dt.datetime(2026, 11, 20, 12),
        dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC),
        dt.datetime(1, 1, 1, tzinfo=dt.UTC),
        dt.date(9999, 12, 31),
    ]
    assert [event.decoded("DTEND") if "DTEND" in event else None for event in events] == [
        dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC), dt.date(2026, 11, 22), None, None, None, None,
    ]  # fmt: skip
    assert [str(event["SUMMARY"]) for event in events] == ["ett"] + ["Poster"] * 5
    assert [str(event.get("URL", "")) for event in events] == ["https://x.example/?a=1,2;b"] + [""] * 5
    assert len({str(event["UID"]) for event in events}) == 6
    assert {event.decoded("DTSTAMP") for event in events} == {dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)}


def test_what_was_called_off_is_struck_out() -> None:
    """Else it would stand in the person's calendar as if they had been there."""
    rows = [{"at": "2026-11-20T12:00:00Z", "text": word, "phase": word} for word in ("approved", "cancelled", "Denied")]
    calendar = icalendar.Calendar.from_ical(files(document(), rows)["interop/events.ics"])
    found = {str(event["SUMMARY"]): event.get("STATUS") for event in calendar.walk("VEVENT")}
    assert found == {"approved": None, "cancelled": "CANCELLED", "Denied": "CANCELLED"}


def test_fields_that_are_not_disclosed_are_not_looked_at() -> None:
    """Without the start there is no calendar; without the summary the dataset's title stands for it."""
    given_document = document()
    dataset = given_document["categories"][0]["datasets"][0]
    dataset["fields"] = ["text"]
    assert files(given_document, [{"at": "2026-11-20", "text": "x"}]) == {}


def test_both_lie_in_the_package(case: CaseFile, tmp_path: Path) -> None:
    """Described and hashed like all its files."""
    with dsr.read_package(written(case, tmp_path, source())) as contents:
        paths = {resource["path"] for resource in contents._package.descriptor["resources"]}
    assert {"interop/contact.vcf", "interop/events.ics"} <= paths
