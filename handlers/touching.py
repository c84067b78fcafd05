"""What a fact touches: the slots of posts, with what finds those that are there already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlmodel import Session, col, or_, select

from release_core.models import Post, TimelineEntry
from release_core.policy import Policy
from release_core.ports import Ports


@dataclass(frozen=True)
class Touched:
    """A slot that a fact touches; with `only_if_posted` it is drawn anew but never posted for the first time."""

    slot: str
    only_if_posted: bool = False


@dataclass(frozen=True)
class Told:
    """A fact being told."""

    session: Session
    ports: Ports
    entry: TimelineEntry

    @property
    def policy(self) -> Policy:
        return self.ports.policy

    @property
    def stream(self) -> str:
        return self.entry.stream

    @property
    def line(self) -> str:
        return f"entry:{self.entry.stream}:{self.entry.number}"

    def detail(self, name: str) -> str:
        return str(self.entry.details.get(name, ""))


Teller = Callable[[Told], Iterable[Touched]]


def say_it(told: Told) -> Iterable[Touched]:
    return [Touched(told.line)]


def say_nothing(told: Told) -> Iterable[Touched]:
    return []


def again(told: Told, name: str) -> list[Touched]:
    """Every posted copy of what is named so: "checklist:REL-1" is no part of "checklist:REL-12"."""
    slot = col(Post.slot)
    parts = (slot.startswith(f"{name}{mark}", autoescape=True) for mark in (":", "@"))
    slots = told.session.exec(select(Post.slot).where(or_(slot == name, *parts)).order_by(slot)).all()
    return [Touched(slot, only_if_posted=True) for slot in slots]


def weighed(told: Told) -> list[Touched]:
    """The cards that say whether it may go now."""
    return [*again(told, f"window:{told.stream}"), *again(told, f"stage:{told.stream}")]
