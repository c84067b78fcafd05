"""Logging in to an org: a token, with the address it is good for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests

from bot.salesforce.advice import Asked
from bot.salesforce.attempts import attempt
from bot.salesforce.failures import Unreadable
from bot.salesforce.session import OrgSession, redacted
from release_core.errors import OrgRefused
from release_core.logins import (
    AccessTokenLogin,
    ClientCredentialsLogin,
    JwtLogin,
    Login,
    OrgLogin,
    checked_org_url,
)

_ASSERTION_FOR = timedelta(minutes=3)
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_HINTS = {
    "user hasn't approved this consumer": (
        'In the connected app, set "Permitted Users" to admin approved, then give the user its permission set.'
    ),
    "invalid assertion": "The certificate in the connected app has to match the private key.",
    "audience is invalid": "Set `audience` to https://login.salesforce.com (sandbox: https://test.salesforce.com).",
    "inactive user": "An administrator has to activate the user.",
    "invalid client": "Check client_id and client_secret against the connected app.",
    "client identifier invalid": "Check client_id against the connected app.",
    "no client credentials user enabled": "Choose a run-as user in the connected app's client credentials flow.",
}


@dataclass(frozen=True)
class Grant:
    """An access token, the instance address it is good for, the user it acts as where the login named one."""

    access_token: str = field(repr=False)
    instance_url: str
    user_id: str = ""


def address_of(login: OrgLogin) -> str:
    """The host that a login names, for sentences."""
    url = login.instance_url if isinstance(login, AccessTokenLogin) else login.login_url
    return urlsplit(url).netloc


def name_of(login: OrgLogin, title: str) -> str:
    """The org as people call it, its host beside it; the host alone without a title."""
    return f"{title} ({address_of(login)})" if title else address_of(login)


def log_in(login: OrgLogin, session: OrgSession, now: datetime, environ: Mapping[str, str], where: str = "") -> Grant:
    """Get a token, with secrets read at this moment from `environ` or their file; `where` names the org to people.

    `now` is aware UTC. Raises OrgRefused when the secret is missing or not accepted, OrgUnavailable when the org
    cannot be reached.
    """
    where = where or address_of(login)
    secret = read_secret(login, where, environ)
    if isinstance(login, AccessTokenLogin):
        if not secret.isascii() or any(character.isspace() for character in secret):
            raise OrgRefused(f"{_place(login)} holds no access token: a token is one word. Put the token alone there.")
        return Grant(secret, login.instance_url)
    form, client = _request_for(login, secret, now, where)
    asked = Asked(where, "log us in")
    url = f"{login.login_url}/services/oauth2/token"
    return attempt(lambda: _token(session, url, form, client, where), asked, session.patience)


def read_secret(login: Login, where: str, environ: Mapping[str, str]) -> str:
    """The secret of a login; OrgRefused names the variable or file that is missing or empty."""
    what = login.hidden_field.replace("_", " ")
    if login.secret_env is not None:
        text = environ.get(login.secret_env, "")
    else:
        try:
            text = Path(login.secret_file or "").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise OrgRefused(
                f"We cannot log in to {where}: the file {login.secret_file} with the {what} cannot be read ({reason}). "
                "Put it there, readable for Rollcall."
            ) from error
    if not text.strip():
        raise OrgRefused(f"We cannot log in to {where}: {_place(login)} holds no {what}. Put it there, then repeat.")
    return text.strip()


def _place(login: Login) -> str:
    if login.secret_env is not None:
        return f"the environment variable {login.secret_env}"
    return f"the file {login.secret_file}"


def _request_for(
    login: JwtLogin | ClientCredentialsLogin, secret: str, now: datetime, where: str
) -> tuple[dict[str, str], tuple[bytes, bytes] | None]:
    """The form and the basic credentials of the token request."""
    if isinstance(login, ClientCredentialsLogin):
        return {"grant_type": "client_credentials"}, (login.client_id.encode(), secret.encode())
    claims = {
        "iss": login.client_id,
        "sub": login.username,
        "aud": login.audience or login.login_url,
        "exp": int((now + _ASSERTION_FOR).timestamp()),
    }
    try:
        # A key in an environment variable often has its line ends written as \n.
        assertion = jwt.encode(claims, secret.replace("\\n", "\n"), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise OrgRefused(
            f"We cannot log in to {where}: {_place(login)} holds no RSA private key that we can read. "
            "Put an unencrypted key in PEM form there."
        ) from error
    return {"grant_type": _JWT_BEARER, "assertion": assertion}, None


def _token(
    session: OrgSession, url: str, form: dict[str, str], client: tuple[bytes, bytes] | None, where: str
) -> Grant:
    response = session.request("POST", url, data=form, auth=client)
    reply = _json(response)
    if response.status_code >= 500 or response.status_code in {420, 429}:
        response.raise_for_status()
    if response.status_code != 200:
        code = str(reply.get("error", "") or response.status_code)
        text = redacted(str(reply.get("error_description", "")))
        hint = next((hint for words, hint in _HINTS.items() if words in text.lower()), "")
        raise OrgRefused(
            f"{where} did not log us in: it refused what we showed ({code}: {text}). "
            + (hint or "An administrator has to look at the connected app and the user."),
            code=code,
        )
    token, instance = reply.get("access_token"), reply.get("instance_url")
    if not isinstance(token, str) or not isinstance(instance, str):
        raise Unreadable("the login's answer names no token or no instance")
    try:
        return Grant(token, checked_org_url(instance), _user_in(str(reply.get("id", ""))))
    except ValueError as error:
        raise OrgRefused(f"{where} sent us to an address that we refuse: {error}.") from error


def _user_in(identity_url: str) -> str:
    """The user's id from an identity address, https://login.salesforce.com/id/<org>/<user>; empty for another."""
    last = identity_url.rpartition("/")[2]
    return last if last.startswith("005") and last.isalnum() else ""


def _json(response: requests.Response) -> dict[str, Any]:
    """The answer as an object; an error page counts as an empty one."""
    try:
        reply = response.json()
    except requests.exceptions.JSONDecodeError:
        if response.status_code == 200:
            raise
        return {}
    return reply if isinstance(reply, dict) else {}
