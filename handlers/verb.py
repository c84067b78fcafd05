"""What a verb is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from handlers.conversation import Answer, Request, code
from handlers.rights import Question
from release_core.errors import NotAllowed
from release_core.permissions import may, require
from release_core.policy import Policy, Right
from release_core.ports import Ports


def _named(policy: Policy) -> Iterator[Sequence[str]]:
    yield from (team.people for team in policy.teams.values())
    yield from (seat.people for seat in policy.seats.values())


@dataclass(frozen=True)
class Verb:
    """One thing that can be asked for.

    Help shows it to those who hold `right`, or of whom `may` says so; the core decides. `typed` False: there are only
    buttons for it. `loose_time`: whether words of no clause are a time, because people leave out the “at”.
    `only_looks`: it changes nothing, so it may be asked again for all of an answer that did not fit.
    """

    name: str
    answer: Callable[[Ports, Request], Answer]
    usage: str
    summary: str
    right: Right = "read"
    aliases: tuple[str, ...] = ()
    typed: bool = True
    may: Question | None = None
    loose_time: Literal["never", "perhaps", "always"] = "never"
    only_looks: bool = False

    @property
    def root(self) -> Literal["release", "incident"]:
        """The slash command it belongs to."""
        return "incident" if self.name.startswith("incident_") else "release"

    def is_for(self, ports: Ports, person_id: str) -> bool:
        """Whether somebody may ask for it, as far as is known before they say what it is about."""
        return self.may(ports, person_id) if self.may else may(ports.policy, person_id, self.right)

    def must_be_for(self, ports: Ports, person_id: str) -> None:
        """NotAllowed, naming who may, for somebody who could not send the form that the verb asks with."""
        if self.is_for(ports, person_id):
            return
        if self.may is None:
            require(ports.policy, person_id, self.right)
        everybody = dict.fromkeys(itertools.chain(*ports.policy.people.values(), *_named(ports.policy)))
        who = [person for person in everybody if self.is_for(ports, person)]
        raise NotAllowed(f"{code(self.as_typed)} is not for you here; nothing was changed.", who_may=who)

    @property
    def is_menu(self) -> bool:
        """Whether it is what the command alone asks for."""
        return self.name.endswith("_menu")

    @property
    def as_typed(self) -> str:
        """What a person types: "/release tick [REL-1] ITEM"."""
        said = self.name.removeprefix(self.root).lstrip("_").replace("_", " ")
        return f"/{self.root} {said} {self.usage}".rstrip()
