"""Everybody else whom the systems know around a case, made ready for finding them in texts."""

from collections.abc import Iterable

from dsr.masking.masks import Person


class KnownPeople:
    """Other people that the systems know in the context of one case. Made once per case, asked for every text.

    The subject may be among them by mistake (a namesake, a second record): `propose` never masks what is the
    subject's own. `len` is how many they are.
    """

    def __init__(self, people: Iterable[Person] = ()) -> None:
        self._people = tuple(people)

    def __len__(self) -> int:
        return len(self._people)
