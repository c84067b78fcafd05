"""How an org looks on the first day of a rehearsal."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.rehearsal.clock import MovableClock
from bot.rehearsal.org.archives import Package
from bot.rehearsal.org.identifiers import eighteen, org_id_of
from bot.rehearsal.org.identity import Identity, Settings
from bot.rehearsal.org.incoming import read_components
from bot.rehearsal.org.installing import Act, frame_for, install
from bot.rehearsal.org.manifests import Manifest
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import User

SEED = Path(__file__).parent / "seed"
_OLDER_BY = timedelta(days=90)  # the seed was put in place long before the rehearsal began
_PEOPLE = (
    ("rollcall", "Rollcall Integration", "System Administrator"),
    ("dana.admin", "Dana Whitfield", "System Administrator"),
    ("omar.developer", "Omar Haddad", "System Administrator"),
    ("ines.sales", "Ines Calder", "Standard User"),
)
_RECORDS = {"Account": 40, "Contact": 85, "Opportunity": 62, "Lead": 12, "Case": 9, "Task": 120}


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path with slashes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def seeded_org(kind: str, clock: MovableClock, *, settings: Settings | None = None, name: str | None = None) -> Org:
    """A production or sandbox org that holds the seed's components; ValueError for another kind."""
    if kind not in ("production", "sandbox"):
        raise ValueError(f"An org is either production or sandbox, not {kind!r}.")
    name = name or ("Northwind Outfitters" if kind == "production" else "Northwind Outfitters UAT")
    org_id = org_id_of(name)
    identity = Identity(kind, name, org_id, "EU42" if kind == "production" else "EU19S")
    suffix = "" if kind == "production" else ".uat"
    users = [
        User(
            eighteen(f"005{org_id[3:7]}0000000{number}"[:15].ljust(15, "0")),
            f"{who}@northwind.example{suffix}",
            full,
            f"{who}@northwind.example",
            profile,
        )
        for number, (who, full, profile) in enumerate(_PEOPLE, 1)
    ]
    org = Org(identity, users, clock, settings)
    act = Act(users[1].id, (clock.now() - _OLDER_BY).replace(microsecond=0), org.mint)
    found, problems = read_components(Package("", read_folder(SEED), Manifest(), {}))
    assert not problems, problems
    for each in found:
        frame_for(org.inventory, each, act)
        install(org.inventory, each, act)
    for sobject, count in _RECORDS.items():
        org.records[sobject] = [
            {"Id": org.mint.mint("001"), "Name": f"{sobject} {number}"} for number in range(1, count + 1)
        ]
    org.last_tests = org.run_all_tests()
    org.revision = 0
    return org
