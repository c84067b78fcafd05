"""What the tests of the engine share."""

from __future__ import annotations

from tests.bot.postgres import postgres
from tests.bot.processes import replicas

__all__ = ["postgres", "replicas"]
