"""Every morning it is looked whether the people, groups and channels that releases need are still there."""

from __future__ import annotations

from typing import Any

import structlog

from bot.chat_problems import ChannelClosed, ChatProblem
from bot.durable import fact, flow, step
from bot.outside import current
from release_core import self_checks as rules
from release_core.self_checks import SeenChannel, SeenChat

log = structlog.get_logger(__name__)


@flow("self_check")
def self_check(args: dict[str, Any]) -> None:
    """Plan the next look, look at the chat, tell the releases that something concerns."""
    names = dict(args.get("names") or {})
    plan_next(names)
    channels, empty = look_at_channels(), empty_groups()
    for key in concerned(channels, empty, names):
        note(key, channels, empty, names)
    remember({**names, **{channel: seen[0] for channel, seen in channels.items() if seen[0]}})


@fact
def plan_next(names: dict[str, str]) -> None:
    """Look again tomorrow; until then the names of the channels are those of the last time."""
    rules.plan_self_check(current().ports, names)


@step
def look_at_channels() -> dict[str, list[str]]:
    """The name of each channel that the policy names, and why nothing can be said there; none that did not answer."""
    found = {}
    for channel in rules.channels_named(current().ports.policy):
        try:
            found[channel] = list(current().chat.look_at_channel(channel))
        except ChannelClosed as closed:
            found[channel] = ["", str(closed.code)]
        except ChatProblem as problem:
            log.warning("self_check.not_looked", channel=channel, problem=str(problem))
    return found


@step
def empty_groups() -> list[str]:
    """The user groups of the policy that have no members; none that did not answer."""
    empty = []
    for group in rules.groups_named(current().ports.policy):
        try:
            empty += [] if current().chat.group_members(group) else [group]
        except ChatProblem as problem:
            log.warning("self_check.not_looked", group=group, problem=str(problem))
    return empty


@step
def concerned(channels: dict[str, list[str]], empty: list[str], names: dict[str, str]) -> list[str]:
    """The releases that have to be told something new."""
    return rules.concerned(current().ports, _seen(channels, empty, names))


@fact
def note(key: str, channels: dict[str, list[str]], empty: list[str], names: dict[str, str]) -> None:
    """It stands in the release's timeline."""
    rules.note_findings(current().ports, key, _seen(channels, empty, names))


@fact
def remember(names: dict[str, str]) -> None:
    """The next look compares with what was seen in this one."""
    rules.plan_self_check(current().ports, names)


def _seen(channels: dict[str, list[str]], empty: list[str], names: dict[str, str]) -> SeenChat:
    return SeenChat((), empty, {channel: SeenChannel(*seen) for channel, seen in channels.items()}, names)
