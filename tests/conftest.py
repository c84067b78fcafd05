"""What all tests share: whatever reaches the workspace is also held against Slack's own types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bot.rehearsal.workspace.checks import second_opinions
from tests.slack_schemas import refusals

_disputed: list[str] = []


def _opinion(kind: str, payload: Any) -> list[str]:
    found = refusals(kind, payload)
    _disputed.extend(f"{kind} {line}" for line in found)
    return found


second_opinions.append(_opinion)


@pytest.fixture(autouse=True)
def whatever_the_workspace_takes_slacks_types_take() -> Iterator[None]:
    """Fails a test in which something passed the workspace's checks that Slack's types do not admit."""
    _disputed.clear()
    yield
    assert _disputed == []
