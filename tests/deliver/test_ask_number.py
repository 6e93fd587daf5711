"""Whoever is on file is asked whether they hold the phone of a number that only a form states; a text goes out when
they want one, and what they prove lets the number lead and says nothing of who they are."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import httpx
import pytest
from counter_hall import NOW, Clock, Office
from number_cases import (
    LINK,
    a_case,
    a_number,
    ask,
    code_by_text,
    contact_of,
    events,
    links_of,
    searched,
    text_of,
    texting,
)
from served import served
from test_ask_identity import was_changed

from dsr import provable
from dsr.casefile import CaseFile
from dsr.challenges import CODE_LIVES
from dsr.errors import PermanentError, TransientError
from dsr.identity import Decision
from dsr.links import new_link
from dsr.model import Identifier
from dsr.portal_limits import PortalLimits
from dsr.possession import MOST_TEXTS
from dsr.standing import identified
from dsr.steps import ask_number as step
from dsr.steps.close import close, shred
from dsr.texting import Texting
from dsr.web.portal import create_app

import dsr_numbers  # isort: skip  # on the path by number_cases

SECRET = re.compile(r"#([\w-]+)\.")
Post = Callable[..., httpx.Response]


@pytest.fixture
def office(office: Office) -> Office:
    """One that sends texts."""
    return texting(office)


@pytest.fixture
def post(portal: str) -> Post:
    def send(path: str, **form: str) -> httpx.Response:
        return httpx.post(f"{portal}{path}", params={"lang": "en"}, data=form)

    return send


def prove(office: Office, post: Post, link: str) -> httpx.Response:
    """All the way."""
    return post("/number", link=link, code=code_by_text(office, lambda: post("/number/code", link=link)))


def held(office: Office, case: CaseFile) -> set[str]:
    return {identifier.value for identifier in provable.proven(case, office.possessions)}


def test_it_goes_to_the_address_on_file_and_names_two_digits(office: Office) -> None:
    number = a_number()
    case = a_case(office, [number], stated="new.address@attacker.example")
    assert ask(office, case) == "sent"
    [mail] = office.post.mails
    assert str(mail["To"]) == contact_of(case)
    assert "attacker" not in mail.as_string()
    text = text_of(mail)
    assert f"ends in {number[-2:]}" in text
    assert number[4:] not in mail.as_string()
    assert "call" not in LINK.sub("", text).casefold().replace("called", "")
    assert office.post.texts == [], "no text before somebody wants one"
    assert events(office, case) == [("number_asked", {"outcome": "sent", "numbers": 1})]


def test_link_text_code_proven(office: Office, post: Post) -> None:
    number = a_number()
    case = a_case(office, [number])
    ask(office, case)
    [link] = links_of(office)
    answer = prove(office, post, link)
    assert answer.status_code == 200
    assert "you have shown it" in answer.text
    [(to, text)] = office.post.texts
    assert to == number
    assert "http" not in text
    assert "nobody" in text
    assert held(office, case) == {number}
    kinds = [("number_texted", {"outcome": "sent"}), ("number_proven", {})]
    assert events(office, case)[1:] == kinds
    assert post("/number", link=link, code="7K3F-9QXM").status_code == 403


def test_proof_of_a_phone_is_no_proof_of_who_asks(office: Office, post: Post) -> None:
    """Neither the ledger nor the other page takes one for the other."""
    case = a_case(office, right="erasure")
    ask(office, case)
    [link] = links_of(office)
    code = code_by_text(office, lambda: post("/number/code", link=link))
    assert post("/confirm", link=link, code=code).status_code == 403
    assert post("/number", link=link, code=code).status_code == 200
    assert not identified(office.ledger.events(case.case_id))
    assert office.challenges.confirmed(case.case_id) is None
    assert "no proof of who they are" in dsr_numbers.number_line(office, case.case_id, "x")


def test_each_number_has_a_link_of_its_own_and_three_are_asked_about(office: Office, post: Post) -> None:
    numbers = [a_number() for _ in range(5)]
    case = a_case(office, numbers)
    ask(office, case)
    links = links_of(office)
    assert len(office.post.mails) == 1
    assert [one.number for one in provable.asked(case)] == numbers[:3]
    assert prove(office, post, links[1]).status_code == 200
    assert office.post.texts[-1][0] == numbers[1]
    assert held(office, case) == {numbers[1]}


@pytest.mark.parametrize(("days", "outcome"), [(29, "contact_changed"), (31, "sent")])
def test_an_address_that_was_changed_lately_is_not_asked(office: Office, days: int, outcome: str) -> None:
    case = a_case(office)
    was_changed(case, "Email", days)
    assert ask(office, case) == outcome
    assert len(office.post.mails) == (outcome == "sent")


@pytest.mark.parametrize("numbers", [["+46851740610"], ["+46900123456"], ["+4790123456"], ["+881612345678"]])
def test_no_link_is_made_for_a_number_that_gets_no_text(office: Office, numbers: list[str]) -> None:
    case = a_case(office, numbers)
    assert ask(office, case) == step.NOT_ASKED
    assert (office.post.mails, provable.asked(case), events(office, case)) == ([], (), [])


def test_without_a_gateway_everything_is_as_before(office: Office, portal: str) -> None:
    off = replace(office, settings=replace(office.settings, texting=Texting()))
    case = a_case(off)
    assert ask(off, case) == step.NOT_ASKED
    dsr_numbers.ask_number(off, case.case_id)
    assert (off.post.mails, events(off, case)) == ([], [])
    assert dsr_numbers.number_line(off, case.case_id, "x") == ""


def test_nobody_on_file_and_a_mail_that_is_refused(office: Office) -> None:
    assert ask(office, a_case(office, held={"call_record": []})) == "no_contact"
    office.post.fails.append(PermanentError("smtp.550", "mail"))
    case = a_case(office)
    assert ask(office, case) == "undeliverable"
    assert events(office, case) == [("number_asked", {"outcome": "undeliverable", "numbers": 1})]


def test_cut_off_and_tried_again_it_asks_once(office: Office) -> None:
    case = a_case(office)
    office.post.fails.append(TransientError("connection.failed", "mail"))
    with pytest.raises(TransientError):
        ask(office, case)
    assert events(office, case) == []
    assert [ask(office, case), ask(office, case)] == ["sent", step.NOT_ASKED]
    assert (len(office.post.mails), len(events(office, case))) == (1, 1)


def test_a_mail_server_that_is_down_stops_nothing_and_the_upkeep_asks(office: Office) -> None:
    case = a_case(office)
    office.post.fails.append(TransientError("connection.failed", "mail"))
    place = Place(office)
    dsr_numbers.ask_number(place, case.case_id)
    assert office.post.mails == []
    dsr_numbers.mail_unsent(place, NOW)
    dsr_numbers.mail_unsent(place, NOW)
    assert [str(mail["To"]) for mail in office.post.mails if case.case_id in mail.as_string()] == [contact_of(case)]


class Place:
    """As much of a workplace as the question needs."""

    def __init__(self, office: Office) -> None:
        self.settings, self.engine, self.ledger, self.case = (
            office.settings, office.engine, office.ledger, office.cases.open,
        )  # fmt: skip
        self.send_mail = office.post.mail


def test_another_number_is_asked_about_later_and_the_proven_one_stays(office: Office, post: Post) -> None:
    first, second = a_number(), a_number()
    case = a_case(office, [first])
    ask(office, case)
    prove(office, post, links_of(office)[0])
    searched(case, [second])
    assert ask(office, case, NOW + timedelta(days=30)) == "sent"
    assert f"ends in {second[-2:]}" in text_of(office.post.mails[-1])
    assert held(office, case) == {first}


def test_what_was_shown_is_not_asked_again_though_its_link_has_ended(office: Office, post: Post) -> None:
    """Nobody has searched with it yet."""
    case = a_case(office)
    ask(office, case)
    prove(office, post, links_of(office)[0])
    assert ask(office, case, NOW + timedelta(days=30)) == step.NOT_ASKED
    assert len(held(office, case)) == 1


def test_ended_it_is_asked_anew(office: Office, post: Post, clock: Clock) -> None:
    case = a_case(office)
    ask(office, case)
    [old] = links_of(office)
    clock.now = NOW + timedelta(days=8)
    assert ask(office, case, clock.now) == "sent"
    [new] = links_of(office)
    assert new != old
    post("/number/code", link=old)
    assert prove(office, post, new).status_code == 200


def test_the_answer_is_the_same_for_everything_that_fails(office: Office, post: Post, clock: Clock) -> None:
    case = a_case(office)
    ask(office, case)
    [link] = links_of(office)
    code = code_by_text(office, lambda: post("/number/code", link=link))
    clock.now = NOW + CODE_LIVES
    wrong = [{"link": link, "code": code}, {"link": link, "code": "0000-0000"}, {"link": new_link(), "code": code}]
    wrong += [{"link": link}, {"code": code}, {}, {"link": "x" * 7_000, "code": code}, {"link": link, "code": "\x00"}]
    answers = {re.sub(r'name="link" value="[^"]*"', "", post("/number", **form).text) for form in wrong}
    assert len(answers) == 1
    asked = {
        re.sub(r'name="link" value="[^"]*"', "", post("/number/code", link=x).text) for x in (link, new_link(), "")
    }
    assert len(asked) == 1
    assert held(office, case) == set()


def test_looking_proves_and_sends_nothing(office: Office, portal: str) -> None:
    """Link previews, and whatever puts the link into a query."""
    case = a_case(office)
    ask(office, case)
    [secret] = SECRET.findall(links_of(office)[0])
    for path in ("/number", "/number/code"):
        for method in ("GET", "HEAD"):
            assert httpx.request(method, f"{portal}{path}", params={"link": secret, "code": "x"}).status_code == 200
    other = {"sec-fetch-site": "cross-site"}
    httpx.post(f"{portal}/number/code", data={"link": secret}, headers=other)
    time.sleep(0.2)
    assert office.post.texts == []
    assert [kind for kind, _ in events(office, case)] == ["number_asked"]


def test_so_many_texts_and_no_more(office: Office, post: Post) -> None:
    case = a_case(office)
    ask(office, case)
    [link] = links_of(office)
    for _ in range(MOST_TEXTS):
        code = code_by_text(office, lambda: post("/number/code", link=link))
    for _ in range(3):
        assert post("/number/code", link=link).status_code == 200
    time.sleep(0.3)
    assert len(office.post.texts) == MOST_TEXTS
    assert post("/number", link=link, code=code).status_code == 200, "the last one is still good"


def test_a_visitor_asks_only_so_often(office: Office, clock: Clock) -> None:
    """Whatever links they try: texts and answers count apart, and from elsewhere it goes on."""
    case = a_case(office)
    ask(office, case)
    [link] = links_of(office)
    few = PortalLimits(attempts=5, proxies=(ip_network("127.0.0.1"),))

    def send(path: str, visitor: str, **form: str) -> int:
        return httpx.post(f"{url}{path}", data=form, headers={"x-forwarded-for": visitor}).status_code

    guesser, other = "203.0.113.71", "203.0.113.72"
    with served(create_app(office.counter(clock, portal=few))) as url:
        code = code_by_text(office, lambda: send("/number/code", other, link=link))
        for _ in range(6):
            assert send("/number", guesser, link=new_link(), code="0000-0000") == 403
            assert send("/number/code", guesser, link=new_link()) == 200
        assert send("/number", guesser, link=link, code=code) == 403
        assert send("/number/code", guesser, link=link) == 200
        time.sleep(0.3)
        assert len(office.post.texts) == 1
        assert send("/number", other, link=link, code=code) == 200


def test_a_text_that_could_not_be_sent_is_in_the_ledger_by_its_code(office: Office, post: Post) -> None:
    case = a_case(office)
    ask(office, case)
    [link] = links_of(office)
    office.post.fails.append(PermanentError("http.403", "sms"))
    assert post("/number/code", link=link).status_code == 200
    ends = time.monotonic() + 10
    while len(events(office, case)) < 2 and time.monotonic() < ends:
        time.sleep(0.01)
    assert events(office, case)[1] == ("number_texted", {"outcome": "failed", "code": "http.403"})
    assert prove(office, post, link).status_code == 200


def test_what_is_proven_outlives_the_working_data_and_ends_with_the_answer(office: Office, post: Post) -> None:
    """Another plan goes by it; after the answer no text goes out any more."""
    case = a_case(office)
    ask(office, case)
    [link] = links_of(office)
    prove(office, post, link)
    shred(case)
    assert len(held(office, case)) == 1
    close(case, office.ledger, NOW)
    assert held(office, case) == set()
    assert list(case.names(provable.FOLDER)) == []
    other = a_case(office)
    ask(office, other)
    [late] = links_of(office)
    close(other, office.ledger, NOW)
    assert post("/number/code", link=late).status_code == 200
    time.sleep(0.3)
    assert len(office.post.texts) == 1


def test_how_it_stands(office: Office, post: Post) -> None:
    case = a_case(office, [a_number(), a_number()])
    assert provable.standing(case, office.possessions) == provable.Standing()
    ask(office, case)
    assert provable.standing(case, office.possessions) == provable.Standing(2, 0, 0)
    prove(office, post, links_of(office)[0])
    assert provable.standing(case, office.possessions) == provable.Standing(2, 1, 1)
    [number] = held(office, case)
    line = dsr_numbers.number_line(office, case.case_id, "go on")
    assert "they hold 2" in line
    assert "shown 1. **1 since the last search: go on.**" in line
    provable.keep(case, Decision(), {Identifier("phone", number)}, [])
    assert provable.standing(case, office.possessions) == provable.Standing(2, 1, 0)


def test_nothing_of_the_number_is_where_it_may_not_be(
    office: Office, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in the ledger, nor in the database, nor in a log or a file's name."""
    number = a_number()
    case = a_case(office, [number])
    ask(office, case)
    [link] = links_of(office)
    [secret] = SECRET.findall(link)
    office.post.fails.append(TransientError("http.500", "sms"))
    post("/number/code", link=link)
    code = code_by_text(office, lambda: post("/number/code", link=link))
    post("/number", link=link, code="0000-0000")
    post("/number", link=link, code=code)
    with office.engine.connect() as connection:
        row = str(connection.exec_driver_sql(
            "SELECT row_to_json(p), encode(link, 'escape') FROM possessions p WHERE request_id = %s", (case.case_id,)
        ).all())  # fmt: skip
    everywhere = [row, caplog.text, str(events(office, case)), str(list(case.names()))]
    everywhere.append(str(list(office.ledger.events(case.case_id))))
    for value in (number, number[3:], secret, code, code.replace("-", ""), contact_of(case)):
        assert all(value not in place for place in everywhere), value
