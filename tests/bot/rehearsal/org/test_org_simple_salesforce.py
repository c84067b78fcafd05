"""simple-salesforce against the org: queries, REST deployments, its own Metadata API."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from simple_salesforce import Salesforce, SalesforceExpiredSession

from bot.rehearsal.org.serve import RunningOrg
from tests.bot.rehearsal.org.org_bench import apex

GREETER = apex(Greeter="public class Greeter { }")


@pytest.fixture
def sf(served: RunningOrg) -> Any:
    """The client insists on https, so its base address is put right afterwards."""
    client = Salesforce(
        instance=served.instance_url.removeprefix("http://"), session_id=served.access_token, version="66.0"
    )
    client.base_url = client.base_url.replace("https://", "http://")
    client.metadata_url = client.metadata_url.replace("https://", "http://")
    client.tooling_url = client.tooling_url.replace("https://", "http://")
    return client


def test_queries_and_limits(sf: Any) -> None:
    assert sf.query("SELECT IsSandbox FROM Organization")["records"][0]["IsSandbox"] is False
    assert sf.limits()["DataStorageMB"]["Max"] == 10240
    assert sf.restful("tooling/query", {"q": "SELECT PercentCovered FROM ApexOrgWideCoverage"})["size"] == 1


def test_deploy_over_rest(sf: Any) -> None:
    settings = json.dumps({"deployOptions": {"rollbackOnError": True, "singlePackage": True}})
    parts = [("json", (None, settings, "application/json")), ("file", ("x.zip", GREETER, "application/zip"))]
    accepted = sf.restful("metadata/deployRequest", method="POST", headers={"Content-Type": None}, files=parts)
    status = sf.restful(f"metadata/deployRequest/{accepted['id']}", {"includeDetails": "true"})
    assert status["deployResult"]["status"] == "Succeeded"


def test_its_own_metadata_calls(sf: Any, tmp_path: Path) -> None:
    archive = tmp_path / "greeter.zip"
    archive.write_bytes(GREETER)
    answer = sf.deploy(str(archive), sandbox=False, checkOnly=False)
    assert answer["state"] == "Queued"
    status = sf.checkDeployStatus(answer["asyncId"])
    assert status["state"] == "Succeeded"


def test_its_own_retrieve(sf: Any) -> None:
    job, _ = sf.mdapi.retrieve("ignored", unpackaged={"ApexClass": ["DiscountPolicy"]})
    state, *_ = sf.mdapi.check_retrieve_status(job)
    assert state == "Succeeded"
    archive = sf.mdapi.retrieve_zip(job)[3]
    assert "classes/DiscountPolicy.cls" in zipfile.ZipFile(io.BytesIO(archive)).namelist()


def test_an_expired_session_is_recognised(served: RunningOrg, sf: Any) -> None:
    requests.post(f"{served.instance_url}/rehearsal/sessions/expire", json={}, timeout=30)
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Organization")


def token(org: RunningOrg, **form: str) -> requests.Response:
    return requests.post(f"{org.instance_url}/services/oauth2/token", data=form, timeout=30)


JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def signed(org: RunningOrg, key: str, **claims: object) -> str:
    given = {"iss": "client", "sub": org.username, "aud": org.instance_url, "exp": int(time.time()) + 180, **claims}
    return jwt.encode(given, key, algorithm="RS256")


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode(), public.decode()


def test_an_assertion_for_a_known_user_gives_a_working_token(served: RunningOrg, keys: tuple[str, str]) -> None:
    answer = token(served, grant_type=JWT, assertion=signed(served, keys[0])).json()
    assert answer["instance_url"] == served.instance_url
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    who = requests.get(f"{served.instance_url}/services/oauth2/userinfo", headers=headers, timeout=30).json()
    assert (who["preferred_username"], who["organization_id"]) == (served.username, served.org_id)


def test_an_expiry_in_milliseconds_is_understood(served: RunningOrg, keys: tuple[str, str]) -> None:
    assertion = signed(served, keys[0], exp=int(time.time() * 1000) + 180_000)
    assert token(served, grant_type=JWT, assertion=assertion).status_code == 200


@pytest.mark.parametrize("claims", [{"sub": "nobody@nowhere.example"}, {"exp": 1_000_000_000}, {"iss": ""}])
def test_other_assertions_are_refused(served: RunningOrg, keys: tuple[str, str], claims: dict[str, object]) -> None:
    answer = token(served, grant_type=JWT, assertion=signed(served, keys[0], **claims))
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "error_description"}


def test_with_a_public_key_the_signature_counts(served: RunningOrg, keys: tuple[str, str]) -> None:
    served.org.identity.public_key = keys[1]
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert token(served, grant_type=JWT, assertion=signed(served, keys[0])).status_code == 200
    assert token(served, grant_type=JWT, assertion=signed(served, pem.decode())).status_code == 400


def test_client_credentials_log_in_the_integration_user(served: RunningOrg) -> None:
    basic = base64.b64encode(b"id:secret").decode()
    url = f"{served.instance_url}/services/oauth2/token"
    answer = requests.post(
        url, data={"grant_type": "client_credentials"}, headers={"Authorization": f"Basic {basic}"}, timeout=5
    )
    assert answer.json()["access_token"] == served.access_token
    assert token(served, grant_type="client_credentials").status_code == 400
    assert token(served, grant_type="password").json()["error"] == "unsupported_grant_type"
