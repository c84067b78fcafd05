"""What the tests of conversations share."""

from __future__ import annotations

import pytest

from tests.handlers.room import Room


@pytest.fixture
def room() -> Room:
    """A room with nothing in it yet."""
    return Room()
