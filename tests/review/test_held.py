"""Nothing that others may be spoken of in reaches a package unless a person let it go."""

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from clear import released
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr import review, reviewing, schema
from dsr.casefile import CaseFile, CaseStore
from dsr.cleared import Cleared, ClearedFile
from dsr.errors import PermanentError
from dsr.masking import Mask
from dsr.model import Attachment, Found, Identifier, Match, Rows
from dsr.package import PACKAGE
from dsr.register import Register
from dsr.review import MASKED, RELEASED, WITHHELD
from dsr.search import SearchResult, found_as_json
from dsr.settings import Settings
from dsr.source import Dataset, Declaration
from dsr.steps import assess, collect, combine, compose, hold

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
REQUEST = "dsr-review-1"
MESSAGE, CASE = "webinar_chat_message", "salesforce_case"
PLANTED = "Berit Planterad"


def dataset(name: str, processing: str) -> Dataset:
    """As the extractors declare it, in what this test needs."""
    return Dataset(name, name, "interactions", "provided", (), processing, "delete")


class Talk:
    """A source with these texts, as subjects and as chat messages, and these files."""

    declaration = Declaration(
        "salesforce",
        "Talk",
        "controller",
        "http",
        {},
        (dataset(MESSAGE, "events"), dataset(CASE, "support")),
        ("email",),
    )

    def __init__(self, texts: list[str], files: list[bytes] = []) -> None:  # noqa: B006 - never changed
        self.texts, self.files = texts, files
        self.titles = [f"fil {n}.txt" for n in range(len(files))]

    def find(self, subjects: Any) -> Found:
        """Not asked."""
        raise NotImplementedError

    def extract(self, found: Found) -> Any:
        """All."""
        cases = [(f"c{n}", {"Subject": text, "CaseNumber": f"{n:08d}"}) for n, text in enumerate(self.texts)]
        chat = [(f"m{n}", {"message": text, "name": "Edla Kvarn", "extra": text}) for n, text in enumerate(self.texts)]
        yield Rows(REQUEST, CASE, schema.batch(CASE, cases))
        yield Rows(REQUEST, MESSAGE, schema.batch(MESSAGE, chat))
        for n, content in enumerate(self.files):
            yield Attachment(REQUEST, CASE, "c0", f"f{n}", "text/plain", "txt", self.titles[n], iter([content]))


def collected(folder: Path, source: Talk, language: str = "sv") -> CaseFile:
    """A case up to the document."""
    case = CaseStore(str(folder), bytes(32)).create(REQUEST)
    case.write_json("request", {
        "request_id": REQUEST, "right": "access", "channel": "standard_webhooks", "language": language,
        "received_at": "2026-11-19T08:00:00Z", "due": {"target": "2026-12-19", "legal_latest": "2026-12-21"},
        "ticket": {"id": "1"}, "subject": {"email": "edla@example.com"},
    })  # fmt: skip
    held = frozenset({Identifier("email", "edla@example.com")})
    case.write_json("search/salesforce", SearchResult("salesforce", "found", AT, 1).as_json())
    case.write_json("found/salesforce", found_as_json(Found("salesforce", (Match(REQUEST, CASE, "c0", held, held),))))
    again(case, source)
    return case


def again(case: CaseFile, source: Talk) -> None:
    """Collect and combine."""
    collect.collect(case, source, at=AT)  # type: ignore[arg-type]
    combine.combine(case, [source.declaration], Register.load(), portable=assess.portable, at=AT)


SETTINGS = Settings("memory", "postgresql://", bytes(32), portal_url="https://portal.example")


