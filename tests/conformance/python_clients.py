"""simple-salesforce with zeep on its bundled WSDL."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import simple_salesforce
import zeep

from tests.conformance import files
from tests.conformance.ledger import Ledger, differs
from tests.conformance.scene import Scene

_SWITCHES = (
    "allowMissingFiles",
    "autoUpdatePackage",
    "checkOnly",
    "ignoreWarnings",
    "performRetrieve",
    "purgeOnDelete",
)
_OPTIONS: dict[str, Any] = {
    **dict.fromkeys(_SWITCHES, False),
    "rollbackOnError": True,
    "singlePackage": True,
    "testLevel": "RunLocalTests",
}


def with_simple_salesforce(scene: Scene, ledger: Ledger) -> None:
    """Queries, limits, a deployment over REST, its own Metadata API calls."""
    client = _client(scene)
    one = client.query("SELECT Id, IsSandbox FROM Organization")
    ledger.check("simple-salesforce", "query", differs(one["totalSize"], 1))
    ledger.check("simple-salesforce", "is_sandbox", differs(client.is_sandbox(), True))
    found = client.restful("tooling/query", {"q": "SELECT PercentCovered FROM ApexOrgWideCoverage"})
    ledger.check("simple-salesforce", "tooling query", differs(found["size"], 1))
    settings = json.dumps({"deployOptions": {"rollbackOnError": True, "singlePackage": True}})
    archive = files.zipped(files.metadata({"Greeter": files.GOOD}))
    parts = [("json", (None, settings, "application/json")), ("file", ("x.zip", archive, "application/zip"))]
    job = client.restful("metadata/deployRequest", method="POST", headers={"Content-Type": None}, files=parts)["id"]
    status = _until_done(
        lambda: client.restful(f"metadata/deployRequest/{job}", {"includeDetails": "true"})["deployResult"]
    )
    ledger.check("simple-salesforce", "deploy over REST", differs(status["status"], "Succeeded"))
    path = scene.folder / "good.zip"
    path.write_bytes(archive)
    accepted = client.deploy(str(path), sandbox=True, rollbackOnError=True, checkOnly=False, testLevel="NoTestRun")
    ledger.check("simple-salesforce", "mdapi deploy", differs(accepted["state"], "Queued"))
    state = _until_done(lambda: _with_done(client.checkDeployStatus(accepted["asyncId"])))
    ledger.check("simple-salesforce", "mdapi checkDeployStatus", differs(state["state"], "Succeeded"))


def _client(scene: Scene) -> Any:
    client: Any = simple_salesforce.Salesforce(
        instance=urlsplit(scene.url).netloc, session_id=scene.token, version="66.0"
    )
    for name in ("base_url", "metadata_url", "tooling_url", "apex_url", "bulk_url", "bulk2_url", "oauth2_url"):
        setattr(client, name, getattr(client, name, "").replace("https://", "http://"))
    return client


def _with_done(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"done": found["state"] not in ("Pending", "InProgress", "Finalizing")}


def _until_done(ask: Callable[[], Any]) -> Any:
    for _ in range(100):
        found = ask()
        if found["done"]:
            return found
        time.sleep(0.3)
    return found


def with_zeep(scene: Scene, ledger: Ledger) -> None:
    """Salesforce's WSDL, read strictly: order, types, enums of every answer."""
    service = _service(scene)
    accepted = _bare(service.deploy(files.zipped(files.metadata({"Greeter": files.GOOD})), _OPTIONS))
    status = _until_done(lambda: _bare(service.checkDeployStatus(accepted.id, True)))
    ledger.check("zeep", "deploy, checkDeployStatus", differs(status.status, "Succeeded"))
    request = {
        "apiVersion": 63.0,
        "singlePackage": True,
        "unpackaged": {"types": [{"members": ["*"], "name": "ApexClass"}], "version": "63.0"},
    }
    asked = _bare(service.retrieve(request))
    done = _until_done(lambda: _bare(service.checkRetrieveStatus(asked.id, True)))
    ledger.check("zeep", "retrieve, checkRetrieveStatus", differs(zipfile.is_zipfile(io.BytesIO(done.zipFile)), True))
    listed = {row.fullName for row in _bare(service.listMetadata([{"type": "ApexClass"}], 63.0))}
    ledger.check("zeep", "listMetadata", differs("Greeter" in listed, True))
    ledger.check("zeep", "describeMetadata", differs(_bare(service.describeMetadata(63.0)).partialSaveAllowed, True))


def _service(scene: Scene) -> Any:
    path = Path(simple_salesforce.__file__).parent / "metadata.wsdl"
    client = zeep.Client(path.as_uri(), settings=zeep.Settings(strict=True))
    binding = "{http://soap.sforce.com/2006/04/metadata}MetadataBinding"
    client.set_default_soapheaders([client.get_element("ns0:SessionHeader")(sessionId=scene.token)])
    return client.create_service(binding, f"{scene.url}/services/Soap/m/63.0/")


def _bare(answer: Any) -> Any:
    return answer["body"]["result"] if "body" in answer else answer


STORIES: dict[str, tuple[str, Callable[[Scene, Ledger], None], bool]] = {
    "simple-salesforce": ("sandbox", with_simple_salesforce, True),
    "zeep": ("production", with_zeep, True),
}
