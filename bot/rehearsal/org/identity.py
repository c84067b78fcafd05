"""Which org it is, how it behaves where orgs differ."""

from __future__ import annotations

from dataclasses import dataclass

API_VERSIONS = tuple(f"{number}.0" for number in range(31, 68))


@dataclass
class Settings:
    """What may differ between orgs; `pace` scales how long jobs take (0 = at once)."""

    pace: float = 1.0
    flows_need_own_deployment: bool = True


@dataclass
class Identity:
    """Which org this is."""

    kind: str  # production or sandbox
    name: str
    org_id: str
    instance_name: str
    public_key: str | None = None  # PEM; when set, JWT assertions must be signed with its partner
