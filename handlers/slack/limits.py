"""Slack's limits on what we send.

Figures are those of docs.slack.dev/reference/block-kit, @slack/types and the SDK's own checks. Slack documents no
limit on a whole message; messages of 11,341 characters were refused (bolt-js#2867), so ours stay well below.
"""

from __future__ import annotations

from dataclasses import dataclass

HEADER = 150
SECTION = 3000
FIELDS, FIELD = 10, 2000
CONTEXT = 2000
ACTIONS = 25
BUTTON_LABEL, BUTTON_VALUE, URL = 75, 2000, 3000
CONFIRM_TITLE, CONFIRM_TEXT, CONFIRM_LABEL = 100, 300, 30
OPTION_LABEL, OPTION_VALUE, OPTIONS, OPTION_GROUPS = 75, 150, 100, 100
CHECKBOXES = 10
ACTION_ID = BLOCK_ID = 255
PLACEHOLDER = 150
INPUT_LABEL = INPUT_HINT = 2000
INPUT_TEXT = 3000
MODAL_TITLE = MODAL_BUTTON = 24
PRIVATE_METADATA = 3000
TABLE_ROWS, TABLE_COLUMNS = 100, 20
PLAN_TASKS, PLAN_TITLE, STEP_TITLE, STEP_TOLD = 50, 150, 150, 600
"""Slack names no limit for the words of task cards; ours keep a card readable."""
FIELD_ERROR = 1000
MODAL_DEPTH = 3


@dataclass(frozen=True)
class Room:
    """How much fits, or how much is used: blocks, characters of text, bytes of JSON (UTF-8)."""

    blocks: int
    characters: int
    bytes: int

    def __sub__(self, other: Room) -> Room:
        return Room(self.blocks - other.blocks, self.characters - other.characters, self.bytes - other.bytes)

    def __add__(self, other: Room) -> Room:
        return Room(self.blocks + other.blocks, self.characters + other.characters, self.bytes + other.bytes)

    def holds(self, other: Room) -> bool:
        """Whether `other` fits."""
        rest = self - other
        return rest.blocks >= 0 and rest.characters >= 0 and rest.bytes >= 0


NOTHING = Room(0, 0, 0)
MESSAGE = Room(50, 8_000, 10_000)
VIEW = Room(100, 60_000, 200_000)
