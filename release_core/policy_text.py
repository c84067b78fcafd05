"""YAML as people mean it: every value with its line, none of the surprises of YAML 1.1.

Only `true` and `false` are booleans, only decimal digits are numbers, so `no`, `on`, 22:00 or 2026-12-24 stay the text
that was written. A value that is `${NAME}` as a whole is read from the environment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from release_core.policy_references import Place, path_words

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PLAIN_TAGS = {f"tag:yaml.org,2002:{name}": name for name in ("str", "bool", "int", "float", "null", "map", "seq")}
_STRUCTURE = (yaml.MappingNode, yaml.SequenceNode)


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing wrong in a policy file: the line (from 1; 0: the file as a whole), the place, what is wrong there."""

    line: int
    place: str
    found: str
    expected: str

    def told(self, file: str) -> str:
        """The mistake as one line of text, for people and for editors that jump to file:line."""
        where = f"{file}:{self.line}" if self.line else file
        return f"{where}: {self.place or 'the file'}: found {self.found}; expected {self.expected}"


class _Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's few implicit types."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 (the base class declares it so)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false|True|False)$"), list("tfTF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+\.[0-9]+$"), list("-+0123456789"))


@dataclass
class PolicyText:
    """A policy's text, taken apart: the plain `data`, the nodes behind it, the `mistakes` made on the way."""

    root: yaml.Node | None
    environment: Mapping[str, str]
    mistakes: list[Mistake] = field(default_factory=list)
    data: Any = None
    _open: set[int] = field(default_factory=set)

    def node_at(self, place: Place) -> tuple[yaml.Node, int, Place]:
        """The nearest node on the way to `place`, its line, and the part of the way that exists.

        Steps that the text does not have are skipped, because a validator also names its own branches.
        """
        assert self.root is not None
        node, line = self.root, _line(self.root)
        way: list[str | int] = []
        for part in place:
            found = _child(node, part)
            if found:
                (node, line), way = found, [*way, part]
        return node, line, tuple(way)

    def plain(self, node: yaml.Node, place: Place) -> Any:
        """The node as a plain value; what cannot be one is noted as a mistake and becomes None."""
        if id(node) in self._open:
            self._note(node, place, "a value that holds itself", "no alias to a surrounding value")
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, place)
            if isinstance(node, yaml.SequenceNode):
                return [self.plain(child, (*place, index)) for index, child in enumerate(node.value)]
            return self._scalar(node, place)
        finally:
            self._open.discard(id(node))

    def _note(self, node: yaml.Node, place: Place, found: str, expected: str) -> None:
        self.mistakes.append(Mistake(_line(node), path_words(place), found, expected))

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._note(key, place, shown(key), "a key that is a word")
            elif key.value == "<<":
                self._note(key, place, "the merge key <<", "the keys written out")
            elif key.value in lines:
                there = f"the key {key.value} again"
                self._note(key, (*place, key.value), there, f"it once (it stands in line {lines[key.value]} too)")
            else:
                lines[key.value] = _line(key)
                values[key.value] = self.plain(value, (*place, key.value))
        return values

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        kind = _PLAIN_TAGS.get(node.tag)
        text = str(node.value)
        if kind == "str":
            return self._text(node, place, text)
        if kind == "bool":
            return text.lower() == "true"
        if kind == "null":
            return None
        try:
            if kind in ("int", "float"):
                return int(text) if kind == "int" else float(text)
        except ValueError:
            self._note(node, place, shown(node), "a number")
            return None
        self._note(node, place, f"the tag {node.tag}", "a plain value without a tag")
        return None

    def _text(self, node: yaml.Node, place: Place, text: str) -> str | None:
        if "${" not in text:
            return text
        variable = _VARIABLE.fullmatch(text)
        if not variable:
            self._note(node, place, shown(node), "the whole value to be ${NAME}, or no ${ in it")
            return None
        value = self.environment.get(variable[1], "")
        if not value:
            self._note(node, place, shown(node), f"the environment variable {variable[1]} to be set")
            return None
        return value


def read_text(text: str, environment: Mapping[str, str]) -> PolicyText:
    """Take a policy's text apart; what YAML itself cannot read is noted as a mistake with its line."""
    taken = PolicyText(None, environment)
    try:
        taken.root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = f"what YAML cannot read ({error.problem or error.context})"
        taken.mistakes.append(Mistake(mark.line + 1 if mark else 0, "", found, "well-formed YAML"))
    except yaml.YAMLError as error:
        taken.mistakes.append(Mistake(0, "", str(error).splitlines()[0], "YAML in plain text"))
    if taken.root is not None:
        taken.data = taken.plain(taken.root, ())
    elif not taken.mistakes:
        taken.mistakes.append(Mistake(0, "", "nothing in it", "a policy"))
    return taken


def shown(node: yaml.Node) -> str:
    """What stands at a node, in few words."""
    if isinstance(node, yaml.MappingNode):
        keys = ", ".join(str(key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        return f"a mapping with {keys}" if keys else "an empty mapping"
    if isinstance(node, yaml.SequenceNode):
        return f"a list of {len(node.value)}" if node.value else "an empty list"
    text = str(node.value)
    if _PLAIN_TAGS.get(node.tag) == "null" or not text:
        return "nothing"
    return f'"{text if len(text) <= 60 else text[:59] + "…"}"'


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], _line(node.value[part])
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == part:
                return value, _line(key if isinstance(value, _STRUCTURE) else value)
    return None
