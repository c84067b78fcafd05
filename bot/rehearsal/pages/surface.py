"""The place in which blocks are drawn: a message, a modal or a Home, as one reader sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from bot.rehearsal.pages.mrkdwn import draw_mrkdwn, draw_plain
from bot.rehearsal.pages.reader import Reader
from bot.rehearsal.pages.rich_text import Part

Place = tuple[str, str]


@dataclass(frozen=True)
class Surface:
    """Where blocks are drawn.

    `prefix` makes the HTML ids of two surfaces differ. `values` holds what this person has chosen, by block id
    and action id, in the form the acting API takes. `errors` are the field errors by block id.
    `labelled` says that a visible label names the control.
    """

    reader: Reader
    prefix: str = "s"
    values: Mapping[Place, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    labelled: bool = False

    def aria_label(self, words: str) -> Markup:
        """The name of a control for those who do not see it, unless its visible label says it better."""
        return Markup("") if self.labelled else Markup(' aria-label="{}"').format(words)

    def labelled_by(self, control: str, *more: str) -> Markup:
        """Ties what no `<label>` can name to its visible label, such as a group of ticks; `more` is read after it."""
        return (
            Markup(' aria-labelledby="{}"').format(" ".join((f"{control}-label", *more)))
            if self.labelled
            else Markup("")
        )

    def id_of(self, block_id: str, part: str) -> str:
        """An HTML id for one part of a block."""
        letters = (letter if letter.isalnum() else "-" for letter in f"{self.prefix}-{block_id}-{part}")
        return "".join(letters)


def draw_words(text: object, reader: Reader) -> Markup:
    """Draw a text object (`plain_text` or `mrkdwn`); a bare string counts as plain text."""
    if isinstance(text, Mapping):
        words = str(text.get("text") or "")
        if text.get("type") == "mrkdwn":
            return draw_mrkdwn(words, reader)
        return draw_plain(words)
    return draw_plain(str(text)) if text else Markup("")


def words_of(text: object) -> str:
    """The bare characters of a text object, for attributes and options."""
    if isinstance(text, Mapping):
        return str(text.get("text") or "")
    return str(text) if text else ""


def place_attributes(element: Part, block_id: str) -> Markup:
    """The attributes by which the page's script tells the acting API which element was meant."""
    return Markup('data-block="{}" data-action="{}" data-type="{}"').format(
        block_id, element.get("action_id") or "", element.get("type") or ""
    )
