"""Where a package may come from, as people write it."""

from __future__ import annotations

import pytest

from release_core import attaching
from release_core.attaching import Origin
from release_core.errors import NotAllowed, Refused, Unclear
from release_core.manifest_words import read_wanted
from release_core.ports import Ports
from tests.release_core.builders import DEVELOPER, PRODUCTION, STAKEHOLDER, UAT, a_policy, a_release, intents, last


@pytest.mark.parametrize(
    ("source", "flow"), [("file", "intake"), ("url", "intake"), ("org", "retrieval"), ("git", "checkout")]
)
def test_each_source_has_the_flow_that_brings_it_in(ports: Ports, source: attaching.Source, flow: str) -> None:
    key = a_release(ports)
    package = attaching.attach_from(ports, DEVELOPER, key, Origin(source, "a.zip", "there", note="nightly"))
    assert [one.args for one in intents(ports, flow)] == [{"package": package}]
    told = last(ports, key, "package_attached").details
    assert (told["source"], told["ref"], told["note"]) == (source, "there", "nightly")


def test_only_those_who_may_attach_may_take_a_package_from_anywhere(ports: Ports) -> None:
    with pytest.raises(NotAllowed):
        attaching.attach_from(ports, STAKEHOLDER, a_release(ports), Origin("git", "git main", "main"))


def test_sandboxes_are_sources_and_production_only_when_it_is_named() -> None:
    assert attaching.find_source(a_policy(), "UAT") == UAT
    with pytest.raises(Refused, match="Orgs to take one from: UAT"):
        attaching.find_source(a_policy(), "PRODUCTION")
    named = a_policy(retrieve_from=[PRODUCTION])
    assert attaching.find_source(named, "production") == PRODUCTION
    with pytest.raises(Refused, match="No package is taken from UAT"):
        attaching.find_source(named, "uat")


@pytest.mark.parametrize(
    "ref",
    ["--upload-pack=id", "a..b", "a b", "refs/heads/x:refs/heads/y", "+main", "a.lock", "a/", "", "a@{1}", "/a", "~1"],
)
def test_what_is_no_ref_is_never_handed_to_git(ref: str) -> None:
    with pytest.raises(Unclear, match="is no git ref"):
        attaching.find_ref(a_policy(git={"repository": "/srv/a.git"}), ref)


@pytest.mark.parametrize("ref", ["main", "release/2026-11", "v1.0.2", "a" * 40, "feature/SF-12_x"])
def test_branches_tags_and_shas_are_refs(ref: str) -> None:
    assert attaching.find_ref(a_policy(git={"repository": "/srv/a.git"}), ref) == ref


def test_without_a_repository_it_is_said_who_adds_one() -> None:
    with pytest.raises(Refused, match=r"git\.repository"):
        attaching.find_ref(a_policy(), "main")


def test_lines_say_what_is_wanted() -> None:
    assert read_wanted("ApexClass: B, A\n\nLayout: Account-Account Layout\nApexClass: C\n") == {
        "ApexClass": ["A", "B", "C"],
        "Layout": ["Account-Account Layout"],
    }


def test_a_package_xml_says_what_is_wanted() -> None:
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><Package xmlns="http://soap.sforce.com/2006/04/metadata">'
        "<types><members>*</members><name>ApexClass</name></types>"
        "<types><members>Account.Tier__c</members><name>CustomField</name></types><version>62.0</version></Package>"
    )
    assert read_wanted(f"\ufeff  {manifest}") == {"ApexClass": ["*"], "CustomField": ["Account.Tier__c"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Nothing is asked for"),
        ("<Package", "package.xml"),
        ('<!DOCTYPE x [<!ENTITY e "x">]><Package/>', "package.xml"),
        ("<Package/>", "Nothing is asked for"),
        ("everything please", "is no type with names"),
        ("ApexClass:", "is no type with names"),
        ("CustomField: *", "Salesforce wants each name"),
        ("Report: *", "Salesforce wants each name"),
    ],
)
def test_what_says_nothing_sensible_is_refused_under_its_field(text: str, words: str) -> None:
    with pytest.raises(Unclear, match=words) as refused:
        read_wanted(text)
    assert refused.value.field == "manifest"
