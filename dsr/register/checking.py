"""What is missing or wrong in the register, in words for a privacy officer."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from dsr import schema
from dsr.register import files
from dsr.register.activity import Activity, filled
from dsr.register.nouns import Problem
from dsr.source import Dataset, Declaration
from dsr.vocabulary import CATEGORIES

if TYPE_CHECKING:
    from dsr.register.register import Register

_PARTS: Final = {
    "title": "the title",
    "purposes": "the purposes (Art. 15(1)(a)), each with a term and words in both languages",
    "legal_basis": "the legal basis (Art. 6, 9), with a term and words in both languages",
    "interest": "what the legitimate interest is (Art. 6(1)(f)), in both languages",
    "categories": "the categories of personal data (Art. 15(1)(b))",
    "data_subjects": "whose data it is (Art. 30(1)(c)), in both languages",
    "recipients": "the recipients by name, role, country and words (Art. 15(1)(c)); write `none` when there are none",
    "transfers": "the transfer tool with link and words for each recipient outside the EU/EEA (Art. 15(2))",
    "retention": "the storage period or its criteria (Art. 15(1)(d)), with what it is counted from",
    "sources": "where the data come from (Art. 15(1)(g)), each with a term and words in both languages",
    "automated_decisions": "whether there are automated decisions and, if so, their logic and consequences"
    " (Art. 15(1)(h))",
    "profiling": "the title, value, logic and effect of each profiling dimension (Art. 15(1)(h))",
}


def problems(register: "Register", declarations: Iterable[Declaration]) -> tuple[Problem, ...]:
    """All problems of a register that could be read: shared parts, then rows by id, then rows that are missing."""
    datasets: dict[str, list[Dataset]] = {}
    for declaration in declarations:
        for dataset in declaration.datasets:
            datasets.setdefault(dataset.processing, []).append(dataset)
    found = [*_shared(register)]
    for row in register.activities.values():
        found += _row(register, row, datasets.get(row.id, []))
    for row_id, missing in sorted(datasets.items()):
        if row_id not in register.activities and row_id not in register.broken:
            names = ", ".join(dataset.name for dataset in missing)
            words = f"There is no row {row_id}, which these datasets refer to: {names}. Add {files.row_file(row_id)}."
            found.append(Problem(row_id, "row.missing", words))
    found += _terms_of_datasets(register, [d for listed in datasets.values() for d in listed])
    return tuple(found)


def differences(register: "Register", name: str, dpo_mail: str) -> tuple[Problem, ...]:
    """Where the settings that letters are written from say another controller than the register."""
    stated = register.controller
    pairs = (
        ("name", stated.name, "DSR_CONTROLLER_NAME", name),
        ("dpo_mail", stated.dpo_mail, "DSR_CONTROLLER_MAIL", dpo_mail),
    )
    return tuple(
        Problem("controller.yaml", "controller.differs", f'{part} is "{ours}", but {variable} says "{theirs}".')
        for part, ours, variable, theirs in pairs
        if theirs and theirs != ours
    )


def _shared(register: "Register") -> Iterator[Problem]:
    given = {
        "controller.yaml": ("name", "address", "mail", "dpo_mail"),
        "notice.yaml": ("updated", "sha256"),
    }
    for name, parts in given.items():
        part_of = register.controller if name == "controller.yaml" else register.notice
        for part in parts:
            if not getattr(part_of, part):
                yield Problem(name, "blank", f"{name} does not state {part}.")
    if not filled(register.notice.title):
        yield Problem("notice.yaml", "blank", "notice.yaml does not state the title in both languages.")
    authority = register.authority
    if not (filled(authority.name) and authority.address and filled(authority.words)):
        words = (
            "rights.yaml does not state the authority with name, address and words in both languages (Art. 15(1)(f))."
        )
        yield Problem("rights.yaml", "blank", words)
    for right in register.rights:
        if right.term not in register.terms:
            yield _unknown_term("rights.yaml", "rights", right.term)
        if not (filled(right.title) and filled(right.words)):
            yield Problem("rights.yaml", "blank", f"rights.yaml does not explain {right.term} in both languages.")
    used = {recipient.id for row in register.activities.values() for recipient in row.recipients}
    for key, recipient in register.recipients.items():
        if key not in used and not register.broken:
            words = f'recipients.yaml defines "{key}", which no row names.'
            yield Problem("recipients.yaml", "recipient.unused", words)
        if recipient.notify is None or (recipient.notify.by == "none" and not filled(recipient.notify.reason)):
            words = (
                f'recipients.yaml does not say how "{key}" is told of what was rectified, erased or restricted, or why'
                " not, in both languages (Art. 19)."
            )
            yield Problem("recipients.yaml", "recipient.notify", words)


def _row(register: "Register", row: Activity, datasets: list[Dataset]) -> Iterator[Problem]:
    for part in row.blank:
        yield Problem(row.id, f"blank.{part}", f"Blank or only half filled: {_PARTS[part]}.")
    yield from _terms_of_row(register, row)
    yield from _recipients(register, row)
    yield from _fields(row)
    for category in row.categories:
        if category not in CATEGORIES:
            words = f'"{category}" is no category of the notice; those are {", ".join(CATEGORIES)}.'
            yield Problem(row.id, "category.unknown", words)
    for dataset in datasets:
        if dataset.category not in row.categories:
            words = f"Its dataset {dataset.name} is of the category {dataset.category}, which the row does not state."
            yield Problem(row.id, "category.missing", words)
    if not datasets:
        words = "No dataset of any source refers to this row. Remove it, or give the datasets its id."
        yield Problem(row.id, "row.unused", words)
    yield from _confirmation(row)


def _terms_of_row(register: "Register", row: Activity) -> Iterator[Problem]:
    used = [("purposes", purpose.term) for purpose in row.purposes]
    used += [("legal_basis", basis.term) for basis in row.legal_basis]
    used += [("transfers", transfer.tool) for transfer in row.transfers]
    used += [("sources", source.term) for source in row.sources]
    for part, term in used:
        if term and term not in register.terms:
            yield _unknown_term(row.id, part, term)


def _recipients(register: "Register", row: Activity) -> Iterator[Problem]:
    for key in row.undefined:
        words = f'The recipient "{key}" is not defined in recipients.yaml.'
        yield Problem(row.id, "recipient.undefined", words)
    for recipient in row.recipients:
        if recipient.id in row.needs_tool:
            words = f"{recipient.name} is in {recipient.country}, outside the EU/EEA, and no transfer tool is named."
            yield Problem(row.id, "transfer.missing", words)
    named = {recipient.id for recipient in row.recipients}
    for transfer in row.transfers:
        if transfer.recipient not in named:
            words = f'A transfer names "{transfer.recipient}", which is no recipient of this row.'
            yield Problem(row.id, "transfer.recipient", words)
        elif transfer.country in register.domestic:
            words = f'"{transfer.recipient}" is in {transfer.country}, inside the EU/EEA: that is no transfer.'
            yield Problem(row.id, "transfer.needless", words)
        elif transfer.tool == "gdpr:A45-3" and transfer.country not in register.adequate:
            words = f"countries.yaml lists no adequacy decision (Art. 45(3)) for {transfer.country}."
            yield Problem(row.id, "transfer.adequacy", words)


def _fields(row: Activity) -> Iterator[Problem]:
    named = [("retention", name) for retention in row.retention for name in (retention.field, *retention.when)]
    named += [("profiling", dimension.value) for dimension in row.profiling]
    named += [("profiling", one.field) for dimension in row.profiling for one in dimension.inputs]
    for part, name in named:
        if name and not _field_exists(name):
            words = f"Under {part}, {name} is no field of any dataset's schema (dataset.field)."
            yield Problem(row.id, "field.unknown", words)
    for retention in row.retention:
        if len({name.partition(".")[0] for name in (retention.field, *retention.when) if name}) > 1:
            words = f"Under retention, {', '.join(retention.when)} must be of the same dataset as {retention.field}."
            yield Problem(row.id, "retention.when", words)


def _field_exists(name: str) -> bool:
    dataset, _, field = name.partition(".")
    try:
        return field in schema.load(dataset)["properties"]
    except FileNotFoundError:
        return False


def _confirmation(row: Activity) -> Iterator[Problem]:
    command = f"python -m dsr register confirm {row.id} --by ROLE"
    if row.stale is not None:
        words = f"Changed since {row.stale.by} confirmed it on {row.stale.at}. When it is right: {command}"
        yield Problem(row.id, "confirmation.stale", words)
    elif row.confirmed is None:
        words = f"Not confirmed: nobody has said that it describes what is done. When it is right: {command}"
        yield Problem(row.id, "unconfirmed", words)


def _terms_of_datasets(register: "Register", datasets: Iterable[Dataset]) -> Iterator[Problem]:
    for dataset in datasets:
        for term in dataset.personal_data:
            if term not in register.terms:
                yield _unknown_term(dataset.processing, f"personal data of the dataset {dataset.name}", term)


def _unknown_term(row: str, part: str, term: str) -> Problem:
    words = f'Under {part}, "{term}" is not among the terms of DPV 2.3 in {files.TERMS}.'
    return Problem(row, "term.unknown", f"{words} A further term of DPV needs a line there.")
