"""The gates about what is deployed: a package, its check-only run, its way back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from release_core.facts import UNDER_WAY, ReleaseFacts, Standing, counts
from release_core.gate import Gate
from release_core.models import Deployment
from release_core.policy import Policy
from release_core.risks import acceptance, is_compared, rows_of, who_may_accept
from release_core.test_plans import is_same, may_become_quick, ran

AGAIN = ("validation_void", "validation_lapsed")
"""Codes of the gate when what was validated passed once, but counts no more."""


def package_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """There must be something to deploy."""
    if facts.package:
        return [Gate("package", True, f"The package {facts.package.file_name} is attached.")]
    who = policy.holders_of("attach")
    return [Gate("no_package", False, "No package is attached.", who, f"/release attach {facts.release.key}")]


def validation_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """The package must have passed a check-only run with tests in the target, and that run must still count."""
    if facts.package is None:
        return []
    title = policy.title_of(facts.release.target_org)
    valid = target_validation(facts, now)
    if valid and valid.lapses_at:
        return [_validated(valid, facts, policy, now)]
    newest = facts.newest("validation", org=facts.release.target_org)
    if once := _passed_once(newest, facts):
        return [Gate("validated_once", True, f"{once} {title}; its tests run again inside the window.")]
    if before := _validates_before(facts):
        first = policy.title_of(before.org)
        because = f"{before.key} validates the package in {first} first; {title} comes after that."
        return [Gate("validating", False, because, (), "Wait for its end.")]
    code, because = _why_not_validated(newest, facts, title, now)
    if code == "validating":
        return [Gate(code, False, because, (), "Wait for its end.")]
    who, instants = policy.holders_of("validate"), tuple[datetime, ...]()
    if code in AGAIN:
        again, instants = _again_words(facts, policy, now)
        because = f"{because} {again}"
    return [Gate(code, False, because, who, f"/release validate {facts.release.key}", instants=instants)]


def _validates_before(facts: ReleaseFacts) -> Deployment | None:
    """A check of this very package that is under way in an org that comes first, and goes on to the target."""
    for one in facts.deployments:
        goes_on = one.purpose == "validation" and facts.release.target_org in one.then and not one.abort_requested_by
        if goes_on and one.state in UNDER_WAY and one.package_id == facts.release.package_id:
            return one
    return None


def _again_words(facts: ReleaseFacts, policy: Policy, now: datetime) -> tuple[str, tuple[datetime, ...]]:
    """What follows a validation that passed and counts no more: whether it is made anew by itself, when."""
    due_at = validates_again_at(facts, policy)
    if due_at is not None and now < due_at:
        return "It is validated again by itself at {0}; whoever cannot wait does it now.", (due_at,)
    if not policy.revalidate_before:
        return "It has to be validated again, which nothing does by itself: the policy's revalidate_before is 0.", ()
    if facts.window is None or now >= facts.window.ends_at:
        return "It has to be validated again; that happens by itself only ahead of a window, and none is set.", ()
    return "It has to be validated again.", ()


def validates_again_at(facts: Standing, policy: Policy) -> datetime | None:
    """When a validation that does not last is made anew by itself; None when the policy or the window have no such."""
    if facts.window is None or facts.window.state not in ("booked", "open") or not policy.revalidate_before:
        return None
    return facts.window.starts_at - policy.revalidate_before


def target_validation(facts: ReleaseFacts, now: datetime) -> Deployment | None:
    """The check-only run in the target that counts: of this package, with these tests, not lapsed."""
    newest = facts.newest("validation", org=facts.release.target_org)
    fits = newest and facts.package and newest.archive_digest == facts.package.digest and counts(newest, now)
    return newest if newest and fits and is_same(ran(newest), facts.tests) else None


def _passed_once(newest: Deployment | None, facts: ReleaseFacts) -> str:
    """What a full deploy needs, as it runs the tests itself: this package passed once, whatever landed since."""
    if facts.release.strategy != "full" or newest is None or facts.package is None:
        return ""
    same = newest.archive_digest == facts.package.digest and is_same(ran(newest), facts.tests)
    passed = newest.state == "validated" and same
    return f"{newest.key} passed once in" if passed else ""


def _validated(valid: Deployment, facts: ReleaseFacts, policy: Policy, now: datetime) -> Gate:
    """Until when it counts, whether that is as long as the window, whether a quick deploy follows from it."""
    lapses_at = valid.lapses_at
    assert lapses_at is not None, "it counts"
    title, instants = policy.title_of(facts.release.target_org), [lapses_at]
    because, in_full = f"Validated in {title} ({valid.key}), counts until {{0}}", _in_full_words(facts, valid)
    if facts.window is None:
        return Gate("validated", True, f"{because}.{in_full}", instants=(lapses_at,))
    if lapses_at >= facts.window.ends_at:
        return Gate("validated", True, f"{because}, longer than the window.{in_full}", instants=(lapses_at,))
    again_at, way_out = validates_again_at(facts, policy), f"/release validate {facts.release.key}"
    if lapses_at <= facts.window.starts_at:
        short = f"{because}, which is before the window opens"
    else:
        short, instants = f"{because}, but the window is open until {{1}}", [*instants, facts.window.ends_at]
    if again_at is not None and now < again_at:
        before = ": start before, or it" if len(instants) > 1 else "; it"
        short = f"{short}{before} is validated again by itself at {{{len(instants)}}}."
        return Gate("validated", True, f"{short}{in_full}", instants=(*instants, again_at))
    short += ": validate again." if lapses_at <= facts.window.starts_at else ": start before, or validate again."
    return Gate("validated", True, f"{short}{in_full}", (), way_out, instants=tuple(instants))


def _in_full_words(facts: ReleaseFacts, valid: Deployment) -> str:
    if facts.release.strategy == "full" or may_become_quick(valid):
        return ""
    return " No tests ran in it, so the deployment goes in full: Salesforce takes no quick deploy without."


def _why_not_validated(newest: Deployment | None, facts: ReleaseFacts, title: str, now: datetime) -> tuple[str, str]:
    if newest is None:
        last = facts.newest("validation")  # of any org: those that come first are checked first
        where = f" The last run ({last.key}) failed before it got there." if last and last.state == "failed" else ""
        return "not_validated", f"The package has not been validated in {title}.{where}"
    assert facts.package is not None, "asked only with a package"
    if newest.archive_digest != facts.package.digest:
        return "validated_another", f"What was validated in {title} ({newest.key}) was another package."
    if newest.voided_because:
        because = _ended(newest.voided_because)
        return "validation_void", f"The validation {newest.key} in {title} does not count any more: {because}"
    if newest.state == "validated" and not is_same(ran(newest), facts.tests):
        return (
            "validated_otherwise",
            f"The validation {newest.key} in {title} ran {ran(newest)}; the release wants {facts.tests} now.",
        )
    if newest.state == "validated":
        return "validation_lapsed", f"The validation {newest.key} in {title} has lapsed; it counted for 10 days."
    if newest.state in ("requested", "validating"):
        return "validating", f"The validation {newest.key} in {title} is still running."
    if newest.state == "cancelled":
        by = newest.result.get("stopped_by", "")
        by_whom = f" by {by}" if by else ""
        return (
            "validation_stopped",
            f"The validation {newest.key} in {title} was stopped{by_whom}, so it proves nothing.",
        )
    because = f"The validation {newest.key} in {title} {newest.state}: {newest.problem or 'see its post'}"
    if newest.result.get("errors") or newest.result.get("test_failures"):
        mended = f"Where the package is the cause, attach a mended one first: /release attach {facts.release.key}"
        because = f"{_ended(because)} {mended}"
    return "validation_failed", because


def _ended(words: str) -> str:
    """A sentence with its end, so that another one can follow."""
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."


def way_back_gate(facts: ReleaseFacts, policy: Policy, now: datetime) -> Sequence[Gate]:
    """It must be known how the release would come back; what cannot is accepted in writing by the policy's seat."""
    package, key, org = facts.package, facts.release.key, facts.release.target_org
    if package is None:
        return []
    if not is_compared(package, org):
        title, may_go = policy.title_of(org), facts.release.kind == "emergency"
        because = f"The package is not compared with {title} yet: nobody knows how it would come back."
        if may_go:  # it is better late to know than to let production burn
            because = (
                f"An emergency need not wait for the comparison with {title}; how it would come back is not known yet."
            )
        since = facts.comparing_since
        if since and not may_go:
            because += " It is being compared since {0}."
            return [Gate("not_compared", may_go, because, (), "Wait for its end.", instants=(since,))]
        return [Gate("not_compared", may_go, because, policy.holders_of("validate"), f"/release compare {key}")]
    lost = rows_of(package, "impossible")
    if not lost:
        return [Gate("way_back", True, "No part of the package is impossible to bring back.")]
    given = acceptance(facts, "impossible", now)
    if given:
        because = f"What cannot come back ({len(lost)}) was accepted for {_seat_title(policy, given.seat)}: "
        return [Gate("impossible_accepted", True, because + given.reason, (given.by,))]
    return [_not_accepted(facts, policy, [f"{row[0]} {row[1]}" for row in lost])]


def _not_accepted(facts: ReleaseFacts, policy: Policy, lost: Sequence[str]) -> Gate:
    seat, who = policy.seat_that_accepts("impossible", facts.release.kind), who_may_accept(facts, "impossible")
    more = f" and {len(lost) - 4} more" if len(lost) > 4 else ""
    because = f"Once deployed, this cannot come back: {', '.join(lost[:4])}{more}. "
    if who:
        because += f"{_seat_title(policy, seat)} has not accepted that in writing."
        way_out = f"/release accept {facts.release.key} -- reason"
    else:
        because += "Nobody may accept that."
        way_out = "An administrator names a seat under acceptances in the policy, with somebody else than the author."
    return Gate("impossible_not_accepted", False, because, who, way_out)


def _seat_title(policy: Policy, seat: str) -> str:
    return policy.seats[seat].title if seat in policy.seats else seat
