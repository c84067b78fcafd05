"""What the tests of the flows share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bot.flows.scenes import Scene, a_scene


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A local production org and an empty store."""
    with a_scene() as scene:
        yield scene
