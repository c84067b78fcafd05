"""The rehearsal's own door into an org: look at everything, move the clock, change things by hand, ask for faults.

No session is needed. Bodies and answers are JSON; a mistake is answered 400 (404 for something that is not there)
with {"error": "a sentence"}.

GET  /rehearsal/state                 everything the side panel shows, see exporting.state
GET  /rehearsal/export[?history=true] canonical bytes of all components' files; equal bytes mean equal content
GET  /rehearsal/component?type=&fullName=
                                      its files: {"files": {path: text}, "files_base64": {path: what is no text}}
GET  /rehearsal/deployments/{id}      DeployResult with details, whatever the state
POST /rehearsal/clock                 {"advance_seconds": 60} or {"set_at": "2026-11-22T20:00:00Z"}
POST /rehearsal/change                {"type", "fullName", "by": username} with one of "files": {path: text},
                                      "source": text (the main file of what is there), "delete": true
POST /rehearsal/faults                {"kind", "count": 1 or "until called off", "only": operation, "seconds"}
                                      or {"clear": true}; GET lists the kinds
POST /rehearsal/package-install       {"name", "version"}
POST /rehearsal/records               {"object", "count": 1, "fields": {}}: rows for queries, e.g. AsyncApexJob
POST /rehearsal/settings              {"pace", "takes_seconds", "daily_requests", "requests_today",
                                      "flows_need_own_deployment", "deploy_with_pending_jobs"}, each optional
POST /rehearsal/permissions           {"user", "take": ["AuthorApex"], "give": []}
POST /rehearsal/foreign-deployment    {"by", "seconds": 60, "type", "name", "files": {path: text},
                                      "delete": {type: [names]}, "check_only"}
POST /rehearsal/sessions/expire       every session id issued so far stops working; JWT logins give new ones
"""

from __future__ import annotations

import base64

from starlette.responses import JSONResponse, Response

from bot.rehearsal.org.answers import as_json
from bot.rehearsal.org.exporting import export, state
from bot.rehearsal.org.faults import KINDS, OPERATIONS
from bot.rehearsal.org.identity import API_VERSIONS
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.results import Refusal, truthy
from bot.rehearsal.org.web.acts import ACTS
from bot.rehearsal.org.web.gate import Asked, Door
from bot.rehearsal.org.web.rest import parsed


def serve(org: Org, door: Door, asked: Asked) -> Response:
    """Any call below /rehearsal/."""
    what = asked.path.removeprefix("/rehearsal/")
    try:
        if asked.method == "GET":
            return _look(org, what, asked)
        act = ACTS.get(what)
        if act is None:
            raise Refusal("NOT_FOUND", f"There is nothing to do at /rehearsal/{what}.", 404)
        return JSONResponse(act(org, door, parsed(asked)))
    except Refusal as refusal:
        return JSONResponse({"error": refusal.message}, status_code=404 if refusal.status == 404 else 400)
    except (ValueError, TypeError, KeyError, OverflowError) as problem:
        text = f"{problem.args[0]} is missing." if isinstance(problem, KeyError) else str(problem)
        return JSONResponse({"error": text}, status_code=400)


def _look(org: Org, what: str, asked: Asked) -> Response:
    if what == "state":
        return JSONResponse(state(org))
    if what == "export":
        return Response(export(org, history=truthy(asked.query.get("history"))), media_type="application/json")
    if what == "faults":
        return JSONResponse({"kinds": KINDS, "operations": list(OPERATIONS), "pending": org.faults.pending})
    if what == "component":
        return JSONResponse(_component(org, asked.query.get("type", ""), asked.query.get("fullName", "")))
    if what.startswith("deployments/"):
        return JSONResponse(
            as_json(org.result(what.removeprefix("deployments/"), float(API_VERSIONS[-1]), details=True))
        )
    raise Refusal("NOT_FOUND", f"There is nothing at /rehearsal/{what}.", 404)


def _component(org: Org, type_name: str, name: str) -> dict[str, object]:
    with org.lock:
        org.settle()
        found = org.inventory.get(type_name, name)
        if found is None:
            raise Refusal("NOT_FOUND", f"This org has no {type_name or 'component'} named {name!r}.", 404)
        files = org.inventory.whole_file(found)
    text: dict[str, str] = {}
    binary: dict[str, str] = {}
    for path, content in files.items():
        try:
            text[path] = content.decode()
        except UnicodeDecodeError:
            binary[path] = base64.b64encode(content).decode()
    return {"type": found.type, "fullName": found.name, "digest": found.digest, "files": text, "files_base64": binary}
