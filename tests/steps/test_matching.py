"""The benchmark of whose a record is, in small: nothing of another's is released, and a rule that is gone shows."""

from collections.abc import Mapping

import pytest

from benchmarks.difficulties import DIFFICULTIES, apply
from benchmarks.matching import Systems, measure
from benchmarks.population import Population
from benchmarks.tallies import Bands, Tally
from benchmarks.texts import WithTexts
from dsr import identity

MANY = {"look-alike domain": 0.2, "household mobile": 0.2, "unlisted mailbox": 0.2, "namesake at the company": 0.05}


def measured(people: int = 1500) -> tuple[Mapping[str, Tally], Mapping[str, Tally], Bands]:
    """Rules, the same address alone, and the score's bands, where what is shared is frequent."""
    world = Population(people, seed=7)
    apply(world, {kind: share for kind, (_, share) in DIFFICULTIES.items()} | MANY)
    systems, bands = Systems(world), Bands()
    asking = world.rng.sample([human for human in world.humans if human.records], 500)
    return measure(asking, systems.search, [], bands), measure(asking, systems.exactly, [], Bands()), bands


def test_nothing_of_another_s_and_more_than_by_the_address_alone() -> None:
    """And what is doubtful is sorted: the higher the score, the more of them are theirs."""
    rules, exact, bands = measured()
    assert rules["all"].wrong == 0 < exact["all"].wrong
    assert rules["all"].found > exact["all"].found
    doubtful = {b["from"]: b["theirs"] for b in bands.figures() if b["verdict"] == "doubtful"}
    assert doubtful[0] < 0.1 < doubtful[40]


@pytest.mark.parametrize("rule", ["_is_vouched_for", "_is_unshared"])
def test_a_rule_that_is_gone_shows(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the same population gets records of others."""
    monkeypatch.setattr(identity._Case, rule, lambda self, identifier: True)
    assert measured()[0]["all"].wrong > 0


def test_whoever_shows_their_phone_gets_more_and_nobody_another_s() -> None:
    """A household's phone is shown by either; a number that only a form has typed by nobody but whose it is."""
    world = Population(1500, seed=7)
    apply(world, {kind: share for kind, (_, share) in DIFFICULTIES.items()} | MANY)
    texts = WithTexts(Systems(world).search, 1.0, 7)
    asking = world.rng.sample([human for human in world.humans if human.records], 500)
    plain, texted = (measure(asking, search, [], Bands())["all"] for search in (texts.without, texts.search))
    assert texts.asked >= texts.proven > 0
    assert texted.wrong == 0
    assert texted.found > plain.found
    assert texted.people <= plain.people
    nobody = WithTexts(texts.find, 0.0, 7)
    for human in asking[:50]:
        assert nobody.without(human) is nobody.search(human)
