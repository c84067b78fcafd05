"""What people say about a release as a whole: plan, look, attach, give up, remember."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_args

from handlers.conversation import (
    Actions,
    Answer,
    Attachment,
    ChoiceField,
    Field,
    Form,
    InstantField,
    Listing,
    Message,
    Note,
    Option,
    Paragraph,
    Part,
    PeopleField,
    Request,
    TextField,
    at,
    bold,
)
from handlers.narration import narrate
from handlers.phrases import (
    count,
    do,
    interval_argument,
    note_argument,
    org_argument,
    plainly,
    release_argument,
    release_line,
    shortened,
)
from handlers.readiness_cards import why_card
from handlers.release_cards import headline_card, headline_true_until, package_card
from handlers.release_words import window_words
from handlers.test_levels import level_argument, level_options
from release_core import audits, releases, strategies
from release_core.errors import Unclear
from release_core.facts import ReleaseFacts, gather, stand
from release_core.lookups import find_release, open_releases
from release_core.permissions import require
from release_core.policy import Level
from release_core.ports import Ports
from release_core.releases import Plan
from release_core.timeline import first_broken, read_stream
from release_core.windows import Interval

LIST_PAGE = 40
"""How many releases one page of the list shows: each is looked at."""
TIMELINE_PAGE = 30  # entries; more would not fit into one message
KINDS = (
    Option("standard", "standard", "every seat, the whole checklist"),
    Option("hotfix", "hotfix", "fewer seats, a short checklist"),
    Option("emergency", "emergency", "straight to production, reviewed afterwards"),
)
STRATEGIES = (
    Option("validate_then_quick", "validate, then quick deploy", "tests run before the window"),
    Option("full", "full deploy", "tests run inside the window"),
    Option("staged", "staged", "several orgs in a fixed order, a soak between, the same package"),
)


def facts_of(ports: Ports, key: str) -> ReleaseFacts:
    """Everything about a release, read now."""
    with ports.store.reading() as session:
        return gather(session, ports.policy, find_release(session, key))


def new(ports: Ports, request: Request) -> Answer:
    """`/release new`: a form; submitted, a release."""
    require(ports.policy, request.actor.id, "plan")
    if "name" not in request.args:
        return _new_form(ports, request)
    plan = _plan_from(ports, request)
    key = releases.plan_release(ports, request.actor.id, plan)
    sentence = f"{key} “{plan.name.strip()}” is planned. Next: attach its package."
    parts: list[Part] = [Paragraph(sentence), Actions([do("Attach package", "release_attach", release=key)])]
    return Message(sentence, parts, tone="good")


def _new_form(ports: Ports, request: Request) -> Form:
    orgs = [Option(key, rule.title, rule.kind) for key, rule in ports.policy.orgs.items()]
    first = [key for key, rule in ports.policy.orgs.items() if rule.kind == "production"][:1]
    chosen = [org_argument(ports, request)] if request.args.get("org") else first
    name = " ".join(request.args.get("words", [])) or note_argument(request)
    start = request.args.get("at")
    end = request.args.get("until") or (start + request.args["for"] if start and "for" in request.args else None)
    return Form(
        "New release",
        "release_new",
        (
            TextField("name", "Name", name, placeholder="Discount approvals"),
            ChoiceField("org", "Target org", orgs, chosen),
            ChoiceField("kind", "Kind", KINDS, ["standard"]),
            PeopleField("owner", "Owner", [request.actor.id]),
            InstantField("at", "Window opens", start, optional=True, hint="May be set later."),
            InstantField("until", "Window closes", end, optional=True),
            ChoiceField("strategy", "Strategy", STRATEGIES, ["validate_then_quick"]),
            *_path_fields(ports),
            ChoiceField("level", "Tests", level_options(get_args(Level)), ["policy"]),
            TextField(
                "contingency",
                "If it goes wrong",
                optional=True,
                long=True,
                hint="Who is called, the point of no return.",
            ),
        ),
        "Create",
    )


def _path_fields(ports: Ports) -> list[Field]:
    """What a staged release is asked besides: a path of the policy, or orgs of one's own choice."""
    orgs = [Option(key, rule.title, rule.kind) for key, rule in ports.policy.orgs.items()]
    if len(orgs) < 2:
        return []
    named = [
        Option(name, shortened(" → ".join(ports.policy.title_of(org) for org in path), 60), name)
        for name, path in ports.policy.paths.items()
    ]
    only = "Only for a staged release, which begins in the first org of its path."
    chosen = [ChoiceField("path", "Path", named, [named[0].value], hint=only, optional=True)] if named else []
    own = "Only for a staged release: instead of a path, two orgs or more. They go in the order of the policy."
    return [*chosen, ChoiceField("orgs", "Or through these orgs", orgs, many=True, hint=own, optional=True)]


