"""Reading a policy file: the rules, or every mistake in it at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from release_core.errors import ReleaseError
from release_core.policy import Policy
from release_core.policy_references import NAMES_DISAGREE, Place, disagreements, path_words
from release_core.policy_text import Mistake, PolicyText, read_text, shown

_EXPECTED = {
    "missing": "a value",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping (lines of the form key: value)",
    "model_type": "a mapping (lines of the form key: value)",
    "model_attributes_type": "a mapping (lines of the form key: value)",
    "tuple_type": "a list",
    "list_type": "a list",
    "too_short": "at least {min_length} entry",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "literal_error": "{expected}",
    "union_tag_not_found": "a method: {expected_tags}",
    "union_tag_invalid": "a method: {expected_tags}",
    "greater_than_equal": "{ge} or more",
}


class PolicyMistakes(ReleaseError):
    """The policy file cannot be used; `mistakes` holds every one, in the order of the file."""

    def __init__(self, file: str, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        count = "a mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        told = (f"  {mistake.told(file)}" for mistake in self.mistakes)
        super().__init__("\n".join([f"The policy has {count}:", *told]))


def load_policy(path: Path | str, environment: Mapping[str, str] | None = None) -> Policy:
    """The policy in a YAML file; `${NAME}` values come from `environment`, by default the process's own.

    Raises PolicyMistakes with all mistakes: of the file, of YAML, of single values, of names that refer to nothing.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        found = error.strerror.lower() if error.strerror else "no way to read it"
        raise PolicyMistakes(str(path), [Mistake(0, "", found, "a policy file that can be read")]) from None
    except UnicodeDecodeError:
        raise PolicyMistakes(str(path), [Mistake(0, "", "bytes that are no text", "UTF-8 text")]) from None
    return read_policy(text, str(path), os.environ if environment is None else environment)


def read_policy(text: str, file: str, environment: Mapping[str, str]) -> Policy:
    """The policy in a text; `file` is how mistakes call it. Raises PolicyMistakes."""
    taken = read_text(text, environment)
    if taken.root is None:
        raise PolicyMistakes(file, taken.mistakes)
    noted = {mistake.place for mistake in taken.mistakes}
    try:
        policy = Policy.model_validate(taken.data)
    except ValidationError as error:
        found = [*_mistakes(taken, error.errors()), *_disagreements(taken)]
        # A value we could not read has its own mistake; what a validator says about the hole it left is noise.
        raise PolicyMistakes(file, [*taken.mistakes, *(one for one in found if one.place not in noted)]) from None
    if taken.mistakes:
        raise PolicyMistakes(file, taken.mistakes)
    return policy


def _disagreements(taken: PolicyText) -> list[Mistake]:
    data = taken.data if isinstance(taken.data, Mapping) else {}
    return [
        Mistake(taken.node_at(one.place)[1], path_words(one.place), one.found, one.expected)
        for one in disagreements(data)
    ]


def _mistakes(taken: PolicyText, errors: Sequence[ErrorDetails]) -> list[Mistake]:
    together: dict[tuple[int, str, str], list[str]] = {}
    for error in errors:
        if error["type"] != NAMES_DISAGREE:
            line, place, found = _where(taken, error)
            expected = together.setdefault((line, place, found), [])
            expected += [words for words in [_expected(error)] if words not in expected]
    return [Mistake(*where, " or ".join(expected)) for where, expected in together.items()]


def _where(taken: PolicyText, error: ErrorDetails) -> tuple[int, str, str]:
    place: Place = error["loc"]
    if place[-1:] == ("[key]",):
        _, line, way = taken.node_at(place[:-1])
        return _key_line(taken, way) or line, path_words(way), f'the key "{place[-2]}"'
    node, line, way = taken.node_at(place)
    if error["type"] == "missing":
        return line, path_words((*way, place[-1])), "nothing"
    if error["type"] == "extra_forbidden":
        return _key_line(taken, way) or line, path_words(way), f'the key "{way[-1]}"'
    return line, path_words(way), shown(node)


def _key_line(taken: PolicyText, way: Place) -> int:
    parent = taken.node_at(way[:-1])[0]
    lines = [key.start_mark.line + 1 for key, _ in parent.value if key.value == way[-1]]
    return lines[0] if lines else 0


def _expected(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return f"one of {', '.join(_keys_at(error['loc'][:-1]))}"
    if error["type"] in _EXPECTED:
        return _EXPECTED[error["type"]].format(**error.get("ctx", {}))
    sentence = error["msg"].removeprefix("Value error, ")
    return sentence.removeprefix("expected ") if sentence.startswith("expected ") else f"something else: {sentence}"


def _keys_at(place: Place) -> list[str]:
    kind: Any = Policy
    for part in place:
        kind = _step(kind, part)
    return [name.alias or key for key, name in _fields(kind).items()]


def _step(kind: Any, part: str | int) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _step(arguments[0], part)
    if origin in (Union, UnionType):
        # The validator names the branch that it chose by the value of its `method`.
        return next((one for one in arguments if _is_branch(one, part)), None)
    if origin in (dict, tuple):
        return arguments[1] if origin is dict else arguments[0]
    found = [_present(field.annotation) for key, field in _fields(kind).items() if part in (key, field.alias)]
    return found[0] if found else None


def _present(kind: Any) -> Any:
    """What a value is when it is there: `git` may be left out, so it is a rule or None."""
    branches = [one for one in get_args(kind) if one is not type(None)]
    return branches[0] if get_origin(kind) in (Union, UnionType) and len(branches) == 1 else kind


def _is_branch(kind: Any, tag: str | int) -> bool:
    method = _fields(kind).get("method")
    return method is not None and method.default == tag


def _fields(kind: Any) -> Mapping[str, Any]:
    return kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else {}
