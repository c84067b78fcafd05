"""The people, groups and channels of the rehearsal as data."""

from __future__ import annotations

import re

from bot.rehearsal.workspace.model import Channel, Person, Usergroup

TEAM_ID = "T0REHEARSE"
TEAM_NAME = "Rehearsal"
TEAM_DOMAIN = "rehearsal"
APP_ID = "A0ROLLCALL"
BOT_ID = "B0ROLLCALL"
BOT_USER_ID = "U0ROLLCALL"
SLACKBOT_ID = "USLACKBOT"

RELEASE_MANAGER = "U0RELMGR"
OPERATIONS = "U0OPSMGR"
DEVELOPER = "U0DEVELO"
TESTER = "U0TESTER"
ADMINISTRATOR = "U0ADMINS"
ANALYST = "U0ANALYS"
STAKEHOLDER = "U0STAKEH"
LEAVER = "U0LEAVER"

_PEOPLE = (
    (RELEASE_MANAGER, "anna", "Anna Keller", "Europe/Berlin", "release manager", True),
    (OPERATIONS, "omar", "Omar Haddad", "America/New_York", "operations", True),
    (DEVELOPER, "priya", "Priya Nair", "Asia/Kolkata", "developer", True),
    (TESTER, "tomas", "Tomás Silva", "Europe/Lisbon", "tester", True),
    (ADMINISTRATOR, "mei", "Mei Tanaka", "Asia/Tokyo", "administrator", True),
    (ANALYST, "lena", "Lena Fischer", "Europe/Berlin", "analyst", True),
    (STAKEHOLDER, "grace", "Grace Okafor", "Africa/Lagos", "stakeholder", True),
    (LEAVER, "karl", "Karl Lind", "Europe/Berlin", "developer", False),
)

_TITLES = {OPERATIONS: "Operations, second release manager", ANALYST: "Business analyst, business owner"}


def the_people(bot_name: str) -> list[Person]:
    """Everybody of the workspace: the cast, the bot under its display name, Slackbot."""
    cast = [
        Person(
            id=id_,
            handle=handle,
            name=name,
            email=f"{handle}@example.com",
            zone=zone,
            role=role,
            title=_TITLES.get(id_, role.capitalize()),
            active=active,
        )
        for id_, handle, name, zone, role, active in _PEOPLE
    ]
    handle = "-".join(re.findall(r"\w+", bot_name.lower()))
    bot = Person(id=BOT_USER_ID, handle=handle, name=bot_name, zone="UTC", role="bot", bot=True)
    slackbot = Person(id=SLACKBOT_ID, handle="slackbot", name="Slackbot", zone="UTC", role="bot", bot=True)
    return [*cast, bot, slackbot]


def the_usergroups() -> list[Usergroup]:
    """The two groups that seats and audiences can name."""
    return [
        Usergroup(id="S0QATEAM", handle="qa-team", name="QA team", members=[TESTER, ANALYST]),
        Usergroup(
            id="S0RELMGRS", handle="release-managers", name="Release managers", members=[RELEASE_MANAGER, OPERATIONS]
        ),
    ]


def the_channels() -> list[Channel]:
    """The public channels, a private one without the bot, and each person's direct message with the bot."""
    active = [id_ for id_, *_, is_active in _PEOPLE if is_active]
    public = (
        ("C0GENERAL", "general", "Company-wide announcements"),
        ("C0RELEASES", "releases", "Where releases are planned, approved and run"),
        ("C0STAKEHOLD", "stakeholders", "Status for everybody who waits for a release"),
        ("C0INCIDENTS", "incidents", "Something broke"),
    )
    open_to_all = [
        Channel(id=id_, name=name, kind="public", topic=topic, members=[*active, BOT_USER_ID])
        for id_, name, topic in public
    ]
    sales = Channel(id="C0SALESOPS", name="sales-ops", kind="private", members=[RELEASE_MANAGER, ANALYST, STAKEHOLDER])
    direct = [Channel(id=f"D{id_[1:]}", name="", kind="im", members=[id_, BOT_USER_ID]) for id_, *_ in _PEOPLE]
    return [*open_to_all, sales, *direct]
