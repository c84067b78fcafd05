"""What people say about the tests of a release."""

from __future__ import annotations

import re

from handlers.conversation import (
    Actions,
    Answer,
    ChoiceField,
    Form,
    Message,
    Paragraph,
    Part,
    Request,
    TextField,
)
from handlers.phrases import count, do, org_title, release_argument
from handlers.release_words import tests_words
from handlers.releases import facts_of
from handlers.test_levels import BY_POLICY, level_argument, level_options
from release_core import test_choices
from release_core.facts import ReleaseFacts
from release_core.permissions import require
from release_core.policy import Policy
from release_core.ports import Ports
from release_core.readiness import gates
from release_core.test_plans import ChosenTests, not_in


def tests(ports: Ports, request: Request) -> Answer:
    """`/release tests`: a form, or what was said: which tests run."""
    require(ports.policy, request.actor.id, "plan")
    key = release_argument(ports, request)
    before = facts_of(ports, key)
    words = [name for said in request.args.get("words", []) for name in _names(str(said))]
    said = str(request.args.get("level") or "") or (words.pop(0) if words else "")
    if not said:
        return _form(ports.policy, before)
    classes = [*words, *_names(str(request.args.get("classes") or "")), *_names(str(request.args.get("note") or ""))]
    chosen = test_choices.choose_tests(ports, request.actor.id, key, level_argument(said), classes)
    return _told(ports, before, facts_of(ports, key), chosen)


def _names(said: str) -> list[str]:
    return [word for word in re.split(r"[,;\s]+", said) if word]


def _form(policy: Policy, facts: ReleaseFacts) -> Form:
    release, org = facts.release, facts.release.target_org
    options = level_options(policy.levels_of(org), policy.tests_of(org).level)
    chosen = release.test_level if release.test_level in policy.levels_of(org) else BY_POLICY
    hint = "For RunSpecifiedTests alone, separated by commas. Left empty: the test classes of the package."
    own = ", ".join(str(name) for name in release.run_tests or (facts.package.tests if facts.package else ()))
    fields = (
        ChoiceField("level", f"Tests in {org_title(policy, org)}"[:48], options, [chosen]),
        TextField("classes", "Test classes", ", ".join(release.run_tests), hint, optional=True, placeholder=own[:100]),
    )
    intro = [Paragraph(f"Now: {tests_words(facts)}. Whoever has approved is asked again when this changes.")]
    return Form(f"Tests of {release.key}", "release_tests", fields, "Choose", {"release": release.key}, intro)


def _told(ports: Ports, before: ReleaseFacts, after: ReleaseFacts, chosen: ChosenTests) -> Message:
    key, title = after.release.key, org_title(ports.policy, after.release.target_org)
    if before.digest == after.digest:
        return Message(f"{key} runs {chosen} in {title} already; nothing was changed.")
    sentences = [f"{key} runs {chosen} in {title} from now on."]
    unknown = not_in(after.package, chosen.classes)
    if unknown:
        sentences.append(
            f"Not in the package: {', '.join(unknown)}; the validation will tell whether {title} has them."
        )
    withdrawn = sum(a.state == "standing" for a in before.approvals) - sum(
        a.state == "standing" for a in after.approvals
    )
    buttons = []
    if withdrawn:
        sentences.append(f"{count(withdrawn, 'answer')} of approvers withdrawn: ask again.")
        buttons.append(do("Ask again", "release_ask", release=key))
    closed = {gate.code for gate in gates(after, ports.policy, ports.clock.now())}
    if "validated_otherwise" in closed:
        sentences.append("The validation ran other tests, so it does not count any more: validate again.")
        buttons.insert(0, do("Validate again", "release_validate", release=key))
    parts: list[Part] = [Paragraph(" ".join(sentences)), *([Actions(buttons)] if buttons else [])]
    return Message(" ".join(sentences), parts, "wait" if buttons else "good")
