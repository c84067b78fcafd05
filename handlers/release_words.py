"""Where a release stands, each question answered in a few words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from handlers.conversation import (
    at,
    clean,
    code,
    people,
    person,
)
from handlers.phrases import (
    VERDICTS,
    count,
    lasting,
    org_title,
)
from release_core.conditions import asked_items
from release_core.differences import LastChange, read_change
from release_core.facts import UNDER_WAY, Standing, counts, watched_until
from release_core.lookups import BEFORE_DEPLOYMENT, FINAL_STATES, is_watched, starts_by_itself
from release_core.models import Deployment, Release, ReleasePackage
from release_core.package_gates import validates_again_at
from release_core.permissions import others
from release_core.policy import Policy
from release_core.risk_scores import RiskScore
from release_core.run_sheets import SETTLED, holding
from release_core.seating import Seated
from release_core.seats import seating
from release_core.test_plans import may_become_quick, why_none_run


def tests_words(facts: Standing) -> str:
    """Which tests run in the target."""
    return clean(str(facts.tests)) if facts.release.test_level else f"{clean(str(facts.tests))}, as the policy says"


def in_full_words(facts: Standing, policy: Policy) -> str:
    """Why a deployment goes in full although a quick one was planned, as a sentence; "" when it does not."""
    release = facts.release
    if release.strategy == "full":
        return ""
    because = why_none_run(facts.tests, facts.package, policy.kind_of(release.target_org))
    validation = facts.newest("validation", org=release.target_org)
    if not because and validation and validation.state == "validated" and not may_become_quick(validation):
        because = f"no tests ran in {validation.key}"
    return f"Goes in full: {because}, and Salesforce takes no quick deploy without tests." if because else ""


def window_words(facts: Standing) -> str:
    """When it may start."""
    if facts.window is None:
        return "not set"
    words = f"{at(facts.window.starts_at)} to {at(facts.window.ends_at)}"
    return words if facts.window.state in ("booked", "open") else f"{words} ({facts.window.state})"


def starts_words(facts: Standing) -> str:
    """That it starts by itself in its window, to stand behind it; "" when somebody has to press the button."""
    release = facts.release
    ahead = release.state in BEFORE_DEPLOYMENT and starts_by_itself(release, facts.window)
    return f", starts by itself ({person(release.starts_by)})" if ahead else ""


def held_words(release: Release) -> str:
    """Who holds it, since when, why; "" when nobody does."""
    if not release.held_by or release.held_at is None or release.state not in BEFORE_DEPLOYMENT:
        return ""
    return f"by {person(release.held_by)} since {at(release.held_at)}: {clean(release.held_because)}"


def package_words(package: ReleasePackage | None) -> str:
    """What goes, how much of it, whose it is."""
    if package is None:
        return "none attached"
    deletions = len(package.before) + len(package.after)
    removed = f", {count(deletions, 'deletion')}" if deletions else ""
    contents = f"{count(len(package.components), 'component')}{removed}"
    return f"{package.file_name} {code(package.digest[:12])}, {contents}, by {person(package.author_id)}"


def risk_words(scored: Release | RiskScore) -> str:
    """The level of risk with the points: "high risk, 52 of 100"."""
    if isinstance(scored, RiskScore):
        return f"{scored.level} risk, {scored.points} of 100"
    return f"{scored.risk_level} risk, {scored.risk_points} of 100"


def checklist_words(facts: Standing) -> str:
    """How far the checklist is."""
    asked = asked_items(facts)
    settled = sum(item.state in SETTLED for item in asked)
    blocked = [item for item in asked if item.state == "blocked"]
    return f"{settled} of {len(asked)} settled" + (f", {len(blocked)} blocked" if blocked else "")


def tasks_words(facts: Standing) -> str:
    """How far the run-sheet is, which task is next."""
    settled, held = sum(task.state in SETTLED for task in facts.tasks), holding(facts)
    following = f", next {held.number} “{held.title}”" if held else ""
    return f"{settled} of {len(facts.tasks)} settled{following}"


def path_words(facts: Standing, policy: Policy, now: datetime) -> str:
    """The orgs of a staged release in their order, each with how it stands there."""
    return " → ".join(f"{org_title(policy, org)}{_stage_word(facts, policy, org, now)}" for org in facts.release.path)


def _stage_word(facts: Standing, policy: Policy, org: str, now: datetime) -> str:
    release, live = facts.release, facts.live_in(org)
    here = org == release.target_org
    if live and here and release.state == "soaking":
        until = facts.watch_begun_again_until or watched_until(facts, policy)
        return f", watched until {at(until)}" if until and now < until else ", watched"
    if live:
        return " ✓"
    if any(d.org == org and d.state == "rolled_back" for d in facts.deployments):
        return " taken back"
    if release.state in FINAL_STATES:
        return " given up"
    if not here:
        return ""
    return {"deploying": ", being deployed", "failed": " ✗ failed"}.get(release.state, ", next")


def approvals_words(facts: Standing, policy: Policy, now: datetime) -> str:
    """Which seats have answered, how."""
    if not facts.seats:
        return "none needed"
    return ", ".join(_seat_words(one, policy) for one in seating(facts, policy, now))


def _seat_words(one: Seated, policy: Policy) -> str:
    title = policy.seats[one.seat].title
    if one.declined_by:
        return f"{title} ✗ {people(one.declined_by)}"
    if one.complete:
        return f"{title} ✓ {people(one.filled_by)}"
    if one.filled_by:
        more = f", {one.places - one.missing} of {one.places}" if one.missing else ", not all yet"
        return f"{title} – {people(one.filled_by)}{more}"
    return f"{title} –"


def way_there_words(facts: Standing, now: datetime) -> str:
    """Whether the tests run before the window or inside it, with how long they took in the check."""
    validation = facts.newest("validation", org=facts.release.target_org)
    if facts.release.strategy != "full":
        if lost := lost_validation(facts, now):
            return f"a re-validation first, as {lost.key} does not count any more, then a quick deploy"
        return "quick deploy of what was validated, its tests do not run again"
    took = ""
    if validation and validation.asked_at and validation.finished_at:
        took = f" ({lasting(validation.finished_at - validation.asked_at)} in {validation.key})"
    return f"full deploy, its tests run inside the window{took}"


def lost_validation(facts: Standing, now: datetime) -> Deployment | None:
    """The newest check-only run in the target if it passed, but was voided or has lapsed since."""
    newest = facts.newest("validation", org=facts.release.target_org)
    return newest if newest and newest.state == "validated" and not counts(newest, now) else None


def lost_validation_words(facts: Standing, policy: Policy, now: datetime) -> str:
    """What made the validation worthless, what comes next; "" when it counts or there is none to lose."""
    lost = lost_validation(facts, now)
    if lost is None or facts.release.strategy == "full" or facts.release.state not in BEFORE_DEPLOYMENT:
        return ""
    because = clean(lost.voided_because) or "it has lapsed, being ten days old."
    due_at = validates_again_at(facts, policy)
    by_itself = f", by itself at {at(due_at)}" if due_at and now < due_at else ""
    return f"{lost.key} does not count any more: {because} Next: validate again{by_itself}."


def way_back_words(facts: Standing, now: datetime) -> str:
    """How we would come back, as far as it is known."""
    if facts.release.state == "rolled_back":
        return f"used: {returned_words(facts)}"
    if facts.live is None:
        waits_for = "the package is compared with the target" if facts.package else "a package is attached"
        return verdict_words(facts.package) or f"known once {waits_for}"
    return way_back_from(facts, facts.live, now)


def returned_words(facts: Standing) -> str:
    """How far the org is what it was before a release that was taken back."""
    unread = next((back for back in facts.taken_back if back.result.get("not_compared")), None)
    if unread:
        return f"{unread.key} reached the org; whether each part is as it was, nobody could compare"
    left = sum(len(back.leave) for back in facts.taken_back)
    differing = sum(len(back.result.get("differences", [])) for back in facts.taken_back)
    except_for = [f"{count(left, 'part')} left by choice"] if left else []
    except_for += [f"{count(differing, 'part')} not as before"] if differing else []
    return f"the org is back to what it was{', but for ' if except_for else ''}{' and '.join(except_for)}"


def ways_back_words(facts: Standing, policy: Policy, now: datetime) -> str:
    """How we would come back in each org that a staged release came to; then in the one it goes to."""
    lives = [live for org in facts.live_orgs if (live := facts.live_in(org))]
    said = [f"{org_title(policy, live.org)} {way_back_from(facts, live, now)}" for live in lives]
    ahead = verdict_words(facts.package)
    if ahead and facts.live_in(facts.release.target_org) is None and facts.release.state not in FINAL_STATES:
        said.append(f"{org_title(policy, facts.release.target_org)} {ahead}")
    return "; ".join(said) or way_back_words(facts, now)


def way_back_from(facts: Standing, live: Deployment, now: datetime) -> str:
    """How we would come back from one deployment that is live."""
    armed = facts.armed(now, live.org)
    if armed and armed.lapses_at:
        # Once the watch over a release has ended, nobody looks what others do in its org.
        known = "" if is_watched(facts.release) else ", as far as was known when its watch ended"
        return f"armed until {at(armed.lapses_at)}{known}: a quick deploy"
    arming = next(iter(reversed(facts.armings(org=live.org))), None)
    if arming and arming.state in ("requested", "validating"):
        return "built, being proven now"
    if arming and arming.state == "validated" and arming.lapses_at and not arming.voided_because:
        return f"not armed: its proof lapsed {at(arming.lapses_at)}"
    problem = (arming and (arming.voided_because or arming.problem)) or live.result.get("rollback_note", "")
    return f"not armed: {clean(problem)}" if problem else "built, not proven"


def going_back_words(facts: Standing, policy: Policy) -> str:
    """What is being done about going back (or forward again), and who comes next; "" when nobody wants to."""
    if running := [d for d in facts.deployments if d.purpose == "rollback" and d.state in UNDER_WAY]:
        return f"{running[-1].key} is under way in {org_title(policy, running[-1].org)}"
    if facts.wished_back:
        wish, undone = facts.wished_back[-1]
        holders = others(policy.holders_of("roll_back"), than=(wish.requested_by,))
        what = "undoing the rollback was asked for" if undone.purpose == "rollback" else "asked for"
        waits = f"waits until {at(wish.expires_at)} for {people(holders, last='or')}" if holders else "nobody may agree"
        return f"{what} by {person(wish.requested_by)}, {waits}"
    newest = facts.newest("rollback")
    standing = newest and any(d.id == newest.undoes_id and d.state == "succeeded" for d in facts.deployments)
    if newest and standing and newest.state == "failed":
        problem = clean(newest.problem).rstrip(". ")
        again = code(f"/release rollback {facts.release.key} -- reason")
        return f"{newest.key} did not go back: {problem}. Ask again: {again}"
    return ""


COUNTED = {"impossible": "not at all", "manual": "by hand", "lossy": "with losses", "exact": "exactly"}
CHANGES = ("new", "changed", "identical", "deleted", "absent")


def verdict_words(package: ReleasePackage | None) -> str:
    """How the parts of a package would come back, counted, the worst first."""
    if package is None or not package.verdicts:
        return ""
    tally = Counter(row[2] for row in package.verdicts)
    return ", ".join(f"{tally[verdict]} {words}" for verdict, words in COUNTED.items() if tally[verdict])


def validation_words(facts: Standing, policy: Policy) -> str:
    """Where the package has been validated so far."""
    newest = {d.org: d for d in facts.deployments if d.purpose == "validation"}
    digest = facts.package.digest if facts.package else ""
    said = [
        f"{org_title(policy, org)} {_validation_word(d)}" for org, d in newest.items() if d.archive_digest == digest
    ]
    return ", ".join(said) or "not yet"


def _validation_word(validation: Deployment) -> str:
    if validation.voided_because:
        return "no longer counts"
    return {"validated": "passed", "failed": "failed", "cancelled": "cancelled"}.get(validation.state, "running")


def changes_words(package: ReleasePackage) -> str:
    """What it does in the target, counted: "3 new, 1 changed"; "" before it was compared."""
    kinds = Counter(row[2] for row in package.comparison)
    return ", ".join(f"{kinds[kind]} {kind}" for kind in CHANGES if kinds[kind])


def change_lines(package: ReleasePackage, *, only: tuple[str, str] | None = None, at_most: int = 8) -> list[str]:
    """Who last changed in the target what the package changes or deletes there, what is worth a look first."""
    changes = [read_change(row) for row in package.last_changed]
    wanted = [c for c in changes if only in (None, (c.component.type, c.component.name))]
    wanted.sort(key=lambda change: (not change.warning, -change.at.timestamp()))
    more = len(wanted) - at_most
    lines = [_change_line(change) for change in wanted[:at_most]]
    return [*lines, f"… and {more} more: {code('/release diff')}"] if more > 0 else lines


def _change_line(change: LastChange) -> str:
    name = f"{change.component.type} {code(change.component.name)}"
    what = f"{name}: its file {code(change.file)} was last" if change.file else f"{name}: last"
    warning = f", {change.warning}" if change.warning else ""
    return f"{'⚠ ' if warning else ''}{what} changed by {clean(change.by)} {at(change.at)}{warning}"


def losses(verdicts: Sequence[Sequence[str]]) -> Iterator[str]:
    """What does not come back by itself, once for each reason, with the parts that it is true of."""
    told: dict[tuple[str, str, str], list[str]] = {}
    for kind, name, verdict, reason, todo in (row[:5] for row in verdicts):
        if verdict != "exact":
            told.setdefault((verdict, reason, todo), []).append(f"{kind} {code(name)}")
    for (verdict, reason, todo), names in told.items():
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        yield f"{', '.join(names[:6])}{more}, {VERDICTS[verdict]}: {clean(reason)} {clean(todo)}".strip()
