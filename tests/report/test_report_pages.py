"""What the report says and what it costs: nothing is lost on the way to the page, and little is read for it."""

import json
import string
import tracemalloc
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa
import pytest
from clear import cleared
from hypothesis import given
from hypothesis import strategies as st
from made_up_documents import Answer, processing, said

from dsr import schema
from dsr.errors import PermanentError
from dsr.report.html import members
from dsr.report.html.cells import PREVIEW, Json, cell, clean, moment, plain_cells
from dsr.report.html.wording import Wording
from dsr.report.letters import catalogue

SV, EN = Wording("sv"), Wording("en")
DIARY = ("crm", "interactions", "diary")


class Text(HTMLParser):
    """The text of a page as a browser would show it, and the elements in it."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.elements: set[str] = set()
        self.feed(page)
        self.close()
        self.text = "".join(self.texts)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.add(tag)


def diary(rows: int, **more: Any) -> Answer:
    """Records of a dataset with a time."""
    records = [
        (f"n{n}", {"at": f"{2010 + n % 16}-03-11T12:00:00+01:00", "text": f"rad {n}.", **more}) for n in range(rows)
    ]
    return Answer({DIARY: records})


@given(st.text(st.characters(), max_size=4_000))
def test_a_text_stands_on_the_page_as_it_is(text: str) -> None:
    """Apart from characters that no browser shows; no text makes an element."""
    shown = Text(str(cell(text, SV, 20_000)))
    assert clean(text) in shown.text
    assert shown.elements <= {"details", "summary", "p"}


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(NESTED)
def test_nested_values_are_readable_to_the_last_leaf(value: Any) -> None:
    """With every digit; what is deeper than six levels as JSON text."""
    text = json.dumps(value)
    shown = Text(str(cell(Json(text), EN, 20_000)))
    for leaf in leaves(value):
        assert clean(leaf) in shown.text or json.dumps(leaf, ensure_ascii=False) in shown.text
    assert shown.elements <= {"dl", "div", "dt", "dd", "ul", "li", "span"}


def leaves(value: Any, depth: int = 0) -> Iterator[str]:
    """The texts and numbers of a nested value that aren't too deep."""
    if depth > 5:
        return
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part, depth + 1)
    elif isinstance(value, str):
        yield value
    elif value is not None and not isinstance(value, bool):
        yield json.dumps(value)


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("2026-11-20T12:00:00.500+01:00", "2026-11-20 12:00:00.5 +01:00"),
        ("2026-11-20T12:00:00.000Z", "2026-11-20 12:00:00 UTC"),
        ("2026-11-20T12:00:00.000+0000", "2026-11-20 12:00:00 UTC"),
        ("2026-11-20t12:00:00.000001", "2026-11-20 12:00:00.000001"),
        ("2026-11-20T10:00Z", "2026-11-20 10:00 UTC"),
        ("in går", "in går"),
        ("", ""),
    ],
)
def test_times_keep_their_digits_and_their_zone(kept: str, shown: str) -> None:
    assert moment(kept) == shown


def test_deep_and_broken_json_stands_as_text() -> None:
    """No nesting is too deep to show."""
    deep = "[" * 100_000
    assert deep[:1_000] in Text(str(cell(Json(deep), SV, 20_000))).text
    assert "{broken" in Text(str(cell(Json("{broken"), SV, 20_000))).text


def test_what_is_cut_says_how_much() -> None:
    """And where the rest is."""
    shown = Text(str(cell("x" * 25_000, EN, 20_000))).text
    assert "5,000 more characters are in the JSON file." in shown


def test_every_value_is_on_the_page_in_both_languages() -> None:
    """Of a dataset that fits; fields without any are named."""
    records = [
        (
            "id-1",
            {
                "at": "2026-03-11T12:00:00Z",
                "text": "ett",
                "count": 77,
                "seen": True,
                "nested": {"a": ["b"]},
                "else": "där",
            },
        )
    ]
    pages = Answer({DIARY: records}).pages()
    assert list(pages) == ["index.html", "index.en.html"]
    swedish, english = Text(pages["index.html"]).text, Text(pages["index.en.html"]).text
    for value in ("id-1", "2026-03-11 12:00:00 UTC", "ett", "77", "else", "där"):
        assert value in swedish
        assert value in english
    assert "Aldrig ifyllt" in swedish
    assert "Never filled" in english
    assert '<html lang="sv">' in pages["index.html"]
    assert Answer({DIARY: records}, language="en").pages().keys() == {"index.html", "index.sv.html"}


