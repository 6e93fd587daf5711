"""Everybody else whom the systems know around a case, made ready for finding them in texts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dsr.evidence import Name, comparable, name_of
from dsr.masking.contacts import forms
from dsr.masking.masks import Person


@dataclass
class Names:
    """Names as words and as pairs of words of one name, in both directions: what may stand side by side in a text.

    Each has whether it names anybody but staff. `initials`: word → first letters of the other words of its names."""

    words: dict[str, bool] = field(default_factory=dict)
    pairs: dict[tuple[str, str], bool] = field(default_factory=dict)
    initials: dict[str, set[str]] = field(default_factory=dict)

    def add(self, name: Name, *, staff: bool) -> None:
        """Adds a name. Single letters are initials, no words."""
        longer = [word for word in name if len(word) > 1]
        for word in longer:
            self.words[word] = self.words.get(word, False) or not staff
            self.initials.setdefault(word, set()).update(other[0] for other in name if other != word)
            for other in longer:
                if other != word:
                    self.pairs[word, other] = self.pairs.get((word, other), False) or not staff

    def base(self, word: str) -> str:
        """The name that a word of a text is, a genitive's -s taken away; "" when it is none."""
        if word in self.words:
            return word
        return word[:-1] if word.endswith("s") and word[:-1] in self.words else ""


def lines_of(addresses: Iterable[str]) -> Iterator[Name]:
    """Addresses as words: a whole line, and its street with the number, when there is one. One word alone is a
    town or a farm's name that many share: none."""
    for address in addresses:
        street = name_of(address.partition(",")[0])
        whole = (*street, *name_of(address.partition(",")[2].replace(",", " ")))
        for line in {street, whole}:
            if len(line) > 1:
                yield line


class KnownPeople:
    """Other people that the systems know in the context of one case. Made once per case, asked for every text.

    The subject may be among them by mistake (a namesake, a second record): `propose` never masks what is the
    subject's own. `len` is how many they are.
    """

    def __init__(self, people: Iterable[Person] = ()) -> None:
        self.names = Names()
        self.emails: set[str] = set()
        self.phones: set[str] = set()
        self.lines: dict[str, set[Name]] = {}
        self.full: dict[Name, bool] = {}
        self._count = 0
        for person in people:
            self._count += 1
            for name in filter(None, map(name_of, person.names)):
                self.names.add(name, staff=person.staff)
                self.full[name] = self.full.get(name, False) or not person.staff
            self.emails.update(email.casefold().strip() for email in person.emails)
            self.phones.update(form for number in person.phones for form in forms(number))
            for line in lines_of(person.addresses):
                self.lines.setdefault(line[0], set()).add(line)

    def __len__(self) -> int:
        return self._count

    def has(self, words: Name) -> bool:
        """Whether one name has all these words, a genitive's -s taken away."""
        bases = {self.names.base(word) for word in words}
        return all(bases) and any(bases <= set(name) for name in self.full)

    def comparable(self, words: Name) -> dict[Name, bool]:
        """Names that may be the same human's (`evidence.comparable`), with whether anybody but staff bears them."""
        if not any(word in self.names.words for word in words):
            return {}
        return {name: others for name, others in self.full.items() if comparable(words, name)}
