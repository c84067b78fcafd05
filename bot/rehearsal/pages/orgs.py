"""The orgs of a rehearsal as the page's side panel shows them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx
from markupsafe import Markup

from bot.rehearsal.pages.reader import Reader
from bot.rehearsal.pages.rich_text import Part, parts_of
from bot.rehearsal.pages.times import draw_instant, say_instant

Org = Mapping[str, Any]

_PATIENCE_SECONDS = 1.5
_LIVE = ("Pending", "InProgress", "Canceling", "Finalizing", "FinalizingDeploy")
_TONES = {"Succeeded": "good", "SucceededPartial": "warm", "Failed": "bad", "Canceled": "bad"}
_SPACED = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LINE = re.compile(r"line (\d+)")
STATE_PATH = "/rehearsal/state"


async def look_at_orgs(orgs: Sequence[Org], transport: httpx.AsyncBaseTransport | None = None) -> list[dict[str, Any]]:
    """Ask every org (`{"name", "kind", "url"}`) for its state.

    Each answer is the org with `state` (the org's own JSON), or with `problem` (a sentence) when it did not answer.
    """
    async with httpx.AsyncClient(timeout=_PATIENCE_SECONDS, transport=transport, trust_env=False) as client:
        return list(await asyncio.gather(*(_look_at(org, client) for org in orgs)))


async def _look_at(org: Org, client: httpx.AsyncClient) -> dict[str, Any]:
    address = str(org.get("url") or "").rstrip("/") + STATE_PATH
    try:
        answer = await client.get(address)
        answer.raise_for_status()
        state = answer.json()
    except httpx.HTTPStatusError as refusal:
        return {**org, "problem": f"{org.get('name')} answered with status {refusal.response.status_code}."}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return {**org, "problem": f"{org.get('name')} is not reachable at {org.get('url')}."}
    if not isinstance(state, dict):
        return {**org, "problem": f"{org.get('name')} answered with something that is not a state."}
    return {**org, "state": state}


def panels_of(looks: Sequence[Mapping[str, Any]], reader: Reader) -> list[dict[str, Any]]:
    """What the side panel shows of each org, from what `look_at_orgs` found."""
    return [_panel(look, reader) for look in looks]


def _panel(look: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    state = look.get("state") or {}
    tests = state.get("tests") or {}
    components = parts_of(state, "components")
    return {
        "name": look.get("name"),
        "kind": look.get("kind"),
        "problem": look.get("problem", ""),
        "content_digest": str(state.get("content_digest") or ""),
        "deployments": [_deployment(one, reader) for one in reversed(parts_of(state, "deployments"))],
        "tests": tests,
        "tests_said": _say_tests(tests),
        "failures": [_failure(one) for one in parts_of(tests, "failures")],
        "coverage": sorted((tests.get("coverage_by_name") or {}).items()),
        "count": len(components),
        "groups": _groups(components, reader),
        "trail": [_trail_row(row, reader) for row in reversed(parts_of(state, "audit"))],
    }


def say_live(panels: Sequence[Mapping[str, Any]]) -> str:
    """What is under way in the orgs, in one short line such as "PRODUCTION 12/30"; empty when nothing is."""
    return next(
        (
            f"{panel['name']} {one['done']}/{one['total']}"
            for panel in reversed(panels)
            for one in panel.get("deployments", ())
            if one["live"]
        ),
        "",
    )


def _say_tests(tests: Mapping[str, Any]) -> str:
    ran, failed = int(tests.get("ran") or 0), int(tests.get("failed") or 0)
    if failed:
        return f"{failed} of {ran} failed"
    return f"{ran} passed" if ran else "none"


def _failure(one: Part) -> dict[str, str]:
    line = _LINE.search(str(one.get("stack") or ""))
    where = f"{one.get('class')}.{one.get('method')}"
    return {"where": f"{where}, line {line.group(1)}" if line else where, "message": str(one.get("message") or "")}


def _groups(components: Sequence[Part], reader: Reader) -> list[dict[str, Any]]:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for component in components:
        by_kind.setdefault(str(component.get("type")), []).append(
            {
                "name": component.get("fullName"),
                "by": component.get("lastModifiedBy") or "",
                "digest": str(component.get("digest") or ""),
                "changed": _when(component.get("lastModifiedDate"), reader),
            }
        )
    return [{"kind": kind, "components": found} for kind, found in by_kind.items()]


def _deployment(one: Part, reader: Reader) -> dict[str, Any]:
    done, total = (int(one.get(f"numberComponents{which}") or 0) for which in ("Deployed", "Total"))
    tests_done, tests_total = (int(one.get(f"numberTests{which}") or 0) for which in ("Completed", "Total"))
    status = str(one.get("status") or "")
    what = "Validation" if one.get("checkOnly") else "Quick deployment" if one.get("quickDeployOf") else "Deployment"
    errors = [(one.get("numberComponentErrors"), "component error"), (one.get("numberTestErrors"), "failed test")]
    return {
        "id": one.get("id"),
        "what": what,
        "by": one.get("createdByName") or "",
        "status": _SPACED.sub(" ", status).lower(),
        "tone": _TONES.get(status, "warm"),
        "live": status in _LIVE,
        "done": done + tests_done,
        "total": total + tests_total,
        "components": f"{done}/{total}",
        "tests": f"{tests_done}/{tests_total}" if tests_total else "",
        "when": _when(one.get("completedDate") or one.get("createdDate"), reader),
        "detail": one.get("errorMessage") or (one.get("stateDetail") if status in _LIVE else "") or "",
        "errors": [f"{count} {word}{'' if count == 1 else 's'}" for count, word in errors if count],
        "quick_deployable": bool(one.get("quickDeployable")),
    }


def _trail_row(row: Part, reader: Reader) -> dict[str, Any]:
    return {"at": _when(row.get("at"), reader), "by": row.get("by"), "display": row.get("display")}


def _when(instant: object, reader: Reader) -> Markup:
    try:
        at = datetime.fromisoformat(str(instant).replace("Z", "+00:00"))
    except ValueError:
        return Markup("")
    said = say_instant("{date_short_pretty} {time}", at, reader) if at.tzinfo else ""
    return draw_instant(said, at, reader) if said else Markup("")
