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
POST /rehearsal/faults                {"kind", "count": 1}; GET lists the kinds
POST /rehearsal/package-install       {"name", "version"}
POST /rehearsal/records               {"object", "count": 1, "fields": {}}: rows for queries, e.g. AsyncApexJob
POST /rehearsal/settings              {"pace": 1.0, "flows_need_own_deployment": true}
POST /rehearsal/sessions/expire       every session id issued so far stops working; JWT logins give new ones
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from starlette.responses import JSONResponse, Response

from bot.rehearsal.org import catalog
from bot.rehearsal.org.answers import as_json
from bot.rehearsal.org.exporting import export, state
from bot.rehearsal.org.faults import KINDS
from bot.rehearsal.org.identity import API_VERSIONS
from bot.rehearsal.org.markup import soap_date
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import User
from bot.rehearsal.org.results import Refusal, truthy
from bot.rehearsal.org.web.gate import Asked, Door
from bot.rehearsal.org.web.rest import parsed

_MOST_RECORDS = 10_000


def serve(org: Org, door: Door, asked: Asked) -> Response:
    """Any call below /rehearsal/."""
    what = asked.path.removeprefix("/rehearsal/")
    try:
        if asked.method == "GET":
            return _look(org, what, asked)
        return JSONResponse(_do(org, door, what, parsed(asked)))
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
        return JSONResponse(
            {"kinds": KINDS, "pending": {kind: count for kind, count in org.faults.pending.items() if count > 0}}
        )
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


def _do(org: Org, door: Door, what: str, body: dict[str, object]) -> dict[str, object]:
    if what == "clock":
        return {"ok": True, "now": soap_date(_move(org, body))}
    if what == "change":
        return _change(org, body)
    if what == "faults":
        org.faults.ask_for(str(body["kind"]), int(str(body.get("count", 1))))
        return {"ok": True, "pending": dict(org.faults.pending)}
    if what == "package-install":
        row = org.install_package(_who(org, body).id, str(body["name"]), str(body.get("version", "1.0")))
        return {"ok": True, "id": row["Id"]}
    if what == "records":
        return _records(org, body)
    if what == "settings":
        org.settings.pace = float(str(body.get("pace", org.settings.pace)))
        org.settings.flows_need_own_deployment = truthy(
            body.get("flows_need_own_deployment", org.settings.flows_need_own_deployment)
        )
        return {"ok": True}
    if what == "sessions/expire":
        door.generation += 1
        return {"ok": True, "access_token": door.token(org.users[0])}
    raise Refusal("NOT_FOUND", f"There is nothing to do at /rehearsal/{what}.", 404)


def _move(org: Org, body: dict[str, object]) -> datetime:
    if "set_at" in body:
        instant = datetime.fromisoformat(str(body["set_at"]))
        return org.clock.move_to(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    return org.clock.advance(timedelta(seconds=float(str(body["advance_seconds"]))))


def _who(org: Org, body: dict[str, object]) -> User:
    wanted = str(body.get("by") or org.users[1].username)
    for user in org.users:
        if wanted in (user.username, user.username.split("@")[0], user.name, user.id):
            return user
    raise ValueError(f"{wanted!r} is no user of this org. There are: {', '.join(user.username for user in org.users)}.")


def _change(org: Org, body: dict[str, object]) -> dict[str, object]:
    type_name, name = str(body["type"]), str(body["fullName"])
    if not catalog.known_type(type_name):
        raise ValueError(f"{type_name!r} is no metadata type this org knows.")
    files = None if truthy(body.get("delete")) else _files(org, type_name, name, body)
    row = org.change(_who(org, body).id, type_name, name, files)
    return {"ok": True, "audit": {"id": row.id, "at": soap_date(row.at), "action": row.action, "display": row.display}}


def _files(org: Org, type_name: str, name: str, body: dict[str, object]) -> dict[str, bytes]:
    given = body.get("files")
    if isinstance(given, dict):
        return {str(path): str(text).encode() for path, text in given.items()}
    source = body.get("source")
    if source is None:
        raise ValueError("Say what the component should be: files {path: text}, or source, or delete true.")
    old = org.inventory.get(type_name, name)
    if old is None or type_name not in catalog.all_types() or catalog.all_types()[type_name].bundle:
        raise ValueError("source only replaces the main file of a component that is there; give files instead.")
    return org.inventory.whole_file(old) | {old.path: str(source).encode()}


def _records(org: Org, body: dict[str, object]) -> dict[str, object]:
    count, fields = int(str(body.get("count", 1))), body.get("fields") or {}
    if not 0 < count <= _MOST_RECORDS or not isinstance(fields, dict):
        raise ValueError(f"count must be between 1 and {_MOST_RECORDS}, fields an object.")
    with org.lock:
        rows = org.records.setdefault(str(body["object"]), [])
        for _ in range(count):
            rows.append({"Id": org.mint.mint("a0R"), "CreatedDate": org.clock.now(), **fields})
        org.revision += 1
        return {"ok": True, "total": len(rows)}
