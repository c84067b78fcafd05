"""A whole release, told by playing it: from plan to production, back again through an incident."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import typer

from bot.rehearsal.driver import Disappointed, Json, Person, Rehearsal, until, zip_file
from bot.rehearsal.packages import sample_package
from bot.rehearsal.run import Stage, bot_on, stage

NAMES = {
    "anna": "Anna (release manager)",
    "omar": "Omar (operations)",
    "priya": "Priya (developer)",
    "tomas": "Tomás (tester)",
    "mei": "Mei (administrator)",
    "lena": "Lena (business)",
    "grace": "Grace (stakeholder)",
}
QUICK = 0.3  # how long the orgs' jobs take, as a share of the usual


@dataclass
class Story:
    """The people, the orgs, what has become known so far."""

    rehearsal: Rehearsal
    production_url: str
    uat_url: str
    say: Callable[[str], None]
    key: str = ""
    head: Json = field(default_factory=dict)
    incident: Json = field(default_factory=dict)
    before: bytes = b""
    freeze: str = ""

    def __getattr__(self, handle: str) -> Person:
        if handle not in NAMES:
            raise AttributeError(handle)
        return self.rehearsal.person(handle)

    def play(self) -> None:
        """Every chapter in order; Disappointed at the first expectation that does not hold."""
        for number, chapter in enumerate(CHAPTERS, start=1):
            self.say(f"\n{number}. {(chapter.__doc__ or '').strip()}")
            chapter(self)

    def expect(self, holds: bool, what: str) -> None:
        """State an expectation."""
        if not holds:
            raise Disappointed(f"It did not hold that {what}.")
        self.say(f"   ✓ {what}")

    def waits(self, holds: Callable[[], bool], what: str) -> None:
        """Look until it holds, as long as people are patient."""
        until(holds, what, self.rehearsal.patience)

    def now(self) -> datetime:
        """The rehearsal's present instant."""
        return datetime.fromisoformat(self.rehearsal.now().replace("Z", "+00:00"))

    def pass_time(self, span: timedelta) -> None:
        """Let time pass."""
        self.rehearsal.move_clock(span.total_seconds())
        self.say(f"   … {int(span.total_seconds() // 60)} minutes pass …")

    def private(self, outcome: Mapping[str, Any]) -> str:
        """What only the actor was told by an outcome."""
        return " ".join(m["plain"] for m in outcome.get("messages", []) if m["ephemeral"])

    def asks(self, text: str) -> str:
        """What the release manager is told, without telling it here."""
        return self.private(self.rehearsal.act("command", **{"as": "anna", "channel": "#releases", "text": text}))

    def jobs(self) -> list[str]:
        """The deployments, without the mere checks, that production has ever taken."""
        state = httpx.get(f"{self.production_url}/rehearsal/state", timeout=60, trust_env=False).json()
        return [job["id"] for job in state["deployments"] if not job["checkOnly"]]

    def export(self) -> bytes:
        """Everything that production holds, byte for byte."""
        return httpx.get(f"{self.production_url}/rehearsal/export", timeout=60, trust_env=False).content


def plan(story: Story) -> None:
    """The release manager plans a release."""
    form = story.anna.types("/release new")
    story.anna.submits(form, {"Name": "Discount approvals", "Target org": "production", "Kind": "standard"})
    story.head = story.anna.sees("Discount approvals", showing="draft, no window yet")
    story.key = next(word.strip("*:") for word in story.head["plain"].split() if "REL-" in word)
    heads = [m for m in story.anna.everything_in("#releases") if story.key in m["plain"] and not m["ephemeral"]]
    story.expect(len(heads) == 1, f"{story.key} has exactly one headline post in #releases")
    refused = story.grace.types("/release new")
    story.expect("may not" in story.private(refused), "a stakeholder may not plan one and is told who may")


def attach(story: Story) -> None:
    """The developer attaches a package; Rollcall names what it holds and how each part would come back."""
    form = story.priya.types(f"/release attach {story.key}")
    story.priya.submits(form, {"Package": zip_file("discount-approvals.zip", sample_package("first"))})
    card = story.priya.in_thread("14 new", story.head)
    for words in ("SHA-256", "DiscountPolicy", "LegacyDiscount", "exactly", "with losses"):
        story.expect(words in card["plain"], f"the package's card says “{words}”")


def checklist(story: Story) -> None:
    """People settle the checklist: tick, block with a reason, waive with a reason."""
    story.anna.in_thread("Release notes written", story.head)
    story.priya.types(f'/release tick {story.key} "Release notes" -- https://example.com/notes/discounts')
    not_hers = story.grace.types(f"/release tick {story.key} 4")
    story.expect("not yours" in story.private(not_hers), "somebody else's item cannot be ticked")
    story.tomas.types(f"/release block {story.key} 4 -- waiting for the mended test")
    story.anna.in_thread("waiting for the mended test", story.head)
    story.lena.types(f"/release tick {story.key} 5")
    story.anna.types(f"/release waive {story.key} 6 -- no data is touched by this release")
    story.anna.in_thread("no data is touched", story.head)


