"""What is told to a person who objected to marketing or withdrew a consent when nothing that surely is theirs is held:
that there was nothing to stop, and that they are kept out all the same where it is about marketing (Art. 21(3), 7(3)
GDPR)."""

from dsr.report.acting import OF, ActingLetter
from dsr.report.answers import Summary, controller_values, nothing_found
from dsr.report.letters import Texts
from dsr.report.ticket_text import ticket_text


def unheld(letter: ActingLetter, summary: Summary, *, listed: bool) -> str:
    """The answer in the ticket. `summary`: what the search came to, with nothing held; `listed`: the stated address is
    on the suppression list. It isn't when it is a mailbox that many read, and then the letter says that; of a
    withdrawal that puts nobody on the list nothing is said of it."""
    values, settings = controller_values(letter.settings), letter.settings
    texts, own = Texts(letter.language, values), Texts(letter.language, values, OF)
    if summary.doubtful:
        paragraphs = [own("unheld.doubtful"), texts("answer.only_doubtful_next")]
    else:
        paragraphs = nothing_found(texts, summary)
    if summary.incomplete:
        paragraphs.append(texts("incomplete.sources", sources=", ".join(summary.incomplete)))
    if letter.listed:
        paragraphs.append(own("unheld.listed" if listed else "unheld.shared"))
    if not summary.doubtful:
        paragraphs.append(texts("answer.nothing_other"))
    return ticket_text(settings, letter.language, letter.request_id, paragraphs, letter.received)
