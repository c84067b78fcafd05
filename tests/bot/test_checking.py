"""`rollcall check`: what each org says of itself, told for people and for machines."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot import checking
from bot.checking import Checked, Finding
from bot.org_checks import HASTY, PERMISSIONS, check_org
from bot.rehearsal.org.serve import RunningOrg, running
from release_core.logins import AccessTokenLogin
from release_core.policy import OrgRule
from tests.bot.salesforce.conftest import Heard, Reply, ScriptedOrg

MAY_EVERYTHING = {name: True for permission in PERMISSIONS for name in permission.fields}


@pytest.fixture(scope="module")
def production() -> Iterator[RunningOrg]:
    """A local production org."""
    with running("production", pace=0) as org:
        yield org


@pytest.fixture
def scripted() -> Iterator[ScriptedOrg]:
    """An org that says what a test wants."""
    org = ScriptedOrg()
    yield org
    org.close()


def a_rule(url: str, kind: str = "production") -> OrgRule:
    login = AccessTokenLogin(instance_url=url, access_token_env="T")
    return OrgRule(title="PRODUCTION", kind=kind, login=login)  # type: ignore[arg-type]


def an_org(
    *,
    sandbox: bool = False,
    may: Mapping[str, bool] | Reply = MAY_EVERYTHING,
    used: int = 100,
    versions: tuple[str, ...] = ("66.0", "67.0"),
    date: str | None = None,
) -> Callable[[Heard], Reply]:
    """What an org answers to each question of the check."""
    said: dict[str, str] = {"Sforce-Limit-Info": f"api-usage={used}/1000", **({"Date": date} if date else {})}

    def answer(heard: Heard) -> Reply:
        body: Any
        if "userinfo" in heard.path:
            body = {"user_id": "005000000000001AAA", "preferred_username": "rollcall@acme.test"}
        elif "Organization" in heard.path:
            body = _rows({"Id": "00D000000000001EAA", "Name": "Acme", "IsSandbox": sandbox})
        elif "UserPermissionAccess" in heard.path:
            if isinstance(may, Reply):
                return may
            body = _rows(dict(may))
        else:
            body = [{"version": version} for version in versions]
        return Reply(200, body, headers=said)

    return answer


def _rows(row: dict[str, Any]) -> dict[str, Any]:
    return {"totalSize": 1, "done": True, "records": [row]}


def found(scripted: ScriptedOrg, kind: str = "production") -> dict[str, tuple[str, str]]:
    """What the check says, by what it is about."""
    looked = check_org(a_rule(scripted.url, kind), 10, {"T": "00D000000000001!AQ.secret"})
    return {about: (level, sentence) for level, about, sentence in looked.findings}


def test_an_org_in_which_all_is_well_says_who_where_and_how_much(scripted: ScriptedOrg) -> None:
    scripted.answers(an_org())
    said = found(scripted)
    assert {level for level, _ in said.values()} == {"good"}
    assert "rollcall@acme.test" in said["user"][1]
    assert "00D000000000001EAA" in said["kind"][1]
    assert "900 of 1,000" in said["api_budget"][1]
    assert "67.0" in said["api_version"][1]
    assert "agree" in said["clock"][1]


@pytest.mark.parametrize(("sandbox", "policy"), [(True, "production"), (False, "sandbox")])
def test_the_wrong_kind_has_to_be_mended(scripted: ScriptedOrg, sandbox: bool, policy: str) -> None:
    scripted.answers(an_org(sandbox=sandbox))
    level, sentence = found(scripted, policy)["kind"]
    assert level == "bad"
    assert f"policy calls it {policy}" in sentence


@pytest.mark.parametrize("permission", PERMISSIONS, ids=lambda one: one.called)
def test_a_missing_permission_is_named_with_what_needs_it(scripted: ScriptedOrg, permission: Any) -> None:
    scripted.answers(an_org(may=MAY_EVERYTHING | dict.fromkeys(permission.fields, False)))
    level, sentence = found(scripted)["permissions"]
    assert level == "bad"
    assert permission.called in sentence
    assert permission.needed_for in sentence
    assert "Grant it" in sentence


def test_modify_all_data_does_for_modify_metadata(scripted: ScriptedOrg) -> None:
    scripted.answers(an_org(may=MAY_EVERYTHING | {"PermissionsModifyMetadata": False}))
    assert found(scripted)["permissions"][0] == "good"


def test_permissions_that_cannot_be_asked_for_are_unknown_and_hide_nothing(scripted: ScriptedOrg) -> None:
    refused = Reply(400, [{"errorCode": "INVALID_TYPE", "message": "sObject type is not supported"}])
    scripted.answers(an_org(may=refused))
    said = found(scripted)
    assert said["permissions"][0] == "unknown"
    assert said["api_budget"][0] == "good"


def test_an_api_version_that_the_org_does_not_offer_yet_has_to_be_mended(scripted: ScriptedOrg) -> None:
    scripted.answers(an_org(versions=("65.0", "66.0")))
    assert found(scripted)["api_version"][0] == "bad"


def test_a_budget_below_the_reserve_is_a_warning(scripted: ScriptedOrg) -> None:
    scripted.answers(an_org(used=950))
    assert found(scripted)["api_budget"] == (
        "warn",
        "50 of 1,000 API calls of the day are left (5 %). That is below the reserve of 10 %: see what else calls this "
        "org, or ask for a higher limit.",
    )


def test_a_clock_that_is_wrong_has_to_be_mended(scripted: ScriptedOrg) -> None:
    scripted.answers(an_org(date="Mon, 01 Jan 2024 00:00:00 GMT"))
    level, sentence = found(scripted)["clock"]
    assert level == "bad"
    assert "ahead of the org's" in sentence


def test_one_check_that_fails_or_hangs_hides_no_other() -> None:
    over = threading.Event()

    def hangs() -> Checked:
        over.wait()
        return Checked("hangs", "HANGS", [])

    def is_well() -> Checked:
        return Checked("well", "WELL", [Finding("good", "user", "Logged in.")])

    checked = checking.run_checks({"hangs": ("HANGS", hangs), "well": ("WELL", is_well)}, within=0.5)
    over.set()
    assert [(one.title, one.good) for one in checked] == [("HANGS", False), ("WELL", True)]
    assert "not done within" in checking.told(checked)


def _run(tmp_path: Path, environ: Mapping[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "ROLLCALL_"))}
    command = [sys.executable, "-m", "bot", "check", *more]
    return subprocess.run(
        command, env={**clean, **environ}, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2]
    )


def _environ(production: RunningOrg, uat_url: str, uat_token: str) -> dict[str, str]:
    return {
        "ROLLCALL_POLICY": str(Path(checking.__file__).parent / "rehearsal" / "policy.yaml"),
        "ROLLCALL_REHEARSAL_PRODUCTION_URL": production.instance_url,
        "ROLLCALL_REHEARSAL_PRODUCTION_TOKEN": production.access_token,
        "ROLLCALL_REHEARSAL_UAT_URL": uat_url,
        "ROLLCALL_REHEARSAL_UAT_TOKEN": uat_token,
    }


def test_without_slack_tokens_the_orgs_are_checked_all_the_same(tmp_path: Path, production: RunningOrg) -> None:
    with running("sandbox", pace=0) as uat:
        environ = _environ(production, uat.instance_url, uat.access_token)
        done = _run(tmp_path, environ, "--json")
        spoken = _run(tmp_path, environ)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["good"]) == (0, True)
    assert [one["name"] for one in answer["checks"]] == ["settings", "org:uat", "org:production"]
    assert answer["checks"][2]["facts"]["org_id"] == production.org_id
    assert answer["checks"][1]["facts"]["kind"] == "sandbox"
    assert [one["facts"]["missing_permissions"] for one in answer["checks"][1:]] == [[], []]
    assert spoken.returncode == 0
    assert "SLACK_BOT_TOKEN is not set" in spoken.stdout
    assert f"Logged in as {production.username}" in spoken.stdout


def test_an_org_that_is_away_is_exit_code_1_and_the_other_is_told(tmp_path: Path, production: RunningOrg) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        done = _run(tmp_path, _environ(production, f"http://127.0.0.1:{unused.getsockname()[1]}", "00D1!x"))
    assert done.returncode == 1
    assert done.stdout.count("no connection could be made") == 1  # the fact is not told as its own cause
    assert f"Logged in as {production.username}" in done.stdout


def test_without_a_policy_it_cannot_even_begin(tmp_path: Path) -> None:
    done = _run(tmp_path, {})
    assert done.returncode == 2
    assert "ROLLCALL_POLICY is not set" in done.stderr


def test_machines_are_told_as_json_that_it_cannot_begin(tmp_path: Path) -> None:
    done = _run(tmp_path, {}, "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["good"], answer["checks"]) == (2, False, [])
    assert "ROLLCALL_POLICY is not set" in answer["problem"]


def test_an_org_that_never_answers_is_given_up_before_the_check_itself_is() -> None:
    tries = len(HASTY.pauses) + 1
    assert tries * HASTY.answer_for + sum(HASTY.pauses) < checking.ANSWERS_WITHIN
