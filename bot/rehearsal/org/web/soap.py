"""The SOAP Metadata API."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

from starlette.responses import Response

from bot.rehearsal.org import catalog, markup, permissions
from bot.rehearsal.org.identity import API_VERSIONS
from bot.rehearsal.org.manifests import from_element
from bot.rehearsal.org.markup import NIL, text_of
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import User
from bot.rehearsal.org.results import Refusal, read_options, truthy
from bot.rehearsal.org.retrieving import Retrieval, RetrieveRequest, description, listing
from bot.rehearsal.org.web.gate import Asked, Door, page
from bot.rehearsal.org.web.rest import edge_fault

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_MOST_BYTES = 52_428_800  # Salesforce's limit for one SOAP message
_SIZES_SINCE = 65.0  # API version from which DeployResult tells numberFiles and zipSize


class Call:
    """One SOAP call: its operation's element, who calls, in which API version."""

    def __init__(self, org: Org, user: User, operation: Element, version: str) -> None:
        self.org = org
        self.user = user
        self.operation = operation
        self.version = version

    def text(self, *names: str) -> str:
        """The text of the first child bearing one of the names."""
        return next((found for name in names if (found := text_of(self.operation, name))), "")


def serve(org: Org, door: Door, asked: Asked) -> Response:
    """POST /services/Soap/m/XX.0, whatever follows in the path."""
    try:
        door.enter(asked)
        if len(asked.body) > _MOST_BYTES:
            raise Refusal(
                "LIMIT_EXCEEDED", f"Maximum size of request reached. Maximum size of request is {_MOST_BYTES} bytes."
            )
        call = _read(org, door, asked)
        name = markup.local(call.operation.tag)
        operation = _OPERATIONS.get(name)
        if operation is None:
            raise Refusal(
                "Client",
                f"No operation available for request {{{markup.METADATA}}}{name}, see the WSDL.",
            )
        results = operation(call)
    except Refusal as refusal:
        return fault(refusal)
    asked.notes["deployed"] = name in ("deploy", "deployRecentValidation")
    inner = "".join(markup.as_xml("result", result) for result in results)
    return _envelope(f'<{name}Response xmlns="{markup.METADATA}">{inner}</{name}Response>', 200)


def _read(org: Org, door: Door, asked: Asked) -> Call:
    try:
        root = markup.parse(asked.body)
    except markup.Malformed as bad:
        raise Refusal("Client", f"The request is no well-formed XML: {bad}") from bad
    body = next(iter(markup.named(root, "Body")), None)
    operation = next(iter(body), None) if body is not None else None
    if operation is None:
        raise Refusal("Client", "The SOAP body is empty")
    version = _version(asked.path)
    session = ""
    for header in markup.named(root, "Header"):
        for block in markup.named(header, "SessionHeader"):
            session = text_of(block, "sessionId")
    user = door.user_of(session)
    permissions.require_metadata(user)
    return Call(org, user, operation, version)


def _version(path: str) -> str:
    found = re.search(r"/m/(\d+(?:\.\d+)?)", path)
    version = f"{float(found.group(1)):.1f}" if found else API_VERSIONS[-1]
    if version not in API_VERSIONS:
        raise Refusal("UNSUPPORTED_API_VERSION", f"Invalid Api version specified on URL: {version}")
    return version


def fault(refusal: Refusal) -> Response:
    """A SOAP fault; HTTP 500, as Salesforce sends it."""
    if not refusal.code:
        return page(refusal)
    if refusal.code == "Client":
        code, text = "soapenv:Client", refusal.message
    else:
        code, text = f"sf:{refusal.code}", f"{refusal.code}: {refusal.message}"
    status = refusal.status if refusal.code == "SERVER_UNAVAILABLE" else 500
    inner = f"<faultcode>{code}</faultcode><faultstring>{markup.escape(text)}</faultstring>"
    return _envelope(f"<soapenv:Fault>{inner}</soapenv:Fault>", status)


def _envelope(body: str, status: int) -> Response:
    spaces = f'xmlns:soapenv="{_ENVELOPE}" xmlns:sf="{markup.METADATA}" xmlns:xsi="{markup.XSI}"'
    head = f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope {spaces}>'
    text = f"{head}<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    return Response(text.encode(), status, media_type="text/xml; charset=utf-8")


