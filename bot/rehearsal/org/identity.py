"""Which org it is, how it behaves where orgs differ."""

from __future__ import annotations

from dataclasses import dataclass

API_VERSIONS = tuple(f"{number}.0" for number in range(31, 68))


@dataclass
class Settings:
    """What may differ between orgs; `pace` scales how long jobs take (0 = at once).

    `takes_seconds`, when set, is how long every job takes from its start, however much is in it.
    """

    pace: float = 1.0
    takes_seconds: float | None = None
    flows_need_own_deployment: bool = True
    deploy_with_pending_jobs: bool = False  # Deployment Settings: whether Apex with jobs under way may be deployed


@dataclass
class Identity:
    """Which org this is."""

    kind: str  # production or sandbox
    name: str
    org_id: str
    instance_name: str
    public_key: str | None = None  # PEM; when set, JWT assertions must be signed with its partner
