"""Makes the builders of this folder importable."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from org_bench import clock, production, sandbox, served, session, slow  # noqa: E402

__all__ = ["clock", "production", "sandbox", "served", "session", "slow"]
