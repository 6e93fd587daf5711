"""`propose`: every finder over one text, one answer."""

from dsr.masking.masks import Mask, Person
from dsr.masking.people import KnownPeople


def propose(text: str, known: KnownPeople, own: Person, country: str = "SE") -> tuple[Mask, ...]:
    """What in a text may be somebody else's: sorted, not overlapping, none empty; () = nothing was found, which
    doesn't mean that nothing is there. Overlapping finds become one mask, of the kind of the longest.

    known     other people; `own`: the subject, whose names, addresses and numbers are never proposed. What somebody
              else shares with the subject (a household's address, a switchboard) is the subject's, too; but another's
              full name is masked as a whole although the family name is also the subject's.
    country   ISO 3166 code of the controller's: telephone numbers without a country code are read as that country's

    Found: names of known people (the rule: `names`), their addresses; e-mail addresses but mailboxes of a function;
    valid telephone numbers; Swedish personal and organisation numbers, card numbers, IBANs, by their check digits.
    Markers that `apply` left are skipped, so that what was masked is found no second time.
    """
    raise NotImplementedError
