"""A staged release was watched long enough in one org."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow
from bot.outside import current
from release_core import stages


@flow("stage_end")
def stage_end(args: dict[str, Any]) -> None:
    """The next org is weighed from now on; nothing goes there by itself."""
    move_on(args["release"])


@fact
def move_on(release: str) -> str:
    """Make the next org the target, unless something keeps the release where it is."""
    return stages.move_on(current().ports, release)