def test_all_rows_up_to_the_cap_are_on_the_pages() -> None:
    """25 in the index, each once on the pages; then the files."""
    answer = diary(5_400)
    pages = answer.pages()
    swedish = [page for path, page in pages.items() if path.startswith("report/sv/")]
    assert [path for path in pages if path.startswith("report/sv/")] == [
        f"report/sv/diary-{n:04d}.html" for n in (1, 2)
    ]
    text = " ".join(Text(page).text for page in swedish)
    assert all(f"rad {n}." in text for n in (0, 24, 25, 499, 500, 999))
    assert "rad 1000." not in text
    assert "rad 24." in Text(pages["index.html"]).text
    assert "rad 25." not in Text(pages["index.html"]).text
    assert "data/interactions/diary.csv" in swedish[0]
    assert "5\u00a0400" in Text(swedish[0]).text
    assert 'href="../../data/interactions/diary.csv"' in swedish[0]


def test_what_is_missing_is_said_first_and_in_words() -> None:
    """In both languages, before anything else; nothing is called found that wasn't."""
    answer = diary(1)
    answer.missing("billing", "failed")
    answer.missing("calls", "not_connected")
    for path, page in answer.pages().items():
        text = Text(page).text
        assert "System billing, System calls" in text
        assert text.index("System billing, System calls") < text.index("System crm")
        assert ("Kunde inte läsas" if path == "index.html" else "Could not be read") in text
        assert ("Inte anslutet" if path == "index.html" else "Not connected") in text
    assert "Inga uppgifter som säkert" in Text(Answer({}).pages()["index.html"]).text


def test_what_is_left_out_is_listed_with_its_reason() -> None:
    """Withheld, doubtful, excluded from portability, and what looks wrong."""
    answer = diary(1)
    document = answer.document
    document["request"]["right"] = "portability"
    document["search"][0]["doubtful"] = 4
    document["withheld"] = [
        {"source": "crm", "dataset": "diary", "ground": "third_party", "count": 2, "words": said("15.4!")}
    ]
    document["excluded"] = [
        {
            "source": "crm",
            "dataset": "call_record",
            "fields": ["Channel"],
            "reason": "derived",
            "rows": 9,
            "attachments": 0,
            "words": said("härlett!"),
        }
    ]
    document["invalid"] = [{"source": "crm", "dataset": "diary", "rule": "/properties/count/minimum", "count": 1}]
    text = Text(answer.pages()["index.html"]).text
    for part in (
        "15.4!",
        "härlett!",
        "Channel",
        "Samtal",
        "/properties/count/minimum",
        "kan vara någon annans",
        "artikel 20",
    ):
        assert part in text


def test_processing_is_told_per_activity() -> None:
    """Everything of the information that a person reads, in both languages."""
    answer = diary(1)
    answer.document["processing"] = information = processing()
    for path, page in answer.pages().items():
        language, text = ("sv", Text(page).text) if path == "index.html" else ("en", Text(page).text)
        assert all(word in text for word in said_in(information, language))
        for part in (
            "Salesforce.com, Inc.",
            "https://www.dataprivacyframework.example/list",
            "imy@imy.se",
            "556000-0000",
        ):
            assert part in text


def said_in(value: Any, language: str) -> Iterator[str]:
    """All words of a language in a nested value, apart from anchors, which the words of a period hold."""
    if isinstance(value, dict):
        if language in value:
            yield value[language]
        else:
            for key, part in value.items():
                if key != "anchor":
                    yield from said_in(part, language)
    elif isinstance(value, list):
        for part in value:
            yield from said_in(part, language)


@given(
    st.lists(
        st.sampled_from(
            [
                "2024-02-11T12:00:00Z",
                "2024-02",
                "2026-12-31T23:59:59-08:00",
                "1999-01-01T00:00:00Z",
                "0001-01-01",
                "när",
                None,
            ]
        )
    )
)
def test_the_timeline_counts_every_record(times: list[str | None]) -> None:
    """By the month that the record itself says, and those without one."""
    answer = Answer({DIARY: [(str(n), {"at": at}) for n, at in enumerate(times)]}) if times else Answer({})
    page = answer.pages()["index.html"]
    dated = [at for at in times if at and at[0] in "12"]
    assert ("<svg" in page) == bool(dated)
    if dated:
        assert f"Totalt {len(dated)}" in Text(page).text
        if len(dated) < len(times):
            assert f"Poster utan datum: {len(times) - len(dated)}." in Text(page).text


def test_same_document_same_bytes() -> None:
    """Whatever was made before."""
    assert diary(600).pages() == diary(600).pages()


