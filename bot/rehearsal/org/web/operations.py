"""Which operation a request is, for the faults that are limited to one."""

from __future__ import annotations

import re

_SOAP = {
    "deploy": "deploy",
    "deployRecentValidation": "deploy",
    "checkDeployStatus": "status",
    "cancelDeploy": "cancel",
    "retrieve": "retrieve",
    "checkRetrieveStatus": "retrieve",
    "checkStatus": "retrieve",
}
_FIRST_IN_BODY = re.compile(rb"<(?:[\w.-]+:)?Body\b[^>]*>\s*<(?:[\w.-]+:)?(\w+)")


def operation_of(method: str, path: str, body: bytes) -> str:
    """One of faults.OPERATIONS."""
    if path.startswith("/services/Soap/"):
        found = _FIRST_IN_BODY.search(body)
        return _SOAP.get(found.group(1).decode(), "other") if found else "other"
    if path.endswith("/oauth2/token"):
        return "login"
    if "/metadata/deployRequest" in path:
        return {"POST": "deploy", "PATCH": "cancel"}.get(method, "status")
    return "query" if re.search(r"/query(All)?/?$", path) else "other"
