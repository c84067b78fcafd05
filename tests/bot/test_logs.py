"""What the log shows, above all what it does not."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot.logs import Redaction, set_up_logs


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The log as a stream that is no terminal; logging is put back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    out = io.StringIO()
    set_up_logs(out, secrets=["s3cr3t-signing"])
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(out: io.StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_line_is_json_with_time_level_source(log: io.StringIO) -> None:
    structlog.get_logger("bot.engine").info("flow started", key="deploy:REL-1")
    (line,) = lines(log)
    assert (line["event"], line["key"], line["level"], line["logger"]) == (
        "flow started",
        "deploy:REL-1",
        "info",
        "bot.engine",
    )
    assert line["timestamp"].endswith("Z")


def test_lines_of_other_packages_look_the_same(log: io.StringIO) -> None:
    logging.getLogger("slack_bolt").warning("token %s was refused", "xoxb-1-2-hunter2")
    (line,) = lines(log)
    assert line["event"] == "token [hidden] was refused"
    assert line["logger"] == "slack_bolt"


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-123-abc-DEF",
        "xapp-1-A0-123-abc",
        "xoxe.xoxp-1-abc",
        "Bearer abc.def-1",
        "00D5e000000AbcD!AQ4AQF.x_y",
        "s3cr3t-signing",
    ],
)
def test_secret_is_hidden_wherever_it_lies(log: io.StringIO, secret: str) -> None:
    headers = {"headers": [{"value": secret}], "note": f"sent {secret} there"}
    structlog.get_logger("bot").info(f"sent {secret}", nested=headers, thing=ValueError(secret))
    shown = log.getvalue()
    assert secret.removeprefix("Bearer ") not in shown
    assert shown.count("[hidden]") == 4


def test_secret_in_a_trace_is_hidden(log: io.StringIO) -> None:
    try:
        raise ValueError("bad token xoxb-1-hunter2")
    except ValueError:
        structlog.get_logger("bot").exception("failed")
    (line,) = lines(log)
    assert "ValueError: bad token [hidden]" in line["exception"]


def test_values_without_secrets_keep_their_kind() -> None:
    assert Redaction().hide({"count": 3, "ok": True, "none": None, "many": ("a", 1)}) == {
        "count": 3,
        "ok": True,
        "none": None,
        "many": ["a", 1],
    }
