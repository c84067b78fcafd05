"""Everything known about one release, read at one moment."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, desc, select

from release_core.fitting import needed_seats
from release_core.lookups import checklist, deployments_of, open_incidents, package_of, run_sheet, window_of
from release_core.models import (
    Absence,
    Acceptance,
    Approval,
    Asking,
    Broadcast,
    ChecklistItem,
    Deployment,
    DeploymentWindow,
    Freeze,
    Incident,
    Intent,
    OrgLock,
    OrgReading,
    Person,
    Release,
    ReleasePackage,
    RollbackRequest,
    RollCall,
    RollCallVoice,
    Task,
    Waiver,
)
from release_core.permissions import seat_people, team_people
from release_core.policy import Policy, Risk
from release_core.test_plans import ChosenTests, planned
from release_core.windows import FrozenSpan, frozen_spans

UNDER_WAY = ("requested", "validating", "deploying", "verifying")


@dataclass(frozen=True)
class Standing:
    """Where one release stands: what is its own, nothing of what surrounds it.

    It says how far a release is; whether it may go is only to be told from `ReleaseFacts`. `tests` are those that run
    in the target. `watch_begun_again_until` is when a soak that something open let begin again ends. `wished_back` are
    attempts (rollbacks, too) that somebody asked to undo and nobody has answered yet, each with that wish. `asking` is
    the newest asking of its seats; `absences` are those of people in its seats, and of whoever stands in for them.
    """

    release: Release
    package: ReleasePackage | None
    items: Sequence[ChecklistItem]
    approvals: Sequence[Approval]
    seats: Mapping[str, tuple[str, ...]]
    window: DeploymentWindow | None
    tests: ChosenTests
    deployments: Sequence[Deployment]
    tasks: Sequence[Task]
    watch_begun_again_until: datetime | None = field(default=None, kw_only=True)
    wished_back: Sequence[tuple[RollbackRequest, Deployment]] = field(default=(), kw_only=True)
    asking: Asking | None = field(default=None, kw_only=True)
    absences: Sequence[Absence] = field(default=(), kw_only=True)

    @property
    def digest(self) -> str:
        """What an approval given now would be bound to."""
        return approval_digest(self.release, self.package)

    def newest(self, purpose: str, *, org: str | None = None) -> Deployment | None:
        """The newest attempt of a purpose."""
        found = [d for d in self.deployments if d.purpose == purpose and org in (None, d.org)]
        return found[-1] if found else None

    @property
    def live(self) -> Deployment | None:
        """The newest deployment that brought this release into an org and has not been undone."""
        found = [d for d in self.deployments if d.purpose == "deployment" and d.state == "succeeded"]
        return found[-1] if found else None

    def live_in(self, org: str) -> Deployment | None:
        """The deployment that brought this release into one org and has not been undone."""
        found = [d for d in self.deployments if d.purpose == "deployment" and d.state == "succeeded" and d.org == org]
        return found[-1] if found else None

    @property
    def live_orgs(self) -> Sequence[str]:
        """The orgs that hold this release now, in the order in which it came there."""
        live = (d.org for d in self.deployments if d.purpose == "deployment" and d.state == "succeeded")
        return tuple(dict.fromkeys(live))

    @property
    def taken_back(self) -> Sequence[Deployment]:
        """The newest rollback that landed in each org which does not hold this release any more."""
        landed = {d.org: d for d in self.deployments if d.purpose == "rollback" and d.state == "succeeded"}
        return [back for org, back in landed.items() if self.live_in(org) is None]

    @property
    def next_org(self) -> str:
        """Where a staged release goes after its target; "" when there is nothing further."""
        return next_org(self.release)

    def armed(self, now: datetime, org: str | None = None, *, leave: Sequence[Sequence[str]] = ()) -> Deployment | None:
        """The check-only run that makes going back (in one org, else the newest) a quick deploy, while it counts.

        `leave` is what going back would not touch ([type, full name]): every choice is a package of its own. While a
        later run is still under way, the one before it counts.
        """
        ended = [d for d in self.armings(leave, org) if d.state not in UNDER_WAY]
        return ended[-1] if ended and counts(ended[-1], now) else None

    def armings(self, leave: Sequence[Sequence[str]] = (), org: str | None = None) -> Sequence[Deployment]:
        """The check-only runs of one way back of what is live (in one org, else the newest), oldest first."""
        live = self.live if org is None else self.live_in(org)
        chosen = sorted(tuple(part) for part in leave)
        return [
            d
            for d in self.deployments
            if d.purpose == "arming"
            and live is not None
            and d.undoes_id == live.id
            and sorted(tuple(part) for part in d.leave) == chosen
        ]

    @property
    def lost(self) -> Sequence[Deployment]:
        """Attempts that may or may not have changed the org; none is repeated before a person has looked."""
        return [d for d in self.deployments if d.state == "unknown" and d.purpose in ("deployment", "rollback")]

    def approval(self, seat: str) -> Approval | None:
        """The standing answer for a seat to what would be deployed now; it leaves with the person who gave it."""
        found = [a for a in self._answers(seat) if self._sits(a, seat)]
        return found[-1] if found else None

    def left(self, seat: str) -> str:
        """Who answered for a seat and does not sit there any more, by chat id; "" when nobody."""
        gone = [a.person_id for a in self._answers(seat) if not self._sits(a, seat)]
        return gone[-1] if gone and self.approval(seat) is None else ""

    def _sits(self, answer: Approval, seat: str) -> bool:
        return not {answer.person_id, *answer.for_people}.isdisjoint(self.seats.get(seat, ()))

    def _answers(self, seat: str) -> list[Approval]:
        return [a for a in self.approvals if a.seat == seat and a.state == "standing" and a.digest == self.digest]


@dataclass(frozen=True)
class ReleaseFacts(Standing):
    """One release with all that bears on it.

    `others` are attempts under way on the target org, but for checks that wait there for one of this release; `names`
    holds how the people who answered for a seat are called, by chat id, as far as that is known; `authors` attached the
    very bytes that count now; `teams` are the people of each team that an item or task belongs to. `acceptances` are
    risks that somebody took in writing, `accepters` the people of the seats that may, by risk; both are read only when
    there is such a risk.
    `comparing_since` is when the comparison that is under way was asked for; None when there is none, or one is there
    already. `reading` is what the target last told of what goes on there. `gone` are owners of items and tasks who are
    deactivated in the chat. `roll_call` is the newest roll call, `roll_voices` what was said in it, oldest first,
    `roll_people` who sits in the seats that it calls.
    """

    waivers: Sequence[Waiver]
    freezes: Sequence[FrozenSpan]
    others: Sequence[Deployment]
    lock: OrgLock | None
    incidents: Sequence[Incident]
    broadcasts: Sequence[Broadcast]
    names: Mapping[str, str] = field(default_factory=dict)
    authors: Sequence[str] = ()
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    acceptances: Sequence[Acceptance] = ()
    accepters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comparing_since: datetime | None = None
    reading: OrgReading | None = None
    gone: Collection[str] = ()
    roll_call: RollCall | None = None
    roll_voices: Sequence[RollCallVoice] = ()
    roll_people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def waived_freezes(self, now: datetime) -> tuple[str, ...]:
        """Keys of freezes that somebody let this release through in its target."""
        return tuple(
            w.about.removeprefix("freeze:")
            for w in self.waivers
            if w.about.startswith("freeze:") and now < w.expires_at and w.org in ("", self.release.target_org)
        )


_ABSENCES = select(Absence).where(col(Absence.ended_at).is_(None)).order_by(col(Absence.id))
_ASKINGS = select(Asking).where(Asking.release_id == bindparam("release")).order_by(desc(Asking.number)).limit(1)
_APPROVALS = select(Approval).where(Approval.release_id == bindparam("release")).order_by(col(Approval.id))


def stand(session: Session, policy: Policy, release: Release) -> Standing:
    """Read where a release stands."""
    package, deployments = package_of(session, release), deployments_of(session, release)
    needed = needed_seats(policy, release, package)
    return Standing(
        release=release,
        package=package,
        tests=planned(release, package, policy, release.target_org),
        items=checklist(session, release),
        approvals=session.exec(_APPROVALS, params={"release": release.id}).all(),
        seats={seat: seat_people(session, policy, seat) for seat in needed},
        window=window_of(session, release),
        deployments=deployments,
        tasks=run_sheet(session, release),
        watch_begun_again_until=_watch_begun_again_until(session, release),
        wished_back=_wished_back(session, release, deployments),
        asking=asking_of(session, release),
        absences=session.exec(_ABSENCES).all() if needed else (),
    )


def asking_of(session: Session, release: Release) -> Asking | None:
    """The newest asking of a release's seats."""
    return session.exec(_ASKINGS, params={"release": release.id}).first()


