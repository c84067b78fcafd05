"""The web addresses of releases and incidents, where the bot has one that people can reach."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from handlers.conversation import bold, link
from release_core.policy import Policy

_FOLDERS = {"REL": "r", "INC": "i"}
_PATH = re.compile(r"/(r|i)/(rel|inc)-([0-9]{1,9})/?", re.IGNORECASE)


def named(policy: Policy, key: str) -> str:
    """A release's or incident's key as cards show it: it leads to its headline where the bot has an address."""
    return link(f"{policy.public_url}{path_of(key)}", key) if policy.public_url else bold(key)


def path_of(key: str) -> str:
    """ "/r/REL-1", "/i/INC-1"."""
    return f"/{_FOLDERS[key[:3].upper()]}/{key.upper()}"


def key_in(policy: Policy, url: str) -> str:
    """The release or incident that one of our own addresses is about; "" for anything else."""
    own, given = urlsplit(policy.public_url), urlsplit(url)
    if not policy.public_url or (own.scheme, own.netloc) != (given.scheme, given.netloc):
        return ""
    found = _PATH.fullmatch(given.path)
    key = f"{found[2].upper()}-{int(found[3])}" if found else ""
    return key if found and _FOLDERS[key[:3]] == found[1].lower() else ""
