"""So many calls are under way at a time, never more; what is read is the same, and nothing is read far ahead."""

import threading
import time
from collections.abc import Iterator

import pytest

from dsr.errors import TransientError
from extractors.ahead import Ahead

AT_ONCE = 2


class Vendor:
    """Answers slowly, and counts."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self._now, self.most, self._lock = 0, 0, threading.Lock()

    def listing(self, name: int, pages: int = 2) -> Iterator[str]:
        for page in range(pages):
            with self._lock:
                self.begun.append(name)
                self._now += 1
                self.most = max(self.most, self._now)
            time.sleep(0.005)
            with self._lock:
                self._now -= 1
            if name == 13:
                raise TransientError("pardot.66", "pardot")
            yield f"{name}.{page}"


def test_in_order_and_two_at_a_time() -> None:
    vendor = Vendor()
    with Ahead(AT_ONCE) as ahead:
        begun = [ahead.begin(vendor.listing(n)) for n in range(6)]
        read = [piece for pieces in begun for piece in pieces]
        read += ahead.one_by_one(vendor.listing(n) for n in range(6, 12))
        read += ahead.each(lambda n: f"{n}!", range(3))
    assert read == [f"{n}.{page}" for n in range(12) for page in range(2)] + ["0!", "1!", "2!"]
    assert vendor.most == AT_ONCE


def test_whole_listings_in_order_side_by_side_and_not_far_ahead() -> None:
    vendor = Vendor()
    with Ahead(AT_ONCE) as ahead:
        read = ahead.whole(vendor.listing(n) for n in range(100, 200))
        assert [next(read), next(read)] == ["100.0", "100.1"]
        time.sleep(0.1)
        assert len(set(vendor.begun)) <= AT_ONCE + 1
        assert list(read) == [f"{n}.{page}" for n in range(101, 200) for page in range(2)]
        with pytest.raises(TransientError):
            list(ahead.whole([vendor.listing(1), vendor.listing(13)]))
        assert ahead.ask(int, "7").result() == 7
    assert vendor.most == AT_ONCE


def test_a_thousand_browsers_are_not_held_in_memory() -> None:
    vendor = Vendor()
    with Ahead(AT_ONCE) as ahead:
        views = ahead.one_by_one(vendor.listing(100 + n, 1) for n in range(1000))
        assert next(views) == "100.0"
        time.sleep(0.1)
        assert len(vendor.begun) <= AT_ONCE + 1


def test_what_goes_wrong_is_raised_where_it_is_read() -> None:
    vendor = Vendor()
    with Ahead(AT_ONCE) as ahead:
        good, bad = ahead.begin(vendor.listing(1)), ahead.begin(vendor.listing(13))
        assert list(good) == ["1.0", "1.1"]
        with pytest.raises(TransientError):
            list(bad)


def test_nothing_is_begun_after_the_end() -> None:
    vendor = Vendor()
    with Ahead(AT_ONCE) as ahead:
        for n in range(50):
            ahead.begin(vendor.listing(n))
    begun = len(vendor.begun)
    time.sleep(0.05)
    assert len(vendor.begun) == begun < 50