def _watch_begun_again_until(session: Session, release: Release) -> datetime | None:
    """When the timer of a soak that began again rings; a first soak, or one that only a task holds, has none."""
    if release.state != "soaking":
        return None
    rings = select(Intent.due_at).where(
        Intent.lane == release.key, Intent.state == "due", col(Intent.key).startswith(f"soak:{release.key}:again:")
    )
    return session.exec(rings.order_by(col(Intent.due_at))).first()


def gather(session: Session, policy: Policy, release: Release) -> ReleaseFacts:
    """Read everything about a release."""
    rid, org = release.id, release.target_org
    own = stand(session, policy, release)
    accepted, accepters = _risks_of(session, policy, own)
    gone = _gone(session, own)
    called, said = _roll_of(session, release)
    near = select(Freeze).where(col(Freeze.lifted_at).is_(None), col(Freeze.org).in_(("*", org)))
    freezes = session.exec(near).all()
    return ReleaseFacts(
        **vars(own),
        waivers=session.exec(select(Waiver).where(Waiver.release_id == rid)).all(),
        freezes=[span for span in frozen_spans(policy.freezes, freezes) if span.org in ("*", org)],
        others=_under_way_beside(session, own),
        lock=session.exec(select(OrgLock).where(OrgLock.org == org, col(OrgLock.lifted_at).is_(None))).first(),
        incidents=_incidents_around(session, release),
        broadcasts=session.exec(
            select(Broadcast).where(Broadcast.release_id == rid).order_by(col(Broadcast.number))
        ).all(),
        authors=_authors_of(session, own.package),
        teams={
            team: team_people(session, policy, team)
            for team in {*(item.team for item in own.items), *(task.team for task in own.tasks)}
            if team in policy.teams
        },
        names=names_of(session, {approval.person_id for approval in own.approvals} | {a.by for a in accepted} | gone),
        gone=gone,
        acceptances=accepted,
        accepters=accepters,
        comparing_since=_comparing_since(session, own),
        roll_call=called,
        roll_voices=said,
        roll_people={
            str(seat): seat_people(session, policy, str(seat))
            for seat in (called.seats if called else ())
            if seat in policy.seats
        },
        reading=session.get(OrgReading, org),
    )


