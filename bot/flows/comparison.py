"""What a package would do in its target, with how each part would come back."""

from __future__ import annotations

from typing import Any

from bot.durable import fact, flow, step
from bot.metering import org_with_spare_calls
from bot.outside import current
from release_core import releases
from release_core.comparison import compare
from release_core.errors import OrgProblem, ReleaseError
from release_core.lookups import release_of
from release_core.models import ReleasePackage
from release_core.packages import footprint, members, read_package, read_retrieved
from release_core.verdicts import judge


@flow("comparison")
def comparison(args: dict[str, Any]) -> None:
    """Compare a package with what its target holds now, or say why that was not possible."""
    try:
        look_into_target(args["package"])
    except ReleaseError as problem:
        say_not_compared(args["package"], str(problem))


@step(tries=5, on=OrgProblem)
def look_into_target(package_id: int) -> None:
    """Retrieve what the package touches, compare, judge, keep the result."""
    outside = current()
    with outside.ports.store.reading() as session:
        row = session.get(ReleasePackage, package_id)
        assert row is not None, "packages are never deleted"
        org, digest = release_of(session, row).target_org, row.digest
    gateway = org_with_spare_calls(org)
    package = read_package(outside.ports.artifacts.load(digest))
    live = read_retrieved(gateway.retrieve(members(footprint(package))).archive)
    changes = [(c.component.type, c.component.name, c.kind) for c in compare(package, live)]
    releases.note_comparison(outside.ports, package_id, changes, judge(package, live))


@fact
def say_not_compared(package_id: int, sentence: str) -> None:
    """Tell people that the comparison is missing."""
    releases.note_comparison_failed(current().ports, package_id, sentence)
