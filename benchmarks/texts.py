"""What asking people to show that they hold a phone would change, for `benchmarks.matching`.

Who is asked is decided as in operation (`dsr.provable.leading`, `dsr.steps.ask_number.MOST`). How many of them answer
is an assumption. Whoever answers can show the phone that is theirs in truth, their own or one that their household
shares, and no other: neither one whose number they have given up nor one that they only typed. Nobody talks a code out
of anybody, and every address on file reads its mail.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.population import Human
from benchmarks.tallies import Answer
from dsr.model import Identifier
from dsr.steps.ask_number import MOST
from dsr.texting import Texting

_TEXTING = Texting("Controller")
Search = Callable[[Human, frozenset[Identifier]], Answer]


@dataclass
class WithTexts:
    """Searches, without texts and then with them. `share`: of those who are asked and answer."""

    find: Search
    share: float
    seed: int
    asked: int = 0
    proven: int = 0
    _known: dict[int, Answer] = field(default_factory=dict, repr=False)

    def without(self, human: Human) -> Answer:
        """As nobody is asked."""
        answer = self._known[human.number] = self.find(human, frozenset())
        return answer

    def search(self, human: Human) -> Answer:
        """After `without`: as whoever is asked answers, or doesn't."""
        answer = self._known[human.number]
        numbers = [number for number in answer.provable if _TEXTING.reaches(number)][:MOST]
        if not numbers:
            return answer
        self.asked += 1
        # Whether somebody answers doesn't depend on who else is asked.
        answers = random.Random(f"{self.seed} {human.number}").random() < self.share  # noqa: S311 - no secret
        held = frozenset(Identifier("phone", number) for number in numbers) & {human.mobile} if answers else frozenset()
        if not held:
            return answer
        self.proven += 1
        return self.find(human, held)

    def figures(self) -> dict[str, float]:
        """Shares: assumed to answer; of requests, asked and proven."""
        requests = max(1, len(self._known))
        return {"answer": self.share, "asked": self.asked / requests, "proven": self.proven / requests}
