"""What a release looks like as a whole: its headline, its package."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from handlers.addresses import named
from handlers.conversation import (
    Actions,
    Button,
    Facts,
    Listing,
    Message,
    Note,
    Paragraph,
    Part,
    Table,
    Tone,
    clean,
    code,
    person,
)
from handlers.package_cards import origin_words
from handlers.phrases import (
    VERDICTS,
    count,
    do,
    headline,
    org_title,
    state_words,
)
from handlers.progress_words import silence_words
from handlers.release_words import (
    approvals_words,
    change_lines,
    changes_words,
    checklist_words,
    going_back_words,
    held_words,
    in_full_words,
    losses,
    lost_validation_words,
    package_words,
    path_words,
    risk_words,
    starts_words,
    tasks_words,
    tests_words,
    verdict_words,
    way_back_words,
    way_there_words,
    ways_back_words,
    window_words,
)
from handlers.undo_words import undo_buttons
from release_core.facts import Standing, watched_until
from release_core.lookups import BEFORE_DEPLOYMENT, is_watched
from release_core.package_gates import validates_again_at
from release_core.policy import Policy
from release_core.risks import rows_of

LONGEST_TRUE = timedelta(hours=1)
TONES: dict[str, Tone] = {
    "ready": "good",
    "soaking": "good",
    "closed": "good",
    "failed": "failed",
    "cancelled": "withdrawn",
    "rolled_back": "stop",
    "deploying": "wait",
}


def headline_card(facts: Standing, policy: Policy, now: datetime) -> Message:
    """The one post per release that is kept current."""
    release = facts.release
    title, state = org_title(policy, release.target_org), state_words(release, policy)
    way_back = ways_back_words(facts, policy, now) if release.path else way_back_words(facts, now)
    rows = [
        ("State", state),
        *([("Held", held)] if (held := held_words(release)) else []),
        ("Target", f"{title} ({policy.kind_of(release.target_org)})"),
        *([("Path", path_words(facts, policy, now))] if release.path else []),
        ("Kind", release.kind),
        *([("Strategy", way_there_words(facts, now))] if release.strategy == "full" else []),
        ("Owner", person(release.owner_id)),
        ("Window", f"{window_words(facts)}{starts_words(facts)}"),
        *([("Risk", risk_words(release))] if release.risk_level in ("medium", "high") else []),
        ("Package", package_words(facts.package)),
        *([("Validation", lost)] if (lost := lost_validation_words(facts, policy, now)) else []),
        ("Tests", " ".join(words for words in (tests_words(facts), in_full_words(facts, policy)) if words)),
        ("Checklist", checklist_words(facts)),
        *([("Tasks", tasks_words(facts))] if facts.tasks else []),
        ("Approvals", approvals_words(facts, policy, now)),
        ("Way back", way_back),
        *([("Going back", going_back)] if (going_back := going_back_words(facts, policy)) else []),
    ]
    summary = f"{release.key} {release.name}: {state}, target {title}"
    head = Paragraph(f"{named(policy, release.key)} {release.name}")
    silent = [Paragraph(words) for words in silence_words(facts, policy)]
    parts: list[Part] = [head, *silent, Facts(rows), Actions(next_buttons(facts, policy))]
    return Message(summary, parts, tone=TONES.get(release.state, "plain"))


def headline_true_until(facts: Standing, policy: Policy, now: datetime) -> datetime:
    """Until when time alone leaves a headline as it is: a proof lapses, a watch ends, another check comes by itself.

    Within the hour, at most. It must know every instant that the words of a headline compare with the present.
    """
    lapses = [attempt.lapses_at for attempt in facts.deployments]
    lapses += [answer.expires_at for answer in facts.approvals]
    lapses += [end for absence in facts.absences for end in (absence.starts_at, absence.ends_at)]
    ends = [watched_until(facts, policy), facts.watch_begun_again_until, validates_again_at(facts, policy), *lapses]
    return min([end for end in ends if end is not None and end > now] + [now + LONGEST_TRUE])


def next_buttons(facts: Standing, policy: Policy) -> list[Button]:
    """What can be asked or done next, wherever the release is shown."""
    key, state = facts.release.key, facts.release.state
    buttons = [do("May we go?", "release_why", release=key), do("Checklist", "release_checklist", release=key)]
    if facts.tasks:
        buttons.append(do("Run-sheet", "release_tasks", release=key))
    if facts.package:
        buttons.append(do("Package", "release_package", release=key))
    if state in BEFORE_DEPLOYMENT:
        if not facts.live_orgs:
            buttons.append(do("Attach package", "release_attach", release=key))
        if facts.package:
            buttons.append(do("Validate", "release_validate", release=key))
        buttons.append(do("Set window", "release_window", release=key))
    if facts.release.path and state != "deploying":
        buttons += [_roll_back(f"Roll back {org_title(policy, org)}", key, org=org) for org in facts.live_orgs]
    elif facts.live and state in ("soaking", "closed"):
        buttons.append(_roll_back("Roll back", key))
    if state == "rolled_back" and is_watched(facts.release) and facts.live_orgs:
        buttons.append(do("End the watch", "release_close", release=key))
    last = [do("Timeline", "release_timeline", release=key), do("More…", "release_menu", release=key)]
    return [*buttons, *undo_buttons(facts, policy), *last]


def _roll_back(label: str, key: str, **where: str) -> Button:
    return Button(label, "release_rollback", {"release": key, **where}, weight="danger")


def package_card(facts: Standing, policy: Policy) -> Message:
    """What is in the package, what it would do in the target, how each part would come back."""
    package, key = facts.package, facts.release.key
    if package is None:
        sentence = f"{key} has no package yet."
        return Message(sentence, [Paragraph(sentence), Actions([do("Attach package", "release_attach", release=key)])])
    title = org_title(policy, facts.release.target_org)
    changes = changes_words(package)
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
    lost = list(losses(rows_of(package, "impossible", "manual", "lossy")))
    if lost:
        parts.append(Listing(lost))
    if changed := change_lines(package):
        parts.append(Listing(changed))
    if origin := origin_words(package, policy):
        parts.append(Note(origin))
    if package.warnings:
        parts.append(Listing([clean(f"Warning: {warning}") for warning in package.warnings]))
    return Message(summary, [*parts, *_package_clicks(facts)])


def _package_clicks(facts: Standing) -> list[Part]:
    package, key = facts.package, facts.release.key
    buttons = [do("Differences", "release_diff", release=key)] if package and package.diff_digest else []
    if facts.release.state in BEFORE_DEPLOYMENT:
        buttons.append(do("Compare again", "release_compare", release=key))
    return [Actions(buttons)] if buttons else []


def _verdict_of(row: Sequence[str] | None) -> str:
    return VERDICTS[row[2]] if row else ""