def _plan_from(ports: Ports, request: Request) -> Plan:
    args = request.args
    owner = args.get("owner") or request.actor.id
    return Plan(
        name=str(args["name"]),
        org=str(args.get("org") or ""),
        kind=_choice(args, "kind", KINDS, "standard"),
        owner_id=owner[0] if isinstance(owner, list) else str(owner),
        strategy=_choice(args, "strategy", STRATEGIES, "validate_then_quick"),
        window=_window_from(request),
        contingency=str(args.get("contingency") or ""),
        path=str(args.get("path") or ""),
        orgs=tuple(str(org) for org in args.get("orgs") or ()),
        test_level=level_argument(str(args.get("level") or "policy")),
    )


def _choice(args: Any, name: str, options: Sequence[Option], default: str, *, known: str = "") -> Any:
    value = str(args.get(name) or default)
    if value not in [option.value for option in options]:
        known = known or ", ".join(option.value for option in options)
        raise Unclear(f"“{value}” is not a {name}. Known: {known}.", field=name)
    return value


def _window_from(request: Request) -> Interval | None:
    if request.args.get("until") and not request.args.get("at"):
        raise Unclear("Say when the window opens, or leave both times empty.", field="at")
    return interval_argument(request)


def list_releases(ports: Ports, request: Request) -> Answer:
    """`/release list`: what is open."""
    with ports.store.reading() as session:
        every = open_releases(session)
        start = _page_start(request, len(every))
        shown = [stand(session, ports.policy, release) for release in every[start : start + LIST_PAGE]]
    if not every:
        return plainly("No release is open. Plan one with /release new.")
    lines = [f"{release_line(f.release, ports.policy)} · window {window_words(f)}" for f in shown]
    parts: list[Part] = [Listing(lines)]
    if rest := max(0, len(every) - start - LIST_PAGE):
        parts.append(Actions([do(f"Older ({rest})", "release_list", after=str(start + LIST_PAGE))]))
    return Message(f"{count(len(every), 'open release')}.", parts)


def _page_start(request: Request, releases: int) -> int:
    said = str(request.args.get("after", ""))
    return min(int(said), max(0, releases - 1)) if said.isdecimal() and len(said) < 9 else 0


def status(ports: Ports, request: Request) -> Answer:
    """`/release status`: the headline, privately."""
    key = release_argument(ports, request)
    with ports.store.reading() as session:
        standing = stand(session, ports.policy, find_release(session, key))
    now = ports.clock.now()
    return replace(
        headline_card(standing, ports.policy, now), true_until=headline_true_until(standing, ports.policy, now)
    )


def why(ports: Ports, request: Request) -> Answer:
    """`/release why`: may we go, and if not, every reason."""
    facts = facts_of(ports, release_argument(ports, request))
    return why_card(facts, ports.policy, ports.clock.now())


def package(ports: Ports, request: Request) -> Answer:
    """`/release package`: what is in it."""
    return package_card(facts_of(ports, release_argument(ports, request)), ports.policy)


def cancel(ports: Ports, request: Request) -> Answer:
    """`/release cancel`: give a release up."""
    require(ports.policy, request.actor.id, "plan")
    key, reason = release_argument(ports, request), note_argument(request)
    if not reason:
        facts_of(ports, key)
        return Form(
            f"Cancel {key}", "release_cancel", (TextField("note", "Why", long=True),), "Cancel it", {"release": key}
        )
    releases.cancel_release(ports, request.actor.id, key, reason)
    live = " and ".join(ports.policy.title_of(org) for org in facts_of(ports, key).live_orgs)
    kept = f"What is live in {live} stays, nothing goes further" if live else "Nothing of it reaches the org"
    return plainly(f"{key} is cancelled. {kept}; whoever waited for a status is told.")


