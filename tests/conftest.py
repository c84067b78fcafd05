"""What all tests share: whatever the workspace takes or sends is also held against Slack's own types and limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.rehearsal.workspace.checks import second_opinions, witnesses
from tests.slack_limits import over
from tests.slack_schemas import misshapen, refusals

_disputed: list[str] = []


_ours: list[bool] = []


def _opinion(kind: str, payload: Any) -> list[str]:
    found = [*refusals(kind, payload), *over(kind, payload, ours=all(_ours))]
    _disputed.extend(f"{kind} {line}" for line in found)
    return found


def _look(kind: str, payload: Any) -> None:
    _disputed.extend(misshapen(kind, payload))


second_opinions.append(_opinion)
witnesses.append(_look)


@pytest.fixture(autouse=True)
def whatever_the_workspace_takes_or_sends_slack_would(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test in which the workspace took something that Slack's types or limits do not admit, or sent it.

    What our own bot says keeps to our own limits besides; the tests of the workspace play other people's apps.
    """
    _disputed.clear()
    _ours[:] = ["rehearsal/workspace" not in request.node.path.as_posix()]
    yield
    assert not _disputed, "\n".join(dict.fromkeys(_disputed))
