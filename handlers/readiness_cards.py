"""What people weigh before a release goes: every gate, the button that starts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from handlers.acceptance_cards import no_snapshot_words, way_back_parts
from handlers.conversation import (
    Actions,
    Button,
    Confirm,
    Facts,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    at,
    bold,
    people,
)
from handlers.phrases import (
    STATES,
    age,
    count,
    do,
    gate_line,
    gate_sentence,
    headline,
    org_title,
    shortened,
    who,
)
from handlers.progress_words import silence_words
from handlers.release_words import (
    approvals_words,
    checklist_words,
    in_full_words,
    package_words,
    risk_words,
    tasks_words,
    verdict_words,
    way_there_words,
    window_words,
)
from handlers.undo_words import undo_buttons, undo_lines
from release_core.facts import ReleaseFacts
from release_core.lookups import BEFORE_DEPLOYMENT, starts_by_itself
from release_core.package_gates import AGAIN
from release_core.policy import Policy, Risk
from release_core.readiness import Gate, gates, next_legal
from release_core.risks import acceptance, rows_of
from release_core.seating import Seated
from release_core.seats import seating
from release_core.windows import HORIZON


def why_card(facts: ReleaseFacts, policy: Policy, now: datetime) -> Message:
    """May we go? Every reason at once, who can clear each, the next legal time."""
    every = gates(facts, policy, now)
    closed, opened = [g for g in every if not g.passes], [g for g in every if g.passes]
    key = facts.release.key
    refused = no_snapshot_words(facts, policy, now)
    if closed:
        answer = f"{key} may not go now: {count(len(closed), 'reason')}."
    elif refused:
        answer = f"{key} goes only with a snapshot, which failed the last time."
    else:
        answer = f"{key} may go now: every gate is open."
    parts: list[Part] = [Paragraph(f"{bold(answer)} {facts.release.name}")]
    parts += [Paragraph(words) for words in silence_words(facts, policy)]
    if closed:
        parts.append(Listing([gate_line(gate) for gate in closed]))
    parts += [Paragraph(refused)] if refused else []
    parts.append(Listing([f"✓ {gate_sentence(gate)}" for gate in opened]))
    if facts.release.state in BEFORE_DEPLOYMENT:
        risk = f" {risk_words(facts.release).capitalize()}." if facts.release.risk_level else ""
        parts.append(Note(f"Way there: {way_there_words(facts, now)}.{risk}"))
    parts += [*way_back_parts(facts, policy, now), *_forward_again(facts, policy)]
    parts.append(Note(next_words(facts, policy, now)))
    if not closed:
        parts.append(Actions([deploy_button(facts, policy, now)]))
    parts += [*_validate_again(closed, key), *_start_by_itself(facts, closed)]
    said = " ".join(gate_sentence(gate) for gate in closed)
    return Message(f"{answer} {said}".strip(), parts, tone="stop" if closed else "wait" if refused else "good")


def _start_by_itself(facts: ReleaseFacts, closed: Sequence[Gate]) -> list[Part]:
    """The click that spares somebody the night, where only the time is missing."""
    waits = [gate.code for gate in closed] == ["window_ahead"] and not starts_by_itself(facts.release, facts.window)
    return [Actions([do("Start by itself", "release_book", release=facts.release.key)])] if waits else []


def _validate_again(closed: Sequence[Gate], key: str) -> list[Part]:
    """The click that makes anew what was validated and counts no more."""
    lost = any(gate.code in AGAIN for gate in closed)
    return [Actions([do("Validate again", "release_validate", release=key)])] if lost else []


def _forward_again(facts: ReleaseFacts, policy: Policy) -> list[Part]:
    """How a release that was taken back can come again; nothing of any other release."""
    lines, buttons = undo_lines(facts, policy), undo_buttons(facts, policy)
    told: list[Part] = [Listing(lines)] if lines else []
    return [*told, Actions(buttons)] if buttons else told


def next_words(facts: ReleaseFacts, policy: Policy, now: datetime) -> str:
    """The next legal time for its target, as a sentence; only when it was asked where there is none to name."""
    if facts.release.state not in (*BEFORE_DEPLOYMENT, "deploying"):
        return f"Asked {at(now)}."  # it does not go again, so no time is legal for it
    title = org_title(policy, facts.release.target_org)
    legal = next_legal(facts, policy, now)
    if legal is None:
        return f"No legal time to deploy to {title} was found in the next 90 days."
    window = facts.window
    fits = window is not None and legal.starts_at < window.ends_at
    end = min(legal.ends_at, window.ends_at) if window and fits else legal.ends_at
    start = "now" if legal.starts_at <= now else at(legal.starts_at)
    # Where nothing ends it, the search does, at its horizon; that instant means nothing to people.
    until = f" to {at(end)}" if fits or end - now < HORIZON - timedelta(days=1) else ""
    moved = "" if fits or window is None else " That is after the window: move it, or have the freeze waived."
    if window is not None and window.ends_at <= now:
        moved = " The window is over: set another one."
    return f"Next legal time for {title}: {start}{until}.{moved} Asked {at(now)}."


def deploy_button(facts: ReleaseFacts, policy: Policy, now: datetime) -> Button:
    """The click that starts the deployment, with everything a person should weigh before it."""
    title = org_title(policy, facts.release.target_org)
    confirm = Confirm(f"Deploy to {title}?", "\n".join(_to_weigh(facts, policy, now)), f"Deploy to {title}"[:30])
    args = {"release": facts.release.key, "digest": facts.digest}
    return Button(f"Deploy to {title}", "release_go", args, weight="go", confirm=confirm)


def _to_weigh(facts: ReleaseFacts, policy: Policy, now: datetime) -> Iterator[str]:
    """The dialog's lines. Slack shows 300 characters, so what is long is shortened; the least urgent is last."""
    org = facts.release.target_org
    yield f"{facts.release.key} to {shortened(org_title(policy, org), 20)}, a {policy.kind_of(org)} org."
    if package := facts.package:
        deletions = count(len(package.before) + len(package.after), "deletion")
        parts = count(len(package.components), "component")
        yield f"Package: {shortened(package.file_name, 26)} {package.digest[:8]}, {parts}, {deletions}."
    validation = facts.newest("validation", org=org)
    checked = f"Validated {age(validation.finished_at, now)}" if validation else "Not validated"
    in_full = " without tests, so in full" if validation and in_full_words(facts, policy) else ""
    yield f"{checked}{in_full}; checklist {checklist_words(facts)}."
    given = [one for risk in _RISKS if (one := acceptance(facts, risk, now))]
    way_back = f"Way back: {_verdicts(facts)}."
    if given:
        names = ", ".join(facts.names.get(one.by) or one.by for one in given)
        yield f"{way_back} Accepted: {shortened(names, 24)}."
    said = ", ".join(f"{policy.seats[one.seat].title} {_names(facts, one)}" for one in seating(facts, policy, now))
    yield f"Approved: {shortened(said, 30 if given else 70) or 'none needed'}."
    if facts.release.strategy == "full":
        yield "Full deploy: its tests run now."
    if path := facts.release.path:
        yield f"Stage {path.index(org) + 1} of {len(path)}, the same package in each."
    if not given:
        yield way_back


