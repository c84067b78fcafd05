"""The count of what everyone saw after a story in which the bot died."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlmodel import col, select

from bot.artifacts import ArtifactFolder
from bot.rehearsal.clock import MovableClock
from bot.rehearsal.run import Stage
from bot.rehearsal.workspace.cast import BOT_USER_ID
from bot.rehearsal.workspace.model import Message
from handlers.announcements import draw
from handlers.slack.blocks import draw_message
from release_core.models import Deployment, Intent, Post, TimelineEntry
from release_core.ports import Ports
from release_core.store import Store, open_store
from release_core.timeline import first_broken, read_stream

SAID = ("entry:", "plain:", "broadcast:", "last:")
OVER = ("succeeded", "failed", "cancelled", "rolled_back", "validated")


def slot_of(message: Message) -> str:
    """The slot that a post of ours fills, "" for anything else."""
    return str(((message.metadata or {}).get("event_payload") or {}).get("slot", ""))


def ours(scene: Stage) -> list[Message]:
    """Every message of the bot's that more than one person may see, in the order of sending."""
    messages = [message for room in scene.workspace.workspace.messages.values() for message in list(room)]
    return [one for one in messages if one.user == BOT_USER_ID and not one.only_for]


@contextmanager
def the_facts(url: str) -> Iterator[Store]:
    """The bot's own facts, while it does not run or beside it."""
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def still_to_run(store: Store, clock: MovableClock) -> list[str]:
    """The keys of intents that have fallen due and did not end."""
    with store.reading() as session:
        found = session.exec(select(Intent).where(col(Intent.state).in_(("due", "started"))))
        return [one.key for one in found if one.state == "started" or one.due_at <= clock.now()]


def unfinished(store: Store) -> list[tuple[str, str]]:
    """Attempts that did not come to an end, with their state."""
    with store.reading() as session:
        return [(one.key, one.state) for one in session.exec(select(Deployment)) if one.state not in OVER]


def failed_flows(store: Store) -> list[tuple[str, str]]:
    """Flows that broke, with the sentence."""
    with store.reading() as session:
        return [(one.key, one.problem) for one in session.exec(select(Intent).where(Intent.state == "failed"))]


def broken_chains(store: Store) -> list[str]:
    """The streams whose chain of hashes is not whole."""
    with store.reading() as session:
        streams = set(session.exec(select(TimelineEntry.stream)))
        return [stream for stream in streams if first_broken(read_stream(session, stream)) is not None]


def told_twice_or_never(store: Store, scene: Stage) -> list[str]:
    """Slots that were posted more than once in a channel, or that we believe posted and nobody can see."""
    times = Counter((slot_of(message), message.channel) for message in ours(scene) if slot_of(message))
    wrong = [f"{slot} in {channel}: {count} times" for (slot, channel), count in times.items() if count != 1]
    with store.reading() as session:
        posts = list(session.exec(select(Post)))
    lost = [f"{post.slot}: never" for post in posts if not times[(post.slot, post.channel)]]
    known = {post.slot for post in posts}
    return wrong + lost + [f"{slot}: by nobody" for slot, _ in times if slot not in known]


def out_of_date(store: Store, scene: Stage) -> list[str]:
    """Cards that do not look as they would be drawn now; what was said at its time stays as it was."""
    settings = scene.settings()
    ports = Ports(store, settings.policy, scene.clock, ArtifactFolder(settings.artifacts_folder))
    shown = {(message.channel, message.ts): message.blocks for message in ours(scene)}
    with store.reading() as session:
        posts = [post for post in session.exec(select(Post)) if not post.slot.startswith(SAID)]
    wrong = []
    for post in posts:
        announcement = draw(ports, post.slot)
        if announcement is None:
            continue
        now = sorted(words_in(draw_message(announcement.message)["blocks"]))
        seen = sorted(words_in(shown[(post.channel, post.ts)]))
        if now != seen:
            wrong.append(f"{post.slot} shows {set(seen) - set(now)} instead of {set(now) - set(seen)}")
    return wrong


def words_in(blocks: Any) -> list[str]:
    """Every text in blocks, in order, buttons included."""
    if isinstance(blocks, list):
        return [word for block in blocks for word in words_in(block)]
    if not isinstance(blocks, dict):
        return []
    own = [blocks["text"]] if isinstance(blocks.get("text"), str) else []
    return own + [word for value in blocks.values() for word in words_in(value)]


def changes_to_production(scene: Stage) -> list[str]:
    """Which jobs changed production, in order: a quick deployment names what it replayed."""
    return ["quick" if job.quick_of else "full" for job in scene.production.org.jobs if not job.options.check_only]