def test_little_is_read_and_little_kept() -> None:
    """A million rows: every batch once for its times, the first rows again for the pages; memory stays flat."""
    answer = diary(1)
    text = pa.array(["x" * 200] * 10_000)
    whole = schema.batch("diary", [(str(n), {"at": "2026-03-11T12:00:00Z"}) for n in range(10_000)])
    batch = whole.set_column(whole.schema.get_field_index("text"), "text", text)
    answer.document["categories"][0]["datasets"][0]["rows"] = 1_000_000
    given_out = 0

    def rows(source: str, dataset: str) -> Iterator[pa.RecordBatch]:
        nonlocal given_out
        for _ in range(100):
            given_out += 1
            yield batch

    tracemalloc.start()
    size = sum(len(piece) for _, content in members(answer.document, cleared(rows)) for piece in content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert given_out <= 103
    assert size < 10_000_000
    assert peak < 16 * 1024 * 1024


def test_rows_that_are_gone_stop_it() -> None:
    """No report without the records that it promises."""
    answer = diary(3)
    with pytest.raises(PermanentError, match=r"rows\.lost"):
        [b"".join(content) for _, content in members(answer.document, lambda source, dataset: iter(()))]


def test_the_catalogues_say_the_same() -> None:
    """The same keys with the same values to fill in."""
    names = {}
    for language in ("sv", "en"):
        names[language] = {
            (section, key, tuple(sorted(n for _, n, _, _ in string.Formatter().parse(text) if n)))
            for section, texts in catalogue(language, "report").items()
            for key, text in texts.items()
        }
    assert names["sv"] == names["en"]


def test_a_system_s_name_stands_once_in_each_language() -> None:
    """Above what it answered, not in front of it again."""
    answer = diary(1)
    answer.document["search"][0] |= {"title": "The system", "title_sv": "Systemet"}
    answer.document["search"][0]["words"] = {"sv": "Systemet: genomsökt.", "en": "The system: searched."}
    for path, page in answer.pages().items():
        name, said_of_it = ("Systemet", "Genomsökt.") if path == "index.html" else ("The system", "Searched.")
        assert said_of_it in Text(page).text
        assert f"{name}: " not in Text(page).text


@pytest.mark.parametrize("part", ["transfers", "recipients"])
def test_what_the_register_leaves_blank_is_not_called_none(part: str) -> None:
    """Nothing is said that the register doesn't say; where it says that there is nobody, that is said."""
    answer = diary(1)
    answer.document["processing"] = information = processing()
    activity = information["activities"][0]
    information["activities"] = [activity]
    activity[part] = []
    stated, blank = {"transfers": "Ingen.", "recipients": "Ingen utom vi."}[part], "Står ännu inte i vårt register."
    seen = Text(answer.pages()["index.html"]).text
    assert stated in seen
    assert blank not in seen
    activity["blank"] = [part]
    seen = Text(answer.pages()["index.html"]).text
    assert stated not in seen
    assert blank in seen


def test_no_profiling_is_not_claimed_of_systems_that_were_not_read() -> None:
    """What is known of those that were is all that is said."""
    answer = diary(1)
    answer.document["processing"] = information = processing()
    assert "Vi har inte placerat dig i någon grupp" in Text(answer.pages()["index.html"]).text
    answer.missing("pardot", "not_connected")
    seen = Text(answer.pages()["index.html"]).text
    assert "Vi har inte placerat dig i någon grupp" not in seen
    assert "Ingen grupp hittades för dig i de system som kunde läsas" in seen
    information["profiling"] = []
    assert "Vi hittade ingen profilering med dina uppgifter i de system" in Text(answer.pages()["index.html"]).text


def test_files_that_are_left_out_are_counted() -> None:
    """A dataset left out whole: its records and its files, in the table and at the top; two reasons, one sum."""
    answer = diary(1)
    entry = {"source": "crm", "dataset": "call_record", "fields": ["Channel"], "words": said("utanför!")}
    answer.document["excluded"] = [
        {**entry, "reason": "derived", "rows": 9, "attachments": 3},
        {**entry, "reason": "unknown_origin", "rows": 4, "attachments": 0},
    ]
    page = answer.pages()["index.html"]
    assert "3 filer" in Text(page).text
    assert "<dt>poster utelämnade</dt><dd>12</dd>" in page


@given(st.lists(st.none() | st.text(st.characters(), max_size=300)))
def test_a_column_at_once_is_its_cells_one_by_one(values: list[str | None]) -> None:
    """Escaped and cleaned alike; a text too long for it is left to the single way."""
    made = plain_cells(values)
    if made is None:
        assert any(value is not None and len(clean(value)) > PREVIEW for value in values)
    else:
        assert made == ["" if value is None else str(cell(value, SV, 20_000)) for value in values]


@given(st.lists(st.none() | st.floats()))
def test_a_column_of_numbers_keeps_each_as_it_is(values: list[float | None]) -> None:
    """-0.0 is not 0.0, and NaN is one."""
    assert plain_cells(values) == ["" if value is None else str(value) for value in values]
