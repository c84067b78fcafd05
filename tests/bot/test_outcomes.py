"""What a step came to reads the same after a restart."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.outcomes import opened, outcome_of
from release_core.errors import NotAllowed, NotFound, OrgRefused, Refused, ReleaseError


def kept(raised: Exception) -> ReleaseError:
    """The error as it is after having been written down and read again."""

    def call() -> None:
        raise raised

    outcome = json.loads(json.dumps(outcome_of(call)))
    with pytest.raises(ReleaseError) as again:
        opened(outcome)
    return again.value


def test_a_value_is_given_back() -> None:
    """Plain values stay as they are."""
    assert opened(outcome_of(lambda: {"a": [1, None]})) == {"a": [1, None]}


def test_a_tuple_is_a_list_from_the_beginning() -> None:
    """The first run sees what a later one would."""
    assert opened(outcome_of(lambda: (1, 2))) == [1, 2]


def test_a_value_that_is_not_plain_is_a_mistake() -> None:
    """It is found in the first test, not after the first crash."""
    with pytest.raises(TypeError):
        outcome_of(lambda: datetime.now(UTC))


def test_a_refusal_keeps_its_code_and_instant() -> None:
    """What handlers read from an error survives."""
    at = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
    error = kept(Refused("frozen", "Frozen.", passes_at=at))
    assert isinstance(error, Refused)
    assert (error.code, str(error), error.passes_at) == ("frozen", "Frozen.", at)


def test_every_kind_of_error_keeps_its_kind() -> None:
    """Flows tell errors apart by their classes."""
    assert kept(NotAllowed("No.", who_may=["U1"])).__dict__ == {"who_may": ("U1",)}
    assert kept(NotFound("No such org.", nearest=["uat"], field="org")).__dict__ == {
        "nearest": ("uat",),
        "field": "org",
    }
    refused = kept(OrgRefused("Limit.", code="LIMIT"))
    assert isinstance(refused, OrgRefused)
    assert refused.code == "LIMIT"
    assert type(kept(ReleaseError("Just so."))) is ReleaseError


def test_a_bug_is_not_an_outcome() -> None:
    """It leaves the step as what it is."""
    with pytest.raises(ZeroDivisionError):
        outcome_of(lambda: 1 // 0)
