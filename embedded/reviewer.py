"""Plays whoever reviews what others are spoken of in: uses the review's pages as a browser would."""

import re
from typing import Final

import httpx

from embedded.client import AirflowClient
from embedded.process import StackError

_TOKEN: Final = re.compile(r'name="token" value="([0-9a-f]+)"')
_PAGES: Final = re.compile(r"Page \d+ of (\d+)")
_OPEN_RECORD: Final = re.compile(
    r'data-state="open">\s*<h3.*?action="(\S+?/records/\d+)">.*?name="evidence" value="([0-9a-f]+)"', re.DOTALL
)
_STATE: Final = re.compile(r'name="state"\s+value="([0-9a-f.]+)"')
_MIXED: Final = re.compile("Others are heard in it")
_OPEN_FILE: Final = re.compile(r'<article class="item" id="item-(\d+)"[^>]*data-state="open"', re.DOTALL)

Fields = dict[str, str | list[str]]


def review_as_proposed(officer: AirflowClient, request_id: str) -> int:
    """Takes what is proposed for every text and file, and says of every doubtful record that it isn't
    theirs; how many pages there were. StackError when a page isn't to be had or doesn't take it."""
    page, pages = 1, 1
    while page <= pages:
        text = _page(officer, request_id, page)
        pages = int(found.group(1)) if (found := _PAGES.search(text)) else 1
        token = _TOKEN.search(text)
        if token is None:
            raise StackError(f"{request_id}: the review's page {page} has no form")
        for path, evidence in _OPEN_RECORD.findall(text):
            _post(officer, path, {"token": token.group(1), "evidence": evidence, "verdict": "not_theirs"})
        states = _STATE.findall(text.rpartition("<nav")[2])
        _post(officer, f"{request_id}/page/{page}", {"token": token.group(1), "state": states})
        text = _page(officer, request_id, page)
        for number in _OPEN_FILE.findall(text):
            article = _article(text, number)
            verdict = "withheld" if _MIXED.search(article) else "released"
            fields = {"token": token.group(1), "verdict": verdict, "state": _STATE.findall(article)}
            _post(officer, f"{request_id}/{number}", fields)
        page += 1
    return pages


def _article(page: str, number: str) -> str:
    return page.partition(f'id="item-{number}"')[2].partition("</article>")[0]


def _page(officer: AirflowClient, request_id: str, page: int) -> str:
    return _need(officer.console("GET", f"review/{request_id}?page={page}"), request_id).text


def _post(officer: AirflowClient, path: str, fields: Fields) -> None:
    _need(officer.console("POST", f"review/{path}", fields), path)


def _need(answer: httpx.Response, what: str) -> httpx.Response:
    if answer.status_code not in (httpx.codes.OK, httpx.codes.SEE_OTHER):
        raise StackError(f"the review of {what} answered {answer.status_code}: {answer.text[:200]}")
    return answer
