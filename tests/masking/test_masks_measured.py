"""The benchmark of proposed masks, in small: nearly all that is others' is hidden, nothing of the subject's own is."""

from typing import Any

import pytest

from benchmarks.masks import LIMITS, measure
from benchmarks.mentions import Story, stories
from benchmarks.population import Population
from dsr.masking import KnownPeople, names


@pytest.fixture(scope="module")
def told() -> list[Story]:
    """Fifty texts about people of a made-up population."""
    return list(stories(Population(1000, seed=7), 50, 40))


def measured(told: list[Story], *, baseline: bool = False) -> dict[str, Any]:
    """Their figures."""
    return measure(told, [KnownPeople(story.known) for story in told], 1, baseline)


def test_the_limits_hold_and_plain_expressions_do_worse(told: list[Story]) -> None:
    rules, expressions = measured(told), measured(told, baseline=True)
    assert rules["own"] == 0 < expressions["own"]
    assert rules["recall"]["all"] >= LIMITS["recall"] > expressions["recall"]["all"]
    assert rules["precision"] >= LIMITS["precision"] > expressions["precision"]
    assert min(rules["recall"].values()) > 0.9


def test_without_everyday_words_much_is_hidden_that_is_nobodys(
    told: list[Story], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = measured(told)["precision"]
    monkeypatch.setattr(names, "COMMON", frozenset())
    assert measured(told)["precision"] < before
