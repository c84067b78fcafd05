"""What a message says, wherever it says it: in its text, its blocks, its attachments, its files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from handlers.conversation import clean
from handlers.words import as_read

Payload = Mapping[str, Any]

MOST = 3000
_NOT_SHOWN = "This content can't be displayed."
_WORDS_OF_ATTACHMENT = ("pretext", "title", "text")


def message_words(message: Payload) -> str:
    """The words of a message as people read them, with the names of its files; "" for one that was deleted."""
    if message.get("subtype") == "tombstone":
        return ""
    text = str(message.get("text") or "")
    words = [text] if text and text != _NOT_SHOWN else [*_of_blocks(message), *_of_attachments(message)]
    return clean(as_read("\n".join([*words, *_of_files(message)])))[:MOST].strip()


def program_of(message: Payload) -> str:
    """How the program is called that wrote a message; "" for what a person wrote."""
    if not message.get("bot_id") and message.get("subtype") != "bot_message":
        return ""
    profile = message.get("bot_profile")
    named = profile.get("name") if isinstance(profile, Mapping) else ""
    return clean(str(message.get("username") or named or "a program"))[:80]


def _of_blocks(message: Payload) -> Iterator[str]:
    for block in message.get("blocks") or ():
        if isinstance(block, Mapping):
            yield from _texts({name: block.get(name) for name in ("text", "fields", "elements")})


def _texts(part: Any) -> Iterator[str]:
    """Every text in a block, in the order in which it is read; what is only there to be clicked is left out."""
    if isinstance(part, list):
        yield from (text for each in part for text in _texts(each))
    elif isinstance(part, Mapping) and "action_id" not in part:
        if isinstance(part.get("text"), str):
            yield str(part["text"])
        else:
            yield from (text for each in part.values() for text in _texts(each) if isinstance(each, list | Mapping))


def _of_attachments(message: Payload) -> Iterator[str]:
    for attachment in message.get("attachments") or ():
        if isinstance(attachment, Mapping):
            said = [str(attachment[name]) for name in _WORDS_OF_ATTACHMENT if attachment.get(name)]
            yield from said or [*_of_blocks(attachment)] or [str(attachment.get("fallback") or "")]


def _of_files(message: Payload) -> Iterator[str]:
    for file in message.get("files") or ():
        if isinstance(file, Mapping) and (name := file.get("title") or file.get("name")):
            yield f"File: {name}"
