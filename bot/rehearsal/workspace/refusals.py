"""The two ways of saying no: Slack's error codes to the bot, sentences to whoever acts.

RefusedError
  SlackError       what a Web API method answers: `{"ok": false, "error": code, …}`
  ActingError      what the acting API answers: a status, a code, a sentence
    NotVisibleError  not there, or not for this person
"""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """Something asked of the workspace that it does not do."""


class SlackError(RefusedError):
    """An error of the Web API: its code, further response fields, HTTP status and headers."""

    def __init__(self, code: str, *, status: int = 200, headers: dict[str, str] | None = None, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.headers = headers or {}
        self.fields = fields


class ActingError(RefusedError):
    """An act that could not be carried out: HTTP status, stable code, a sentence, further fields."""

    def __init__(self, status: int, code: str, sentence: str, **fields: Any) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence
        self.fields = fields


class NotVisibleError(ActingError):
    """What was asked about is not there, or not for this person to see."""

    def __init__(self, sentence: str, code: str = "not_visible", status: int = 404) -> None:
        super().__init__(status, code, sentence)
