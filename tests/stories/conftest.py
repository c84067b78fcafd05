"""What the stories share."""

from __future__ import annotations

from tests.bot.postgres import postgres

__all__ = ["postgres"]
