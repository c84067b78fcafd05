"""What is told when the bot is started without everything that it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.settings import SettingsMistakes, is_loopback, read_database_url, read_settings

POLICY = """\
zone: Europe/Berlin
channels: {releases: C0RELEASES, incidents: C0INCIDENTS}
orgs:
  uat:
    title: UAT
    kind: sandbox
    login: {method: access_token, instance_url: "http://127.0.0.1:4001", access_token_env: UAT_TOKEN}
people: {release_manager: [U0RELMGR]}
seats: {qa: {title: QA, people: [U0TESTER]}}
approvals: {standard: [qa]}
checklists: {}
"""
NAMES = (
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_API_URL",
    "DATABASE_URL",
    "ROLLCALL_POLICY",
    "ROLLCALL_FOLDER",
    "ROLLCALL_HTTP_HOST",
    "ROLLCALL_HTTP_PORT",
    "ROLLCALL_REHEARSAL_CLOCK",
    "ROLLCALL_CHAT_PACE",
    "ROLLCALL_LEASE_SECONDS",
    "UAT_TOKEN",
)

Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Environment:
    """Sets the environment to a good one with the given changes; None takes a value away."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    good = {
        "SLACK_BOT_TOKEN": "xoxb-1-2-abc",
        "SLACK_APP_TOKEN": "xapp-1-A0-abc",
        "SLACK_SIGNING_SECRET": "0123456789abcdef0123456789abcdef",
        "ROLLCALL_POLICY": str(policy),
        "ROLLCALL_FOLDER": str(tmp_path / "var"),
        "UAT_TOKEN": "00D-token",
    }

    def become(**changes: str | None) -> None:
        for name in NAMES:
            monkeypatch.delenv(name, raising=False)
        for name, value in {**good, **changes}.items():
            if value is not None:
                monkeypatch.setenv(name, value)

    return become


def mistakes() -> list[str]:
    with pytest.raises(SettingsMistakes) as refusal:
        read_settings()
    return list(refusal.value.mistakes)


def test_full_environment_is_read_with_its_defaults(environment: Environment, tmp_path: Path) -> None:
    environment()
    settings = read_settings()
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.database_url == f"sqlite:///{tmp_path}/var/rollcall.sqlite"
    assert (settings.http_host, settings.http_port, settings.rehearsal_clock) == ("127.0.0.1", 8080, "")
    assert settings.policy.zone == "Europe/Berlin"
    assert not (tmp_path / "var").exists(), "reading settings changes nothing"


def test_every_missing_value_is_named_at_once_with_where_to_find_it(environment: Environment) -> None:
    environment(SLACK_BOT_TOKEN=None, SLACK_APP_TOKEN="", SLACK_SIGNING_SECRET=None, ROLLCALL_POLICY=None)
    told = mistakes()
    assert [line.split(" is not set. Give ")[0] for line in told] == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "ROLLCALL_POLICY",
    ]
    assert "OAuth & Permissions" in told[0]


def test_policy_mistakes_stand_in_the_same_report_as_missing_tokens(environment: Environment, tmp_path: Path) -> None:
    environment(SLACK_BOT_TOKEN=None)
    (tmp_path / "policy.yaml").write_text(POLICY.replace("kind: sandbox", "kind: beach"), encoding="utf-8")
    with pytest.raises(SettingsMistakes) as refusal:
        read_settings()
    report = str(refusal.value)
    assert "SLACK_BOT_TOKEN is not set" in report
    assert "policy.yaml:6: orgs.uat.kind: found \"beach\"; expected 'sandbox' or 'production'" in report


def test_secret_of_an_org_that_is_not_there_is_told_before_anything_starts(environment: Environment) -> None:
    environment(UAT_TOKEN=None, SLACK_APP_TOKEN=None)
    with pytest.raises(SettingsMistakes) as caught:
        read_settings()
    assert any("SLACK_APP_TOKEN is not set" in one for one in caught.value.mistakes)
    assert any(
        "UAT" in one and "environment variable UAT_TOKEN holds no access token" in one for one in caught.value.mistakes
    )


