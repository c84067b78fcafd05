"""What the commands alone answer with: what is open, a way to everything that the asker may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from handlers.conversation import Actions, Button, Listing, Message, Note, Paragraph, Part, Request, bold, code
from handlers.grammar import typed_name
from handlers.phrases import count, do, incident_line, release_line
from handlers.verb import Verb
from release_core.lookups import find_release, open_incidents, open_releases
from release_core.ports import Ports

SHOWN = 8
"""How many releases or incidents a menu shows: a message holds 10 KB."""

GROUPS: Mapping[str, tuple[str, Sequence[str]]] = {
    "look": (
        "Look",
        (
            *("release_status", "release_why", "release_risk", "release_package", "release_diff", "release_checklist"),
            *("release_tasks", "release_results", "release_timeline", "release_audit"),
        ),
    ),
    "plan": (
        "Plan",
        (
            *("release_new", "release_window", "release_tests", "release_strategy", "release_task"),
            *("release_ask", "release_rollcall", "release_cancel"),
        ),
    ),
    "package": ("Package", ("release_attach", "release_retrieve", "release_compare", "release_validate")),
    "items": (
        "Items",
        (
            *("release_tick", "release_start", "release_block", "release_reopen", "release_waive"),
            *("release_assign", "release_snooze", "release_item"),
        ),
    ),
    "tasks": (
        "Tasks",
        (
            *("release_task_show", "release_task_start", "release_task_done", "release_task_waive"),
            *("release_task_reopen", "release_task_assign", "release_task_move", "release_task_delete"),
        ),
    ),
    "decide": ("Decide", ("release_answer", "release_withdraw", "release_accept", "release_vote")),
    "go": (
        "Go, go back",
        (
            *("release_deploy", "release_book", "release_skip", "release_hold", "release_resume"),
            *("release_stop", "release_clarify", "release_close", "release_rollback"),
        ),
    ),
    "orgs": ("Orgs", ("release_freeze", "release_unfreeze", "release_lock", "release_unlock")),
    "tell": ("Tell", ("release_update", "release_note")),
}
"""The verbs of `/release` by what people are about: how a group is called, what is in it."""

BESIDE = (
    "release_list",
    "release_calendar",
    "release_todo",
    "release_home",
    "release_notify",
    "release_away",
    "release_back",
    "release_help",
)
"""What is about no one release: it stands in the first row."""
LABELS = {
    "release_why": "May we go?",
    "release_diff": "Differences",
    "release_todo": "What I owe",
    "release_home": "My page",
    "release_notify": "My messages",
    "release_book": "Start by itself",
    "release_skip": "Skip this one",
    "release_withdraw": "Take back",
    "release_rollcall": "Roll call…",
    "release_vote": "Go or no-go…",
    "release_away": "I am away…",
    "release_back": "I am back",
    "incident_open": "Open…",
}
"""What a button is called where the typed word alone would say too little."""
INCIDENT = (
    *("incident_open", "incident_status", "incident_update", "incident_resolve", "incident_rollback"),
    *("incident_note", "incident_timeline", "incident_help"),
)
THROUGH_A_CARD = {"release_approve": "release_answer", "release_decline": "release_answer"}
"""Nobody says yes to what they have not seen: these stand under the question that another verb shows."""


def release_menu(ports: Ports, request: Request, verbs: Mapping[str, Verb]) -> Message:
    """`/release` alone: the open releases, then everything the asker may do, by group."""
    key = str(request.args.get("release") or "")
    group = str(request.args.get("group") or "")
    if key:
        with ports.store.reading() as session:
            find_release(session, key)
    return _group(ports, request, verbs, group, key) if group in GROUPS else _releases(ports, request, verbs, key)


def _releases(ports: Ports, request: Request, verbs: Mapping[str, Verb], key: str) -> Message:
    with ports.store.reading() as session:
        open_now = [find_release(session, key)] if key else open_releases(session)
    lines: list[Part] = [
        Paragraph(release_line(one, ports.policy), do("Open", "release_status", release=one.key))
        for one in open_now[:SHOWN]
    ]
    sentence = f"{len(open_now)} open." if open_now else "No release is open."
    about, allowed = {"release": key} if key else {}, _allowed(ports, request.actor.id, verbs)
    groups = [
        do(f"{title}…", "release_menu", group=name, **about)
        for name, (title, names) in GROUPS.items()
        if allowed.intersection(names)
    ]
    parts: list[Part] = [Paragraph(bold(key or "Releases")), *(lines or [Listing([sentence])])]
    if len(open_now) > SHOWN:
        parts.append(Note(f"{len(open_now) - SHOWN} more: {code('/release list')}"))
    parts.append(Actions(groups))
    parts += [] if key else [Actions(_beside(ports, request, verbs))]
    return Message(f"{key}: what you may do" if key else f"Releases: {sentence}", parts)


def _allowed(ports: Ports, person_id: str, verbs: Mapping[str, Verb]) -> set[str]:
    """The verbs that somebody may use; what several of them ask the database is asked once."""
    answers = {question: question(ports, person_id) for question in {verb.may for verb in verbs.values()} if question}
    return {name for name, verb in verbs.items() if (answers[verb.may] if verb.may else verb.is_for(ports, person_id))}


def _beside(ports: Ports, request: Request, verbs: Mapping[str, Verb]) -> list[Button]:
    first = [do("New release…", "release_new")] if verbs["release_new"].is_for(ports, request.actor.id) else []
    return [*first, *(_button(verbs[name], {}) for name in BESIDE)]


def _group(ports: Ports, request: Request, verbs: Mapping[str, Verb], group: str, key: str) -> Message:
    """One line for each verb of a group that the asker may use, with its button."""
    title, names = GROUPS[group]
    mine = _allowed(ports, request.actor.id, verbs)
    allowed = [verbs[name] for name in names if name in mine]
    head = f"{title}: {key}" if key else title
    lines = [Paragraph(_sentence(verb.summary), _button(verb, _about(verb, key))) for verb in allowed]
    back = do("Everything…", "release_menu", **({"release": key} if key else {}))
    return Message(f"{head}, {count(len(lines), 'thing')} you may do", [Paragraph(bold(head)), *lines, Actions([back])])


def _about(verb: Verb, key: str) -> dict[str, str]:
    return {"release": key} if key and "[REL-1]" in verb.usage else {}


def _button(verb: Verb, about: Mapping[str, str]) -> Button:
    return do(LABELS.get(verb.name) or typed_name(verb).capitalize(), verb.name, **about)


def incident_menu(ports: Ports, request: Request, verbs: Mapping[str, Verb]) -> Message:
    """`/incident` alone: what is broken, what the asker may do about it."""
    with ports.store.reading() as session:
        open_now = open_incidents(session)
    lines: list[Part] = [
        Paragraph(incident_line(one, ports.policy), do("Status", "incident_status", incident=one.key))
        for one in open_now[:SHOWN]
    ]
    sentence = f"{len(open_now)} open." if open_now else "No incident is open."
    said = request.args.get("incident")
    about = {"incident": str(said)} if said else {}
    allowed = [verbs[name] for name in INCIDENT if verbs[name].is_for(ports, request.actor.id)]
    buttons = [_button(verb, about if "[INC-1]" in verb.usage else {}) for verb in allowed]
    more: list[Part] = [Note(f"{len(open_now) - SHOWN} more are open.")] if len(open_now) > SHOWN else []
    parts: list[Part] = [Paragraph(bold("Incidents")), *(lines or [Listing([sentence])]), *more, Actions(buttons)]
    return Message(f"Incidents: {sentence}", parts)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