def package(case: CaseFile) -> dict[str, bytes]:
    """The files of the package."""
    compose.compose(case, [Talk.declaration], at=AT, settings=SETTINGS)
    with case.reader(PACKAGE) as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def numbers(case: CaseFile) -> dict[str, int]:
    """Number of the item by its text; of files by their name, of their names by "name: …"."""
    pages = max(entry.page for entry in review.entries(case).values())
    items = [item for page in range(1, pages + 1) for item in review.page(case, page)]
    files = {item.text for item in items if item.form == "file"}
    titles = {place for key, entry in review.entries(case).items() for place in [entry.number]
              if any(p.field == review.FILE_NAME for p in entry.places)}  # fmt: skip
    named = {item.number: f"name: {item.text}" for item in items if item.number in titles and item.form == "text"}
    assert files <= {item.text for item in items}
    return {named.get(item.number, item.text): item.number for item in items}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_a_package_holds_what_was_released_and_no_word_more(
    tmp_path_factory: pytest.TempPathFactory, data: Any
) -> None:
    """Any texts, any decisions, any of them left out: each text is in the package as decided, in every file of it."""
    words = st.text("abcdefgh ÅÄÖ,.\n\"\\<>'é", max_size=12)
    planted = data.draw(st.lists(st.tuples(words, words), min_size=1, max_size=6), label="around")
    texts = [f"{before}{PLANTED} {n:03d}{after}" for n, (before, after) in enumerate(planted)]
    case = collected(tmp_path_factory.mktemp("case"), Talk(texts), data.draw(st.sampled_from(["sv", "en"])))
    hold.hold(case)
    by_text = numbers(case)
    decided: dict[str, str] = {}
    for text, number in sorted(by_text.items()):
        verdict = data.draw(st.sampled_from([RELEASED, MASKED, WITHHELD, "", ""]), label=text)
        at = text.find(PLANTED)
        if not verdict:
            continue
        masks = [Mask(at, at + len(PLANTED), "person")] if verdict == MASKED else []
        ground = "third_party" if verdict == WITHHELD else ""
        reviewing.decide(case, number, verdict=verdict, by="o", at=AT, ground=ground, masks=masks)
        decided[text] = verdict
    counts = reviewing.conclude(case, by="o", four_eyes=False, without_rest=True)
    assert counts["not_reviewed"] == len(by_text) - len(decided)
    files = package(case)
    subjects = {row["_source_id"]: row.get("Subject") for row in json.loads(files[f"data/interactions/{CASE}.json"])}
    messages = json.loads(files[f"data/interactions/{MESSAGE}.json"])
    for n, text in enumerate(texts):
        shown = subjects[f"c{n}"]
        match decided.get(text, ""):
            case "released":
                assert shown == text
            case "masked":
                assert shown.startswith(text[: text.find(PLANTED)])
                assert shown.endswith(text[text.find(PLANTED) + len(PLANTED) :])
                assert PLANTED not in shown
            case _:
                assert shown.startswith("[")
                assert shown != text
    for n, text in enumerate(texts):
        extra = json.dumps({"extra": text}, ensure_ascii=False)
        as_held = next(t for t in by_text if t.startswith("{") and f"{n:03d}" in t)
        assert json.loads(as_held) == json.loads(extra)
        row = next(row for row in messages if row["_source_id"] == f"m{n}")
        assert (row.get("unmapped") == {"extra": text}) == (decided.get(as_held) == "released")
    let_go = [text for text, verdict in decided.items() if verdict == RELEASED]
    gone = [f"{PLANTED} {n:03d}" for n in range(len(texts)) if not any(f"{PLANTED} {n:03d}" in t for t in let_go)]
    assert not [(name, words) for name, content in files.items() for words in gone if words in content.decode()]