def validate(story: Story) -> None:
    """A validation fails on one test; after a mended package it passes, in UAT and then in production."""
    story.priya.types(f"/release validate {story.key}")
    failed = story.priya.in_thread("loyalGoldAccountsGetMore", story.head, showing="line 31")
    for words in ("DiscountPolicyTest", "Expected: 15, Actual: 10", "line 31"):
        story.expect(words in failed["plain"], f"the failing test is shown with “{words}”")
    form = story.priya.types(f"/release attach {story.key}")
    story.priya.submits(form, {"Package": zip_file("discount-approvals-mended.zip", sample_package("mended"))})
    story.priya.in_thread("discount-approvals-mended.zip", story.head)
    _validated(story)
    story.tomas.types(f"/release tick {story.key} 4 -- signed off in UAT")


def _validated(story: Story) -> None:
    """Validate, and wait for a run that counts in production."""
    story.priya.types(f"/release validate {story.key}")
    story.waits(
        lambda: "Validated in PRODUCTION" in story.asks(f"/release why {story.key}"), "the validation in PRODUCTION"
    )
    story.anna.in_thread("in PRODUCTION*: passed", story.head)


def approve(story: Story) -> None:
    """Two seats approve; the package's author is refused; a changed package withdraws what was approved."""
    story.anna.types(f"/release ask {story.key}")
    qa = story.tomas.in_thread("QA is asked to approve", story.head)
    direct = story.tomas.sees("QA is asked to approve", "@rollcall", tell=False)
    own = story.priya.clicks("Approve", qa)
    story.expect("You attached" in story.private(own), "the author of the package may not approve it")
    story.tomas.clicks("Approve", direct)
    business = story.lena.in_thread("Business is asked to approve", story.head)
    story.lena.clicks("Approve", business)
    story.anna.in_thread("QA: approved by", story.head)
    story.anna.in_thread("Business: approved by", story.head)
    again = story.tomas.types(f"/release approve {story.key}")
    story.expect("already approved" in story.private(again), "a second yes is told of the first")
    form = story.priya.types(f"/release attach {story.key}")
    story.priya.submits(form, {"Package": zip_file("discount-approvals-changed.zip", sample_package("changed"))})
    story.anna.in_thread("are withdrawn", story.head)
    story.tomas.sees("are withdrawn", "@rollcall")
    _validated(story)
    story.anna.types(f"/release ask {story.key}")
    for person, seat in ((story.tomas, "QA"), (story.lena, "Business")):
        person.clicks("Approve", person.in_thread(f"{seat} is asked to approve", story.head, showing="[Approve]"))
        story.anna.in_thread(f"{seat}: approved by", story.head, tell=False)


def schedule(story: Story) -> None:
    """A window is set; a freeze lies over it; every reason is told at once; a named person waives the freeze."""
    start = story.now() + timedelta(hours=3)
    story.anna.types(f"/release window {story.key} at {start:%Y-%m-%d %H:%M} UTC for 2h")
    story.anna.in_thread("set the window", story.head)
    end = start + timedelta(hours=6)
    during = f"at {start - timedelta(hours=1):%Y-%m-%d %H:%M} UTC until {end:%Y-%m-%d %H:%M} UTC"
    frozen = story.mei.types(f"/release freeze in PRODUCTION {during} -- quarter-end figures are being closed")
    story.freeze = next(word.strip(":*") for word in story.private(frozen).split() if word.startswith("FRZ-"))
    answer = story.private(story.anna.types(f"/release why {story.key}"))
    for words in (story.freeze, "The window opens", "@Omar Haddad can clear it", "Next legal time"):
        story.expect(words in answer, f"“why” says “{words}”")
    not_anna = story.anna.types(f"/release waive {story.key} {story.freeze} -- the release does not touch the figures")
    story.expect("may not" in story.private(not_anna), "the release manager herself may not waive the freeze")
    story.omar.types(f"/release waive {story.key} {story.freeze} -- the release does not touch the figures")
    story.anna.in_thread("let this release through", story.head)
    # Somebody who did not hear of their first validation may have asked for a second one.
    story.waits(lambda: "still running" not in story.asks(f"/release why {story.key}"), "the end of every validation")
    left = story.private(story.anna.types(f"/release why {story.key}"))
    story.expect("1 reason" in left and "window opens" in left, "only the window is still ahead")


