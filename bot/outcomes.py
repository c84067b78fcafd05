"""What a step came to, as plain values that read the same after a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from release_core.errors import ReleaseError

Outcome = dict[str, Any]


def outcome_of(call: Callable[[], Any]) -> Outcome:
    """Call, keeping the value or the ReleaseError; TypeError when the value is not plain (text, lists …)."""
    try:
        value = call()
    except ReleaseError as error:
        return {"problem": _described(error)}
    return {"value": plain(value)}


def plain(value: Any) -> Any:
    """The value as it will read after a restart: a tuple becomes a list already now."""
    return json.loads(json.dumps(value))


def opened(outcome: Outcome) -> Any:
    """The value kept in an outcome, or its ReleaseError raised again."""
    if "problem" in outcome:
        raise _rebuilt(outcome["problem"])
    return outcome["value"]


def _described(error: ReleaseError) -> dict[str, Any]:
    said = {name: _written(value) for name, value in vars(error).items() if not name.startswith("_")}
    return {"kind": type(error).__name__, "sentence": str(error), "said": said}


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    return list(value) if isinstance(value, tuple) else value


def _rebuilt(problem: dict[str, Any]) -> ReleaseError:
    # The constructors differ, so the error is rebuilt from its sentence and its attributes.
    kind = _kinds().get(problem["kind"], ReleaseError)
    error = kind.__new__(kind, problem["sentence"])
    for name, value in problem["said"].items():
        setattr(error, name, _read(value))
    return error


def _read(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"at"}:
        return datetime.fromisoformat(value["at"])
    return tuple(value) if isinstance(value, list) else value


def _kinds() -> dict[str, type[ReleaseError]]:
    found: dict[str, type[ReleaseError]] = {}
    waiting = [ReleaseError]
    while waiting:
        kind = waiting.pop()
        found[kind.__name__] = kind
        waiting.extend(kind.__subclasses__())
    return found
