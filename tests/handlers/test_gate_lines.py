"""How a closed gate reads in a list of reasons."""

from __future__ import annotations

import pytest

from handlers.phrases import gate_line
from handlers.slack.mrkdwn import to_mrkdwn
from release_core.readiness import Gate


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        (
            Gate(
                "org_locked", False, "PRODUCTION is locked: vendor patch", ("U0ANNA",), "/release unlock in PRODUCTION"
            ),
            "✗ PRODUCTION is locked: vendor patch. <@U0ANNA> can clear it: `/release unlock in PRODUCTION`",
        ),
        (
            Gate("org_busy", False, "DEP-1 is under way on PRODUCTION.", ("U0ANNA",), "Wait until it has finished."),
            "✗ DEP-1 is under way on PRODUCTION. Wait until it has finished. Ask <@U0ANNA>.",
        ),
        (
            Gate("window_ahead", False, "Not yet!", (), "Wait for it."),
            "✗ Not yet! Wait for it.",
        ),
    ],
)
def test_a_closed_gate_reads_as_sentences_with_a_way_out(gate: Gate, told: str) -> None:
    assert to_mrkdwn(gate_line(gate)) == told
