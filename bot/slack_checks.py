"""What Slack says when we show it our tokens: who we are there, what we may do, whom and what we can reach."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from slack_sdk.errors import SlackApiError
from slack_sdk.web.client import WebClient

from bot.chat_problems import TRANSIENT, ChatProblem, ChatUnavailable, TokenRefused, problem, said, unavailable
from bot.courier import Courier
from bot.declared import declared_scopes
from bot.org_checks import Looked
from bot.slack_client import SLACK_API, blocking_client
from handlers.slack.mrkdwn import to_plain
from release_core.policy import Policy
from release_core.policy_references import path_words

Answer = TypeVar("Answer")

CLOCKS_MAY_DIFFER_BY = timedelta(seconds=60)
CLOCKS_MUST_NOT_DIFFER_BY = timedelta(minutes=5)  # Slack's signed requests are refused beyond that
# Under these keys of the policy an id may stand; elsewhere "CAB" or "UAT" is a word like any other.
_HOLD_IDS = {
    "channel": {"channels"},
    "person": {"people", "person", "rights", "automation"},
    "group": {"group"},
}
_KINDS = {"channel": r"[CG][A-Z0-9]{2,}", "person": r"[UW][A-Z0-9]{2,}", "group": r"S[A-Z0-9]{2,}"}


def check_slack(policy: Policy, environ: Mapping[str, str], now: Callable[[], datetime] | None = None) -> Looked:
    """Show Slack the tokens of the environment and look at everything in it that the policy names.

    ChatProblem when Slack does not answer, or does not take the bot token.
    """
    _is_a_bot_token(environ["SLACK_BOT_TOKEN"])
    url = environ.get("SLACK_API_URL") or SLACK_API
    client = blocking_client(environ["SLACK_BOT_TOKEN"], url)
    slack = _Slack(client, Courier(client), Looked(), policy)
    answer = slack.call("auth.test")
    _who(slack, answer.data)
    _clock(slack.looked, answer.headers, now or (lambda: datetime.now(UTC)))
    _scopes(slack.looked, answer.headers, declared_scopes(policy.public_url))
    _app_token(slack, str(answer.data.get("bot_id") or ""), environ.get("SLACK_APP_TOKEN", ""))
    _channels(slack)
    _people(slack)
    _groups(slack)
    return slack.looked


@dataclass(frozen=True)
class _Answer:
    data: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class _Slack:
    """The workspace as we may ask it, and what was found so far."""

    client: WebClient
    courier: Courier
    looked: Looked
    policy: Policy

    def call(self, method: str, **arguments: Any) -> _Answer:
        """One answer, its headers' names in lower case; ChatProblem when there is none."""
        try:
            got: Any = self.client.api_call(method, params=arguments)
        except SlackApiError as error:
            if said(error) in TRANSIENT:
                raise unavailable(method, said(error)) from error
            raise problem(error, method, channel=str(arguments.get("channel", ""))) from error
        except (OSError, ValueError) as error:  # a web page of a proxy is no JSON
            raise unavailable(method, str(error)) from error
        return _Answer(got.data, {name.lower(): _one(value) for name, value in got.headers.items()})

    def ask(self, about: str, question: Callable[[], Answer]) -> Answer | None:
        """The answer to a question that alone may fail; None, and a finding, when it did."""
        try:
            return question()
        except ChatProblem as trouble:
            self.looked.say("unknown", about, to_plain(str(trouble)))
            return None

    def named(self, kind: str) -> dict[str, list[str]]:
        """The ids of a kind (`channel`, `person`, `group`) that the policy names, each with the places."""
        found: dict[str, list[str]] = {}
        for place, text in _texts(self.policy.model_dump(mode="json", exclude={"orgs"})):
            if _HOLD_IDS[kind] & set(place) and place[-1] != "title" and re.fullmatch(_KINDS[kind], text):
                found.setdefault(text, []).append(path_words(place))
        return found


def _one(header: Any) -> str:
    return str(header[0] if isinstance(header, list) else header)


