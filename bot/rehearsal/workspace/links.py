"""Links in messages to domains that the app declared as its own, told to the app as Slack tells them."""

from __future__ import annotations

import hashlib
import html
import re
from urllib.parse import urlsplit

from bot.rehearsal.workspace import cast
from bot.rehearsal.workspace.model import Json, Message
from bot.rehearsal.workspace.workspace import Workspace

_LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|[^>]*)?>")


def shared_links(workspace: Workspace, message: Message) -> list[Json]:
    """`{"domain", "url"}` of each link in a message whose domain, or one above it, stands in `unfurl_domains`."""
    found = []
    for url in dict.fromkeys(html.unescape(each) for each in _LINK.findall(message.text)):
        host = (urlsplit(url).hostname or "").lower()
        own = next((d for d in workspace.manifest.unfurl_domains if host == d or host.endswith(f".{d}")), None)
        if own:
            found.append({"domain": own, "url": url})
    return found


def unfurl_id(message: Message) -> str:
    """What names a message in chat.unfurl beside its channel and ts."""
    digest = hashlib.sha256(f"{message.channel}.{message.ts}".encode()).hexdigest()
    return f"{message.channel}.{message.ts}.{digest}"


def tell(workspace: Workspace, message: Message) -> None:
    """Send `link_shared` for a person's message; the app need not be in the conversation."""
    links = shared_links(workspace, message) if message.user != cast.BOT_USER_ID else []
    if not links:
        return
    event: Json = {
        "type": "link_shared",
        "user": message.user,
        "channel": message.channel,
        "message_ts": message.ts,
        "links": links,
        "unfurl_id": unfurl_id(message),
        "source": "conversations_history",
        "is_bot_user_member": cast.BOT_USER_ID in workspace.channels[message.channel].members,
        "event_ts": message.ts,
    }
    workspace.happened("link_shared", event | ({"thread_ts": message.thread_ts} if message.thread_ts else {}))
