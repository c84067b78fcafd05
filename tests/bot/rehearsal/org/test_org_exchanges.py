"""What real clients sent and heard, recorded by `python -m tests.conformance --record`, played to fresh orgs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.replay import EXCHANGES, answers, recorded

STORIES = sorted(EXCHANGES.glob("*.json"))


@pytest.mark.parametrize("path", STORIES, ids=[path.stem for path in STORIES])
def test_an_org_answers_as_it_answered_the_real_client(path: Path) -> None:
    for number, (exchange, answer) in enumerate(answers(recorded(path)), 1):
        asked = exchange["request"]
        assert answer == exchange["answer"], f"exchange {number}: {asked['method']} {asked['path']}"


def test_every_client_has_been_recorded() -> None:
    clients = {path.stem.split("-")[0] for path in STORIES}
    assert clients == {"sf", "jsforce", "cumulusci", "simple", "zeep"}
