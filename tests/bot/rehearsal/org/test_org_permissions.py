"""What users may do, what happens to those who may not."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from bot.rehearsal.org.results import Refusal
from bot.rehearsal.org.serve import RunningOrg
from bot.rehearsal.org.tables import answer
from tests.bot.rehearsal.org.org_bench import Bench, apex, package
from tests.bot.rehearsal.org.test_org_rehearsal_controls import accept, control
from tests.bot.rehearsal.org.test_org_soap import call, fault

GREETER = apex(Greeter="public class Greeter { }")
ROOT = "/services/data/v66.0"
ASK = (
    "SELECT PermissionsApiEnabled, PermissionsModifyMetadata, PermissionsModifyAllData, PermissionsAuthorApex, "
    "PermissionsViewSetup FROM UserPermissionAccess"
)


def take(org: RunningOrg, *names: str, give: tuple[str, ...] = ()) -> dict[str, Any]:
    found = control(org, "permissions", {"user": "rollcall", "take": list(names), "give": list(give)})
    assert found.status_code == 200, found.text
    body: dict[str, Any] = found.json()
    return body


def ask(org: RunningOrg, session: requests.Session, text: str, *, tooling: bool = False) -> requests.Response:
    path = "tooling/query" if tooling else "query"
    return session.get(f"{org.instance_url}{ROOT}/{path}", params={"q": text})


def test_a_user_learns_what_it_may_not_do(served: RunningOrg, session: requests.Session) -> None:
    take(served, "AuthorApex", "PermissionsViewSetup")
    rows = ask(served, session, ASK).json()["records"]
    assert len(rows) == 1
    may = {name.removeprefix("Permissions") for name, value in rows[0].items() if value is True}
    assert may == {"ApiEnabled", "ModifyMetadata", "ModifyAllData"}


def test_a_permission_comes_back(served: RunningOrg, session: requests.Session) -> None:
    take(served, "ModifyMetadata", "ModifyAllData")
    assert accept(served, session).json()[0]["errorCode"] == "INSUFFICIENT_ACCESS"
    assert "ModifyMetadata" in take(served, give=("ModifyMetadata",))["permissions"]
    assert accept(served, session).status_code == 201


def test_either_of_two_permissions_opens_the_metadata_api(served: RunningOrg, session: requests.Session) -> None:
    take(served, "ModifyMetadata")
    assert accept(served, session).status_code == 201
    take(served, "ModifyAllData")
    assert fault(call(served, "<describeMetadata/>")) == "sf:INSUFFICIENT_ACCESS"


def test_without_author_apex_only_apex_is_kept_out(production: Bench) -> None:
    org = production.org
    org.permit(org.users[0], ("AuthorApex",))
    job = production.deploy(GREETER)
    assert job.outcome is not None
    assert job.outcome.error_code == "INSUFFICIENT_ACCESS_APEX_METADATA_DEPLOY"
    granted = production.files("PermissionSet", "Sales_Operations")
    assert production.deploy(package({"PermissionSet": ["Sales_Operations"]}, granted)).status == "Succeeded"


def test_without_api_enabled_every_call_is_refused(served: RunningOrg, session: requests.Session) -> None:
    take(served, "ApiEnabled")
    found = ask(served, session, ASK)
    assert (found.status_code, found.json()[0]["errorCode"]) == (403, "API_CURRENTLY_DISABLED")


@pytest.mark.parametrize(
    ("text", "tooling", "lost"),
    [
        ("SELECT Id FROM DeployRequest", True, ("ModifyMetadata", "ModifyAllData")),
        ("SELECT Id FROM SetupAuditTrail", False, ("ViewSetup",)),
    ],
)
def test_what_one_may_not_see_looks_as_if_it_were_not_there(
    served: RunningOrg, session: requests.Session, text: str, tooling: bool, lost: tuple[str, ...]
) -> None:
    assert ask(served, session, text, tooling=tooling).status_code == 200
    take(served, *lost)
    assert ask(served, session, text, tooling=tooling).json()[0]["errorCode"] == "INVALID_TYPE"


def test_a_standard_user_may_not_deploy_nor_read_history(production: Bench) -> None:
    standard = next(user for user in production.org.users if user.profile == "Standard User")
    with pytest.raises(Refusal, match="DeployRequest"):
        answer(production.org, "SELECT Id FROM DeployRequest", ROOT, tooling=True, user=standard)
    row = answer(production.org, ASK, ROOT, tooling=False, user=standard)["records"]
    assert isinstance(row, list)
    assert row[0]["PermissionsModifyMetadata"] is False


def test_an_unknown_permission_is_told_in_a_sentence(served: RunningOrg) -> None:
    found = control(served, "permissions", {"user": "rollcall", "take": ["Fly"]})
    assert found.status_code == 400
    assert "Fly" in found.json()["error"]