def close(ports: Ports, request: Request) -> Answer:
    """`/release close`: end the soak, or the watch over what a rollback in another org has left."""
    key = release_argument(ports, request)
    if releases.close_release(ports, request.actor.id, key):
        return plainly(f"{key} is closed.", "good")
    here = " and ".join(ports.policy.title_of(org) for org in facts_of(ports, key).live_orgs)
    return plainly(f"{key} is not watched any more. It stays in {here}; its way back there is not proven anew.", "good")


def strategy(ports: Ports, request: Request) -> Answer:
    """`/release strategy`: tests before the window and a quick deploy, or a full deploy with its tests inside it."""
    require(ports.policy, request.actor.id, "plan")
    key = release_argument(ports, request)
    said, *rest = [str(word) for word in request.args.get("words", [])] or [""]
    chosen = {"quick": "validate_then_quick"}.get(said, said) or str(request.args.get("strategy") or "")
    reason = str(request.args.get("note") or " ".join(rest))
    if not chosen or not reason:
        planned = facts_of(ports, key).release.strategy
        ways = [option for option in STRATEGIES if option.value != "staged"]
        fields = (ChoiceField("strategy", "How", ways, [chosen or planned]), TextField("note", "Why", long=True))
        return Form(f"Strategy of {key}", "release_strategy", fields, "Choose", {"release": key})
    way = _choice({"strategy": chosen}, "strategy", STRATEGIES, "full", known="quick, full")
    strategies.choose_strategy(ports, request.actor.id, key, way, reason)
    return plainly(f"{key} goes by {strategies.WORDS[way]} from now on. Whoever approved the old way is asked again.")


def note(ports: Ports, request: Request) -> Answer:
    """`/release note`: words for the timeline."""
    key, text = release_argument(ports, request), note_argument(request)
    facts_of(ports, key)
    if not text:
        return Form(
            f"Note on {key}",
            "release_note",
            (TextField("note", "Note", long=True, rich=True),),
            "Add",
            {"release": key},
        )
    releases.add_note(ports, request.actor.id, key, text)
    return plainly(f"Noted in the timeline of {key}.")


def timeline(ports: Ports, request: Request) -> Answer:
    """`/release timeline`: everything that happened."""
    key = release_argument(ports, request)
    with ports.store.reading() as session:
        find_release(session, key)
        entries = read_stream(session, key)
        lines = [f"{at(entry.at)} {narrate(ports.policy, entry)}" for entry in entries]
        broken = first_broken(entries)
    whole = f"{count(len(entries), 'entry', 'entries')}, chain whole."
    if broken is not None:
        whole = f"The chain is broken at entry {broken}: it was changed behind Rollcall's back. Tell an administrator."
    end = _page_end(request, len(lines))
    start = max(0, end - TIMELINE_PAGE)
    parts: list[Part] = [Paragraph(f"{bold(key)} timeline"), Listing(lines[start:end]), Note(whole)]
    if start:
        parts.append(Actions([do(f"Earlier ({start})", "release_timeline", release=key, before=str(start))]))
    return Message(f"{key}: {whole}", parts, tone="plain" if broken is None else "stop")


def _page_end(request: Request, entries: int) -> int:
    said = str(request.args.get("before", ""))
    return min(int(said), entries) if said.isdecimal() else entries


def audit(ports: Ports, request: Request) -> Answer:
    """`/release audit export`: the whole history as a file."""
    key = release_argument(ports, request)
    packet = audits.export_audit(ports, request.actor.id, key)
    data = json.dumps(packet, indent=2, ensure_ascii=False, sort_keys=True).encode()
    sentence = f"The whole history of {key} is in the file; its chain of hashes can be checked by anybody."
    return Message(
        sentence, [Paragraph(sentence)], attachments=[Attachment(f"{key}-audit.json", data, f"Audit of {key}")]
    )