def _deploy(call: Call) -> list[object]:
    text = call.text("ZipFile", "zipFile")
    try:
        archive = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as problem:
        raise Refusal("INVALID_FIELD", "ZipFile is no base64 text") from problem
    given: dict[str, object] = {}
    tests: list[str] = []
    for options in markup.named(call.operation, "DeployOptions", "deployOptions"):
        for child in options:
            name, value = markup.local(child.tag), (child.text or "").strip()
            if name == "runTests" and value:
                tests.append(value)
            else:
                given[name] = value
    job = call.org.deploy(call.user.id, archive, read_options(given, tuple(tests)))
    return [{"done": False, "id": job.id, "state": "Queued"}]


def _check_deploy_status(call: Call) -> list[object]:
    with call.org.lock:
        job = call.org.job(call.text("asyncProcessId", "id", "String"))
        edge_fault(call.org, job)
        result = call.org.result(job.id, float(call.version), details=truthy(call.text("includeDetails")))
    if float(call.version) < _SIZES_SINCE:
        del result["numberFiles"], result["zipSize"]
    return [result]


def _cancel(call: Call) -> list[object]:
    job = call.org.cancel(call.user.id, call.text("String", "id", "asyncProcessId"))
    return [{"done": job.done, "id": job.id}]


def _quick_deploy(call: Call) -> list[object]:
    return [call.org.quick_deploy(call.user.id, call.text("validationId", "validationID", "id")).id]


def _retrieve(call: Call) -> list[object]:
    request = next(iter(markup.named(call.operation, "retrieveRequest", "request")), None)
    if request is None:
        raise Refusal("INVALID_FIELD", "retrieveRequest is missing")
    unpackaged = next(iter(markup.named(request, "unpackaged")), None)
    if unpackaged is None:
        raise Refusal(
            "INVALID_CROSS_REFERENCE_KEY", "No package named in packageNames was found; name components in unpackaged"
        )
    files = tuple((each.text or "").strip() for each in markup.named(request, "specificFiles"))
    wanted = RetrieveRequest(from_element(unpackaged), truthy(text_of(request, "singlePackage")), files)
    retrieval = call.org.retrieve(call.user.id, wanted, text_of(request, "apiVersion") or call.version)
    return [{"done": False, "id": retrieval.id, "state": "Queued"}]


def _check_retrieve_status(call: Call) -> list[object]:
    retrieval = call.org.retrieval(call.text("asyncProcessId", "id"))
    asked_for = call.text("includeZip")
    return [_retrieve_result(retrieval, include_zip=not asked_for or truthy(asked_for))]


def _retrieve_result(retrieval: Retrieval, *, include_zip: bool) -> dict[str, object]:
    archive = base64.b64encode(retrieval.zip or b"").decode() if retrieval.done and include_zip else NIL
    code, message = retrieval.error or (None, None)
    return {
        "done": retrieval.done,
        "errorMessage": message,
        "errorStatusCode": code,
        "fileProperties": retrieval.properties,
        "id": retrieval.id,
        "messages": retrieval.messages,
        "status": ("Failed" if code else "Succeeded") if retrieval.done else "InProgress",
        "success": retrieval.done and code is None,
        "zipFile": archive,
    }


def _check_status(call: Call) -> list[object]:
    found: list[object] = []
    for node in markup.named(call.operation, "asyncProcessId"):
        identifier = (node.text or "").strip()
        is_retrieve = identifier.startswith("09S")
        done = call.org.retrieval(identifier).done if is_retrieve else call.org.job(identifier).done
        found.append({"done": done, "id": identifier, "state": "Completed" if done else "InProgress"})
    return found


def _describe(call: Call) -> list[object]:
    return [description(test_required=call.org.production)]


def _list(call: Call) -> list[object]:
    found: list[object] = []
    with call.org.lock:
        call.org.settle()
        for asked in markup.named(call.operation, "queries"):
            name = text_of(asked, "type")
            if not (catalog.known_type(name) or name in catalog.FOLDER_TYPES.values()):
                raise Refusal("INVALID_TYPE", f"Unknown type:{name}")
            found += listing(call.org.inventory, name, text_of(asked, "folder"), call.org.names)
    return found


_OPERATIONS: dict[str, Callable[[Call], list[object]]] = {
    "cancelDeploy": _cancel,
    "checkDeployStatus": _check_deploy_status,
    "checkRetrieveStatus": _check_retrieve_status,
    "checkStatus": _check_status,
    "deploy": _deploy,
    "deployRecentValidation": _quick_deploy,
    "describeMetadata": _describe,
    "listMetadata": _list,
    "retrieve": _retrieve,
}
