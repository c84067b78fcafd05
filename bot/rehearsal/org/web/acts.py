"""What can be done at the rehearsal's own door: one function for each POST of control.py."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bot.rehearsal.org import catalog, permissions
from bot.rehearsal.org.faults import FOREVER
from bot.rehearsal.org.foreign import Foreign, foreign_deployment
from bot.rehearsal.org.markup import soap_date
from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import User
from bot.rehearsal.org.results import truthy
from bot.rehearsal.org.web.gate import Door

_MOST_RECORDS = 10_000
Body = dict[str, object]


def _clock(org: Org, door: Door, body: Body) -> Body:
    return {"ok": True, "now": soap_date(_move(org, body))}


def _faults(org: Org, door: Door, body: Body) -> Body:
    if truthy(body.get("clear")):
        org.faults.armed.clear()
        return {"ok": True, "pending": org.faults.pending}
    given = body.get("count", 1)
    count = None if given == FOREVER else int(str(given))
    org.faults.ask_for(str(body["kind"]), count, str(body.get("only") or ""), float(str(body.get("seconds", 120))))
    return {"ok": True, "pending": org.faults.pending}


def _package_install(org: Org, door: Door, body: Body) -> Body:
    row = org.install_package(_who(org, body).id, str(body["name"]), str(body.get("version", "1.0")))
    return {"ok": True, "id": row["Id"]}


def _settings(org: Org, door: Door, body: Body) -> Body:
    settings, budget = org.settings, org.budget
    settings.pace = float(str(body.get("pace", settings.pace)))
    if "takes_seconds" in body:
        takes = body["takes_seconds"]
        settings.takes_seconds = None if takes is None else float(str(takes))
    for name in ("flows_need_own_deployment", "deploy_with_pending_jobs"):
        setattr(settings, name, truthy(body.get(name, getattr(settings, name))))
    budget.turn(org.clock.now())
    budget.most = int(str(body.get("daily_requests", budget.most)))
    budget.used = int(str(body.get("requests_today", budget.used)))
    org.revision += 1
    return {"ok": True}


def _expire_sessions(org: Org, door: Door, body: Body) -> Body:
    door.generation += 1
    return {"ok": True, "access_token": door.token(org.users[0])}


def _permissions(org: Org, door: Door, body: Body) -> Body:
    user = _who(org, {"by": body["user"]})
    org.permit(user, permissions.changed(user, _names(body, "take"), _names(body, "give")))
    changed = org.user(user.id)
    assert changed is not None
    return {"ok": True, "user": changed.username, "permissions": sorted(permissions.of(changed))}


def _names(body: Body, key: str) -> list[str]:
    given = body.get(key) or []
    if not isinstance(given, list):
        raise ValueError(f"{key} must be a list of names.")
    return [str(name).removeprefix("Permissions") for name in given]


def _foreign_deployment(org: Org, door: Door, body: Body) -> Body:
    asked = Foreign(
        by=_who(org, body).id,
        seconds=float(str(body.get("seconds", 60))),
        kind=str(body.get("type", "Api")),
        name=str(body["name"]) if body.get("name") else None,
        files={str(path): str(text).encode() for path, text in _mapping(body, "files").items()},
        doomed={str(kind): [str(name) for name in _list(names)] for kind, names in _mapping(body, "delete").items()},
        check_only=truthy(body.get("check_only")),
    )
    return {"ok": True, "id": foreign_deployment(org, asked).id}


def _mapping(body: Body, key: str) -> dict[object, object]:
    given = body.get(key) or {}
    if not isinstance(given, dict):
        raise ValueError(f"{key} must be an object.")
    return given


def _list(given: object) -> list[object]:
    if not isinstance(given, list):
        raise ValueError("delete must be an object of lists: {type: [names]}.")
    return given


def _move(org: Org, body: Body) -> datetime:
    if "set_at" in body:
        instant = datetime.fromisoformat(str(body["set_at"]))
        return org.clock.move_to(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
    return org.clock.advance(timedelta(seconds=float(str(body["advance_seconds"]))))


def _who(org: Org, body: Body) -> User:
    wanted = str(body.get("by") or org.users[1].username)
    for user in org.users:
        if wanted in (user.username, user.username.split("@")[0], user.name, user.id):
            return user
    raise ValueError(f"{wanted!r} is no user of this org. There are: {', '.join(user.username for user in org.users)}.")


def _change(org: Org, door: Door, body: Body) -> Body:
    type_name, name = str(body["type"]), str(body["fullName"])
    if not catalog.known_type(type_name):
        raise ValueError(f"{type_name!r} is no metadata type this org knows.")
    files = None if truthy(body.get("delete")) else _files(org, type_name, name, body)
    row = org.change(_who(org, body).id, type_name, name, files)
    return {"ok": True, "audit": {"id": row.id, "at": soap_date(row.at), "action": row.action, "display": row.display}}


def _files(org: Org, type_name: str, name: str, body: Body) -> dict[str, bytes]:
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


def _records(org: Org, door: Door, body: Body) -> Body:
    count, fields = int(str(body.get("count", 1))), body.get("fields") or {}
    if not 0 < count <= _MOST_RECORDS or not isinstance(fields, dict):
        raise ValueError(f"count must be between 1 and {_MOST_RECORDS}, fields an object.")
    with org.lock:
        rows = org.records.setdefault(str(body["object"]), [])
        for _ in range(count):
            rows.append({"Id": org.mint.mint("a0R"), "CreatedDate": org.clock.now(), **fields})
        org.revision += 1
        return {"ok": True, "total": len(rows)}


ACTS: dict[str, Callable[[Org, Door, Body], Body]] = {
    "change": _change,
    "clock": _clock,
    "faults": _faults,
    "foreign-deployment": _foreign_deployment,
    "package-install": _package_install,
    "permissions": _permissions,
    "records": _records,
    "sessions/expire": _expire_sessions,
    "settings": _settings,
}
