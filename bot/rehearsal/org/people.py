"""The users of an org."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class User:
    """One user; `username` looks like an e-mail address and is unique."""

    id: str
    username: str
    name: str
    email: str
    profile: str = "System Administrator"
    lacks: tuple[str, ...] = ()  # permissions taken away


def token_for(org_id: str, user: User, generation: int = 0) -> str:
    """A session id that looks like Salesforce's: the org's id, `!`, a long word; the same for the same user."""
    seal = hashlib.sha512(f"{org_id}|{user.username}|{generation}".encode()).hexdigest()
    return f"{org_id[:15]}!AQ{seal[:70]}.{seal[70:90]}"
