"""System.assert… plus the Assert class, with the messages Salesforce gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.rehearsal.org.apex.frames import InDoubt
from bot.rehearsal.org.apex.values import UNKNOWN, ApexThrow, Fault, Unknown, equal, holds_unknown, show

if TYPE_CHECKING:
    from bot.rehearsal.org.apex.interpreter import Machine

_PAIRS = {"assertequals": True, "assertnotequals": False, "areequal": True, "arenotequal": False}
_TRUTHS = {"assert": True, "istrue": True, "isfalse": False}
_NULLS = {"isnull": True, "isnotnull": False}
_KINDS = {"isinstanceoftype": True, "isnotinstanceoftype": False}


def is_assertion(path: str | None, name: str) -> bool:
    """Whether a call is an assertion."""
    if path == "system":
        return name in ("assert", "assertequals", "assertnotequals")
    return path in ("assert", "system.assert") and (name in (_PAIRS | _TRUTHS | _NULLS | _KINDS) or name == "fail")


def check(machine: Machine, path: str, name: str, args: list[object]) -> object:
    """Do nothing when it holds or cannot be known; System.AssertException when it fails."""
    if name == "fail":
        if machine.doubt:
            raise InDoubt
        raise _failure(_said("Assertion Failed", args[0] if args else UNKNOWN, given=bool(args)))
    if name in _PAIRS:
        _pair(machine, _PAIRS[name], args)
    elif name in _TRUTHS:
        _truth(_TRUTHS[name], args)
    elif name in _NULLS and not isinstance(args[0], Unknown) and (args[0] is None) != _NULLS[name]:
        expected = "Expected: null, Actual: " + show(args[0]) if _NULLS[name] else "Same value: null"
        raise _failure(
            _said("Assertion Failed", args[1] if len(args) > 1 else None, given=len(args) > 1, detail=expected)
        )
    return None


def _pair(machine: Machine, wanted: bool, args: list[object]) -> None:
    expected, actual = args[0], args[1]
    if isinstance(expected, Unknown) or isinstance(actual, Unknown) or holds_unknown([expected, actual]):
        return
    if equal(expected, actual, exactly=True) == wanted:
        return
    detail = f"Expected: {show(expected)}, Actual: {show(actual)}" if wanted else f"Same value: {show(expected)}"
    raise _failure(_said("Assertion Failed", args[2] if len(args) > 2 else None, given=len(args) > 2, detail=detail))


def _truth(wanted: bool, args: list[object]) -> None:
    if isinstance(args[0], Unknown) or bool(args[0]) == wanted:
        return
    raise _failure(_said("Assertion Failed", args[1] if len(args) > 1 else None, given=len(args) > 1))


def _said(start: str, message: object, *, given: bool, detail: str = "") -> str:
    text = f"{start}: {show(message)}" if given and not isinstance(message, Unknown) else start
    return f"{text}: {detail}" if detail else text


def _failure(text: str) -> ApexThrow:
    return ApexThrow(Fault("System.AssertException", text), [])
