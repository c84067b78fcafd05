"""Something broke: what is suspected, who handles it, how it ended."""

from __future__ import annotations

import pytest

from release_core import deployments, incidents
from release_core.errors import Conflict, NotAllowed, NotFound, Unclear
from release_core.lookups import find_incident, open_incidents
from release_core.models import Incident
from release_core.ports import Ports
from release_core.timeline import Kind
from tests.release_core.builders import (
    ANALYST,
    MANAGER,
    NOW,
    STAKEHOLDER,
    TESTER,
    a_ready_release,
    a_soaking_release,
    a_started_deployment,
    a_success,
    deployment,
    kinds,
    last,
    later,
    release,
    row_id,
)


def an_incident(ports: Ports, *, org: str = "production", suspect: str | None = None) -> str:
    return incidents.open_incident(ports, TESTER, title=" Orders fail ", severity=2, org=org, release=suspect)


def incident(ports: Ports, key: str) -> Incident:
    with ports.store.reading() as session:
        return find_incident(session, key)


def test_whoever_opens_it_commands_it(ports: Ports) -> None:
    row = incident(ports, an_incident(ports))
    assert (row.key, row.title, row.severity, row.state) == ("INC-1", "Orders fail", 2, "open")
    assert (row.commander_id, row.opened_by, row.opened_at) == (TESTER, TESTER, NOW)


def test_the_newest_landed_release_is_suspected(ports: Ports) -> None:
    a_soaking_release(ports)
    newer = a_soaking_release(ports, name="Hotfix")
    key = an_incident(ports)
    assert incident(ports, key).release_id == release(ports, newer).id
    assert last(ports, key, Kind.INCIDENT_OPENED).details["suspect"] == newer
    assert last(ports, newer, Kind.INCIDENT_OPENED).details == {"incident": key, "title": "Orders fail"}


def test_a_person_may_suspect_another_release(ports: Ports) -> None:
    older = a_soaking_release(ports)
    a_soaking_release(ports, name="Hotfix")
    key = an_incident(ports, suspect=older)
    assert incident(ports, key).deployment_id == row_id(ports, "DEP-2")
    assert last(ports, key, Kind.INCIDENT_OPENED).details["suspect"] == older


def test_a_release_of_last_week_is_not_suspected_by_itself(ports: Ports) -> None:
    a_soaking_release(ports)
    later(ports, days=3, seconds=1)
    assert incident(ports, an_incident(ports)).release_id is None


def test_what_is_not_in_the_org_is_not_suspected(ports: Ports) -> None:
    key = a_ready_release(ports)
    assert deployment(ports, a_started_deployment(ports, key)).state == "deploying"
    assert incident(ports, an_incident(ports)).release_id is None


def test_another_org_suspects_nothing_here(ports: Ports) -> None:
    key = a_soaking_release(ports)
    assert incident(ports, an_incident(ports, org="uat")).release_id is None
    assert Kind.INCIDENT_OPENED not in kinds(ports, key)


def test_an_update_may_change_severity_and_commander(ports: Ports) -> None:
    key = an_incident(ports)
    incidents.update_incident(ports, ANALYST, key, "only EU orders", severity=1, commander=MANAGER)
    row = incident(ports, key)
    assert (row.severity, row.commander_id) == (1, MANAGER)
    noted = last(ports, key, Kind.INCIDENT_NOTED)
    assert (noted.actor, noted.details["text"]) == (ANALYST, "only EU orders")
    assert (noted.details["severity"], noted.details["commander"]) == (1, MANAGER)
    incidents.update_incident(ports, ANALYST, key, "still looking")
    assert last(ports, key, Kind.INCIDENT_NOTED).details == {"text": "still looking"}
    assert (incident(ports, key).severity, incident(ports, key).commander_id) == (1, MANAGER)


def test_a_resolution_is_told_in_both_timelines(ports: Ports) -> None:
    suspect = a_soaking_release(ports)
    key = an_incident(ports)
    later(ports, hours=1)
    incidents.resolve_incident(ports, TESTER, key, " the queue was restarted ")
    row = incident(ports, key)
    assert (row.state, row.resolution, row.resolved_by) == ("resolved", "the queue was restarted", TESTER)
    assert row.resolved_at == ports.clock.now()
    assert kinds(ports, key)[-1] == kinds(ports, suspect)[-1] == Kind.INCIDENT_RESOLVED


