"""docker-compose.yaml and the Dockerfile, read as Compose and Docker read them, for running the same processes without
containers. Nothing of what stands there is written here a second time: only where a container's name, port or folder
is found on this machine instead."""

import re
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
COMPOSE: Final = ROOT / "docker-compose.yaml"
_DOCKERFILE: Final = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
_EXAMPLE: Final = (ROOT / ".env.example").read_text()
_VARIABLE: Final = re.compile(r"\$(\$)|\$\{(\w+)(?:(:\?|:-)([^}]*))?\}")
_SECRET: Final = re.compile(r"PASSWORD|SECRET|ACCESS_KEY")


class Composed:
    """The file with the variables of an `.env`. `places`: what stands in it somewhere → what that is here;
    `arguments`: what a command has as an argument → the same here."""

    def __init__(self, variables: Mapping[str, str], places: Mapping[str, str], arguments: Mapping[str, str]) -> None:
        self._variables, self._places, self._arguments = variables, places, arguments
        self._services: Mapping[str, Mapping[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]

    def environment(self, service: str) -> dict[str, str]:
        """What a service is given, the image's own variables included where it is our image."""
        defined = self._services[service]
        own = _image_variables() if defined["image"] == "dsr:local" else {}
        given = {**own, **defined.get("environment", {})}
        return {name: self._here(str(value)) for name, value in given.items()}

    def command(self, service: str) -> list[str]:
        """Its command line, entry point included."""
        defined = self._services[service]
        words = [*defined.get("entrypoint", ()), *defined.get("command", ())]
        return [self._arguments.get(word) or self._here(word) for word in map(str, words)]

    def check(self, service: str) -> list[str]:
        """Its health check as a command line."""
        kind, *words = self._services[service]["healthcheck"]["test"]
        return ["sh", "-c", self._here(words[0])] if kind == "CMD-SHELL" else [self._here(word) for word in words]

    def comes_back(self, service: str) -> bool:
        """Whether it is started again when it has ended."""
        return bool(self._services[service]["restart"] == "unless-stopped")

    def _here(self, text: str) -> str:
        text = _VARIABLE.sub(self._value, text)
        for there, here in self._places.items():
            text = text.replace(there, here)
        return text

    def _value(self, found: re.Match[str]) -> str:
        dollar, name, operator, rest = found.groups()
        if dollar:
            return "$"
        value = self._variables.get(name, "")
        if not value and operator == ":?":
            raise KeyError(f"{name}: {rest}")
        return value or (rest if operator == ":-" else "")


def filled_in(values: Mapping[str, str]) -> dict[str, str]:
    """The variables of .env.example with these values; what is a secret and has none is made as the file says."""
    offered = dict(re.findall(r"^(?:# )?([A-Z0-9_]+)=(.*)$", _EXAMPLE, re.MULTILINE))
    if unknown := values.keys() - offered.keys():
        raise KeyError(f"not in .env.example: {sorted(unknown)}")
    needed = {name for name, operator in re.findall(r"\$\{(\w+)(:\?)", COMPOSE.read_text()) if operator}
    given = {name: value for name, value in offered.items() if f"\n{name}=" in _EXAMPLE} | dict(values)
    for name in needed:
        if not given.get(name) and _SECRET.search(name):
            given[name] = secrets.token_urlsafe(32)
    return given


def _image_variables() -> dict[str, str]:
    """ENV of the image that runs, without the PATH, which leads to programs that are elsewhere here."""
    last = _DOCKERFILE.rpartition("\nFROM ")[2]
    return {name: value for name, value in _pairs(last) if name != "PATH"}


def _pairs(stage: str) -> Iterator[tuple[str, str]]:
    for line in re.findall(r"^ENV (.+)$", stage, re.MULTILINE):
        for pair in line.split():
            name, _, value = pair.partition("=")
            yield name, value
