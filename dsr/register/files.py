"""The register's folder as it lies there: which files, whether they are YAML, whether their schemas accept them."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import jsonschema
from jsonschema.exceptions import ValidationError

from dsr import schema
from dsr.register import yamltext
from dsr.register.nouns import Problem
from dsr.register.terms import Terms

SHARED: Final = ("controller", "notice", "rights", "recipients", "countries")
"""Files that all rows share, `<name>.yaml`, each checked by `schemas/register-<name>.schema.json`."""
TERMS: Final = "dpv-2.3.csv"
ACTIVITIES: Final = "activities"
_TYPES: Final = {
    "object": "`name: value` lines",
    "array": "a list, each entry after a dash",
    "string": "text",
    "boolean": "true or false",
    "null": "nothing",
}


@dataclass(frozen=True)
class Files:
    """What was read. shared: by name; activities: by id, only those that their schema accepts; broken: ids of the
    others; digest: SHA-256 in hex over the names and bytes of all files."""

    shared: Mapping[str, Any]
    activities: Mapping[str, Mapping[str, Any]]
    terms: Terms
    broken: frozenset[str]
    problems: tuple[Problem, ...]
    digest: str

    @property
    def usable(self) -> bool:
        """Whether everything that the rows share could be read."""
        return len(self.shared) == len(SHARED) and any(True for _ in self.terms)


def folder(path: str | Path | None) -> Traversable:
    """The register's folder; None or "" = the example that is shipped."""
    return Path(path) if path else files("register")


def row_file(row: str) -> str:
    """Where a row lies in the folder."""
    return f"{ACTIVITIES}/{row}.yaml"


def read(place: Traversable) -> Files:
    """Everything in the folder; what can't be read is in `problems`, nothing is raised for it."""
    problems: list[Problem] = []
    digest = hashlib.sha256()
    shared, rows, broken = {}, {}, set()
    for name in SHARED:
        value = _document(place, f"{name}.yaml", f"register-{name}", problems, digest)
        if value is not None:
            shared[name] = value
    for name in _row_names(place, problems):
        value = _document(place, row_file(name), "register-activity", problems, digest)
        if value is not None and value["id"] != name:
            words = f'{row_file(name)} at /id: the id is "{value["id"]}"; it must be the file\'s name, "{name}".'
            problems.append(Problem(name, "row.id", words))
            value = None
        if value is None:
            broken.add(name)
        else:
            rows[name] = value
    terms = _terms(place, problems, digest)
    return Files(shared, rows, terms, frozenset(broken), tuple(problems), digest.hexdigest())


def text(place: Traversable, name: str) -> str:
    """A file's text with its line ends as they are. OSError, UnicodeDecodeError."""
    return place.joinpath(*name.split("/")).read_bytes().decode("utf-8")


def _row_names(place: Traversable, problems: list[Problem]) -> list[str]:
    directory = place.joinpath(ACTIVITIES)
    if not directory.is_dir():
        problems.append(Problem(ACTIVITIES, "folder.missing", f"There is no folder {ACTIVITIES} in {place}."))
        return []
    names = []
    for file in directory.iterdir():
        if file.name.endswith(".yaml") and not file.name.startswith("."):
            names.append(file.name.removesuffix(".yaml"))
        elif file.name.endswith(".yml"):
            path = f"{ACTIVITIES}/{file.name}"
            problems.append(Problem(path, "file.name", f"{path} is not read: its name must end in .yaml."))
    return sorted(names)


def _document(place: Traversable, name: str, schema_name: str, problems: list[Problem], digest: Any) -> Any:
    row = name.removeprefix(f"{ACTIVITIES}/").removesuffix(".yaml") if name.startswith(ACTIVITIES) else name
    content = _text(place, name, row, problems, digest)
    if content is None:
        return None
    try:
        value, wrong = _parsed(content, schema_name)
    except yamltext.YamlError as error:
        problems.append(Problem(row, "yaml.invalid", f"{name} is not valid YAML: {error}."))
        return None
    problems += [Problem(row, "schema.invalid", f"{name} at {where}: {what}.") for where, what in wrong]
    return None if wrong else value


# The same text says the same: whoever forks many processes reads the files once, see `dsr_preload`.
@lru_cache(maxsize=1024)
def _parsed(content: str, schema_name: str) -> tuple[Any, tuple[tuple[str, str], ...]]:
    value = yamltext.parse(content)
    return value, tuple(errors(schema_name, value))


def _terms(place: Traversable, problems: list[Problem], digest: Any) -> Terms:
    content = _text(place, TERMS, TERMS, problems, digest)
    if content is None:
        return Terms({})
    try:
        return _parsed_terms(content)
    except ValueError as error:
        problems.append(Problem(TERMS, "terms.invalid", f"{TERMS}: {error}."))
        return Terms({})


@lru_cache(maxsize=2)
def _parsed_terms(content: str) -> Terms:
    return Terms.parse(content)


def _text(place: Traversable, name: str, row: str, problems: list[Problem], digest: Any) -> str | None:
    try:
        content = text(place, name)
    except OSError:
        problems.append(Problem(row, "file.missing", f"{name} is missing in {place} or can't be opened."))
        return None
    except UnicodeDecodeError:
        problems.append(Problem(row, "file.encoding", f"{name} is not UTF-8 text."))
        return None
    digest.update(f"{name}\0{hashlib.sha256(content.encode()).hexdigest()}\n".encode())
    return content


def errors(schema_name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Where (JSON pointer, "the top" for the whole file) and how a value differs from its schema."""
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    validator = jsonschema.Draft202012Validator(schema.load(schema_name), format_checker=checker)
    for error in sorted(validator.iter_errors(value), key=lambda e: ([str(p) for p in e.absolute_path], e.message)):
        yield _pointer(error), _words(error)


def _pointer(error: ValidationError) -> str:
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in error.absolute_path]
    return "".join(f"/{part}" for part in parts) or "the top"


def _words(error: ValidationError) -> str:
    rule: Any = error.validator_value
    around: Any = error.schema
    given: Any = error.instance
    match error.validator:
        case "required":
            return f"missing: {', '.join(name for name in rule if name not in given)}"
        case "additionalProperties":
            known = around.get("properties", {})
            return f"unknown: {', '.join(sorted(set(given) - set(known)))}; known are {', '.join(known)}"
        case "type":
            names = [rule] if isinstance(rule, str) else [name for name in rule if name != "null"]
            return f"must be {' or '.join(_TYPES.get(name, name) for name in names)}"
        case "enum":
            return f"{_shown(given)} must be one of {', '.join(str(v) for v in rule if v not in (None, ''))}"
        case "pattern" | "format" | "anyOf":
            expected = around.get("description", f"must fit {rule}")
            return f"{_shown(given)} does not fit: {expected.rstrip('.')}"
    return error.message


def _shown(value: Any) -> str:
    text = str(value)
    return f'"{text if len(text) <= 60 else text[:60] + "…"}"'
