"""Recorded exchanges, played to a fresh org."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.rehearsal.org.serve import RunningOrg, running
from tests.conformance.normal import Names, readable
from tests.conformance.scene import ROOT

EXCHANGES = ROOT / "tests" / "bot" / "rehearsal" / "org" / "exchanges"
_ANSWERS_WITHIN = 20  # seconds


def recorded(path: Path) -> dict[str, Any]:
    """One story: {"kind", "exchanges": [{"request", "answer"}]}."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def answers(story: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(the exchange as recorded, what a fresh org answers now), one after the other."""
    with running(story["kind"], pace=0.0) as org, requests.Session() as session:
        session.trust_env = False
        names, facts = Names(), _facts(org)
        for exchange in story["exchanges"]:
            yield exchange, _ask(session, exchange["request"], names, facts)


def _facts(org: RunningOrg) -> dict[str, str]:
    return {
        "{token}": org.access_token,
        "{instance}": org.instance_url,
        "{host}": urlsplit(org.instance_url).netloc,
        "{assertion}": _assertion(org.username),
    }


def _assertion(username: str) -> str:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    claims = {"iss": "3MVG9rollcall", "sub": username, "aud": "rehearsal", "exp": int(time.time()) + 180}
    return jwt.encode(claims, key, algorithm="ES256")


def _ask(session: requests.Session, asked: dict[str, Any], names: Names, facts: dict[str, str]) -> dict[str, Any]:
    def live(text: str) -> str:
        return names.show(text, facts)

    headers = {key: live(value) for key, value in asked["headers"].items()}
    headers["Authorization"] = live(asked.get("authorization", "Bearer {token}"))
    body = base64.b64decode(asked["base64"]) if "base64" in asked else live(asked.get("body", "")).encode()
    answer = session.request(
        asked["method"],
        facts["{instance}"] + live(asked["path"]),
        data=body or None,
        headers=headers,
        timeout=_ANSWERS_WITHIN,
    )
    kind = answer.headers.get("content-type", "").split(";")[0]
    return {"status": answer.status_code, "type": kind, "body": readable(answer.content, kind, names)}


def refresh() -> None:
    """Write down what fresh orgs answer now, for every story on file."""
    for path in sorted(EXCHANGES.glob("*.json")):
        story = recorded(path)
        for exchange, answer in answers(story):
            exchange["answer"] = answer
        path.write_text(json.dumps(story, indent=1, ensure_ascii=False, sort_keys=True) + "\n")
