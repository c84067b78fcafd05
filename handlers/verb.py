"""What a verb is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from handlers.conversation import Answer, Request
from release_core.policy import Right
from release_core.ports import Ports


@dataclass(frozen=True)
class Verb:
    """One thing that can be asked for; `right` is what help filters by, the core decides.

    `typed` False: there are only buttons for it.
    """

    name: str
    answer: Callable[[Ports, Request], Answer]
    usage: str
    summary: str
    right: Right = "read"
    aliases: tuple[str, ...] = ()
    typed: bool = True

    @property
    def root(self) -> Literal["release", "incident"]:
        """The slash command it belongs to."""
        return "incident" if self.name.startswith("incident_") else "release"

    @property
    def is_menu(self) -> bool:
        """Whether it is what the command alone asks for."""
        return self.name.endswith("_menu")

    @property
    def as_typed(self) -> str:
        """What a person types: "/release tick [REL-1] ITEM"."""
        said = self.name.removeprefix(self.root).lstrip("_").replace("_", " ")
        return f"/{self.root} {said} {self.usage}".rstrip()