_ROLL_CALLS = (
    select(RollCall).where(RollCall.release_id == bindparam("release")).order_by(desc(RollCall.number)).limit(1)
)


def _roll_of(session: Session, release: Release) -> tuple[RollCall | None, Sequence[RollCallVoice]]:
    called = session.exec(_ROLL_CALLS, params={"release": release.id}).first()
    if called is None:
        return None, ()
    said = select(RollCallVoice).where(RollCallVoice.roll_call_id == called.id).order_by(col(RollCallVoice.id))
    return called, session.exec(said).all()


def _comparing_since(session: Session, own: Standing) -> datetime | None:
    package, target = own.package, own.release.target_org
    if package is None or (package.compared_at is not None and package.compared_org in ("", target)):
        return None
    query = select(Intent).where(
        Intent.flow == "comparison", Intent.lane == own.release.key, col(Intent.state).in_(("due", "started"))
    )
    asked = [one.created_at for one in session.exec(query) if one.args.get("package") == package.id]
    return min(asked, default=None)


def _incidents_around(session: Session, release: Release) -> Sequence[Incident]:
    """Open incidents on the target; those of a staged release also where they suspect it, in an org before."""
    if not release.path:
        return open_incidents(session, org=release.target_org)
    every = open_incidents(session)
    return [one for one in every if one.org == release.target_org or one.release_id == release.id]


def _wished_back(
    session: Session, release: Release, deployments: Sequence[Deployment]
) -> list[tuple[RollbackRequest, Deployment]]:
    if release.state != "rolled_back" and not any(d.state == "succeeded" for d in deployments):
        return []
    asked = session.exec(select(RollbackRequest).where(RollbackRequest.state == "asked")).all()
    return [(wish, d) for d in deployments for wish in asked if wish.deployment_id == d.id]


