"""What CumulusCI says and hears; runs in CumulusCI's own venv, so it imports nothing of ours.

Prints one JSON line for each check: {"what", "ok", "said"}.
"""

from __future__ import annotations

import base64
import json
import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cumulusci.salesforce_api.exceptions import MetadataApiError, MetadataComponentFailure
from cumulusci.salesforce_api.metadata import ApiDeploy, ApiListMetadata, ApiRetrieveUnpackaged
from cumulusci.salesforce_api.rest_deploy import RestDeploy

VERSION = "66.0"
RETRIEVE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Package xmlns="http://soap.sforce.com/2006/04/metadata">\n'
    f"<types><members>Greeter</members><name>ApexClass</name></types><version>{VERSION}</version>\n</Package>\n"
)  # on lines of their own: CumulusCI cuts everything up to the last `>` of the first


def main() -> None:
    """Every check, in order."""
    url, token, org_id, good, broken = sys.argv[1:]
    task = _task(url, token, org_id)
    good_zip, broken_zip = _base64(good), _base64(broken)
    check("ApiDeploy", lambda: ApiDeploy(task, good_zip)(), lambda found: str(found) == "Success")
    check(
        "ApiDeploy, check only",
        lambda: ApiDeploy(task, good_zip, check_only=True)(),
        lambda found: str(found) == "Success",
    )
    check(
        "ApiDeploy that does not compile",
        lambda: _failure(lambda: ApiDeploy(task, broken_zip)()),
        lambda text: "Broken" in text,
    )
    rest = lambda archive: RestDeploy(task, archive, None, False, None, [])()  # noqa: E731
    check("RestDeploy", lambda: rest(good_zip), lambda found: found is None)
    check("RestDeploy that does not compile", lambda: _failure(lambda: rest(broken_zip)), lambda text: "Broken" in text)
    check("ApiListMetadata", lambda: _listed(task), lambda names: "Greeter" in names)
    check("ApiRetrieveUnpackaged", lambda: _retrieved(task), lambda names: "classes/Greeter.cls" in names)


def _task(url: str, token: str, org_id: str) -> Any:
    org = SimpleNamespace(
        org_id=org_id,
        instance_url=url,
        access_token=token,
        org_type="Enterprise Edition",
        is_sandbox=True,
        refresh_token=None,
    )
    project = SimpleNamespace(project__package__api_version=VERSION)
    return SimpleNamespace(org_config=org, project_config=project, logger=logging.getLogger("story"))


def check(what: str, ask: Callable[[], Any], right: Callable[[Any], bool]) -> None:
    """Ask, judge, print."""
    try:
        found = ask()
        ok, said = right(found), repr(found)
    except Exception:  # noqa: BLE001 - a client that breaks is what this script is to find out
        ok, said = False, traceback.format_exc()
    print(json.dumps({"what": what, "ok": ok, "said": "" if ok else said[-600:]}))  # noqa: T201


def _failure(ask: Callable[[], Any]) -> str:
    try:
        return f"no failure: {ask()!r}"
    except (MetadataComponentFailure, MetadataApiError) as failure:
        return str(failure)


def _listed(task: Any) -> set[str]:
    found = ApiListMetadata(task, "ApexClass", as_of_version=VERSION)()
    return {each["fullName"] for each in found["ApexClass"]}


def _retrieved(task: Any) -> set[str]:
    found = ApiRetrieveUnpackaged(task, RETRIEVE, VERSION)()
    return set(found.namelist())


def _base64(path: str) -> str:
    return base64.b64encode(Path(path).read_bytes()).decode()


main()
