"""Everything people can ask for: one table for parsing, help, permission and the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from handlers import (
    absences,
    acceptances,
    approvals,
    broadcasts,
    checklists,
    deployments,
    differences,
    home,
    incidents,
    menus,
    notifications,
    packages,
    questions,
    quotes,
    releases,
    results,
    risks,
    roll_calls,
    rollbacks,
    starting,
    tasks,
    test_choices,
    wholes,
    windows,
)
from handlers.conversation import Answer, Request
from handlers.help import what_you_may
from handlers.rights import accepts_risks, any_of, anybody, does_tasks, fills_a_seat, is_asked, is_called, settles_items
from handlers.verb import Verb
from release_core.ports import Ports


def release_menu(ports: Ports, request: Request) -> Answer:
    """`/release`."""
    return menus.release_menu(ports, request, VERBS)


def incident_menu(ports: Ports, request: Request) -> Answer:
    """`/incident`."""
    return menus.incident_menu(ports, request, VERBS)


def release_help(ports: Ports, request: Request) -> Answer:
    """`/release help`."""
    return what_you_may(ports, request.actor.id, "release", VERBS.values())


def incident_help(ports: Ports, request: Request) -> Answer:
    """`/incident help`."""
    return what_you_may(ports, request.actor.id, "incident", VERBS.values())


def release_whole(ports: Ports, request: Request) -> Answer:
    """The button under a message of which the chat shows a part only."""
    return wholes.whole(ports, request, VERBS)


_TABLE = (
    Verb("release_menu", release_menu, "", "what is open, what can be done"),
    Verb("release_new", releases.new, "", "plan a release", "plan", ("create", "plan")),
    Verb("release_list", releases.list_releases, "", "open releases", aliases=("ls",)),
    Verb("release_status", releases.status, "[REL-1]", "where a release stands", aliases=("show",)),
    Verb(
        "release_why", releases.why, "[REL-1]", "may we go? if not, every reason", aliases=("ready", "gates", "check")
    ),
    Verb("release_risk", risks.risk, "[REL-1]", "how risky it is, what it touches", aliases=("impact", "score")),
    Verb(
        "release_attach",
        packages.attach,
        "[REL-1] [from git REF]",
        "attach a package (a zip, or a commit)",
        "attach",
        ("upload",),
    ),
    Verb("release_retrieve", packages.retrieve, "[REL-1] [from ORG]", "take a package out of a sandbox", "attach"),
    Verb("release_pick", packages.pick, "", "pick what to take out of a sandbox", "attach", typed=False),
    Verb(
        "release_package",
        releases.package,
        "[REL-1]",
        "what the package holds and how it would come back",
        aliases=("components",),
    ),
    Verb("release_diff", differences.diff, "[REL-1] [COMPONENT]", "what would change in the target, line by line"),
    Verb("release_compare", differences.compare, "[REL-1]", "compare the package with its target again", "validate"),
    Verb("release_checklist", checklists.show, "[REL-1]", "the checklist", aliases=("items", "list items")),
    Verb("release_item", checklists.item, "[REL-1] ITEM", "one item, with everything that can be done about it"),
    Verb(
        "release_tick",
        checklists.tick,
        "[REL-1] ITEM [-- evidence]",
        "an item is done",
        aliases=("done",),
        may=settles_items,
    ),
    Verb(
        "release_start",
        checklists.start,
        "[REL-1] ITEM",
        "somebody works on an item",
        may=settles_items,
    ),
    Verb(
        "release_block",
        checklists.block,
        "[REL-1] ITEM -- reason",
        "an item cannot be done",
        may=settles_items,
    ),
    Verb(
        "release_reopen",
        checklists.reopen,
        "[REL-1] ITEM [-- reason]",
        "an item has to be settled again",
        may=settles_items,
    ),
    Verb(
        "release_waive",
        checklists.waive,
        "[REL-1] ITEM|FREEZE [until TIME] -- reason",
        "go without an item, or through a freeze",
        may=any_of("settle_any_item", "waive_freeze"),
    ),
    Verb(
        "release_snooze",
        checklists.snooze,
        "[REL-1] ITEM until TIME|for 2h",
        "no reminder of an item for a while",
        may=settles_items,
    ),
    Verb(
        "release_assign",
        checklists.assign,
        "[REL-1] ITEM @person",
        "give an item to somebody",
        may=settles_items,
    ),
    Verb(
        "release_tasks",
        tasks.show,
        "[REL-1]",
        "manual steps, their order, who holds the next one",
        aliases=("run sheet", "runsheet", "steps"),
    ),
    Verb(
        "release_task",
        tasks.add,
        "[REL-1] [before|after] [in ORG] [for 20m] [@person] [-- title]",
        "add a manual step",
        "plan",
        ("task add",),
    ),
    Verb("release_task_show", tasks.one, "[REL-1] TASK", "one step, with everything that can be done about it"),
    Verb("release_task_start", tasks.start, "[REL-1] TASK", "begin the step whose turn it is", may=does_tasks),
    Verb(
        "release_task_done",
        tasks.done,
        "[REL-1] TASK [-- note]",
        "the step is done; the next one's owner is told",
        may=does_tasks,
    ),
    Verb("release_task_waive", tasks.waive, "[REL-1] TASK -- reason", "go on without a step", "settle_any_item"),
    Verb(
        "release_task_reopen", tasks.reopen, "[REL-1] TASK [-- reason]", "a step has to be done again", may=does_tasks
    ),
    Verb("release_task_assign", tasks.assign, "[REL-1] TASK @person", "give a step to somebody", may=does_tasks),
    Verb("release_task_move", tasks.move, "[REL-1] TASK PLACE", "another place in the order", "plan"),
    Verb(
        "release_task_delete",
        tasks.delete,
        "[REL-1] TASK [-- reason]",
        "take a step off the run-sheet",
        "plan",
        ("task remove",),
    ),
    Verb(
        "release_validate", deployments.validate, "[REL-1] [in ORG]", "check-only run with tests", "validate", ("test",)
    ),
    Verb("release_tests", test_choices.tests, "[REL-1] [LEVEL] [CLASSES…]", "which Apex tests run", "plan"),
    Verb("release_results", results.results, "[REL-1]", "what came of the last attempt, in full", aliases=("result",)),
    Verb(
        "release_ask",
        approvals.ask,
        "[REL-1] [-- what was mended]",
        "ask the seats to approve",
        "plan",
        ("approvals", "request approval", "submit"),
    ),
    Verb(
        "release_approve",
        approvals.approve,
        "[REL-1] [as SEAT] [-- comment]",
        "say yes for a seat",
        aliases=("yes",),
        may=fills_a_seat,
    ),
    Verb(
        "release_decline",
        approvals.decline,
        "[REL-1] [as SEAT] -- reason",
        "say no for a seat",
        aliases=("reject", "no", "nogo"),
        may=fills_a_seat,
    ),
    Verb(
        "release_answer",
        questions.answer,
        "[REL-1] [as SEAT]",
        "what waits for your yes or no, with its buttons",
        may=is_asked,
    ),
    Verb(
        "release_withdraw",
        approvals.take_back,
        "[REL-1] [-- why]",
        "take your own yes or no back",
        aliases=("take back",),
        may=fills_a_seat,
    ),
    Verb(
        "release_rollcall",
        roll_calls.call,
        "[REL-1] until TIME [-- what to weigh]",
        "ask the seats for go or no-go",
        "plan",
        ("roll call", "poll"),
    ),
    Verb(
        "release_vote",
        roll_calls.vote,
        "go|no-go|abstain [REL-1] [as SEAT] [-- reason]",
        "your answer in a roll call",
        may=is_called,
    ),
    Verb(
        "release_away",
        absences.away,
        "[from TIME] until TIME [for @person] [-- why]",
        "you are away; somebody answers for you",
        may=anybody,
    ),
    Verb("release_back", absences.back, "", "you are there again", may=anybody),
    Verb(
        "release_accept",
        acceptances.accept,
        "[REL-1] -- reason",
        "take in writing what cannot come back",
        may=accepts_risks,
    ),
    Verb(
        "release_window",
        windows.window,
        "[REL-1] at TIME [until TIME|for 2h]",
        "when it may start",
        "set_window",
        ("schedule",),
        loose_time="always",
    ),
    Verb(
        "release_strategy",
        releases.strategy,
        "[REL-1] quick|full -- reason",
        "how it gets there: tests before the window, or inside it",
        "plan",
    ),
    Verb(
        "release_freeze",
        windows.freeze,
        "in ORG at TIME until TIME -- reason",
        "when nothing may start",
        "set_freeze",
        loose_time="perhaps",
    ),
    Verb("release_unfreeze", windows.unfreeze, "FRZ-1 [-- reason]", "lift one freeze", "set_freeze"),
    Verb("release_calendar", windows.calendar, "", "windows and freezes ahead", aliases=("windows", "freezes")),
    Verb(
        "release_deploy",
        deployments.deploy,
        "[REL-1]",
        "weigh everything, then press the button",
        "deploy",
        ("ship", "go"),
    ),
    Verb("release_go", deployments.go, "", "start the deployment", "deploy", typed=False),
    Verb("release_book", starting.book, "[REL-1]", "start by itself when its window is open", "deploy", ("autostart",)),
    Verb("release_skip", starting.skip, "[REL-1]", "do not start by itself in this window", "deploy"),
    Verb(
        "release_hold",
        starting.hold,
        "[REL-1] -- reason",
        "keep it from starting",
        aliases=("pause",),
        may=any_of("plan", "deploy"),
    ),
    Verb(
        "release_resume",
        starting.resume,
        "[REL-1] [-- note]",
        "let it go again",
        aliases=("continue", "unhold"),
        may=any_of("plan", "deploy"),
    ),
    Verb("release_clarify", deployments.clarify, "[REL-1]", "what became of a deployment nobody knows about", "deploy"),
    Verb(
        "release_stop",
        deployments.stop,
        "[REL-1]",
        "stop what is under way",
        aliases=("abort",),
        may=any_of("deploy", "validate"),
    ),
    Verb(
        "release_rollback",
        rollbacks.rollback,
        "[REL-1] [in ORG] -- reason",
        "ask to go back",
        "roll_back",
        ("undo", "revert"),
    ),
    Verb("release_confirm_rollback", rollbacks.confirm_rollback, "", "agree to go back", "roll_back", typed=False),
    Verb("release_decline_rollback", rollbacks.decline_rollback, "", "refuse to go back", "roll_back", typed=False),
    Verb("release_parts", rollbacks.choose, "", "choose what is left as it is", "roll_back", typed=False),
    Verb("release_prove", rollbacks.prove, "", "try the way back check-only first", "roll_back", typed=False),
    Verb("release_lock", deployments.lock, "in ORG -- reason", "close an org to releases", "lock_org"),
    Verb("release_unlock", deployments.unlock, "in ORG -- reason", "open an org again", "lock_org"),
    Verb(
        "release_update",
        broadcasts.update,
        "[REL-1] [at TIME] [-- text]",
        "tell stakeholders",
        "broadcast",
        ("broadcast", "announce"),
        loose_time="perhaps",
    ),
    Verb("release_note", releases.note, "[REL-1] -- text", "words for the timeline", "note"),
    Verb("release_remember", quotes.remember, "", "keep a message in a timeline", "note", typed=False),
    Verb("release_timeline", releases.timeline, "[REL-1]", "everything that happened", aliases=("history", "log")),
    Verb(
        "release_audit",
        releases.audit,
        "export [REL-1]",
        "the whole history as a file",
        aliases=("audit export", "export"),
    ),
    Verb("release_close", releases.close, "[REL-1]", "end the watch", "plan", ("finish",)),
    Verb("release_cancel", releases.cancel, "[REL-1] -- reason", "give a release up", "plan"),
    Verb("release_whole", release_whole, "", "all of a message that was too long", typed=False),
    Verb("release_todo", home.todo, "", "what you owe", aliases=("mine",)),
    Verb("release_home", home.turn, "", "your own page, made anew", may=anybody),
    Verb(
        "release_notify",
        notifications.notify,
        "[TOPIC on|off]",
        "which direct messages you get",
        aliases=("settings",),
        may=anybody,
    ),
    Verb("release_help", release_help, "", "what you may do"),
    Verb("incident_menu", incident_menu, "", "what is broken"),
    Verb(
        "incident_open",
        incidents.open_one,
        "[in ORG] [-- what is broken]",
        "something broke",
        "handle_incident",
        ("new", "report"),
    ),
    Verb("incident_status", incidents.status, "[INC-1]", "where it stands", aliases=("show",)),
    Verb(
        "incident_update",
        incidents.update,
        "[INC-1] [at TIME|for 30m] -- what is known",
        "say what is known, and when you say more",
        "handle_incident",
        loose_time="perhaps",
    ),
    Verb(
        "incident_rollback",
        incidents.rollback,
        "[INC-1] -- reason",
        "take the suspect release back",
        "roll_back",
        ("undo",),
    ),
    Verb(
        "incident_resolve",
        incidents.resolve,
        "[INC-1] -- what was done",
        "it works again",
        "handle_incident",
        ("close",),
    ),
    Verb("incident_note", incidents.note, "[INC-1] -- text", "words for the timeline", "handle_incident"),
    Verb("incident_timeline", incidents.timeline, "[INC-1]", "everything that happened", aliases=("history",)),
    Verb("incident_help", incident_help, "", "what you may do"),
)
ONLY_LOOK = frozenset(
    (
        *("release_list", "release_status", "release_why", "release_package", "release_diff", "release_checklist"),
        *("release_item", "release_tasks", "release_task_show", "release_results", "release_calendar"),
        *("release_timeline", "release_todo", "release_help"),
        *("release_risk", "incident_status", "incident_timeline", "incident_help"),
    )
)
"""What changes nothing whatever it is asked with."""
VERBS: Mapping[str, Verb] = {verb.name: replace(verb, only_looks=verb.name in ONLY_LOOK) for verb in _TABLE}

QUESTIONS = frozenset(
    (
        "release_menu",
        "release_status",
        "release_why",
        "release_help",
        "incident_menu",
        "incident_status",
        "incident_help",
    )
)
"""What is asked most: it reads a few rows, changes nothing, so it makes nothing due."""

READS_LONG = frozenset(("release_pick", "release_rollback", "release_parts", "incident_rollback"))
"""What asks back with a choice among the parts of a package, which may be thousands."""
