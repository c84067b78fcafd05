"""The readable differences between a package and its target, as one text that people read or take away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from release_core.metadata_types import BY_TYPE, Component, is_xml
from release_core.verdict_rules import SECRETS

LINES_AT_MOST = 20_000
LINE_AT_MOST = 500
LATELY = timedelta(days=14)
MASK = "••••"

_HEADER = "==== "
_ONE_VALUE = re.compile(r"(\s*<([\w.:]+)(?: xsi:\w+=\"[\w:]+\")?>)(.*)(</\2>)")
_BEGUN = re.compile(r"(\s*<([\w.:]+)>)[^<]+")
_TAG_ALONE = re.compile(r"\s*</?[\w.:]+(?: xsi:\w+=\"[\w:]+\")?/?>")
_FRAME = re.compile(
    r"@@ [-+0-9, ]+ @@|(?:---|\+\+\+) (?:org|package)/[^<>]*|… [0-9,]+ more lines|[^<>]*, too long to show .*"
)
_NO_TEXT = re.compile(r"[^<>]*: not text, (?:nothing|[0-9,]+ bytes) → (?:nothing|[0-9,]+ bytes)")
_HARMLESS = frozenset(
    {
        "active",
        "authenticationProtocol",
        "description",
        "developerName",
        "fullName",
        "generateAuthorizationHeader",
        "label",
        "masterLabel",
        "principalType",
        "protocol",
        "providerType",
        "version",
    }
)
_TELLING = re.compile(
    r"password|passphrase|secret|privatekey|accesstoken|refreshtoken|securitytoken|apikey|certificate|credential",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class LastChange:
    """Who last changed a component in the target.

    `at` is an aware instant. Salesforce tells it for files; `file` names the one when it holds more than the component
    (an object's fields), "" when it is the component's own. `warning` completes "changed …" when that is worth a look.
    """

    component: Component
    by: str
    at: datetime
    file: str = ""
    warning: str = ""

    def as_row(self) -> list[str]:
        """[type, name, by, ISO instant, file, warning], as a package's row keeps it."""
        return [self.component.type, self.component.name, self.by, self.at.isoformat(), self.file, self.warning]


def read_change(row: Sequence[str]) -> LastChange:
    """A row as `as_row` made it; the last two may be missing."""
    kind, name, by, at, file, warning = (*row, "", "")[:6]
    return LastChange(Component(kind, name), by, datetime.fromisoformat(at), file, warning)


def warning_about(
    at: datetime, *, attached_at: datetime, now: datetime, ours: Iterable[tuple[datetime, datetime]]
) -> str:
    """Why a change in the target is worth a look: it came after the package, or lately; "" for what we deployed."""
    if any(start <= at <= end for start, end in ours):
        return ""
    if at > attached_at:
        return "after the package was attached"
    return f"in the last {LATELY.days} days" if at > now - LATELY else ""


@dataclass(frozen=True)
class Difference:
    """What is said of one component: its header, sentences about it, the diff ("" when there is nothing to compare).

    A diff that is a function is made only if there is room for it.
    """

    component: Component
    kind: str
    said: Sequence[str] = ()
    diff: str | Callable[[], str] = ""


def write_differences(title: Sequence[str], differences: Iterable[Difference], ending: Sequence[str] = ()) -> str:
    """One text: the title's lines, then a section for each difference; it says what was left out where it is long."""
    lines, cut = [*title, ""], list[str]()
    for difference in differences:
        if len(lines) >= LINES_AT_MOST:
            cut.append(str(difference.component))
            continue
        lines += [*_section(difference), ""]
    if cut:
        lines.append(
            f"{_HEADER}Left out, because this text has {LINES_AT_MOST:,} lines already: {len(cut):,} more components."
        )
        lines += [f"- {name}" for name in cut[:1000]]
    return "\n".join([*lines, *([f"{_HEADER}Outside", *ending] if ending else [])]) + "\n"


def _section(difference: Difference) -> Iterator[str]:
    yield f"{_HEADER}{difference.component} · {difference.kind}"
    yield from difference.said
    diff = difference.diff if isinstance(difference.diff, str) else difference.diff()
    yield from map(_bounded, masked(difference.component, diff).splitlines())


def read_section(text: str, component: Component) -> str:
    """The section of one component without its header; "" when the text has none."""
    head = f"{_HEADER}{component} · "
    found = list[str]()
    inside = False
    for line in text.splitlines():
        if line.startswith(_HEADER):
            if inside:
                break
            inside = line.startswith(head)
        elif inside:
            found.append(line)
    return "\n".join(found).rstrip()


def masked(component: Component, diff: str) -> str:
    """The diff without what is secret: values of types that hold secrets, and of elements that are named like one.

    For the types that hold secrets everything is masked that is not known to be harmless.
    """
    if component.type == "Certificate" or _is_raw_secret(component):
        return "\n".join(line for line in diff.splitlines() if _NO_TEXT.fullmatch(line)) or f"{MASK} (not shown)"
    return "\n".join(_masked_lines(diff.splitlines(), component.type in SECRETS))


def _is_raw_secret(component: Component) -> bool:
    row = BY_TYPE.get(component.type)
    return component.type in SECRETS and row is not None and not is_xml(f"{row.directory}/x.{row.suffix}")


def _masked_lines(lines: Iterable[str], holds_secrets: bool) -> Iterator[str]:
    within = ""  # the element whose secret goes on over several lines
    for line in lines:
        begun = _BEGUN.fullmatch(line[1:])
        if within:
            yield f"{line[:1]}{MASK}"
            within = "" if f"</{within}>" in line else within
        elif begun and _TELLING.search(begun[2]):
            within = begun[2]
            yield f"{line[:1]}{begun[1]}{MASK}"
        else:
            yield _masked_line(line, holds_secrets)


def _masked_line(line: str, holds_secrets: bool) -> str:
    mark, rest = line[:1], line[1:]
    if value := _ONE_VALUE.fullmatch(rest):
        is_secret = value[2] not in _HARMLESS if holds_secrets else _TELLING.search(value[2])
        return f"{mark}{value[1]}{MASK}{value[4]}" if is_secret else line
    if (
        not holds_secrets
        or not rest
        or _TAG_ALONE.fullmatch(rest)
        or _FRAME.fullmatch(line)
        or _NO_TEXT.fullmatch(line)
    ):
        return line
    return f"{mark}{MASK}"


def _bounded(line: str) -> str:
    more = len(line) - LINE_AT_MOST
    return f"{line[:LINE_AT_MOST]}… ({more:,} more characters)" if more > 0 else line
