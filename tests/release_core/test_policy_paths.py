"""Paths and tasks of a policy name what stands elsewhere in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.release_core.builders import PRODUCTION, UAT, a_policy
from tests.release_core.staged import EMEA, a_staged_policy


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"paths": {"short": [UAT]}}, r"paths\.short: found uat; expected two orgs or more, each once"),
        ({"paths": {"round": [UAT, PRODUCTION, UAT]}}, r"paths\.round: found uat, production, uat; expected two orgs"),
        ({"paths": {"none": []}}, r"paths\.none: found nothing; expected two orgs"),
        ({"paths": {"far": [UAT, "moon"]}}, r'paths\.far\[1\]: found "moon"; expected a name that stands under orgs'),
        (
            {"tasks": {"standard": [{"title": "Import paused", "phase": "before", "org": "moon"}]}},
            r'tasks\.standard\[0\]\.org: found "moon"; expected a name that stands under orgs',
        ),
        (
            {"tasks": {"standard": [{"title": "Import paused", "phase": "before", "team": "nobody"}]}},
            r'tasks\.standard\[0\]\.team: found "nobody"; expected a name that stands under teams',
        ),
        (
            {"tasks": {"standard": [{"title": "Import paused", "phase": "during"}]}},
            "Input should be 'before' or 'after'",
        ),
        (
            {"tasks": {"standard": [{"title": "Import paused", "phase": "before", "team": "qa", "role": "tester"}]}},
            "expected one of role, person or team, not several",
        ),
        (
            {"tasks": {"standard": [{"title": "Import paused", "phase": "before", "minutes": 0}]}},
            "greater than or equal to 1",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(sections: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        a_policy(**sections)


def test_an_org_without_a_soak_of_its_own_has_that_of_all() -> None:
    policy = a_staged_policy()
    assert (policy.soak_of(UAT), policy.soak_of(EMEA)) == (timedelta(hours=1), policy.soak)
    assert policy.soak_of("gone") == policy.soak
