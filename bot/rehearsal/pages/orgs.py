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
_LIVE = ("Pending", "InProgress", "Canceling")
_TONES = {"Succeeded": "good", "SucceededPartial": "warm", "Failed": "bad", "Canceled": "bad"}
_SPACED = re.compile(r"(?<=[a-z])(?=[A-Z])")
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
    deployments = [_deployment(one, reader) for one in parts_of(state, "deployments")]
    tests = [_test(one) for one in parts_of(state, "tests")]
    failed = sum(test["failed"] for test in tests)
    components = parts_of(state, "components")
    return {
        "name": look.get("name"),
        "kind": look.get("kind"),
        "problem": look.get("problem", ""),
        "locked": state.get("locked") or "",
        "deployments": deployments,
        "tests": sorted(tests, key=lambda test: not test["failed"]),
        "tests_said": f"{failed} failed of {len(tests)}" if failed else f"{len(tests)} passed" if tests else "none",
        "count": len(components),
        "groups": _groups(components, reader),
    }


def _groups(components: Sequence[Part], reader: Reader) -> list[dict[str, Any]]:
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for component in sorted(components, key=lambda one: (str(one.get("type")), str(one.get("name")))):
        by_kind.setdefault(str(component.get("type")), []).append(
            {
                "name": component.get("name"),
                "digest": str(component.get("digest") or ""),
                "changed": _when(component.get("last_modified"), "{date_short_pretty} {time}", reader),
            }
        )
    return [{"kind": kind, "components": found} for kind, found in by_kind.items()]


def _deployment(one: Part, reader: Reader) -> dict[str, Any]:
    done, total = int(one.get("components_deployed") or 0), int(one.get("components_total") or 0)
    tests_done, tests_total = int(one.get("tests_completed") or 0), int(one.get("tests_total") or 0)
    status = str(one.get("status") or "")
    return {
        "id": one.get("id"),
        "what": "Validation" if one.get("check_only") else "Deployment",
        "status": _SPACED.sub(" ", status).lower(),
        "tone": _TONES.get(status, "warm"),
        "live": status in _LIVE,
        "done": done + tests_done,
        "total": total + tests_total,
        "components": f"{done}/{total}",
        "tests": f"{tests_done}/{tests_total}" if tests_total else "",
        "when": _when(one.get("completed_at") or one.get("created_at"), "{date_short_pretty} {time}", reader),
        "failures": [
            {"where": failure.get("where") or failure.get("name"), "message": failure.get("message")}
            for failure in parts_of(one, "failures")
        ],
    }


def _test(one: Part) -> dict[str, Any]:
    return {
        "name": one.get("name"),
        "failed": one.get("outcome") not in ("pass", "Pass", "passed", True),
        "message": one.get("message") or "",
    }


def _when(instant: object, template: str, reader: Reader) -> Markup:
    try:
        at = datetime.fromisoformat(str(instant).replace("Z", "+00:00"))
    except ValueError:
        return Markup("")
    return draw_instant(say_instant(template, at, reader), at, reader) if at.tzinfo else Markup("")
