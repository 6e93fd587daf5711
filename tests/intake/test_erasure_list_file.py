"""The file of an erasure list: what can be taken and what can't, and that the reason names the line and no value."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dsr.__main__ import main
from dsr.listfile import COLUMNS, BadList, read


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_as_spreadsheets_save_it(separator: str, ending: str, mark: bytes) -> None:
    lines = [["Email ", "customer_number"], [" Örjan@Example.com", "C-1"], ["b@example.com", ""], ["", ""]]
    content = mark + ending.join(separator.join(cells) for cells in lines).encode()
    assert read(content) == [{"email": "örjan@example.com", "customer_number": "C-1"}, {"email": "b@example.com"}]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", 1, "is missing"),
        (b"mail\na@b.example\n", 1, "is missing"),
        (b"email,name\na@b.example,Anna\n", 1, "none of email, customer_number"),
        (b"email,email\n", 1, "twice"),
        (b"email\n", 0, "names nobody"),
        (b"email\na@b.example\nno address\n", 3, "is no address"),
        (b"email\na@b.example\nA@B.example\n", 3, "stands in line 2 already"),
        (b"email,customer_number\na@b.example\n", 2, "has 1 cells"),
        (b"email\n\xff\xfe\n", 0, "is not UTF-8"),
        ("email\na@b\u200b.example\n".encode(), 2, "can't be seen"),
        ("email\nаnna@example.com\n".encode(), 2, "several scripts"),
        (b"email,customer_number\na@b.example,C'--\n", 2, "no such number"),
        (b'email\n"a@b.example\n', 0, "no CSV"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content: bytes, line: int, words: str) -> None:
    with pytest.raises(BadList) as caught:
        read(content)
    assert any(where == line and words in what for where, _, what in caught.value.problems) or (
        words == "no CSV" and words in str(caught.value)
    )


@given(st.binary(max_size=300))
@example(b"email\r\r\n")
@example(b"email\n\x00@a.b\n")
def test_any_bytes_are_people_or_a_reason(content: bytes) -> None:
    try:
        people = read(content)
    except BadList:
        return
    assert people
    assert all(set(person) <= set(COLUMNS) and "@" in person["email"] for person in people)


@given(st.lists(st.from_regex(r"[a-z]{3,10}@[a-z]{3,10}\.example", fullmatch=True), min_size=1, unique=True))
def test_all_that_are_on_it_are_read_in_order(addresses: list[str]) -> None:
    written = io.StringIO()
    csv.writer(written).writerows([["email"], *([address] for address in addresses)])
    assert [person["email"] for person in read(written.getvalue().encode())] == addresses


@given(st.from_regex(r"[a-z]{8,12}[0-9]{4}", fullmatch=True))
def test_no_reason_holds_what_stands_in_the_file(value: str) -> None:
    with pytest.raises(BadList) as caught:
        read(f"email,{value}\n{value},{value}\n".encode())
    assert value not in str(caught.value)


def test_the_command_says_where_and_takes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "list.csv"
    file.write_text("email,Note\nanna@example.com,x\n")
    assert main(["erasure-list", "add", str(file), "--reason", "no_longer_needed", "--by", "dpo"]) == 1
    said = capsys.readouterr().err
    assert "line 1 has a column that is none of email, customer_number" in said
    assert "nothing was taken in" in said
    assert "anna" not in said
    file.write_text("email\nanna@example.com\n")
    assert main(["erasure-list", "check", str(file)]) == 0
    assert capsys.readouterr().out == "1 people; the file can be taken.\n"
    assert main(["erasure-list", "check", str(tmp_path / "absent.csv")]) == 1