def test_what_was_left_out_is_named_and_counted(tmp_path: Path) -> None:
    """By system, dataset and ground, in both files that say so."""
    case = collected(tmp_path, Talk(["ett", "två", "tre"], [b"one", b"two", b"one"]))
    hold.hold(case)
    by_text = numbers(case)
    # Three texts in two places each, three `unmapped`, the names of three files, two different files.
    assert len(review.entries(case)) == 11
    reviewing.decide(case, by_text["ett"], verdict=WITHHELD, by="o", at=AT, ground="third_party")
    reviewing.decide(case, by_text["två"], verdict=MASKED, by="o", at=AT, masks=[Mask(0, 2, "person")])
    reviewing.decide(case, by_text["fil 0.txt"], verdict=WITHHELD, by="o", at=AT, ground="confidential")
    reviewing.decide(case, by_text["tre"], verdict=RELEASED, by="o", at=AT)
    reviewing.conclude(case, by="o", four_eyes=False, without_rest=True)
    files = package(case)
    withheld = json.loads(files["decisions.json"])["withheld"]
    assert {(entry["dataset"], entry["ground"]): entry["count"] for entry in withheld} == {
        (CASE, "third_party"): 1, (CASE, "third_party_masked"): 1, (CASE, "confidential"): 2, (CASE, "not_reviewed"): 4,
        (MESSAGE, "third_party"): 1, (MESSAGE, "third_party_masked"): 1, (MESSAGE, "not_reviewed"): 3,
    }  # fmt: skip
    assert json.loads(files["document.json"])["withheld"] == withheld
    assert json.loads(files["data/attachments/attachments.json"]) == []
    assert not [name for name in files if name.startswith("data/attachments/att-")]


def test_a_file_that_is_released_keeps_its_bytes_and_gets_the_next_number(tmp_path: Path) -> None:
    """The withheld one leaves no gap that could be counted wrongly."""
    case = collected(tmp_path, Talk(["."], [b"one", b"two"]))
    hold.hold(case)
    by_text = numbers(case)
    assert "." not in by_text  # says nothing of anybody
    reviewing.decide(case, by_text["fil 0.txt"], verdict=WITHHELD, by="o", at=AT, ground="third_party")
    for text in set(by_text) - {"fil 0.txt"}:
        reviewing.decide(case, by_text[text], verdict=RELEASED, by="o", at=AT)
    reviewing.conclude(case, by="o", four_eyes=False, without_rest=False)
    files = package(case)
    (listed,) = json.loads(files["data/attachments/attachments.json"])
    assert (listed["file"], listed["title"]) == ("data/attachments/att-0001.txt", "fil 1.txt")
    assert files["data/attachments/att-0001.txt"] == b"two"


def test_what_a_file_is_called_is_reviewed_too(tmp_path: Path) -> None:
    """Withheld, the name stands in no file of the package; the file itself may go."""
    source = Talk(["."], [b"same", b"same"])
    source.titles = ["Karin Berg sjuk.txt", "fil.txt"]
    case = collected(tmp_path, source)
    hold.hold(case)
    by_text = numbers(case)
    for text, number in by_text.items():
        verdict = WITHHELD if text == "name: Karin Berg sjuk.txt" else RELEASED
        ground = "third_party" if verdict == WITHHELD else ""
        reviewing.decide(case, number, verdict=verdict, by="o", at=AT, ground=ground)
    reviewing.conclude(case, by="o", four_eyes=False, without_rest=False)
    files = package(case)
    listed = json.loads(files["data/attachments/attachments.json"])
    assert [entry["title"] for entry in listed] == ["[utelämnat: uppgifter om andra]", "fil.txt"]
    assert not [name for name, content in files.items() if b"Karin" in content]


def test_a_text_and_a_nested_value_are_two_items(tmp_path: Path) -> None:
    """Also where they read alike: what may be done to one may break the other."""
    case = collected(tmp_path, Talk(['{"extra":"x"}', "x"]))
    hold.hold(case)
    alike = [item for item in review.page(case, 1) if item.text == '{"extra":"x"}']
    assert sorted(item.form for item in alike) == ["json", "text"]


def test_nothing_is_composed_before_the_review_has_ended(tmp_path: Path) -> None:
    """Neither before it began, nor while something is open, nor after the records were read again."""
    case = collected(tmp_path, source := Talk(["ett"]))
    with pytest.raises(PermanentError, match=r"review\.missing"):
        package(case)
    hold.hold(case)
    with pytest.raises(PermanentError, match=r"review\.missing"):
        package(case)
    with pytest.raises(PermanentError, match=r"review\.open"):
        reviewing.conclude(case, by="o", four_eyes=False, without_rest=False)
    released(case)
    package(case)
    again(case, Talk([*source.texts, "två"]))
    with pytest.raises(PermanentError, match=r"review\.stale"):
        package(case)


