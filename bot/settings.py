"""What the bot must be told before it starts, read from the environment.

Nothing starts half-configured: every value that is missing or malformed is named at once, together with every mistake
of the policy file, each with what to do about it.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.salesforce.login import read_secret
from release_core.errors import OrgRefused, ReleaseError
from release_core.policy import Policy
from release_core.policy_file import PolicyMistakes, load_policy

SLACK = "https://slack.com/api/"
_WHERE = {
    "SLACK_BOT_TOKEN": "Give the bot token (xoxb-…): your app's page at api.slack.com, OAuth & Permissions.",
    "SLACK_APP_TOKEN": "Give an app-level token (xapp-…) with connections:write: Basic Information, App-Level Tokens.",
    "SLACK_SIGNING_SECRET": "Give the signing secret: Basic Information, App Credentials.",
    "ROLLCALL_POLICY": "Give the path of your policy file; docs/policy.md explains it.",
    "ROLLCALL_HTTP_PORT": "Give a port number from 0 (any free one) to 65535.",
    "ROLLCALL_CHAT_PACE": "Give a share from 0 to 1; only rehearsals need it.",
    "ROLLCALL_LEASE_SECONDS": "Give a number of seconds from 3 to 600.",
}


class SettingsMistakes(ReleaseError):
    """The bot cannot start; `mistakes` holds one sentence for each value of the environment, `policy` the file's."""

    def __init__(self, mistakes: Iterable[str], policy: PolicyMistakes | None = None) -> None:
        self.mistakes = tuple(mistakes)
        self.policy = policy
        told = ["Rollcall cannot start. Nothing was changed."]
        if self.mistakes:
            told += ["The environment:", *(f"  {mistake}" for mistake in self.mistakes)]
        if policy:
            told.append(str(policy))
        super().__init__("\n".join(told))


@dataclass(frozen=True)
class Settings:
    """Everything the bot was told; `rehearsal_clock` is the address of a rehearsal's clock, "" on real time.

    `chat_pace` is the share of Slack's waiting times that is kept between posts; `lease_seconds` is after how long
    without a sign of life the other replicas take over the work of one.
    """

    slack_bot_token: SecretStr
    slack_app_token: SecretStr
    slack_signing_secret: SecretStr
    slack_api_url: str
    database_url: str
    folder: Path
    policy: Policy
    http_host: str = "127.0.0.1"
    http_port: int = 8080
    rehearsal_clock: str = ""
    chat_pace: float = 1.0
    lease_seconds: float = 60.0

    @property
    def artifacts_folder(self) -> Path:
        """Where packages and snapshots are kept."""
        return artifacts_in(self.folder)

    @property
    def engine_path(self) -> Path:
        """The SQLite file in which flows are remembered when the database is SQLite too."""
        return self.folder / "engine.sqlite"


def read_settings() -> Settings:
    """The settings in the process's environment; SettingsMistakes names everything wrong in them at once."""
    mistakes: list[str] = []
    given: _Environment | None = None
    try:
        given = _Environment()
    except ValidationError as error:
        mistakes = [_sentence(one) for one in error.errors()]
    policy, policy_mistakes = _policy()
    mistakes += _secrets_missing(policy)
    if given is None or policy is None or mistakes:
        raise SettingsMistakes(mistakes, policy_mistakes)
    return Settings(
        slack_bot_token=given.slack_bot_token,
        slack_app_token=given.slack_app_token,
        slack_signing_secret=given.slack_signing_secret,
        slack_api_url=given.slack_api_url,
        database_url=given.database_url or sqlite_url(given.rollcall_folder),
        folder=given.rollcall_folder,
        policy=policy,
        http_host=given.rollcall_http_host,
        http_port=given.rollcall_http_port,
        rehearsal_clock=given.rollcall_rehearsal_clock,
        chat_pace=given.rollcall_chat_pace,
        lease_seconds=given.rollcall_lease_seconds,
    )


@dataclass(frozen=True)
class Records:
    """Where the bot keeps its facts and files, with its policy: all that work beside a running bot needs."""

    database_url: str
    folder: Path
    policy: Policy

    @property
    def artifacts_folder(self) -> Path:
        """Where packages and snapshots are kept."""
        return artifacts_in(self.folder)


def read_records() -> Records:
    """Where facts and files are, for work beside the bot that needs no chat; SettingsMistakes as above."""
    mistakes: list[str] = []
    storage: _Storage | None = None
    try:
        storage = _Storage()
    except ValidationError as error:
        mistakes = [_sentence(one) for one in error.errors()]
    if not os.environ.get("ROLLCALL_POLICY"):
        mistakes.append(f"ROLLCALL_POLICY is not set. {_WHERE['ROLLCALL_POLICY']}")
    policy, policy_mistakes = _policy()
    if storage is None or policy is None or mistakes:
        raise SettingsMistakes(mistakes, policy_mistakes)
    folder = storage.rollcall_folder
    return Records(storage.database_url or sqlite_url(folder), folder, policy)


def read_database_url() -> str:
    """The database's URL alone, for work on it that needs no chat; SettingsMistakes as above."""
    try:
        given = _Storage()
    except ValidationError as error:
        raise SettingsMistakes(_sentence(one) for one in error.errors()) from None
    return given.database_url or sqlite_url(given.rollcall_folder)


