"""The whole history of a release in one packet."""

from __future__ import annotations

import json

import pytest

from release_core import audits
from release_core.errors import NotAllowed, NotFound
from release_core.ports import Ports
from release_core.timeline import Kind
from tests.release_core.builders import MANAGER, a_package, a_release, a_soaking_release, kinds


def test_the_packet_holds_every_fact_and_says_who_took_it(ports: Ports) -> None:
    key = a_soaking_release(ports)
    packet = json.loads(json.dumps(audits.export_audit(ports, MANAGER, key)))
    assert [entry["kind"] for entry in packet["timeline"]] == kinds(ports, key)
    assert packet["timeline"][-1]["kind"] == Kind.AUDIT_EXPORTED
    assert packet["timeline"][-1]["actor"] == MANAGER
    assert packet["chain"]["whole"]
    assert packet["chain"]["head"] == packet["timeline"][-1]["hash"]


def test_a_package_that_was_replaced_is_still_in_the_packet(ports: Ports) -> None:
    key = a_release(ports)
    a_package(ports, key, words="first")
    a_package(ports, key, words="second")
    packet = audits.export_audit(ports, MANAGER, key)
    assert [package["file_name"] for package in packet["packages"]] == ["first.zip", "second.zip"]


def test_a_stranger_gets_nothing_and_leaves_no_trace(ports: Ports) -> None:
    key = a_release(ports)
    with pytest.raises(NotAllowed):
        audits.export_audit(ports, "USTRANGER", key)
    with pytest.raises(NotFound):
        audits.export_audit(ports, MANAGER, "REL-9")
    assert Kind.AUDIT_EXPORTED not in kinds(ports, key)
