"""What people read of an attempt's cost, and of an org that is asked again."""

from __future__ import annotations

from typing import Any

from handlers.attempt_costs import org_side
from handlers.conversation import Note, Paragraph
from release_core.models import Deployment
from tests.release_core.builders import MANAGER, NOW, PRODUCTION, a_policy

AGAIN = {
    "number": 2,
    "of": 5,
    "because": "another change to the org's setup was in progress",
    "due_at": NOW.isoformat(),
}


def an_attempt(**facts: Any) -> Deployment:
    usual = {"key": "DEP-1", "release_id": 1, "purpose": "deployment", "org": PRODUCTION, "state": "deploying"}
    return Deployment(**{**usual, "requested_by": MANAGER, "requested_at": NOW, **facts})


def said(attempt: Deployment) -> list[str]:
    parts = org_side(a_policy(), attempt)
    return [str(part.text) for part in parts if isinstance(part, Note | Paragraph)]


def test_an_attempt_without_a_call_says_nothing() -> None:
    assert said(an_attempt()) == []


def test_calls_are_counted_with_what_the_org_has_left() -> None:
    title = a_policy().title_of(PRODUCTION)
    assert said(an_attempt(calls=38, progress={"usage": [1_335, 15_000]})) == [
        f"38 API calls; {title} has 91 % of its day's calls left."
    ]
    assert said(an_attempt(calls=1)) == ["1 API call."]


def test_an_org_that_is_about_to_be_asked_again_says_when_and_why() -> None:
    waiting = an_attempt(resubmitted=1, progress={"busy": ["setup_lock"] * 2, "again": AGAIN})
    (sentence,) = said(waiting)
    assert sentence.startswith("It is asked for again at ")
    assert sentence.endswith("(2 of 5), because another change to the org's setup was in progress.")


def test_an_org_that_was_asked_again_says_how_often_and_why() -> None:
    again = an_attempt(resubmitted=2, progress={"busy": ["setup_lock"] * 2, "again": AGAIN})
    assert said(again) == ["Asked again, 2 of 5, because another change to the org's setup was in progress."]


def test_what_was_not_asked_again_says_why_not() -> None:
    progress = {"busy": ["setup_lock"] * 2, "again": AGAIN, "not_again": "The org was not asked again. It was stopped."}
    ended = an_attempt(resubmitted=1, state="failed", finished_at=NOW, progress=progress)
    assert said(ended)[0].endswith("The org was not asked again. It was stopped.")