def deploy(story: Story) -> None:
    """The window opens by the timer; Deploy to PRODUCTION: gates, snapshot, quick deploy, proof of the way back."""
    story.before = story.export()
    story.pass_time(timedelta(hours=3, seconds=5))
    card = story.anna.in_thread("the window is open", story.head)
    not_hers = story.priya.clicks("Deploy to PRODUCTION", card)
    story.expect("may not" in story.private(not_hers), "the developer may not deploy")
    asked = story.rehearsal.act(
        "click", **{"as": "anna", "channel": card["channel"], "ts": card["ts"], "label": "Deploy to PRODUCTION"}
    )
    dialog = asked["confirm"]["text"]
    for words in ("PRODUCTION", "production org", "discount-approvals-chang", "Validated", "QA Tomás", "Business Lena"):
        story.expect(words in dialog, f"the confirm dialog says “{words}”")
    story.anna.clicks("Deploy to PRODUCTION", card)
    story.anna.in_thread("is live in PRODUCTION", story.head)
    story.anna.in_thread("The way back is armed until", story.head)
    story.expect(story.export() != story.before, "production has changed")
    jobs = story.jobs()
    story.expect(len(jobs) == 1, "production has carried out exactly one deployment")
    story.anna.clicks("Deploy to PRODUCTION", card, wait=1.0)
    story.expect(story.jobs() == jobs, "a late click starts nothing")
    story.anna.sees("live, being watched")


def broadcast(story: Story) -> None:
    """Stakeholders read a status in plain words at its time, with the next one promised."""
    story.grace.sees("Discount approvals", "#stakeholders")
    story.pass_time(timedelta(minutes=31))
    told = story.grace.sees("is in place. We are watching it", "#stakeholders")
    story.expect("Next update" in told["plain"], "the next status is promised")


def incident(story: Story) -> None:
    """Something breaks: the suspect is named, two people take the release back, production is what it was."""
    form = story.tomas.types("/incident open in PRODUCTION -- Quotes cannot be saved")
    story.tomas.submits(form, {"Severity": "1"})
    story.incident = story.tomas.sees("Quotes cannot be saved", "#incidents")
    story.expect(story.key in story.incident["plain"], f"the incident names {story.key} as suspect")
    story.grace.sees("Something does not work in PRODUCTION", "#stakeholders")
    form = story.anna.clicks("Roll back", story.incident)
    story.anna.submits(form, {"What is broken": "Quotes cannot be saved since the release"})
    question = story.omar.in_thread("asks to roll back", story.incident)
    own = story.anna.clicks("Confirm rollback", question)
    story.expect("somebody else" in story.private(own), "the one who asked cannot confirm")
    story.omar.clicks("Confirm rollback", question)
    story.anna.in_thread("rolled back: PRODUCTION is what it was", story.incident)
    story.expect(story.export() == story.before, "production is byte for byte what it was")
    story.anna.in_thread("is locked", story.head)
    story.grace.sees("was taken back. Everything works as it did before", "#stakeholders")
    story.tomas.types(f"/incident resolve -- {story.key} was rolled back; the trigger is being mended")
    story.grace.sees("Solved in PRODUCTION", "#stakeholders")


def remember(story: Story) -> None:
    """The whole history can be read, exported and checked; help shows what the asker may do."""
    timeline = story.private(story.anna.types(f"/release timeline {story.key}"))
    story.expect("chain whole" in timeline, "the timeline's chain of hashes is whole")
    story.anna.types(f"/release audit export {story.key}")
    packet = json.loads(story.anna.receives("audit.json"))
    kinds = [entry["kind"] for entry in packet["timeline"]]
    for kind in ("release_created", "package_compared", "approvals_withdrawn", "freeze_waived", "rollback_succeeded"):
        story.expect(kind in kinds, f"the audit holds “{kind}”")
    story.expect(packet["chain"]["whole"], "the audit's chain is whole")
    helped = story.private(story.grace.types("/release help"))
    story.expect("/release status" in helped and "/release deploy" not in helped, "help shows what the asker may do")


CHAPTERS = (plan, attach, checklist, validate, approve, schedule, deploy, broadcast, incident, remember)


def tell_story(folder: Path | None) -> int:
    """Play the story on a rehearsal of its own and print it; 0 when every expectation held."""
    with stage(folder, pace=QUICK) as scene, bot_on(scene):
        return 0 if play_on(scene, typer.echo) else 1


def play_on(scene: Stage, say: Callable[[str], None]) -> bool:
    """Play the story on a stage that has a bot; whether every expectation held."""

    def tell(who: str, what: str, text: str) -> None:
        say(f"   {NAMES.get(who, who)} {what}: {text}")

    with Rehearsal(scene.workspace.url, tell) as told:
        try:
            Story(told, scene.production.instance_url, scene.uat.instance_url, say).play()
        except Disappointed as failed:
            say(f"\n✗ {failed}")
            return False
    say("\nEvery expectation held.")
    return True
