"""What a release looks like: one card for each question about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

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
    Table,
    Tone,
    Verbatim,
    at,
    bold,
    code,
    people,
    person,
)
from handlers.phrases import (
    STATES,
    VERDICTS,
    age,
    count,
    do,
    gate_line,
    gate_sentence,
    headline,
    item_line,
    lasting,
    org_title,
    progress_line,
    who,
)
from release_core.facts import ReleaseFacts, counts
from release_core.models import Deployment, ReleasePackage
from release_core.policy import Policy
from release_core.readiness import Gate, gates, item_owners, next_legal

TONES: dict[str, Tone] = {
    "ready": "good",
    "soaking": "good",
    "closed": "good",
    "failed": "stop",
    "cancelled": "stop",
    "rolled_back": "stop",
    "deploying": "wait",
}


def headline_card(facts: ReleaseFacts, policy: Policy, now: datetime) -> Message:
    """The one post per release that is kept current."""
    release = facts.release
    title = org_title(policy, release.target_org)
    rows = [
        ("State", STATES[release.state]),
        ("Target", f"{title} ({policy.orgs[release.target_org].kind})"),
        ("Kind", release.kind),
        ("Owner", person(release.owner_id)),
        ("Window", window_words(facts)),
        ("Package", package_words(facts.package)),
        ("Checklist", checklist_words(facts)),
        ("Approvals", approvals_words(facts, policy)),
        ("Way back", way_back_words(facts, now)),
    ]
    summary = f"{release.key} {release.name}: {STATES[release.state]}, target {title}"
    parts: list[Part] = [Paragraph(headline(release)), Facts(rows), Actions(next_buttons(facts))]
    return Message(summary, parts, tone=TONES.get(release.state, "plain"))


def next_buttons(facts: ReleaseFacts) -> list[Button]:
    """What can be asked or done next, wherever the release is shown."""
    key, state = facts.release.key, facts.release.state
    buttons = [do("May we go?", "release_why", release=key), do("Checklist", "release_checklist", release=key)]
    if facts.package:
        buttons.append(do("Package", "release_package", release=key))
    if state in ("draft", "planned", "ready", "failed"):
        buttons.append(do("Attach package", "release_attach", release=key))
        if facts.package:
            buttons.append(do("Validate", "release_validate", release=key))
        buttons.append(do("Set window", "release_window", release=key))
    if facts.live and state in ("soaking", "closed"):
        buttons.append(Button("Roll back", "release_rollback", {"release": key}, weight="danger"))
    return [*buttons, do("Timeline", "release_timeline", release=key)]


def window_words(facts: ReleaseFacts) -> str:
    """When it may start."""
    if facts.window is None:
        return "not set"
    words = f"{at(facts.window.starts_at)} to {at(facts.window.ends_at)}"
    return words if facts.window.state in ("booked", "open") else f"{words} ({facts.window.state})"


def package_words(package: ReleasePackage | None) -> str:
    """What goes, how much of it, whose it is."""
    if package is None:
        return "none attached"
    deletions = len(package.before) + len(package.after)
    removed = f", {count(deletions, 'deletion')}" if deletions else ""
    contents = f"{count(len(package.components), 'component')}{removed}"
    return f"{package.file_name} {code(package.digest[:12])}, {contents}, by {person(package.author_id)}"


def checklist_words(facts: ReleaseFacts) -> str:
    """How far the checklist is."""
    settled = sum(item.state in ("done", "waived") for item in facts.items)
    blocked = [item for item in facts.items if item.state == "blocked"]
    return f"{settled} of {len(facts.items)} settled" + (f", {len(blocked)} blocked" if blocked else "")


def approvals_words(facts: ReleaseFacts, policy: Policy) -> str:
    """Which seats have answered, how."""
    if not facts.seats:
        return "none needed"
    return ", ".join(_seat_words(facts, policy, seat) for seat in facts.seats)


def _seat_words(facts: ReleaseFacts, policy: Policy, seat: str) -> str:
    title, answer = policy.seats[seat].title, facts.approval(seat)
    if answer is None:
        return f"{title} –"
    return f"{title} {'✓' if answer.yes else '✗'} {person(answer.person_id)}"


def way_back_words(facts: ReleaseFacts, now: datetime) -> str:
    """How we would come back, as far as it is known."""
    if facts.release.state == "rolled_back":
        return "used: the org is back to what it was"
    if facts.live is None:
        return verdict_words(facts.package) or "known once a package is attached"
    armed = facts.armed(now)
    if armed and armed.lapses_at:
        return f"armed until {at(armed.lapses_at)}: a quick deploy"
    arming = facts.newest("arming")
    if arming and arming.state in ("requested", "validating"):
        return "built, being proven now"
    problem = (arming and (arming.voided_because or arming.problem)) or facts.live.result.get("rollback_note", "")
    return f"not armed: {problem}" if problem else "built, not proven"


def verdict_words(package: ReleasePackage | None) -> str:
    """How the parts of a package would come back, counted."""
    if package is None or not package.verdicts:
        return ""
    tally = Counter(row[2] for row in package.verdicts)
    return ", ".join(f"{tally[verdict]} {words}" for verdict, words in VERDICTS.items() if tally[verdict])


def package_card(facts: ReleaseFacts, policy: Policy) -> Message:
    """What is in the package, what it would do in the target, how each part would come back."""
    package, key = facts.package, facts.release.key
    if package is None:
        sentence = f"{key} has no package yet."
        return Message(sentence, [Paragraph(sentence), Actions([do("Attach package", "release_attach", release=key)])])
    title = org_title(policy, facts.release.target_org)
    kinds = Counter(row[2] for row in package.comparison)
    changes = ", ".join(
        f"{kinds[kind]} {kind}" for kind in ("new", "changed", "identical", "deleted", "absent") if kinds[kind]
    )
    by_name = {(row[0], row[1]): row for row in package.verdicts}
    rows = [
        (row[2], f"{row[0]} {code(row[1])}", _verdict_of(by_name.get((row[0], row[1])))) for row in package.comparison
    ] or [("", f"{kind} {code(name)}", "") for kind, name in package.components]
    summary = f"{key}: {package.file_name}, {changes or count(len(package.components), 'component')}"
    parts: list[Part] = [
        Paragraph(f"{headline(facts.release)}: {package_words(package)}"),
        Facts(
            [
                ("SHA-256", code(package.digest)),
                (f"In {title}", changes or "not compared yet"),
                ("Way back", verdict_words(package) or "–"),
            ]
        ),
        Table(("In the target", "Component", "How it would come back"), rows),
    ]
    lossy = [row for row in package.verdicts if row[2] != "exact"]
    if lossy:
        parts.append(
            Listing([f"{row[0]} {code(row[1])} {VERDICTS[row[2]]}: {row[3]} {row[4]}".strip() for row in lossy[:20]])
        )
    if package.warnings:
        parts.append(Listing([f"Warning: {warning}" for warning in package.warnings[:10]]))
    return Message(summary, parts)


def _verdict_of(row: Sequence[str] | None) -> str:
    return VERDICTS[row[2]] if row else ""


def checklist_card(facts: ReleaseFacts, policy: Policy) -> Message:
    """Every item with who owes it."""
    key = facts.release.key
    lines = [_item_words(facts, policy, number) for number in range(len(facts.items))]
    parts: list[Part] = [Paragraph(f"{headline(facts.release)}: checklist, {checklist_words(facts)}")]
    parts.append(Listing(lines) if lines else Paragraph("This kind of release has no checklist."))
    loose = [item for item in facts.items if not item.rule and item.state not in ("done", "waived")]
    if loose and facts.release.state not in ("closed", "cancelled", "rolled_back"):
        parts.append(
            Actions([do(f"Tick {i.number}", "release_tick", release=key, item=str(i.number)) for i in loose[:8]])
        )
        parts.append(
            Note(
                f"Something in the way? {code(f'/release block {key} 2 -- reason')} · "
                f"Not needed? {code(f'/release waive {key} 2 -- reason')}"
            )
        )
    return Message(f"{key}: checklist, {checklist_words(facts)}", parts)


def _item_words(facts: ReleaseFacts, policy: Policy, index: int) -> str:
    item = facts.items[index]
    team = policy.teams[item.team].title if item.team in policy.teams else ""
    return item_line(item, item_owners(item, facts, policy), team)


def why_card(facts: ReleaseFacts, policy: Policy, now: datetime) -> Message:
    """May we go? Every reason at once, who can clear each, the next legal time."""
    every = gates(facts, policy, now)
    closed, opened = [g for g in every if not g.passes], [g for g in every if g.passes]
    key = facts.release.key
    if closed:
        answer = f"{key} may not go now: {count(len(closed), 'reason')}."
    else:
        answer = f"{key} may go now: every gate is open."
    parts: list[Part] = [Paragraph(f"{bold(answer)} {facts.release.name}")]
    if closed:
        parts.append(Listing([gate_line(gate) for gate in closed]))
    parts.append(Listing([f"✓ {gate_sentence(gate)}" for gate in opened]))
    parts.append(Note(_next_words(facts, policy, now)))
    if not closed:
        parts.append(Actions([deploy_button(facts, policy, now)]))
    said = " ".join(gate_sentence(gate) for gate in closed)
    return Message(f"{answer} {said}".strip(), parts, tone="stop" if closed else "good")


def _next_words(facts: ReleaseFacts, policy: Policy, now: datetime) -> str:
    title = org_title(policy, facts.release.target_org)
    legal = next_legal(facts, policy, now)
    if legal is None:
        return f"No legal time to deploy to {title} was found in the next 90 days."
    if legal.starts_at <= now:
        return (
            f"By windows and freezes alone, {title} may be deployed to now, until {at(legal.ends_at)}. Asked {at(now)}."
        )
    return f"Next legal time for {title}: {at(legal.starts_at)} to {at(legal.ends_at)}. Asked {at(now)}."


def deploy_button(facts: ReleaseFacts, policy: Policy, now: datetime) -> Button:
    """The click that starts the deployment, with everything a person should weigh before it."""
    title, kind = org_title(policy, facts.release.target_org), policy.orgs[facts.release.target_org].kind
    validation = facts.newest("validation", org=facts.release.target_org)
    checked = f"Validated {age(validation.finished_at, now)} ({validation.key})." if validation else "Not validated."
    said = [f"{policy.seats[seat].title} {_name(facts, seat)}" for seat in facts.seats]
    package = facts.package
    contents = (
        f"{package.file_name} {package.digest[:8]}, {len(package.components)} components" if package else "no package"
    )
    lines = [
        f"{facts.release.key} to {title}, a {kind} org.",
        f"Package: {contents}.",
        f"{checked} Checklist {checklist_words(facts)}.",
        f"Approved: {', '.join(said) or 'none needed'}.",
        f"Way back: {verdict_words(package) or 'not judged'}.",
    ]
    confirm = Confirm(f"Deploy to {title}?", "\n".join(lines), f"Deploy to {title}"[:30])
    args = {"release": facts.release.key, "digest": facts.digest}
    return Button(f"Deploy to {title}", "release_go", args, weight="go", confirm=confirm)


def _name(facts: ReleaseFacts, seat: str) -> str:
    answer = facts.approval(seat)
    return person(answer.person_id) if answer and answer.yes else "–"


def window_card(facts: ReleaseFacts, policy: Policy, now: datetime) -> Message:
    """The window is open: go, or every reason why not."""
    release, title = facts.release, org_title(policy, facts.release.target_org)
    closed = [gate for gate in gates(facts, policy, now) if not gate.passes]
    parts: list[Part] = [Paragraph(f"{headline(release)}: the window is open, {window_words(facts)}.")]
    if release.state not in ("draft", "planned", "ready", "failed"):
        sentence = f"{release.key} is {STATES[release.state]}."
        return Message(sentence, [*parts, Paragraph(sentence)])
    if facts.window is None or facts.window.state != "open":
        sentence = f"The window of {release.key} is over; nothing was started."
        return Message(sentence, [Paragraph(sentence)], tone="stop")
    if closed:
        summary = f"The window of {release.key} is open, but it may not go: {count(len(closed), 'reason')}."
        parts += [Listing([gate_line(gate) for gate in closed]), Note(_next_words(facts, policy, now))]
        parts.append(Actions([do("Look again", "release_why", release=release.key)]))
        return Message(summary, parts, tone="stop")
    summary = f"The window of {release.key} is open until its end: {release.name} may go to {title}."
    parts += [
        _weighing(facts, policy, now),
        Actions([deploy_button(facts, policy, now), do("May we go?", "release_why", release=release.key)]),
    ]
    holders = policy.holders_of("deploy")
    parts.append(Note(f"{people(holders[:5], last='or')} can press it."))
    return Message(summary, parts, tone="good")


def _weighing(facts: ReleaseFacts, policy: Policy, now: datetime) -> Facts:
    validation = facts.newest("validation", org=facts.release.target_org)
    rows = [
        ("Package", package_words(facts.package)),
        ("Validated", f"{age(validation.finished_at, now)} ({validation.key})" if validation else "no"),
        ("Approvals", approvals_words(facts, policy)),
        ("Checklist", checklist_words(facts)),
        ("Way back", verdict_words(facts.package)),
    ]
    return Facts([(label, words) for label, words in rows if words])


def approval_card(facts: ReleaseFacts, policy: Policy, seat: str, digest: str) -> Message:
    """The request to one seat, and what came of it."""
    release, title = facts.release, policy.seats[seat].title
    parts: list[Part] = [Paragraph(f"{headline(release)}: {title} is asked to approve.")]
    mine = [a for a in facts.approvals if a.seat == seat and a.digest == digest]
    answer = mine[-1] if mine else None
    if answer and answer.state == "standing":
        word = "approved" if answer.yes else "declined"
        comment = f": {answer.comment}" if answer.comment else ""
        sentence = f"{title}: {word} by {person(answer.person_id)} {at(answer.at)}{comment}"
        return Message(
            f"{release.key}, {sentence}", [*parts, Paragraph(sentence)], tone="good" if answer.yes else "stop"
        )
    if answer or digest != facts.digest:
        because = answer.withdrawn_because if answer else "What was to be approved has changed."
        sentence = f"Withdrawn. {because} Nothing needs to be done here."
        return Message(f"{release.key}, {title}: {sentence}", [*parts, Paragraph(sentence)], tone="stop")
    if release.state not in ("draft", "planned", "ready", "failed"):
        sentence = f"{release.key} is {STATES[release.state]}; nothing needs to be approved any more."
        return Message(sentence, [*parts, Paragraph(sentence)])
    args = {"release": release.key, "seat": seat, "digest": digest}
    holders = [p for p in facts.seats.get(seat, ()) if not facts.package or p != facts.package.author_id]
    parts += [
        Facts(
            [
                ("Target", org_title(policy, release.target_org)),
                ("Package", package_words(facts.package)),
                ("Validated", validation_words(facts, policy)),
                ("Way back", verdict_words(facts.package) or "being judged"),
            ]
        ),
        Actions(
            [
                Button("Approve", "release_approve", args, weight="go"),
                Button("Decline…", "release_decline", args, weight="danger"),
                do("Package", "release_package", release=release.key),
            ]
        ),
        Note(
            f"{people(holders, last='or')} can answer for {title}."
            if holders
            else f"Nobody can answer for {title}: see the policy."
        ),
    ]
    return Message(f"{release.key} {release.name}: {title} is asked to approve", parts, tone="wait")


def validation_words(facts: ReleaseFacts, policy: Policy) -> str:
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


def deployment_card(facts: ReleaseFacts, policy: Policy, deployment: Deployment, now: datetime) -> Message:
    """One attempt, live and then for ever: what it does, how far it is, what a person acts on."""
    what = {
        "validation": "Validation",
        "deployment": "Deployment",
        "arming": "Proof of the way back",
        "rollback": "Rollback",
    }
    title = org_title(policy, deployment.org)
    name = f"{what[deployment.purpose]} {deployment.key} of {facts.release.key} in {title}"
    state, tone = _attempt_state(deployment, now)
    by = f"Asked by {who(deployment.requested_by)} {at(deployment.requested_at)}."
    parts: list[Part] = [Paragraph(f"{bold(name)}: {state}")]
    if deployment.finished_at is None and deployment.state in ("validating", "deploying", "requested", "verifying"):
        parts.append(Paragraph(progress_line(deployment)))
        if not deployment.abort_requested_by and deployment.purpose in ("validation", "deployment"):
            stop = Confirm(
                "Stop it?",
                f"{deployment.key} is asked to stop in {title}. It may be too late.",
                "Stop it",
                "Let it run",
            )
            args = {"release": facts.release.key}
            parts.append(Actions([Button("Stop", "release_stop", args, weight="danger", confirm=stop)]))
    parts += result_parts(deployment)
    parts.append(Note(by))
    return Message(f"{name}: {state}", parts, tone=tone)


def _attempt_state(deployment: Deployment, now: datetime) -> tuple[str, Tone]:
    took = ""
    if deployment.finished_at and deployment.asked_at:
        took = f" in {lasting(deployment.finished_at - deployment.asked_at)}"
    tests = deployment.result.get("tests", [0, 0, 0])
    ran = f", {count(tests[1], 'test')}" if tests[1] else ""
    match deployment.state:
        case "validated" if counts(deployment, now) and deployment.lapses_at:
            return f"passed{took}{ran}. Counts until {at(deployment.lapses_at)}.", "good"
        case "validated":
            return f"passed, but does not count any more. {deployment.voided_because or 'It has lapsed.'}", "plain"
        case "succeeded":
            return f"succeeded{took}{ran}.", "good"
        case "rolled_back":
            return "succeeded and was rolled back later.", "plain"
        case "failed":
            return f"failed. {deployment.problem}", "stop"
        case "cancelled":
            return "was cancelled.", "stop"
        case "unknown":
            return f"nobody knows. {deployment.problem}", "stop"
        case "verifying":
            return "done, reading the org back.", "wait"
        case "requested":
            return "waits for its turn.", "wait"
    asked = " A stop was asked for." if deployment.abort_requested_by else ""
    return f"under way.{asked}", "wait"


def result_parts(deployment: Deployment) -> list[Part]:
    """What a person acts on: failed tests with their place, component errors with line, coverage."""
    result, parts = deployment.result, list[Part]()
    for class_name, method, message, trace in result.get("test_failures", [])[:8]:
        parts.append(Paragraph(f"✗ {code(f'{class_name}.{method}')} {message}"))
        parts.append(Verbatim(trace or "no stack trace"))
    errors = result.get("errors", [])
    if errors:
        parts.append(Listing([_error_line(row) for row in errors[:15]]))
    if result.get("coverage_warnings"):
        parts.append(Listing([f"Coverage: {warning}" for warning in result["coverage_warnings"][:8]]))
    if result.get("differences"):
        parts.append(Listing([f"Differs from what was expected: {name}" for name in result["differences"][:15]]))
    return parts


def _error_line(row: Sequence[object]) -> str:
    kind, name, file, line, problem = row
    where = f"{file}{f', line {line}' if line else ''}"
    return f"✗ {kind} {code(str(name))}: {problem} ({where})"


def gates_message(sentence: str, closed: Sequence[Gate]) -> Message:
    """A refusal with every reason."""
    said = " ".join(gate_sentence(gate) for gate in closed)
    return Message(
        f"{sentence} {said}", [Paragraph(bold(sentence)), Listing([gate_line(g) for g in closed])], tone="stop"
    )