def _risks_of(
    session: Session, policy: Policy, own: Standing
) -> tuple[Sequence[Acceptance], Mapping[str, tuple[str, ...]]]:
    # Most releases have none, and this is asked for all the time.
    lost = own.package is not None and any(row[2] == "impossible" for row in own.package.verdicts)
    if not lost and not any(d.state == "failed" and d.purpose == "deployment" for d in own.deployments):
        return (), {}
    rows = session.exec(select(Acceptance).where(Acceptance.release_id == own.release.id).order_by(col(Acceptance.id)))
    risks: tuple[Risk, ...] = ("impossible", "no_snapshot")
    seats = {risk: policy.seat_that_accepts(risk, own.release.kind) for risk in risks}
    people: dict[str, tuple[str, ...]] = {
        risk: seat_people(session, policy, seat) for risk, seat in seats.items() if seat
    }
    return rows.all(), people


def _under_way_beside(session: Session, own: Standing) -> list[Deployment]:
    release = own.release
    # Few deployments are under way anywhere. Asked for by org too, SQLite would walk through all that the org ever saw.
    under_way = session.exec(select(Deployment).where(col(Deployment.state).in_(UNDER_WAY))).all()
    beside = [d for d in under_way if d.org == release.target_org and d.release_id != release.id]
    running = [d for d in under_way if d.org == release.target_org and d.release_id == release.id]
    ours = min((d.id or 0 for d in running if d.purpose == "deployment"), default=None)
    return [d for d in beside if ours is None or not _waits_for(d, ours)]


def _waits_for(other: Deployment, ours: int) -> bool:
    """Whether a check was asked for after a deployment (its row id): an org's attempts go one at a time, in order."""
    return other.purpose in ("validation", "arming") and (other.id or 0) > ours


def _authors_of(session: Session, package: ReleasePackage | None) -> tuple[str, ...]:
    # Whoever sent these bytes first does not lose them to a colleague who sends them again.
    if package is None:
        return ()
    same = select(ReleasePackage.author_id).where(
        ReleasePackage.release_id == package.release_id, ReleasePackage.digest == package.digest
    )
    return tuple(dict.fromkeys(session.exec(same.order_by(desc(ReleasePackage.number))).all()))


def _gone(session: Session, own: Standing) -> frozenset[str]:
    owners = {item.owner_id for item in own.items} | {task.owner_id for task in own.tasks}
    return frozenset(session.exec(select(Person.id).where(col(Person.id).in_(owners), col(Person.deactivated))))


def names_of(session: Session, people: Collection[str]) -> dict[str, str]:
    """Chat id -> how people are called, of those whose name is known."""
    if not people:
        return {}
    known = session.exec(select(Person.id, Person.name).where(col(Person.id).in_(people), Person.name != "")).all()
    return dict(known)


def counts(validation: Deployment, now: datetime) -> bool:
    """Whether a check-only run can still be turned into a quick deploy, as far as we know."""
    return (
        validation.state == "validated"
        and not validation.voided_because
        and validation.lapses_at is not None
        and now < validation.lapses_at
    )


def watched_until(facts: Standing, policy: Policy) -> datetime | None:
    """When the soak in the target ends; None when it is not live there.

    It runs from the end of the deployment there, or from when a rollback was undone.
    """
    live = facts.live_in(facts.release.target_org)
    if live is None or live.finished_at is None:
        return None
    # One that was held or refused since has changed nothing; the newest that landed is the one that undid another.
    landed = [d for d in facts.deployments if d.purpose == "rollback" and d.state == "succeeded" and d.org == live.org]
    again = landed[-1].finished_at if landed else None
    return max(live.finished_at, again or live.finished_at) + policy.soak_of(live.org, facts.release.risk_level)


def next_org(release: Release) -> str:
    """The org of a staged release's path that comes after its target; "" when there is nothing further."""
    following = dict(zip(release.path, release.path[1:], strict=False))
    return str(following.get(release.target_org, ""))


def approval_digest(release: Release, package: ReleasePackage | None) -> str:
    """The SHA-256 of what approvers say yes to: package, where it goes (the whole path), how, past which tests."""
    where = release.path or release.target_org
    meaning: list[Any] = [package.digest if package else "", where, release.kind, release.strategy]
    if release.test_level:  # without a choice the policy decides, which is nobody's to approve
        meaning += [release.test_level, *sorted(release.run_tests)]
    return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()
