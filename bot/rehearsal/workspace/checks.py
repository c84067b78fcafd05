"""Small checks that compose into the description of a JSON structure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing wrong: a JSON pointer, a stable code, words like Slack's, for a choice what it could have been."""

    pointer: str
    code: str
    message: str
    expected: tuple[str, ...] = ()

    def line(self) -> str:
        """The way Slack puts it into `errors`."""
        return f"{self.message} [json-pointer:{self.pointer}]"

    def shown(self) -> dict[str, Any]:
        """The way blocks.validate tells it."""
        told: dict[str, Any] = {"code": "failed_constraint", "message": self.message, "pointer": self.pointer}
        return told | ({"constraint": {"type": "enum", "expected": [*self.expected]}} if self.expected else {})


Findings = list[Finding]
Check = Callable[[Any, str, Findings], None]
Opinion = Callable[[str, Any], list[str]]

# Further judges of what passed our own checks: (`message`, `modal` or `home`; the payload) -> what is wrong with it.
second_opinions: list[Opinion] = []

Witness = Callable[[str, Any], None]
# Who looks at whatever goes to the bot: (`slash_commands`, `interactive`, `events_api`, or the method that is answered;
# the payload).
witnesses: list[Witness] = []


def second_opinion(kind: str, payload: Any, at: str) -> Findings:
    """What others find wrong with a whole payload that passed our own checks."""
    return [Finding(at, "second_opinion", line) for judge in second_opinions for line in judge(kind, payload)]


def string(most: int | None = None, *, least: int = 0, pattern: str | None = None) -> Check:
    """A string of `least` to `most` characters."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, str):
            found.append(Finding(at, "invalid_type", "must be a string"))
        elif len(value) < least:
            found.append(Finding(at, "too_short", f"must be more than {least - 1} characters"))
        elif most is not None and len(value) > most:
            found.append(Finding(at, "too_long", f"must be less than {most + 1} characters"))
        elif pattern and not re.fullmatch(pattern, value):
            found.append(Finding(at, "invalid_format", f"failed to match the pattern {pattern}"))

    return check


def integer(least: int | None = None, most: int | None = None) -> Check:
    """A whole number within inclusive bounds."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            found.append(Finding(at, "invalid_type", "must be an integer"))
        elif least is not None and value < least:
            found.append(Finding(at, "too_small", f"must be at least {least}"))
        elif most is not None and value > most:
            found.append(Finding(at, "too_large", f"must be at most {most}"))

    return check


def boolean(value: Any, at: str, found: Findings) -> None:
    """True or false."""
    if not isinstance(value, bool):
        found.append(Finding(at, "invalid_type", "must be a boolean"))


def number(value: Any, at: str, found: Findings) -> None:
    """Any number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        found.append(Finding(at, "invalid_type", "must be a number"))


def anything(value: Any, at: str, found: Findings) -> None:
    """No demands."""


def one_of(*allowed: Any) -> Check:
    """One of the given constants."""

    def check(value: Any, at: str, found: Findings) -> None:
        if value not in allowed or isinstance(value, bool) != isinstance(allowed[0], bool):
            words = ", ".join(str(each) for each in allowed)
            choices = tuple(map(str, allowed))
            found.append(Finding(at, "invalid_choice", f"must be a valid enum value: {words}", choices))

    return check


def items(each: Check, least: int = 0, most: int | None = None) -> Check:
    """A list of `least` to `most` things, all alike."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, list):
            found.append(Finding(at, "invalid_type", "must provide an array"))
            return
        if len(value) < least:
            found.append(Finding(at, "too_few_items", f"no less than {least} items allowed"))
        if most is not None and len(value) > most:
            found.append(Finding(at, "too_many_items", f"no more than {most} items allowed"))
        for index, item in enumerate(value):
            each(item, f"{at}/{index}", found)

    return check


@dataclass(frozen=True)
class Shape:
    """An object with required and optional keys and no others; `rules` look at it as a whole."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check]
    rules: tuple[Check, ...] = ()

    def __call__(self, value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, dict):
            found.append(Finding(at, "invalid_type", "must provide an object"))
            return
        for key in self.required:
            if value.get(key) is None:
                found.append(Finding(at, "missing_required_field", f"missing required field: {key}"))
        for key, each in value.items():
            self._check_key(key, each, at, found)
        for rule in self.rules:
            rule(value, at, found)

    def _check_key(self, key: str, each: Any, at: str, found: Findings) -> None:
        check = self.required.get(key) or self.optional.get(key)
        if check is None:
            found.append(Finding(at, "unknown_field", f"invalid additional property: {key}"))
        elif each is not None:
            check(each, f"{at}/{key}", found)


def by_type(shapes: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of the shapes it must have."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not isinstance(value, dict):
            found.append(Finding(at, "invalid_type", "must provide an object"))
            return
        kind = value.get("type")
        if kind is None:
            found.append(Finding(at, "missing_required_field", "missing required field: type"))
        elif not isinstance(kind, str) or kind not in shapes:
            found.append(Finding(f"{at}/type", "unsupported_type", f"unsupported type: {kind}", tuple(sorted(shapes))))
        else:
            shapes[kind](value, at, found)

    return check


def exactly_one(*keys: str) -> Check:
    """A rule: exactly one of the keys is there."""

    def check(value: Any, at: str, found: Findings) -> None:
        present = [key for key in keys if value.get(key) is not None]
        if len(present) != 1:
            found.append(Finding(at, "one_of_required", f"must have exactly one of: {', '.join(keys)}"))

    return check


def at_least_one(*keys: str) -> Check:
    """A rule: at least one of the keys is there."""

    def check(value: Any, at: str, found: Findings) -> None:
        if not any(value.get(key) for key in keys):
            found.append(Finding(at, "one_of_required", f"must have at least one of: {', '.join(keys)}"))

    return check