def _verdicts(facts: ReleaseFacts) -> str:
    """The worst first, with the names of what cannot come back."""
    tally = Counter(row[2] for row in facts.package.verdicts) if facts.package else Counter[str]()
    lost = ", ".join(row[1] for row in rows_of(facts.package, "impossible"))
    words = {"impossible": f"none ({shortened(lost, 40)})", "manual": "by hand", "lossy": "lossy", "exact": "exact"}
    return ", ".join(f"{tally[verdict]} {word}" for verdict, word in words.items() if tally[verdict]) or "not judged"


_RISKS: tuple[Risk, ...] = ("impossible", "no_snapshot")


def _names(facts: ReleaseFacts, one: Seated) -> str:
    """Who said yes: a dialog holds plain text, so it has names where a message has mentions."""
    if not one.complete:
        return "–"
    return " and ".join(facts.names.get(person) or person for person in one.filled_by)


def window_card(facts: ReleaseFacts, policy: Policy, now: datetime) -> Message:
    """The window is open: go, or every reason why not."""
    release, title = facts.release, org_title(policy, facts.release.target_org)
    closed = [gate for gate in gates(facts, policy, now) if not gate.passes]
    parts: list[Part] = [Paragraph(f"{headline(release)}: the window is open, {window_words(facts)}.")]
    if release.state not in BEFORE_DEPLOYMENT:
        sentence = f"{release.key} is {STATES[release.state]}.{_started_words(facts)}"
        return Message(sentence, [*parts, Paragraph(sentence)])
    if facts.window is None or facts.window.state != "open":
        ended = f" It ended {at(facts.window.ends_at)}." if facts.window else ""
        sentence = f"The window of {release.key} is over; nothing was started.{ended}"
        return Message(sentence, [Paragraph(sentence)], tone="expired")
    if closed:
        summary = f"The window of {release.key} is open, but it may not go: {count(len(closed), 'reason')}."
        parts += [Listing([gate_line(gate) for gate in closed]), Note(next_words(facts, policy, now))]
        parts.append(Actions([do("Look again", "release_why", release=release.key)]))
        parts += _validate_again(closed, release.key)
        return Message(summary, parts, tone="stop")
    refused = no_snapshot_words(facts, policy, now)
    may = f"{release.name} goes to {title} only with a snapshot" if refused else f"{release.name} may go to {title}"
    summary = f"The window of {release.key} is open until {at(facts.window.ends_at)}: {may}."
    parts += [
        *([Paragraph(refused)] if refused else []),
        _weighing(facts, policy, now),
        *way_back_parts(facts, policy, now),
        Actions([deploy_button(facts, policy, now), do("May we go?", "release_why", release=release.key)]),
    ]
    holders = policy.holders_of("deploy")
    parts.append(Note(f"{people(holders[:5], last='or')} can press it."))
    return Message(summary, parts, tone="wait" if refused else "good")


def _started_words(facts: ReleaseFacts) -> str:
    """Who pressed the button, when."""
    started = facts.newest("deployment")
    return f" {started.key} was started by {who(started.requested_by)} {at(started.requested_at)}." if started else ""


def _weighing(facts: ReleaseFacts, policy: Policy, now: datetime) -> Facts:
    validation = facts.newest("validation", org=facts.release.target_org)
    rows = [
        ("Package", package_words(facts.package)),
        ("Validated", f"{age(validation.finished_at, now)} ({validation.key})" if validation else "no"),
        ("Way there", way_there_words(facts, now)),
        ("Approvals", approvals_words(facts, policy, now)),
        ("Checklist", checklist_words(facts)),
        ("Tasks", tasks_words(facts) if facts.tasks else ""),
        ("Way back", verdict_words(facts.package)),
    ]
    return Facts([(label, words) for label, words in rows if words])


def gates_message(sentence: str, closed: Sequence[Gate]) -> Message:
    """A refusal with every reason."""
    said = " ".join(gate_sentence(gate) for gate in closed)
    return Message(
        f"{sentence} {said}", [Paragraph(bold(sentence)), Listing([gate_line(g) for g in closed])], tone="stop"
    )