def test_what_is_resolved_is_neither_updated_nor_resolved_again(ports: Ports) -> None:
    key = an_incident(ports)
    incidents.resolve_incident(ports, TESTER, key, "a restart")
    with pytest.raises(Conflict, match="INC-1 is resolved already: a restart"):
        incidents.resolve_incident(ports, MANAGER, key, "another restart")
    with pytest.raises(Conflict, match="INC-1 is resolved already"):
        incidents.update_incident(ports, MANAGER, key, "hello")


def test_open_incidents_come_newest_first(ports: Ports) -> None:
    for org in ("production", "uat", "production"):
        an_incident(ports, org=org)
    with ports.store.reading() as session:
        assert [row.key for row in open_incidents(session)] == ["INC-3", "INC-2", "INC-1"]
        assert [row.key for row in open_incidents(session, org="production")] == ["INC-3", "INC-1"]


@pytest.mark.parametrize(
    ("field", "words", "asked"),
    [
        ("title", {"title": " x "}, "Say what is broken"),
        ("severity", {"severity": 0}, "Severity is 1"),
        ("severity", {"severity": 5}, "Severity is 1"),
    ],
)
def test_a_vague_report_is_asked_about(ports: Ports, field: str, words: dict[str, object], asked: str) -> None:
    report: dict[str, object] = {"title": "Orders fail", "severity": 2, "org": "production", **words}
    with pytest.raises(Unclear, match=asked) as unclear:
        incidents.open_incident(ports, TESTER, **report)  # type: ignore[arg-type]
    assert unclear.value.field == field


def test_an_update_needs_words_and_a_resolution_needs_more(ports: Ports) -> None:
    key = an_incident(ports)
    with pytest.raises(Unclear, match="Say what is known now"):
        incidents.update_incident(ports, TESTER, key, " ")
    with pytest.raises(Unclear, match="Say what was done"):
        incidents.resolve_incident(ports, TESTER, key, "ok")
    assert kinds(ports, key) == [Kind.INCIDENT_OPENED]


def test_an_unknown_severity_in_an_update_is_refused(ports: Ports) -> None:
    key = an_incident(ports)
    with pytest.raises(Unclear, match="Severity is 1"):
        incidents.update_incident(ports, TESTER, key, "worse", severity=9)


def test_unknown_names_are_answered_with_known_ones(ports: Ports) -> None:
    with pytest.raises(NotFound, match=r"There is no incident INC-7\. No incident is open"):
        incidents.resolve_incident(ports, TESTER, "inc-7", "a restart")
    an_incident(ports)
    with pytest.raises(NotFound, match=r"There is no incident INC-7\. Open incidents: INC-1"):
        incidents.update_incident(ports, TESTER, "inc-7", "hello")
    with pytest.raises(NotFound, match="There is no release REL-7"):
        an_incident(ports, suspect="REL-7")
    with pytest.raises(NotFound, match="There is no org “prod-eu”"):
        an_incident(ports, org="prod-eu")


def test_stakeholders_only_read(ports: Ports) -> None:
    with pytest.raises(NotAllowed, match="You may not handle an incident here") as refused:
        incidents.open_incident(ports, STAKEHOLDER, title="Orders fail", severity=2, org="production")
    assert TESTER in refused.value.who_may


def test_a_deployment_that_is_being_read_back_is_suspected_already(ports: Ports) -> None:
    suspect = a_ready_release(ports)
    deployments.finish_deployment(ports, a_started_deployment(ports, suspect), a_success())
    assert incident(ports, an_incident(ports)).release_id == release(ports, suspect).id


def test_a_note_stands_in_the_timeline_of_a_known_incident(ports: Ports) -> None:
    key = an_incident(ports)
    incidents.note_incident(ports, ANALYST, key, " the queue is empty ")
    assert last(ports, key, Kind.NOTE_ADDED).details == {"text": "the queue is empty"}
    with pytest.raises(NotAllowed):
        incidents.note_incident(ports, STAKEHOLDER, key, "hello")
    with pytest.raises(NotFound):
        incidents.note_incident(ports, ANALYST, "INC-9", "hello")