def test_policy_file_that_is_not_there_is_told(environment: Environment) -> None:
    environment(ROLLCALL_POLICY="/no/such/policy.yaml")
    with pytest.raises(SettingsMistakes, match=r"/no/such/policy\.yaml: the file: found no such file"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SLACK_BOT_TOKEN", "xapp-1-A0-abc", "SLACK_BOT_TOKEN holds an app-level token (xapp-). Give the bot token"),
        ("SLACK_BOT_TOKEN", "xoxp-1-abc", "SLACK_BOT_TOKEN holds a user token (xoxp-). Give the bot token"),
        ("SLACK_BOT_TOKEN", "hello", "SLACK_BOT_TOKEN holds something else. Give the bot token"),
        ("SLACK_BOT_TOKEN", "xoxb-", "SLACK_BOT_TOKEN holds a token that is incomplete"),
        ("SLACK_APP_TOKEN", "xoxb-1-2-abc", "SLACK_APP_TOKEN holds a bot token (xoxb-). Give an app-level token"),
        ("SLACK_SIGNING_SECRET", "xoxb-1-2-abc", "SLACK_SIGNING_SECRET holds a token. Give the signing secret"),
        ("SLACK_SIGNING_SECRET", "a b", "SLACK_SIGNING_SECRET has blanks in it."),
        ("SLACK_API_URL", "slack.com", 'SLACK_API_URL holds "slack.com", which is no web address'),
        ("SLACK_API_URL", "http://slack.com/api/", 'SLACK_API_URL holds "http://slack.com/api/", which would send'),
        ("DATABASE_URL", "mysql://host/db", "DATABASE_URL names mysql. Give sqlite:///file or postgresql://"),
        ("DATABASE_URL", "what", "DATABASE_URL is no database address."),
        ("ROLLCALL_HTTP_PORT", "http", "ROLLCALL_HTTP_PORT cannot be read. Give a port number"),
        ("ROLLCALL_HTTP_PORT", "70000", "ROLLCALL_HTTP_PORT cannot be read. Give a port number"),
        ("ROLLCALL_FOLDER", "/dev/null/x", 'ROLLCALL_FOLDER names "/dev/null/x", but /dev/null is a file.'),
        (
            "ROLLCALL_REHEARSAL_CLOCK",
            "http://127.0.0.1:4000/rehearsal/api/clock",
            "ROLLCALL_REHEARSAL_CLOCK is set, but SLACK_API_URL is not on this machine.",
        ),
    ],
)
def test_malformed_value_is_told_with_what_to_do(environment: Environment, name: str, value: str, told: str) -> None:
    environment(**{name: value})
    (sentence,) = mistakes()
    assert sentence.startswith(told)


def test_no_mistake_repeats_a_secret(environment: Environment) -> None:
    environment(SLACK_BOT_TOKEN="xapp-1-hunter2", SLACK_APP_TOKEN="hunter2", SLACK_SIGNING_SECRET="hunter2 hunter2")
    told = mistakes()
    assert len(told) == 3
    assert "hunter2" not in " ".join(told)


def test_settings_can_be_printed_without_their_secrets(environment: Environment) -> None:
    environment(SLACK_BOT_TOKEN="xoxb-hunter2")
    assert "hunter2" not in repr(read_settings())


def test_rehearsal_clock_is_accepted_when_slack_is_a_rehearsal(environment: Environment) -> None:
    environment(SLACK_API_URL="http://127.0.0.1:4000/api", ROLLCALL_REHEARSAL_CLOCK="http://127.0.0.1:4000/clock")
    settings = read_settings()
    assert settings.slack_api_url == "http://127.0.0.1:4000/api/"
    assert settings.rehearsal_clock == "http://127.0.0.1:4000/clock"


def test_rehearsal_clock_that_is_no_address_is_told(environment: Environment) -> None:
    environment(SLACK_API_URL="http://127.0.0.1:4000/api", ROLLCALL_REHEARSAL_CLOCK="noon")
    (sentence,) = mistakes()
    assert sentence.startswith('ROLLCALL_REHEARSAL_CLOCK holds "noon", which is no web address.')


def test_database_url_alone_needs_no_tokens(environment: Environment) -> None:
    environment(SLACK_BOT_TOKEN=None, ROLLCALL_POLICY=None, DATABASE_URL="sqlite:///here.sqlite")
    assert read_database_url() == "sqlite:///here.sqlite"


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1/", True),
        ("http://127.0.0.9:1/", True),
        ("http://[::1]:1/", True),
        ("http://localhost.example.com/", False),
        ("https://slack.com/api/", False),
        ("http://127.0.0.1.example.com/", False),
        ("http://127.0.0.1@example.com/", False),
    ],
)
def test_only_this_machine_counts_as_loopback(url: str, local: bool) -> None:
    assert is_loopback(url) is local


def test_real_slack_sets_its_own_pace(environment: Environment) -> None:
    """Only a chat on this machine may be hurried."""
    environment(ROLLCALL_CHAT_PACE="0.1")
    with pytest.raises(SettingsMistakes, match="SLACK_API_URL is not on this machine"):
        read_settings()
    environment(ROLLCALL_CHAT_PACE="0.1", SLACK_API_URL="http://127.0.0.1:8600/api/")
    assert read_settings().chat_pace == 0.1


def test_patience_with_silent_replicas_can_be_set(environment: Environment) -> None:
    """It stays within what makes sense, and is a minute when nothing is said."""
    environment()
    assert read_settings().lease_seconds == 60
    environment(ROLLCALL_LEASE_SECONDS="4")
    assert read_settings().lease_seconds == 4
    environment(ROLLCALL_LEASE_SECONDS="0.5")
    with pytest.raises(SettingsMistakes, match="ROLLCALL_LEASE_SECONDS"):
        read_settings()
