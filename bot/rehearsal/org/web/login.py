"""OAuth: tokens for assertions or client credentials, who the bearer is."""

from __future__ import annotations

import base64
import binascii
import time
from urllib.parse import parse_qs

import jwt
from starlette.responses import JSONResponse, Response

from bot.rehearsal.org.org import Org
from bot.rehearsal.org.people import User
from bot.rehearsal.org.results import Refusal
from bot.rehearsal.org.web.gate import Asked, Door, error_list

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_MILLISECONDS_FROM = 100_000_000_000  # a larger `exp` cannot be seconds


class _Denied(Exception):
    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


def token(org: Org, door: Door, asked: Asked) -> Response:
    """POST /services/oauth2/token."""
    form = {key: values[0] for key, values in parse_qs(asked.body.decode("utf-8", "replace")).items()}
    try:
        door.trip(asked)
        user = _grant(org, form, asked)
    except Refusal as refusal:
        return error_list(refusal)
    except _Denied as denied:
        return JSONResponse({"error": denied.error, "error_description": str(denied)}, status_code=denied.status)
    identity = f"{asked.base_url}/id/{org.identity.org_id}/{user.id}"
    issued = str(int(org.clock.now().timestamp() * 1000))
    return JSONResponse(
        {
            "access_token": door.token(user),
            "scope": "api web refresh_token",
            "instance_url": asked.base_url,
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
        }
    )


def _grant(org: Org, form: dict[str, str], asked: Asked) -> User:
    grant = form.get("grant_type", "")
    if grant == _JWT_GRANT:
        return _by_assertion(org, form.get("assertion", ""))
    if grant == "client_credentials":
        return _by_client(org, form, asked)
    raise _Denied("unsupported_grant_type", "grant type not supported")


def _by_assertion(org: Org, assertion: str) -> User:
    try:
        if org.identity.public_key:
            claims = jwt.decode(
                assertion,
                org.identity.public_key,
                algorithms=["RS256"],
                options={"verify_aud": False, "verify_exp": False},
            )
        else:
            claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as problem:
        raise _Denied("invalid_grant", "invalid assertion") from problem
    if not claims.get("iss"):
        raise _Denied("invalid_client", "client identifier invalid")
    expires = float(claims.get("exp") or 0)
    expires = expires / 1000 if expires > _MILLISECONDS_FROM else expires
    if expires < time.time() - 60:
        raise _Denied("invalid_grant", "expired authorization code")
    for user in org.users:
        if user.username == claims.get("sub"):
            return user
    raise _Denied("invalid_grant", "user hasn't approved this consumer")


def _by_client(org: Org, form: dict[str, str], asked: Asked) -> User:
    client, secret = form.get("client_id", ""), form.get("client_secret", "")
    kind, _, given = asked.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(given).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as problem:
            raise _Denied("invalid_client", "invalid client credentials") from problem
    if not client or not secret:
        raise _Denied("invalid_client_id", "client identifier invalid")
    return org.users[0]


def userinfo(org: Org, asked: Asked) -> Response:
    """GET /services/oauth2/userinfo."""
    user = asked.user
    assert user is not None
    return JSONResponse(
        {
            "sub": f"{asked.base_url}/id/{org.identity.org_id}/{user.id}",
            "user_id": user.id,
            "organization_id": org.identity.org_id,
            "preferred_username": user.username,
            "nickname": user.name,
            "name": user.name,
            "email": user.email,
            "email_verified": True,
            "active": True,
            "user_type": "STANDARD",
            "language": "en_US",
            "locale": "en_US",
            "urls": {},
        }
    )
