"""A key that is accepted can be encrypted to; a mistyped one is not accepted."""

import pyrage
import pytest
from age_keys import SMALL_ORDER, bech32
from hypothesis import given
from hypothesis import strategies as st

from dsr.channels.options import is_age_recipient, options

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
POINTS = st.binary(min_size=32, max_size=32).filter(
    lambda point: point[:31] + bytes([point[31] & 127]) not in SMALL_ORDER
)


@given(POINTS)
def test_every_key_is_accepted_and_works(point: bytes) -> None:
    key = bech32("age", point)
    for written in (key, key.upper(), f" {key}\t"):
        asked = {"encryption": "age", "age_recipient": written, "transmit_to": ""}
        chosen, problems = options("access", asked)
        assert (chosen.package, problems) == ({"encryption": "age", "age_recipient": key}, [])
    assert pyrage.encrypt(b"x", [pyrage.x25519.Recipient.from_str(key)])


@given(POINTS, st.integers(0, 61), st.sampled_from([*LETTERS, "b", "1", "O", " ", "é", "\0"]))
def test_a_slip_of_the_hand_is_noticed(point: bytes, place: int, letter: str) -> None:
    key = bech32("age", point)
    slipped = key[:place] + letter + key[place + 1 :]
    assert is_age_recipient(slipped) == (slipped == key)
    assert not is_age_recipient(key[:place] + key[place + 1 :])


@given(st.text(max_size=80) | st.text(alphabet=LETTERS, min_size=58, max_size=58).map("age1".__add__))
def test_what_is_no_key(text: str) -> None:
    if not is_age_recipient(text):
        if text.strip():
            _, problems = options("access", {"encryption": "age", "age_recipient": text})
            assert problems == [("#/package/age_recipient", "is no age X25519 recipient")]
        return
    assert str(pyrage.x25519.Recipient.from_str(text)) == text


@pytest.mark.parametrize("point", SMALL_ORDER)
@pytest.mark.parametrize("high_bit", [0, 128])
def test_a_key_that_anybody_can_read_is_none(point: bytes, high_bit: int) -> None:
    """The age library panics at these; RFC 7748 ignores the highest bit."""
    assert not is_age_recipient(bech32("age", point[:31] + bytes([point[31] | high_bit])))


def test_a_real_one() -> None:
    identity = pyrage.x25519.Identity.generate()
    key = str(identity.to_public())
    assert is_age_recipient(key)
    assert not is_age_recipient(str(identity))
