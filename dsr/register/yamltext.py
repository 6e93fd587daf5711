"""The register's YAML: text, true, false and null, and nothing that reads otherwise than it looks.

PyYAML's safe loader follows YAML 1.1, which makes `NO` (Norway) false, `2022-11-04` a date object and keeps the last
of two equal keys without a word. Here words stay text, as in the core of YAML 1.2, and a key that stands twice is an
error.
"""

import re
from collections.abc import Hashable
from contextlib import suppress
from typing import Any, Final

import yaml

_TAG: Final = "tag:yaml.org,2002:"
_RESOLVERS: Final = {
    **{sign: [(f"{_TAG}bool", re.compile(r"^(?:true|false)$"))] for sign in "tf"},
    **{sign: [(f"{_TAG}null", re.compile(r"^(?:~|null|)$"))] for sign in ("~", "n", "")},
}
_KINDS: Final = frozenset(_TAG + name for name in ("str", "bool", "null", "seq", "map"))


class YamlError(Exception):
    """What is wrong with a text, in words, with line and column counted from 1."""


class _Plain(yaml.constructor.SafeConstructor):
    """PyYAML's safe constructor with fewer guesses."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if node.tag not in _KINDS:
            raise yaml.constructor.ConstructorError(None, None, f"no {node.tag} can stand here", node.start_mark)
        return super().construct_object(node, deep=True)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        value = super().construct_scalar(node)
        if any("\ud800" <= sign <= "\udfff" for sign in value):
            raise yaml.constructor.ConstructorError(None, None, "half a character", node.start_mark)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != f"{_TAG}str":
                raise yaml.constructor.ConstructorError(None, None, "a name must be plain text", key.start_mark)
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f'"{key.value}" stands twice', key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=True)


class _Loader(_Plain, yaml.SafeLoader):
    """In Python: knows places and says well what is wrong."""

    yaml_implicit_resolvers = _RESOLVERS


_LOADERS: list[Any] = [_Loader]
if yaml.__with_libyaml__:

    class _FastLoader(_Plain, yaml.CSafeLoader):
        """In C, several times faster; what it refuses is read again by the other, for the words."""

        yaml_implicit_resolvers = _RESOLVERS

    _LOADERS.insert(0, _FastLoader)


def parse(text: str) -> Any:
    """The value of a YAML text. YamlError when it is none."""
    try:
        for loader in _LOADERS[:-1]:
            with suppress(yaml.YAMLError):
                return yaml.load(text, Loader=loader)  # noqa: S506 (a subclass of the safe loader)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a subclass of the safe loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise YamlError(f"{place}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise YamlError(" ".join(str(error).split())) from None
    except RecursionError:
        raise YamlError("nested too deeply") from None


def top_level(text: str) -> yaml.MappingNode:
    """The nodes of a text whose top is a mapping, with their places. YamlError when it is none."""
    parse(text)
    node = yaml.compose(text, Loader=_Loader)
    if not isinstance(node, yaml.MappingNode):
        raise YamlError("the file must consist of `name: value` lines")
    return node


def end(node: yaml.Node) -> int:
    """Where a node's own text ends. A block's end mark lies after the comments that follow it; this one before."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)
