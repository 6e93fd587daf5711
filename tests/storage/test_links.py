"""A package opens with link and code together, until its time is up, and guessing doesn't pay."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from dsr.errors import PermanentError
from dsr.links import Links, Redeemed, new_code, new_link

PEPPER = b"p" * 32
DAY = timedelta(days=1)


@pytest.fixture
def links(engine: Engine) -> Links:
    return Links(engine, PEPPER)


@pytest.fixture
def made(links: Links, now: datetime) -> tuple[str, str]:
    link, code = new_link(), new_code()
    links.create("request-1", link, code, now + DAY, now)
    return link, code


def test_link_and_code_open_any_number_of_times(links: Links, made: tuple[str, str], now: datetime) -> None:
    for n in range(30):
        assert links.redeem(*made, now + n * timedelta(minutes=1)) == Redeemed("request-1", (now + DAY).astimezone(UTC))


def test_everything_else_gets_the_same_answer(links: Links, made: tuple[str, str], now: datetime) -> None:
    link, code = made
    other_link, other_code = new_link(), new_code()
    links.create("request-2", other_link, other_code, now + DAY, now)
    for wrong in ((link, other_code), (other_link, code), (new_link(), code), (link, ""), ("", ""), ("\ud800", "\0")):
        assert links.redeem(*wrong, now) is None
    assert links.redeem(link, code, now + DAY) is None
    assert links.redeem(link, code, now + DAY - timedelta(microseconds=1)) is not None


def test_a_code_is_read_as_people_type_it(links: Links, now: datetime) -> None:
    links.create("request-1", link := new_link(), "01AB-CDEF-GH01", now + DAY, now)
    for typed in ("01ABCDEFGH01", "o1ab cdef ghOi", "-OL-ab-cdef-gh-0-l", " 01AB-CDEF-GH01\n"):
        assert links.redeem(link, typed, now) is not None, typed


def test_wrong_codes_lock_the_link(links: Links, made: tuple[str, str], now: datetime) -> None:
    link, code = made
    for _ in range(9):
        assert links.redeem(link, new_code(), now) is None
    assert links.redeem(link, code, now) is not None
    assert links.redeem(link, new_code(), now) is None
    assert links.redeem(link, code, now) is None


def test_the_cap_holds_for_guesses_at_once(engine: Engine, links: Links, now: datetime) -> None:
    link, code = new_link(), new_code()
    links.create("request-1", link, code, now + DAY, now)
    gate = threading.Barrier(20)
    answers: list[Redeemed | None] = []

    def guess() -> None:
        gate.wait()
        for _ in range(3):
            answers.append(links.redeem(link, new_code(), now))

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [None] * 60
    with engine.begin() as connection:
        query = text("SELECT max(attempts) FROM links")
        assert connection.execute(query).scalar_one() == 10
    assert links.redeem(link, code, now) is None


def test_neither_link_nor_code_is_stored(engine: Engine, links: Links, made: tuple[str, str]) -> None:
    link, code = made
    with engine.begin() as connection:
        dump = str(
            connection.execute(
                text("SELECT l::text, encode(link, 'escape'), encode(code, 'escape') FROM links l")
            ).all()
        )
    for secret in (link, code, code.replace("-", "")):
        assert secret not in dump
        assert secret.encode().hex() not in dump


def test_another_pepper_opens_nothing(engine: Engine, made: tuple[str, str], now: datetime) -> None:
    assert Links(engine, b"q" * 32).redeem(*made, now) is None


def test_creating_again_changes_nothing(links: Links, made: tuple[str, str], now: datetime) -> None:
    link, code = made
    for _ in range(10):
        links.redeem(link, new_code(), now)
    links.create("request-1", link, code, now + 9 * DAY, now)
    assert links.redeem(link, code, now) is None
    for request_id, other in (("request-2", code), ("request-1", new_code())):
        with pytest.raises(PermanentError, match=r"link\.conflict"):
            links.create(request_id, link, other, now + DAY, now)


def test_ended_links_are_told_until_forgotten(engine: Engine, links: Links, now: datetime) -> None:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM links"))
    links.create("request-b", first := new_link(), new_code(), now + DAY, now)
    links.create("request-b", new_link(), new_code(), now + 3 * DAY, now)
    links.create("request-a", new_link(), new_code(), now + DAY, now)
    assert links.expire(now) == []
    assert links.expire(now + 2 * DAY) == ["request-a"]
    assert links.expire(now + 2 * DAY) == ["request-a"]
    assert links.forget("request-a") == 1
    assert links.expire(now + 3 * DAY) == ["request-b"]
    assert links.owner(first) == "request-b"
    assert links.forget("request-b") == 2
    assert links.expire(now + 9 * DAY) == []
    assert links.owner(first) is None


def test_links_and_codes_are_drawn_anew_and_long_enough() -> None:
    links, codes = {new_link() for _ in range(1000)}, {new_code() for _ in range(1000)}
    assert len(links) == len(codes) == 1000
    assert {len(link) for link in links} == {32}  # 192 bits
    assert {len(code.replace("-", "")) for code in codes} == {12}  # 5 bits each
    assert set("".join(codes)) == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ-")
