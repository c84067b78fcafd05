"""What the tests of the org share."""

from __future__ import annotations

from tests.bot.rehearsal.org.org_bench import clock, production, sandbox, served, session, slow

__all__ = ["clock", "production", "sandbox", "served", "session", "slow"]
