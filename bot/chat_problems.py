"""What can go wrong between us and Slack, as sentences for whoever can mend it.

ChatProblem             root; `code` is Slack's own word for it
  ChannelClosed         somebody in the channel, or an administrator of Rollcall's policy, acts
  PersonUnreachable     the person left, or cannot be written to
  TokenRefused          an administrator of the Slack app acts
    TokenEnded          … and until then nothing at all can be said
  ChatRefused           Slack did not take what we sent: a fault of ours
  ChatUnavailable       safe to try again later
"""

from __future__ import annotations

from typing import Any

from slack_sdk.errors import SlackApiError

from handlers.conversation import channel as channel_mark
from handlers.conversation import code as code_mark
from release_core.errors import ReleaseError


class ChatProblem(ReleaseError):
    """Slack did not do what we asked; `code` is its own word for why."""

    def __init__(self, sentence: str, *, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class ChannelClosed(ChatProblem):
    """We cannot speak or read in a channel."""


class PersonUnreachable(ChatProblem):
    """We cannot reach a person."""


class TokenRefused(ChatProblem):
    """Slack does not accept our token, or it lacks a scope."""


class TokenEnded(TokenRefused):
    """Slack takes our token for nothing any more."""


class ChatRefused(ChatProblem):
    """Slack refused what we sent."""


class ChatUnavailable(ChatProblem):
    """Slack cannot be reached, or asks us to slow down for longer than we wait."""


_CHANNEL = {
    "channel_not_found": "does not exist, or is private and Rollcall was never invited. "
    "Check its id in the policy, or type `/invite @Rollcall` in it.",
    "not_in_channel": "does not have Rollcall as a member. Somebody in it has to type `/invite @Rollcall` there.",
    **dict.fromkeys(
        # The second is what editing a message there is answered with.
        ("is_archived", "is_inactive"),
        "is archived. Name another channel in the policy, or take it out of the archive.",
    ),
    "restricted_action": "does not let apps post. A workspace administrator can allow it.",
    "restricted_action_read_only_channel": "does not let apps post. A workspace administrator can allow it.",
}
_PERSON = frozenset(
    (
        "user_not_found",
        "users_not_found",
        "user_not_in_channel",
        "user_disabled",
        "user_not_visible",
        "cannot_dm_bot",
        "cannot_dm_user",
        "messages_tab_disabled",
    )
)
_GONE = "An administrator of Rollcall names somebody else in the policy, or of the workspace lets the person back in."
_HELP_FOR_PERSON = {
    "user_not_in_channel": "Somebody in the channel can invite them.",
    "cannot_dm_bot": "It is an app: an administrator of Rollcall names a person in the policy.",
    "messages_tab_disabled": "A workspace administrator installs the app again from manifest.yml.",
}
_TOKEN = frozenset(
    (
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
        "no_permission",
        "org_login_required",
        "access_denied",
        "accesslimited",
    )
)
TRANSIENT = frozenset(
    ("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "ratelimited")
)


def said(error: SlackApiError, field: str = "error") -> str:
    """One field of Slack's answer; "" when it is not there."""
    response: Any = error.response
    data = getattr(response, "data", response)
    return str(data.get(field) or "") if isinstance(data, dict) else ""


def problem(error: SlackApiError, method: str, *, channel: str = "", user: str = "") -> ChatProblem:
    """Slack's refusal as one of ours."""
    code = said(error)
    if code in _CHANNEL:
        where = channel_mark(channel) if channel else "The channel"
        return ChannelClosed(f"{where} {_CHANNEL[code]}", code=code)
    if code in _PERSON:
        whom = code_mark(user) if user else "that person"
        sentence = f"Slack will not let Rollcall reach {whom} ({code_mark(code)}). {_HELP_FOR_PERSON.get(code, _GONE)}"
        return PersonUnreachable(sentence, code=code)
    if code in ("file_not_found", "file_deleted"):
        sentence = "The file cannot be read: it was deleted, or never shared with Rollcall. Upload it again."
        return ChatRefused(sentence, code=code)
    if code == "missing_scope":
        needed = said(error, "needed") or "another scope"
        sentence = f"The Slack app lacks the scope {code_mark(needed)} for {code_mark(method)}."
        return TokenRefused(f"{sentence} Install it again from manifest.yml.", code=code)
    if code in _TOKEN:
        return TokenEnded(
            f"Slack does not accept the bot token any more ({code_mark(code)}). "
            "An administrator has to install the app again and set SLACK_BOT_TOKEN.",
            code=code,
        )
    return ChatRefused(
        f"Slack refused {code_mark(method)} with {code_mark(code or 'no reason')}. This is a fault in Rollcall.",
        code=code,
    )


def unavailable(method: str, code: str = "") -> ChatUnavailable:
    """Slack did not answer, though we asked several times."""
    return ChatUnavailable(f"Slack did not answer {code_mark(method)}. It is tried again later.", code=code)