def _texts(part: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(part, str):
        yield place, part
    elif isinstance(part, Mapping):
        for key, value in part.items():
            yield from _texts(value, (*place, key))
    elif isinstance(part, list):
        for index, value in enumerate(part):
            yield from _texts(value, (*place, index))


def _is_a_bot_token(token: str) -> None:
    """TokenRefused for one of another kind: Slack's own code for it, `not_allowed_token_type`, helps nobody."""
    if not token.startswith("xoxb-"):
        other = (
            " It holds an app-level token (xapp-…), which belongs in SLACK_APP_TOKEN." if token[:5] == "xapp-" else ""
        )
        where = "Take the one that begins with xoxb- from your app's page, under OAuth & Permissions."
        raise TokenRefused(f"SLACK_BOT_TOKEN holds no bot token.{other} {where}")


def _who(slack: _Slack, who: Mapping[str, Any]) -> None:
    facts = {"team": who.get("team"), "team_id": who.get("team_id"), "user_id": who.get("user_id")}
    sentence = f"SLACK_BOT_TOKEN speaks in {who.get('team')} ({who.get('url')}) as @{who.get('user')}."
    slack.looked.say("good", "bot_token", sentence, **facts)


def _clock(looked: Looked, headers: Mapping[str, str], now: Callable[[], datetime]) -> None:
    date = headers.get("date", "")
    try:
        ahead = parsedate_to_datetime(date) - now()
    except (TypeError, ValueError):
        looked.say("unknown", "clock", "Slack's answer carries no date, so its clock cannot be compared with ours.")
        return
    seconds = ahead.total_seconds()
    facts = {"clock_ahead_seconds": round(seconds, 1)}
    if abs(ahead) <= CLOCKS_MAY_DIFFER_BY:
        sentence = f"Slack's clock and ours agree within {max(1, round(abs(seconds)))} s."
        looked.say("good", "clock", sentence, **facts)
        return
    level = "bad" if abs(ahead) >= CLOCKS_MUST_NOT_DIFFER_BY else "warn"
    which = "behind" if seconds > 0 else "ahead of"
    sentence = f"This machine's clock is {abs(seconds):.0f} s {which} Slack's. Set it by NTP: windows and "
    looked.say(level, "clock", f"{sentence}signed requests (which hold 5 minutes) need it.", **facts)


def _scopes(looked: Looked, headers: Mapping[str, str], wanted: frozenset[str]) -> None:
    if "x-oauth-scopes" not in headers:
        looked.say("unknown", "scopes", "Slack did not say which scopes the bot token has.", missing_scopes=None)
        return
    has = {scope.strip() for scope in headers["x-oauth-scopes"].split(",")} - {""}
    missing, more = sorted(wanted - has), sorted(has - wanted)
    looked.facts.update(missing_scopes=missing, further_scopes=more)
    if missing:
        sentence = f"The app lacks {', '.join(missing)}. Paste its manifest on its page, then install it again."
        looked.say("bad", "scopes", sentence)
    else:
        looked.say("good", "scopes", "The app has every scope that Rollcall needs.")
    if more:
        sentence = f"The app also has {', '.join(more)}, which Rollcall does not need; they can be taken away."
        looked.say("note", "scopes", sentence)


def _app_token(slack: _Slack, bot_id: str, token: str) -> None:
    if not token:
        step = "`rollcall serve` needs it with the scope connections:write; `rollcall serve --http` does not."
        slack.looked.say("note", "app_token", f"SLACK_APP_TOKEN is not set. {step}")
        return
    try:
        slack.client.apps_connections_open(app_token=token)
    except SlackApiError as error:
        if said(error) in TRANSIENT:
            slack.looked.say("unknown", "app_token", to_plain(str(unavailable("apps.connections.open", said(error)))))
            return
        step = "Make one on the app's page, under Basic Information: App-Level Tokens, with connections:write."
        slack.looked.say("bad", "app_token", f"Slack does not accept SLACK_APP_TOKEN ({said(error)}). {step}")
        return
    except (OSError, ValueError) as error:
        slack.looked.say("unknown", "app_token", to_plain(str(unavailable("apps.connections.open", str(error)))))
        return
    slack.looked.say("good", "app_token", "SLACK_APP_TOKEN opens connections.")
    _same_app(slack, bot_id, token)


def _same_app(slack: _Slack, bot_id: str, token: str) -> None:
    parts = token.split("-")
    bot = slack.ask("app", lambda: slack.call("bots.info", bot=bot_id).data.get("bot"))
    ours = str((bot or {}).get("app_id") or "")
    if not ours or len(parts) < 3 or parts[0] != "xapp":
        return
    slack.looked.facts["app_id"] = ours
    if parts[2] != ours:
        sentence = (
            f"SLACK_BOT_TOKEN is of the app {ours}, SLACK_APP_TOKEN of {parts[2]}. Take both from one app's page."
        )
        slack.looked.say("bad", "app", sentence)


def _channels(slack: _Slack) -> None:
    named, closed = slack.named("channel"), []
    for channel, places in named.items():
        try:
            slack.call("conversations.history", channel=channel, limit=1)
        except ChatProblem as trouble:
            level = "bad" if trouble.code in ("channel_not_found", "not_in_channel") else "unknown"
            closed.append(channel)
            slack.looked.say(level, "channels", f"{to_plain(str(trouble))} (In the policy: {', '.join(places)}.)")
    slack.looked.facts.update(channels=sorted(named), closed_channels=closed)
    if not closed:
        slack.looked.say("good", "channels", f"Rollcall is in {_all(len(named), 'channel')} that the policy names.")


def _people(slack: _Slack) -> None:
    named = slack.named("person")
    everybody = slack.ask("people", slack.courier.people)
    if everybody is None:
        return
    known, missing = {person.id: person for person in everybody}, []
    for id_, places in named.items():
        person = known.get(id_)
        if person is not None and person.active and not person.bot:
            continue
        why = "is nobody in this workspace" if person is None else "is an app" if person.bot else "is deactivated"
        missing.append(id_)
        who = id_ if person is None else f"{person.name} ({id_})"
        step = "Name somebody who is there."
        slack.looked.say("bad", "people", f"{who} {why}. {step} (In the policy: {', '.join(places)}.)")
    slack.looked.facts["missing_people"] = missing
    if not missing:
        slack.looked.say("good", "people", f"Slack knows {_all(len(named), 'person')} that the policy names.")


def _groups(slack: _Slack) -> None:
    named, missing = slack.named("group"), []
    for group, places in named.items():
        where = f"(In the policy: {', '.join(places)}.)"
        try:
            members = slack.courier.group_members(group)
        except ChatUnavailable as trouble:
            slack.looked.say("unknown", "groups", to_plain(str(trouble)))
            continue
        except ChatProblem as trouble:
            missing.append(group)
            step = "Make the group (it needs a paid plan) or name another; its id is in its profile's address."
            slack.looked.say("bad", "groups", f"The user group {group} cannot be read ({trouble.code}). {step} {where}")
            continue
        if not members:
            slack.looked.say("warn", "groups", f"The user group {group} has no members. Add whom it is for. {where}")
    slack.looked.facts["missing_groups"] = missing
    if named and not missing:
        slack.looked.say("good", "groups", f"Rollcall can read {_all(len(named), 'user group')} of the policy.")


def _all(count: int, noun: str) -> str:
    many = "people" if noun == "person" else f"{noun}s"
    return f"the one {noun}" if count == 1 else f"all {count} {many}"