def test_decisions_are_remembered_for_the_same_content(tmp_path: Path) -> None:
    """A second search of the same case: what was decided stands, what is new is open."""
    case = collected(tmp_path, Talk(["ett", "två"]))
    hold.hold(case)
    before = numbers(case)
    reviewing.decide(case, before["två"], verdict=WITHHELD, by="o", at=AT, ground="third_party")
    again(case, Talk(["noll", "två", "ett"]))
    assert hold.hold(case) == 6
    assert {text: number for text, number in numbers(case).items() if text in before} == {
        text: number for text, number in before.items() if "extra" not in text or text in numbers(case)
    }
    progress = reviewing.progress(case, four_eyes=False)
    assert (progress.items, progress.open, progress.verdicts["withheld"]) == (6, 5, 1)


def test_four_eyes(tmp_path: Path) -> None:
    """Who decided can't agree with themselves; a new decision needs a new second look."""
    case = collected(tmp_path, Talk(["ett"]))
    hold.hold(case)
    for number in numbers(case).values():
        reviewing.decide(case, number, verdict=RELEASED, by="one", at=AT)
        with pytest.raises(PermanentError, match=r"review\.same_person"):
            reviewing.second(case, number, by="one")
    with pytest.raises(PermanentError, match=r"review\.open"):
        reviewing.conclude(case, by="one", four_eyes=True, without_rest=False)
    for number in numbers(case).values():
        reviewing.second(case, number, by="two")
    reviewing.decide(case, numbers(case)["ett"], verdict=RELEASED, by="two", at=AT)
    assert reviewing.progress(case, four_eyes=True).unseconded == 1
    reviewing.second(case, numbers(case)["ett"], by="one")
    assert reviewing.conclude(case, by="one", four_eyes=True, without_rest=False)["released"] == 2


@pytest.mark.parametrize("choice", [
    {"verdict": "perhaps"}, {"verdict": MASKED}, {"verdict": WITHHELD}, {"verdict": RELEASED, "ground": "third_party"},
    {"verdict": WITHHELD, "ground": "not_reviewed"}, {"verdict": MASKED, "masks": [Mask(0, 99, "person")]},
    {"verdict": MASKED, "masks": [Mask(1, 1, "person")]}, {"verdict": MASKED, "masks": [Mask(0, 1, "what")]},
])  # fmt: skip
def test_what_cant_be_decided_is_refused(tmp_path: Path, choice: dict[str, Any]) -> None:
    """And nothing is kept of it."""
    case = collected(tmp_path, Talk(["ett"]))
    hold.hold(case)
    with pytest.raises(PermanentError, match=r"review\.verdict"):
        reviewing.decide(case, numbers(case)["ett"], by="o", at=AT, **choice)
    assert list(review.verdicts(case)) == []


def test_a_nested_value_stays_one(tmp_path: Path) -> None:
    """A mask that would break it is refused; a file can't be masked; after the end nothing is decided."""
    case = collected(tmp_path, Talk(["ett"], [b"x"]))
    hold.hold(case)
    by_text = numbers(case)
    nested = next(text for text in by_text if text.startswith("{"))
    with pytest.raises(PermanentError, match=r"review\.verdict"):
        reviewing.decide(case, by_text[nested], verdict=MASKED, by="o", at=AT, masks=[Mask(0, 4, "person")])
    with pytest.raises(PermanentError, match=r"review\.verdict"):
        reviewing.decide(case, by_text["fil 0.txt"], verdict=MASKED, by="o", at=AT, masks=[Mask(0, 2, "person")])
    reviewing.conclude(case, by="o", four_eyes=False, without_rest=True)
    with pytest.raises(PermanentError, match=r"review\.concluded"):
        reviewing.decide(case, by_text["ett"], verdict=RELEASED, by="o", at=AT)


def test_only_clearing_makes_what_can_be_written() -> None:
    """By type: a batch, or a file, that did not come through it is none that a writer takes."""
    batch = schema.batch(CASE, [("c1", {"Subject": "x"})])
    with pytest.raises(TypeError):
        Cleared(batch, object())
    with pytest.raises(TypeError):
        ClearedFile({}, lambda: iter(()), object())
