"""`rollcall check` in a workspace: tokens, scopes, channels, people, groups and clocks, each with what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bot import checking
from bot.chat_problems import ChatUnavailable, TokenRefused
from bot.declared import declared_scopes, manifest_file
from bot.rehearsal.clock import MovableClock
from bot.rehearsal.run import POLICY
from bot.rehearsal.workspace.serve import RunningWorkspace, start
from bot.settings import CheckSettings
from bot.slack_checks import _HOLD_IDS, check_slack
from release_core import policy as policy_module
from release_core.policy import Policy
from release_core.policy_file import load_policy

SLACK_DOC = Path(__file__).parents[2] / "docs" / "slack.md"
URLS = {f"ROLLCALL_REHEARSAL_{name}_URL": "http://127.0.0.1:9" for name in ("UAT", "PRODUCTION")}


@pytest.fixture
def workspace() -> Iterator[RunningWorkspace]:
    running = start(0, clock=MovableClock(), manifest=manifest_file())
    yield running
    running.stop()


@pytest.fixture
def policy() -> Policy:
    return load_policy(POLICY, URLS)


def tokens(workspace: RunningWorkspace, **changes: str) -> dict[str, str]:
    given = {"SLACK_BOT_TOKEN": workspace.bot_token, "SLACK_APP_TOKEN": workspace.app_token}
    return {**given, "SLACK_API_URL": workspace.api_url, **changes}


def with_scopes(workspace: RunningWorkspace, scopes: frozenset[str]) -> None:
    """Install the app with other scopes."""
    workspace.workspace.manifest = replace(workspace.workspace.manifest, scopes=scopes)


def found(policy: Policy, environ: Mapping[str, str], **more: Any) -> dict[str, tuple[str, str]]:
    """Every finding by what it is about; the gravest where there are several."""
    looked = check_slack(policy, environ, **more)
    grave = ["good", "note", "unknown", "warn", "bad"]
    ordered = sorted(looked.findings, key=lambda each: grave.index(each[0]))
    return {about: (level, sentence) for level, about, sentence in ordered}


def test_a_workspace_in_which_all_is_well(workspace: RunningWorkspace, policy: Policy) -> None:
    looked = check_slack(policy, tokens(workspace))
    assert [level for level, _, _ in looked.findings] == ["good"] * len(looked.findings)
    assert {about for _, about, _ in looked.findings} == {
        "bot_token", "app_token", "clock", "scopes", "channels", "people", "groups",
    }  # fmt: skip
    assert looked.facts["team"] == "Rehearsal"
    assert looked.facts["app_id"] == "A0ROLLCALL"
    assert looked.facts["missing_scopes"] == []
    assert "C0RELEASES" in looked.facts["channels"]


def test_a_wrong_bot_token_is_all_that_can_be_said(workspace: RunningWorkspace, policy: Policy) -> None:
    environ = tokens(workspace, SLACK_BOT_TOKEN="xoxb-wrong")
    with pytest.raises(TokenRefused):
        check_slack(policy, environ)
    title, check = checking.every_check(CheckSettings(policy, ()), environ)["slack"]
    [row] = checking.run_checks({"slack": (title, check)})
    assert not row.good
    assert "does not accept the bot token any more (invalid_auth)" in row.findings[0].sentence


@pytest.mark.parametrize(("token", "told"), [("xapp-1-A0-1", "belongs in SLACK_APP_TOKEN"), ("nonsense", "xoxb-")])
def test_another_token_in_its_place_is_told_by_its_kind(policy: Policy, token: str, told: str) -> None:
    with pytest.raises(TokenRefused, match=told) as refused:
        check_slack(policy, {"SLACK_BOT_TOKEN": token})
    assert token not in str(refused.value)


def test_a_slack_that_is_away_is_told(policy: Policy) -> None:
    with pytest.raises(ChatUnavailable):
        check_slack(policy, {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_API_URL": "http://127.0.0.1:9/api/"})


def test_a_wrong_app_token_has_to_be_mended(workspace: RunningWorkspace, policy: Policy) -> None:
    level, sentence = found(policy, tokens(workspace, SLACK_APP_TOKEN="xapp-1-A0-wrong"))["app_token"]
    assert level == "bad"
    assert "invalid_auth" in sentence
    assert "connections:write" in sentence


def test_without_an_app_token_it_is_said_what_needs_it(workspace: RunningWorkspace, policy: Policy) -> None:
    assert found(policy, tokens(workspace, SLACK_APP_TOKEN=""))["app_token"][0] == "note"


def test_tokens_of_two_apps_have_to_be_mended(workspace: RunningWorkspace, policy: Policy) -> None:
    workspace.workspace.app_token = "xapp-1-A0STAGING-secret"
    level, sentence = found(policy, tokens(workspace))["app"]
    assert level == "bad"
    assert "A0ROLLCALL" in sentence
    assert "A0STAGING" in sentence
    assert "secret" not in sentence


def test_scopes_that_are_missing_or_too_many_are_named(workspace: RunningWorkspace, policy: Policy) -> None:
    with_scopes(workspace, (declared_scopes() - {"files:write"}) | {"channels:join"})
    looked = check_slack(policy, tokens(workspace))
    assert ("bad", "scopes") in [(level, about) for level, about, _ in looked.findings]
    assert looked.facts["missing_scopes"] == ["files:write"]
    assert looked.facts["further_scopes"] == ["channels:join"]


def test_a_channel_that_we_are_not_in_is_named_with_its_place(workspace: RunningWorkspace, policy: Policy) -> None:
    workspace.workspace.channels["C0INCIDENTS"].members.remove("U0ROLLCALL")
    level, sentence = found(policy, tokens(workspace))["channels"]
    assert level == "bad"
    assert "/invite @Rollcall" in sentence
    assert "channels.incidents" in sentence


def test_a_channel_that_does_not_exist_is_named(workspace: RunningWorkspace, policy: Policy) -> None:
    wrong = policy.model_copy(update={"channels": policy.channels.model_copy(update={"releases": "C0NOWHERE"})})
    level, sentence = found(wrong, tokens(workspace))["channels"]
    assert level == "bad"
    assert "C0NOWHERE" in sentence
    assert "does not exist" in sentence


def test_people_who_are_not_there_are_named_with_their_place(workspace: RunningWorkspace, policy: Policy) -> None:
    workspace.workspace.people["U0DEVELO"].active = False
    wrong = policy.model_copy(update={"automation": "U0NOBODY"})
    looked = check_slack(wrong, tokens(workspace))
    sentences = [sentence for level, about, sentence in looked.findings if (level, about) == ("bad", "people")]
    assert sorted(looked.facts["missing_people"]) == ["U0DEVELO", "U0NOBODY"]
    assert any("Priya Nair (U0DEVELO) is deactivated" in sentence for sentence in sentences)
    assert any("U0NOBODY is nobody" in sentence and "automation" in sentence for sentence in sentences)


def test_a_group_that_is_gone_is_named_and_an_empty_one_is_a_warning(
    workspace: RunningWorkspace, policy: Policy
) -> None:
    first, *_ = groups = workspace.workspace.usergroups
    workspace.workspace.usergroups[first].members.clear()
    assert found(policy, tokens(workspace))["groups"][0] == "warn"
    for group in list(groups):
        del workspace.workspace.usergroups[group]
    level, sentence = found(policy, tokens(workspace))["groups"]
    assert level == "bad"
    assert "no_such_subteam" in sentence


def test_words_of_the_policy_that_only_look_like_ids_are_not_asked_for(
    workspace: RunningWorkspace, policy: Policy
) -> None:
    seats = {key: seat.model_copy(update={"title": "CAB"}) for key, seat in policy.seats.items()}
    wordy = policy.model_copy(update={"seats": seats, "paths": {"ALL": ("UAT", "SIT")}})
    looked = check_slack(wordy, tokens(workspace))
    assert {level for level, _, _ in looked.findings} == {"good"}


def test_every_place_of_the_policy_that_holds_an_id_is_looked_at() -> None:
    models = [
        model for model in vars(policy_module).values() if isinstance(model, type) and issubclass(model, BaseModel)
    ]
    holding = {
        name
        for model in models
        for name, told in model.model_fields.items()
        if re.search("_(person|channel|team)_id", repr((told.annotation, told.metadata)))
    }
    assert holding - {"releases", "incidents"} == set().union(*_HOLD_IDS.values())


def test_a_slack_that_is_only_busy_is_no_mistake_of_ours(workspace: RunningWorkspace, policy: Policy) -> None:
    faults = workspace.workspace.faults
    for method in ("apps.connections.open", "conversations.history"):
        faults.arm({"kind": "error", "error": "internal_error", "method": method, "times": 99})
    seen = found(policy, tokens(workspace))
    assert seen["app_token"][0] == "unknown"
    assert seen["channels"][0] == "unknown"


@pytest.mark.parametrize(("ahead", "level"), [(-2, "good"), (90, "warn"), (-400, "bad")])
def test_a_clock_that_is_wrong_is_told(workspace: RunningWorkspace, policy: Policy, ahead: int, level: str) -> None:
    clock = found(policy, tokens(workspace), now=lambda: datetime.now(UTC) + timedelta(seconds=ahead))["clock"]
    assert clock[0] == level
    if level != "good":
        assert "NTP" in clock[1]


def test_one_question_that_fails_hides_no_other(workspace: RunningWorkspace, policy: Policy) -> None:
    with_scopes(workspace, declared_scopes() - {"users:read"})
    seen = found(policy, tokens(workspace))
    assert seen["people"][0] == "unknown"
    assert seen["channels"][0] == "good"
    assert seen["scopes"][0] == "bad"


def test_what_the_document_promises_is_what_is_said(workspace: RunningWorkspace, policy: Policy) -> None:
    """Every line that docs/slack.md shows of a good answer is one of those given, but for names and numbers."""
    table = [row for row in SLACK_DOC.read_text(encoding="utf-8").splitlines() if row.startswith("|")]
    promised = {bare(line) for row in table[2:8] for line in re.findall(r"`([^`]+\.)`", row)}
    given = {
        bare(sentence) for level, _, sentence in check_slack(policy, tokens(workspace)).findings if level == "good"
    }
    assert promised == given


def bare(sentence: str) -> str:
    return re.sub(r"in \w+ \(\S+\)", "in WORKSPACE", re.sub(r"\d+", "N", sentence))
