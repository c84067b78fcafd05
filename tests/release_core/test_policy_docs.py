"""The policy's documentation is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from release_core import logins, policy
from release_core.policy_file import load_policy, read_policy

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
REFERENCE = PAGE.split("## Every key")[1]


def keys_of(kind: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in kind.model_fields.items()}


MODELS = [
    kind
    for module in (policy, logins)
    for kind in vars(module).values()
    if isinstance(kind, type)
    and issubclass(kind, BaseModel)
    and kind.model_fields
    and kind.__module__ == module.__name__
]


def test_example_is_a_policy_without_mistakes() -> None:
    read = read_policy(EXAMPLE, "docs/policy.md", {"TRAINING_URL": "https://acme--training.sandbox.my.salesforce.com"})
    assert set(read.orgs) == {"uat", "training", "production"}


@pytest.mark.parametrize("kind", MODELS, ids=lambda kind: kind.__name__)
def test_every_key_is_explained(kind: type[BaseModel]) -> None:
    explained = set(re.findall(r"`([a-z_]+)`|^### (\w+)|^### .* (\w+) ●$", REFERENCE, re.MULTILINE))
    words = {word for found in explained for word in found if word}
    assert keys_of(kind) - words == set()


def test_every_default_right_is_told_as_it_is() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|$", REFERENCE.split("### rights")[1], re.MULTILINE))
    everybody = set(get_args(policy.Role))
    for right, roles in policy.DEFAULT_RIGHTS.items():
        expected = {
            frozenset(): "nobody: name a person",
            frozenset(everybody): "everybody",
            frozenset(everybody - {"stakeholder"}): "everybody but stakeholders",
        }.get(frozenset(roles), ", ".join(roles))
        assert told[right].split(" (")[0] == expected


def test_rehearsal_policy_is_a_policy_without_mistakes_in_which_one_person_may_waive_a_freeze() -> None:
    addresses = {
        "ROLLCALL_REHEARSAL_UAT_URL": "http://127.0.0.1:4001",
        "ROLLCALL_REHEARSAL_PRODUCTION_URL": "http://127.0.0.1:4002",
    }
    read = load_policy(ROOT / "bot" / "rehearsal" / "policy.yaml", addresses)
    assert read.holders_of("waive_freeze") == ("U0OPSMGR",)
    assert read.freezes == {}


def test_rehearsal_policy_names_only_people_channels_groups_of_its_cast() -> None:
    cast = (ROOT / "docs" / "rehearsal-api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b[UCS]0[A-Z]{3,}\b", (ROOT / "bot" / "rehearsal" / "policy.yaml").read_text("utf-8")))
    assert {name for name in named if f"`{name}`" not in cast} == set()