def artifacts_in(folder: Path) -> Path:
    """Where packages and snapshots are kept in the bot's folder."""
    return folder / "artifacts"


def sqlite_url(folder: Path) -> str:
    """The URL of the SQLite file that serves as database in a folder."""
    return f"sqlite:///{folder / 'rollcall.sqlite'}"


def is_loopback(url: str) -> bool:
    """Whether an address leads to this machine only."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _token(prefix: str) -> AfterValidator:
    def check(value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        if not token.startswith(prefix):
            kind = next((name for start, name in _KINDS if token.startswith(start)), "something else")
            raise ValueError(f"holds {kind}.")
        if token.strip() != token or any(letter.isspace() for letter in token) or token == prefix:
            raise ValueError("holds a token that is incomplete or has blanks in it.")
        return value

    return AfterValidator(check)


_KINDS = (
    ("xoxb-", "a bot token (xoxb-)"),
    ("xapp-", "an app-level token (xapp-)"),
    ("xoxp-", "a user token (xoxp-)"),
    ("xoxe", "a token that rotates (xoxe)"),
)


def _signing_secret(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if secret.startswith(("xox", "xapp-")):
        raise ValueError("holds a token.")
    if any(letter.isspace() for letter in secret):
        raise ValueError("has blanks in it.")
    return value


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f'holds "{value}", which is no web address. Give one such as {SLACK}')
    if parts.scheme == "http" and not is_loopback(value):
        raise ValueError(f'holds "{value}", which would send secrets unencrypted. Give one with https://.')
    return value


def _slack_address(value: str) -> str:
    return _address(value).rstrip("/") + "/"


def _database(value: str) -> str:
    try:
        backend = make_url(value).get_backend_name() if value else "sqlite"
    except ArgumentError:
        raise ValueError("is no database address. Give sqlite:///file or postgresql://user@host/name.") from None
    if backend not in ("sqlite", "postgresql", "postgres"):
        raise ValueError(f"names {backend}. Give sqlite:///file or postgresql://user@host/name.")
    if backend != "sqlite" and find_spec("psycopg") is None:
        raise ValueError("names PostgreSQL, for which a part is missing. Install rollcall[postgres].")
    return value


def _folder(path: Path) -> Path:
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    if not nearest.is_dir():
        raise ValueError(f'names "{path}", but {nearest} is a file. Give a folder.')
    if not os.access(nearest, os.W_OK):
        raise ValueError(f'names "{path}", where this user may not write. Give a folder of its own.')
    return path


class _Storage(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", hide_input_in_errors=True)

    database_url: Annotated[str, AfterValidator(_database)] = ""
    rollcall_folder: Annotated[Path, AfterValidator(_folder)] = Field(default=Path("var"), validate_default=True)


class _Environment(_Storage):
    slack_bot_token: Annotated[SecretStr, _token("xoxb-")]
    slack_app_token: Annotated[SecretStr, _token("xapp-")]
    slack_signing_secret: Annotated[SecretStr, AfterValidator(_signing_secret)]
    slack_api_url: Annotated[str, AfterValidator(_slack_address)] = SLACK
    rollcall_policy: Path
    rollcall_http_host: str = "127.0.0.1"
    rollcall_http_port: int = Field(default=8080, ge=0, le=65535)
    rollcall_rehearsal_clock: str = ""
    rollcall_chat_pace: float = Field(default=1.0, ge=0, le=1)
    rollcall_lease_seconds: float = Field(default=60.0, ge=3, le=600)

    @field_validator("rollcall_chat_pace")
    @classmethod
    def _slack_sets_the_pace(cls, value: float, info: ValidationInfo) -> float:
        if value < 1 and not is_loopback(info.data.get("slack_api_url", "")):
            raise ValueError("is less than 1, but SLACK_API_URL is not on this machine. Unset it: Slack sets the pace.")
        return value

    @field_validator("rollcall_rehearsal_clock")
    @classmethod
    def _only_in_a_rehearsal(cls, value: str, info: ValidationInfo) -> str:
        if value and not is_loopback(info.data.get("slack_api_url", value)):
            raise ValueError(
                "is set, but SLACK_API_URL is not on this machine. Unset it: real releases run on real time."
            )
        return _address(value) if value else ""


def _policy() -> tuple[Policy | None, PolicyMistakes | None]:
    # Read on its own, so that its mistakes are told even when a token is missing.
    path = os.environ.get("ROLLCALL_POLICY", "")
    if not path:
        return None, None
    try:
        return load_policy(path), None
    except PolicyMistakes as mistakes:
        return None, mistakes


def _secrets_missing(policy: Policy | None) -> list[str]:
    # Told now: the first login may be hours away, in the middle of a release.
    missing = []
    for rule in policy.orgs.values() if policy else ():
        try:
            read_secret(rule.login, rule.title, os.environ)
        except OrgRefused as refused:
            missing.append(str(refused))
    return missing


def _sentence(error: ErrorDetails) -> str:
    name = str(error["loc"][0]).upper()
    hint = _WHERE.get(name, "")
    if error["type"] == "missing":
        return f"{name} is not set. {hint}".rstrip()
    if error["type"] == "value_error":
        return f"{name} {error['msg'].removeprefix('Value error, ')} {hint}".rstrip()
    return f"{name} cannot be read. {hint or error['msg']}"
