"""A plan as officers decide about it, as Markdown for Airflow's page: what is asked for, what to look at first, and
what happens to how many records of each kind, in words. Counts, titles and names of fields only."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from dsr.source import Dataset, Declaration

if TYPE_CHECKING:
    from dsr.erasurelist import ErasureList, Total
    from dsr.plan import Caution, Count, PlanSummary
    from dsr.register.terms import Terms

_RIGHTS: Final = {
    "erasure": "Erasure (Art. 17 GDPR)",
    "rectification": "Rectification (Art. 16 GDPR)",
    "restriction": "Restriction (Art. 18 GDPR)",
    "objection": "Objection (Art. 21 GDPR)",
    "withdrawal": "Withdrawal of consent (Art. 7(3) GDPR)",
}
_EFFECTS: Final = {
    "erase": "erased",
    "anonymise": "anonymised: the record stays, without anything about the person",
    "restrict": "restricted",
    "rectify": "corrected",
    "keep": "left as it is",
    "expire": "left, until the system deletes it by itself",
    "manual": "by hand: a person does it in the system",
}
_KEPT: Final = "kept, and restricted"
_REASONS: Final = {
    "retention.duty": "a law demands it",
    "retention.undated": "a law demands it; the record has no date to count the end from, so somebody has to look",
    "retention.parent_absent": "part of a record that was not read, which a law may demand",
    "hold.legal": "a legal hold is on it",
    "vendor.expires": "",
    "vendor.no_way": "it offers no other way",
    "field.not_rectifiable": "it lets nobody change the field otherwise",
    "rectify.in_part": "in part: it lets nobody change the other fields",
    "nothing.to_correct": "nothing in it is to be corrected",
}
"""Why, beside the ground; "" = the effect says it."""
_CAUTIONS: Final = {
    "nothing_found": ("nothing found that surely is theirs", "There is nothing to decide."),
    "over_cap": ("unusually many for one person", "Look in the system whether they are all theirs before you go on."),
    "doubtful": (
        "that may be theirs or somebody else's, and are left alone",
        "Are they theirs? Then ask for what shows it (a customer number, a former address), by a new ticket.",
    ),
    "shared": (
        "with an address or a number that others have too, such as a mailbox or a switchboard",
        "Look in the system whether they are theirs alone.",
    ),
    "younger": (
        "made after the request came in",
        "Make sure that the request is about them, and not only about what was there before.",
    ),
    "correction.unplaced": (
        "To be corrected, but no record that surely is theirs has it",
        "Is it missing, and needed for what you use their data for? Then it is to be added (Art. 16): by hand. They are"
        " told that it could not be corrected, and that a person looks into it; the ticket stays open for that.",
    ),
}
"""What an approver should look at → what is said of the records, and what to do about it."""
_ASIDE: Final = {
    "nothing": "of whom nothing is held that surely is theirs.",
    "request.open": "who have asked for something themselves and have no answer yet. Answer them first.",
    "request.restricted": "whose data is restricted (Art. 18), and who may need it. Lift that first, if it has ended.",
    "customer_number.other": "whose records carry another customer number than the list states. Look at the list.",
    "plan.incomplete": "because a system could not be read. Mend it, then clear *open_list* with all downstream.",
}
"""Why people on a list are set aside → what is said of them."""
_AS_SAID: Final[Mapping[str, str]] = {}
_OF_LISTS: Final = {
    "doubtful": "They stay as they are, and nobody is asked about them.",
    "over_cap": "Look in the system whether they are all of people on the list before you go on.",
    "younger": "Make sure that the list is about them too.",
}
"""What to do about it where nobody has asked."""
_NOT_PLANNED: Final = "who could not be planned: `{}`."
_UNCHANGED: Final = "nothing.to_correct"


def plan_page(
    plan: "PlanSummary", request: Mapping[str, Any], declarations: Iterable[Declaration], terms: "Terms"
) -> str:
    """The whole page. `request`: as the case has it, of which no value is shown; `terms`: the register's, for grounds
    and purposes in words."""
    systems = {declaration.name: declaration for declaration in declarations}
    return "\n\n".join([_asked(request, systems, terms), *_what_happens(plan, systems, terms)])


def list_page(listed: "ErasureList", total: "Total", declarations: Sequence[Declaration], terms: "Terms") -> str:
    """The plan over all people on an erasure list."""
    from dsr.erasurelist import REASONS
    from dsr.plan import PlanSummary

    systems = {declaration.name: declaration for declaration in declarations}
    plan = PlanSummary("erasure", listed.received_at, total.counts, total.cautions, tuple(systems), "", {})
    head = f"**Erasure of {total.people} of {listed.people} people on a list** ({REASONS[listed.reason]})."
    aside = [
        f"- {_people(number)} {_ASIDE.get(code, _NOT_PLANNED.format(code))}" for code, number in total.aside.items()
    ]
    left_out = ["\n".join(["**Nothing is done for**", "", *aside])] if aside else []
    return "\n\n".join([head, *left_out, *_what_happens(plan, systems, terms, _OF_LISTS)])


def _what_happens(
    plan: "PlanSummary", systems: Mapping[str, Declaration], terms: "Terms", instead: Mapping[str, str] = _AS_SAID
) -> Iterator[str]:
    yield _totals(plan)
    if plan.warnings:
        yield "\n".join(["**Look at this first**", "", *_cautions(plan.warnings, systems, instead)])
    for name in plan.order:
        counts = [count for count in plan.counts if count.source == name]
        if counts:
            yield _system(systems[name], counts, plan.right, terms)


def _asked(request: Mapping[str, Any], systems: Mapping[str, Declaration], terms: "Terms") -> str:
    """What is asked for: right, ground, purposes, fields; and until when it is to be answered."""
    from dsr.standing import deadline

    lines = [f"**{_RIGHTS[request['right']]}**, to be answered by {deadline(request['due'])} at the latest."]
    if request.get("ground"):
        lines.append(f"Ground that the person states: {request['ground'].replace('_', ' ')}.")
    if request.get("purposes"):
        lines.append(f"For: {', '.join(terms.words(purpose)['en'] for purpose in request['purposes'])}.")
    if request.get("corrections"):
        fields = ", ".join(_fields(request["corrections"], systems))
        lines.append(f"To be corrected: {fields}. What they are to say stands in the ticket.")
    return " ".join(lines)


def _fields(corrections: Mapping[str, Any], systems: Mapping[str, Declaration]) -> Iterator[str]:
    """Attributes by name, fields of a dataset by title. PermanentError of the plan came before for unknown ones."""
    from dsr import schema

    titles = {dataset.name: dataset.title for system in systems.values() for dataset in system.datasets}
    for name, value in corrections.items():
        if isinstance(value, Mapping):
            known = schema.load(name)["properties"]
            yield from (f"“{known[field]['title']}” of “{titles[name]}”" for field in value)
        else:
            yield name


def _totals(plan: "PlanSummary") -> str:
    counts: Counter[str] = Counter()
    for count in plan.counts:
        counts[_what(count.effect, plan.right).partition(":")[0]] += count.count
    systems = len({count.source for count in plan.counts})
    said = " · ".join(f"{number} {what}" for what, number in counts.most_common())
    last = max((count.until for count in plan.counts if count.until), default="")
    until = f" What is kept for a time ends by {last} at the latest." if last else ""
    return f"**{_records(counts.total())} in {systems} system{'s' if systems != 1 else ''}**: {said}.{until}"


def _cautions(
    warnings: Iterable["Caution"], systems: Mapping[str, Declaration], instead: Mapping[str, str]
) -> Iterator[str]:
    """One line for each kind, with all places where it was met."""
    kinds: dict[str, list[Caution]] = {}
    for warning in warnings:
        kinds.setdefault(warning.code, []).append(warning)
    for code, met in kinds.items():
        said, to_do = _CAUTIONS[code]
        of_records = met[0].source and code != "correction.unplaced"
        total = f"{_records(sum(warning.count for warning in met))} " if of_records else ""
        places = ", ".join(_place(warning, systems) for warning in met if warning.source or warning.field)
        yield f"- **{total}{said}**{f': {places}' if places else ''}. {instead.get(code, to_do)}"


def _place(caution: "Caution", systems: Mapping[str, Declaration]) -> str:
    if caution.field:
        corrected = {caution.dataset: {caution.field: ""}} if caution.dataset else {caution.field: ""}
        return next(_fields(corrected, systems))
    system = systems[caution.source]
    what = f"“{system.dataset(caution.dataset).title}” in " if caution.dataset else ""
    return f"{what}{system.title} ({caution.count})"


def _system(system: Declaration, counts: Sequence["Count"], right: str, terms: "Terms") -> str:
    shown = [count for count in counts if count.reason != _UNCHANGED]
    rest = sum(count.count for count in counts if count.reason == _UNCHANGED)
    parts = [f"**{system.title}**: {_records(sum(count.count for count in counts))}"]
    if shown:
        lines = [_line(system.dataset(count.dataset), count, right, terms) for count in shown]
        parts.append("\n".join(["| Data | What happens | Ground | Records |", "| --- | --- | --- | --- |", *lines]))
    if rest:
        parts.append(f"{_records(rest, ' more' if shown else '')}: {_REASONS[_UNCHANGED]}.")
    return "\n\n".join(parts)


def _line(dataset: Dataset, count: "Count", right: str, terms: "Terms") -> str:
    until = f" until {date.fromisoformat(count.until).isoformat()}" if count.until else ""
    why = _REASONS.get(count.reason, count.reason)
    what = "; ".join(part for part in (f"{_what(count.effect, right)}{until}", why) if part)
    ground = terms.words(count.ground)["en"] if count.ground else ""
    return f"| {dataset.title} | {what} | {ground} | {count.count} |"


def _what(effect: str, right: str) -> str:
    """A restriction is what was asked for, or what is left where the law keeps the record."""
    return _KEPT if (effect, right) == ("restrict", "erasure") else _EFFECTS[effect]


def _people(number: int) -> str:
    return f"**{number} {'person' if number == 1 else 'people'}**"


def _records(number: int, more: str = "") -> str:
    return f"{number}{more} record{'' if number == 1 else 's'}"
