"""What the text of differences says, what it leaves out, what it never shows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from release_core.comparison import difference
from release_core.differences import (
    LINE_AT_MOST,
    LINES_AT_MOST,
    Difference,
    LastChange,
    masked,
    read_change,
    read_section,
    warning_about,
    write_differences,
)
from release_core.metadata_types import Component
from release_core.packages import read_retrieved, write_package
from tests.release_core.builders import NOW

CLASS = Component("ApexClass", "Discount")
FIELD = Component("CustomField", "Account.Tier__c")
CREDENTIAL = Component("NamedCredential", "Bank")


def _diff(component: Component, path: str, before: str, after: str) -> str:
    packages = [
        read_retrieved(write_package({path: text.encode()}, [component], api_version="62.0"))
        for text in (before, after)
    ]
    return masked(component, difference(*packages, component))


def test_each_component_has_a_section_that_can_be_read_alone() -> None:
    text = write_differences(
        ["REL-1"],
        [Difference(CLASS, "changed", ["It was changed by Mei."], "-a\n+b"), Difference(FIELD, "new")],
        ["Outside."],
    )
    assert text.splitlines()[0] == "REL-1"
    assert read_section(text, CLASS) == "It was changed by Mei.\n-a\n+b"
    assert read_section(text, FIELD) == ""
    assert text.rstrip().endswith("Outside.")
    assert read_section(text, Component("ApexClass", "Disc")) == ""


def test_a_line_of_code_that_looks_like_a_header_begins_no_section() -> None:
    text = write_differences([], [Difference(CLASS, "changed", [], " ==== ApexClass Other · changed\n+b")])
    assert read_section(text, Component("ApexClass", "Other")) == ""
    assert "+b" in read_section(text, CLASS)


def test_a_text_that_would_grow_too_long_says_what_it_leaves_out() -> None:
    long = "\n".join(f"+{n}" for n in range(LINES_AT_MOST))
    text = write_differences(
        [], [Difference(CLASS, "changed", [], long), Difference(FIELD, "changed", [], "+secretly")]
    )
    assert "1 more components" in text
    assert "- CustomField Account.Tier__c" in text
    assert "+secretly" not in text


def test_a_line_without_end_is_cut_and_says_how_much_is_missing() -> None:
    text = write_differences([], [Difference(CLASS, "changed", [], "+" + "x" * (LINE_AT_MOST + 9))])
    assert "… (10 more characters)" in text


@pytest.mark.parametrize(
    ("component", "path", "root", "tag"),
    [
        (CREDENTIAL, "namedCredentials/Bank.namedCredential", "NamedCredential", "endpoint"),
        (CREDENTIAL, "namedCredentials/Bank.namedCredential", "NamedCredential", "password"),
        (
            Component("ExternalCredential", "E"),
            "externalCredentials/E.externalCredential",
            "ExternalCredential",
            "parameterValue",
        ),
        (Component("AuthProvider", "A"), "authproviders/A.authprovider", "AuthProvider", "consumerSecret"),
        (Component("ConnectedApp", "C"), "connectedApps/C.connectedApp", "ConnectedApp", "consumerKey"),
        (Component("ExternalDataSource", "D"), "dataSources/D.dataSource", "ExternalDataSource", "customConfiguration"),
        (Component("SamlSsoConfig", "S"), "samlssoconfigs/S.samlssoconfig", "SamlSsoConfig", "validationCert"),
        (Component("Network", "N"), "networks/N.network", "Network", "clientSecret"),
    ],
)
def test_a_secret_is_never_shown_but_that_it_differs_is(component: Component, path: str, root: str, tag: str) -> None:
    said = _diff(
        component,
        path,
        f"<{root}><label>Old</label><{tag}>hunter2</{tag}></{root}>",
        f"<{root}><label>New</label><{tag}>s3cret\nsecond line\nthird</{tag}></{root}>",
    )
    for word in ("hunter2", "s3cret", "second line", "third"):
        assert word not in said
    assert f"-    <{tag}>••••</{tag}>" in said
    assert "+    <label>New</label>" in said


def test_a_certificate_shows_its_size_at_most() -> None:
    files = [
        {"certs/C.crt": f"-----BEGIN {word}".encode(), "certs/C.crt-meta.xml": b"<Certificate/>"}
        for word in ("ONE", "TWO")
    ]
    component = Component("Certificate", "C")
    packages = [read_retrieved(write_package(one, [component], api_version="62.0")) for one in files]
    said = masked(component, difference(*packages, component))
    assert "BEGIN" not in said
    assert "not shown" in said


def test_what_is_no_secret_is_shown_as_it_is() -> None:
    said = _diff(CLASS, "classes/Discount.cls", "String password = null;\n", "String password = 'x';\n")
    assert "+String password = 'x';" in said


def test_a_change_after_the_package_or_of_late_is_worth_a_look_unless_it_was_ours() -> None:
    attached_at, lately, long_ago = NOW - timedelta(hours=1), NOW - timedelta(days=3), NOW - timedelta(days=30)
    asked = {"attached_at": attached_at, "now": NOW}
    assert warning_about(NOW, ours=[], **asked) == "after the package was attached"
    assert warning_about(lately, ours=[], **asked) == "in the last 14 days"
    assert warning_about(long_ago, ours=[], **asked) == ""
    ours = [(lately - timedelta(minutes=1), lately + timedelta(minutes=1))]
    assert warning_about(lately, ours=ours, **asked) == ""


def test_a_row_of_four_as_it_was_kept_at_first_is_read_too() -> None:
    change = LastChange(FIELD, "Mei Tan", NOW, "objects/Account.object", "in the last 14 days")
    assert read_change(change.as_row()) == change
    assert read_change(change.as_row()[:4]) == LastChange(FIELD, "Mei Tan", NOW)
