"""Reading the rehearsal API's requests, answering its refusals."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.rehearsal.workspace.model import Json
from bot.rehearsal.workspace.refusals import ActingError
from bot.rehearsal.workspace.web.dispatch import limited_body

BODY_MOST = 1_000_000
UPLOAD_MOST = 64_000_000

Endpoint = Callable[[Request], Awaitable[Response]]


def answering(endpoint: Callable[[Request], Awaitable[Json | Response]]) -> Endpoint:
    """An endpoint whose ActingErrors become `{"ok": false, "error": …}` with their status."""

    async def answer(request: Request) -> Response:
        try:
            body = await endpoint(request)
        except ActingError as error:
            said = {"code": error.code, "sentence": error.sentence, **error.fields}
            return JSONResponse({"ok": False, "error": said}, status_code=error.status)
        return body if isinstance(body, Response) else JSONResponse({"ok": True, **body})

    return answer


async def json_object(request: Request, most: int = BODY_MOST) -> Json:
    """The request's JSON object; ActingError (400, 413) when it is none or too long."""
    body = await limited_body(request, most)
    if body is None:
        raise ActingError(413, "too_large", f"The body is longer than {most:,} bytes, the most this takes.")
    try:
        given = json.loads(body)
    except ValueError as error:
        raise ActingError(400, "bad_json", f"The body is not JSON ({error}). Send one JSON object.") from None
    if not isinstance(given, dict):
        raise ActingError(400, "bad_json", "The body must be one JSON object.")
    return given


def parameter(request: Request, name: str) -> str:
    """A query parameter that must be there."""
    value = request.query_params.get(name)
    if not value:
        raise ActingError(400, "bad_request", f"The query must hold {name!r}; see docs/rehearsal-api.md.")
    return value


def number(request: Request, name: str, default: float, most: float) -> float:
    """A query parameter from 0 to `most`."""
    value: Any = request.query_params.get(name, default)
    try:
        found = float(value)
    except ValueError:
        raise ActingError(400, "bad_request", f"{name!r} must be a number.") from None
    if not 0 <= found <= most:
        raise ActingError(400, "bad_request", f"{name!r} must be from 0 to {most:g}.")
    return found
