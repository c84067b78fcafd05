"""A policy file's mistakes, each told with its line and all of them at once."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from release_core.policy import Policy
from release_core.policy_file import PolicyMistakes, load_policy, read_policy

GOOD = """\
zone: Europe/Berlin
channels:
  releases: C0RELEASES
  incidents: C0INCIDENTS
orgs:
  uat:
    title: UAT
    kind: sandbox
    login: {method: access_token, instance_url: "${UAT_URL}", access_token_env: UAT_TOKEN}
  production:
    title: PRODUCTION
    kind: production
    validate_first: [uat]
    login:
      method: jwt
      login_url: https://acme.my.salesforce.com
      client_id: abc
      username: bot@example.com
      private_key_file: /run/secrets/key.pem
people:
  release_manager: [U0RELMGR]
  tester: [U0TESTER]
teams:
  qa-team:
    title: QA
    group: S0QATEAM
seats:
  qa:
    title: QA
    teams: [qa-team]
approvals:
  standard: [qa]
checklists:
  standard:
    - title: Release notes written
      role: release_manager
      due: 1d
windows:
  - org: production
    days: [mon, tue]
    from: 22:00
    to: 02:00
    zone: Europe/Berlin
freezes:
  quarter-end:
    name: Quarter end
    org: production
    from: 2026-12-24 18:00
    to: 2027-01-02 06:00
    zone: Europe/Berlin
audiences:
  stakeholders:
    tier: business
    channels: [C0STAKEHOLD]
    every: 30m
rights:
  waive_freeze: [U0OPSMGR]
"""
ENVIRONMENT = {"UAT_URL": "http://127.0.0.1:4001"}


def line_of(text: str, part: str) -> int:
    (number,) = [number for number, line in enumerate(text.splitlines(keepends=True), 1) if part in line]
    return number


def mistakes_in(text: str) -> list[str]:
    with pytest.raises(PolicyMistakes) as refusal:
        read_policy(text, "policy.yaml", ENVIRONMENT)
    return [line.strip() for line in str(refusal.value).splitlines()[1:]]


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, f"{old!r} stands {GOOD.count(old)} times in the good policy"
    return GOOD.replace(old, new)


def test_good_policy_is_read_with_its_times_as_they_were_written() -> None:
    policy = read_policy(GOOD, "policy.yaml", ENVIRONMENT)
    window, freeze = policy.windows[0], policy.freezes["quarter-end"]
    assert (window.start, window.end) == (time(22, 0), time(2, 0))
    assert freeze.start == datetime(2026, 12, 24, 18, 0)
    assert policy.audiences["stakeholders"].every == timedelta(minutes=30)


def test_value_from_the_environment_takes_the_place_of_its_name() -> None:
    policy = read_policy(GOOD, "policy.yaml", ENVIRONMENT)
    assert policy.orgs["uat"].login.model_dump()["instance_url"] == "http://127.0.0.1:4001"


@pytest.mark.parametrize(
    ("old", "new", "at", "told"),
    [
        (
            "kind: sandbox",
            "kind: sandpit",
            "sandpit",
            "orgs.uat.kind: found \"sandpit\"; expected 'sandbox' or 'production'",
        ),
        (
            "zone: Europe/Berlin\nchannels",
            "zone: Europe/Berln\nchannels",
            "Berln",
            'zone: found "Europe/Berln"; expected an IANA zone name such as Europe/Berlin',
        ),
        (
            "  incidents: C0INCIDENTS\n",
            "",
            "channels:\n",
            "channels.incidents: found nothing; expected a value",
        ),
        (
            "    title: UAT\n",
            "    title:\n",
            "    title:\n",
            "orgs.uat.title: found nothing; expected text",
        ),
        (
            "    title: UAT\n",
            "    title: 7\n",
            "title: 7",
            'orgs.uat.title: found "7"; expected text',
        ),
        (
            "validate_first: [uat]",
            "validate_first: [uta]",
            "uta",
            'orgs.production.validate_first[0]: found "uta"; expected a name that stands under orgs (uat, production)',
        ),
        (
            "validate_first: [uat]",
            "validate_first: [production]",
            "validate_first",
            'orgs.production.validate_first[0]: found "production"; expected another org than this one itself',
        ),
        (
            "validate_first: [uat]",
            "validate_frist: [uat]",
            "frist",
            'orgs.production.validate_frist: found the key "validate_frist"; '
            "expected one of title, kind, login, validate_first, soak, tests",
        ),
        (
            "release_manager: [U0RELMGR]",
            "release_boss: [U0RELMGR]",
            "release_boss",
            "people.release_boss: found the key \"release_boss\"; expected 'release_manager', 'developer', 'tester', "
            "'administrator', 'analyst' or 'stakeholder'",
        ),
        (
            "tester: [U0TESTER]",
            "tester: [tomas]",
            "tomas",
            'people.tester[0]: found "tomas"; '
            "expected a chat member id such as U02ABCDEF (profile, 'Copy member ID')",
        ),
        (
            "tester: [U0TESTER]",
            "tester: U0TESTER",
            "tester: U0",
            'people.tester: found "U0TESTER"; expected a list',
        ),
        (
            "teams: [qa-team]",
            "teams: [qa]",
            "teams: [qa]",
            'seats.qa.teams[0]: found "qa"; expected a name that stands under teams (qa-team)',
        ),
        (
            "    teams: [qa-team]\n",
            "",
            "  qa:",
            "seats.qa: found nobody who sits there; expected at least one entry under people or teams",
        ),
        (
            "standard: [qa]",
            "standard: [qa, security]",
            "security",
            'approvals.standard[1]: found "security"; expected a name that stands under seats (qa)',
        ),
        (
            "due: 1d",
            "due: 30",
            "due: 30",
            'checklists.standard[0].due: found "30"; expected a length of time such as 30m, 2h or 1d',
        ),
        (
            "due: 1d",
            "team: qa-team",
            "- title: Release notes",
            "checklists.standard[0]: found a mapping with title, role, team; "
            "expected one of role, person or team, not several",
        ),
        (
            "    from: 22:00",
            "    from: 25:00",
            "25:00",
            'windows[0].from: found "25:00"; expected a time of day such as 22:00 (midnight is 00:00)',
        ),
        (
            "    to: 02:00",
            "    to: 24:00",
            "24:00",
            'windows[0].to: found "24:00"; expected a time of day such as 22:00 (midnight is 00:00)',
        ),
        (
            "days: [mon, tue]",
            "days: []",
            "days: []",
            "windows[0].days: found an empty list; expected at least 1 entry",
        ),
        (
            "to: 2027-01-02 06:00",
            "to: 2026-01-02 06:00",
            "quarter-end:",
            "freezes.quarter-end: found a mapping with name, org, from, to, zone; "
            "expected 'to' to be later than 'from'",
        ),
        (
            "to: 2027-01-02 06:00",
            "to: after Christmas",
            "after",
            'freezes.quarter-end.to: found "after Christmas"; expected a date with a time such as 2026-12-24 18:00',
        ),
        (
            "login_url: https://acme",
            "login_url: http://acme",
            "http://acme",
            'orgs.production.login.login_url: found "http://acme.my.salesforce.com"; expected something else: '
            "'http://acme.my.salesforce.com' would send tokens unencrypted; "
            "write https:// (http is only for localhost and 127.0.0.1)",
        ),
        (
            "method: jwt",
            "method: password",
            "    login:\n",
            "orgs.production.login: found a mapping with method, login_url, client_id, username, private_key_file; "
            "expected a method: 'access_token', 'jwt', 'client_credentials'",
        ),
        (
            "client_id: abc",
            "client: abc",
            "client: abc",
            'orgs.production.login.client: found the key "client"; expected one of method, login_url, client_id, '
            "username, audience, private_key_env, private_key_file",
        ),
        (
            "waive_freeze: [U0OPSMGR]",
            "waive_freeze: [omar]",
            "omar",
            "rights.waive_freeze[0]: found \"omar\"; expected 'release_manager', 'developer', 'tester', "
            "'administrator', 'analyst' or 'stakeholder' or a chat member id such as U02ABCDEF "
            "(profile, 'Copy member ID')",
        ),
        (
            "every: 30m",
            "every: 0m",
            "0m",
            'audiences.stakeholders.every: found "0m"; expected 1 minute or more',
        ),
        (
            '"${UAT_URL}"',
            '"${NO_SUCH_URL}"',
            "NO_SUCH_URL",
            'orgs.uat.login.instance_url: found "${NO_SUCH_URL}"; '
            "expected the environment variable NO_SUCH_URL to be set",
        ),
        (
            '"${UAT_URL}"',
            '"${UAT_URL}/x"',
            "/x",
            'orgs.uat.login.instance_url: found "${UAT_URL}/x"; expected the whole value to be ${NAME}, or no ${ in it',
        ),
        (
            "  tester: [U0TESTER]",
            "  release_manager: [U0TESTER]",
            "U0TESTER",
            "people.release_manager: found the key release_manager again; expected it once (it stands in line 21 too)",
        ),
        (
            "name: Quarter end",
            "name: !secret Quarter end",
            "!secret",
            "freezes.quarter-end.name: found the tag !secret; expected a plain value without a tag",
        ),
        (
            "rights:",
            "retrieve_from: [training]\nrights:",
            "retrieve_from",
            'retrieve_from[0]: found "training"; expected a name that stands under orgs (uat, production)',
        ),
        (
            "rights:",
            "git: {repository: /srv/a.git, branch: main}\nrights:",
            "branch",
            'git.branch: found the key "branch"; expected one of repository, project',
        ),
        (
            "rights:",
            "git: {project: .}\nrights:",
            "git:",
            "git.repository: found nothing; expected a value",
        ),
        (
            "rights:",
            "git: {repository: https://a:b@host/a}\nrights:",
            "repository",
            'git.repository: found "https://a:b@host/a"; expected an address such as https://host/team/project.git, '
            "git@host:team/project.git or an absolute path, with no password in it",
        ),
        (
            "rights:",
            "git: {repository: /srv/a.git, project: ../elsewhere}\nrights:",
            "project",
            'git.project: found "../elsewhere"; expected a folder inside the repository such as salesforce/app '
            '("." for its top)',
        ),
        (
            "rights:",
            "automation: jenkins\nrights:",
            "automation",
            "automation: found \"jenkins\"; expected a chat member id such as U02ABCDEF (profile, 'Copy member ID')",
        ),
        (
            "rights:",
            "keep_artifacts: 29d\nrights:",
            "keep_artifacts",
            'keep_artifacts: found "29d"; expected 30 days or more',
        ),
    ],
)
def test_mistake_is_told_with_its_line_its_place_what_is_there_what_belongs_there(
    old: str, new: str, at: str, told: str
) -> None:
    text = changed(old, new)
    number = line_of(text, at)
    relevant = [line for line in mistakes_in(text) if told in line]
    assert relevant == [f"policy.yaml:{number}: {told}"], mistakes_in(text)


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = GOOD
    for old, new in [
        ("zone: Europe/Berlin\nchannels", "zone: Mars\nchannels"),
        ("kind: sandbox", "kind: sandpit"),
        ('"${UAT_URL}"', '"${NOT_SET}"'),
        ("validate_first: [uat]", "validate_first: [nowhere]"),
        ("tester: [U0TESTER]", "tester: [tomas]"),
        ("days: [mon, tue]", "days: [mon, mittwoch]"),
        ("tier: business", "tier: business\n    tier: executive"),
    ]:
        assert text.count(old) == 1
        text = text.replace(old, new)
    told = mistakes_in(text)
    parts = [re.fullmatch(r"policy\.yaml:(\d+): (\S+): found .+; expected .+", line) for line in told]
    assert all(parts), told
    assert [part[2] for part in parts if part] == [
        "zone",
        "orgs.uat.kind",
        "orgs.uat.login.instance_url",
        "orgs.production.validate_first[0]",
        "people.tester[0]",
        "windows[0].days[1]",
        "audiences.stakeholders.tier",
    ]
    numbers = [int(part[1]) for part in parts if part]
    assert numbers == sorted(numbers)


def test_value_taken_from_the_environment_is_never_repeated_in_a_mistake() -> None:
    with pytest.raises(PolicyMistakes) as refusal:
        read_policy(GOOD, "policy.yaml", {"UAT_URL": "hunter2"})
    assert "hunter2" not in str(refusal.value).split("; expected", 1)[0]
    assert '"${UAT_URL}"' in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("zone: Europe/Berlin\norgs: [uat\npeople: {}\n", 3),
        ("zone: Europe/Berlin\n\torgs: {}\n", 2),
        ("zone: one: two\n", 1),
        ("zone: *nothing\n", 1),
        ("zone: Europe/Berlin\n---\nzone: UTC\n", 2),
    ],
)
def test_text_that_is_no_yaml_is_told_with_its_line(text: str, line: int) -> None:
    (told,) = mistakes_in(text)
    assert told.startswith(f"policy.yaml:{line}: the file: found what YAML cannot read (")


@pytest.mark.parametrize(
    ("text", "found"), [("", "nothing in it"), ("- a\n- b\n", "a list of 2"), ("hello\n", '"hello"')]
)
def test_file_that_holds_no_mapping_is_told_so(text: str, found: str) -> None:
    (told,) = mistakes_in(text)
    assert f"the file: found {found}; expected a" in told


def test_value_that_holds_itself_is_refused() -> None:
    told = mistakes_in("zone: Europe/Berlin\norgs: &orgs\n  uat: *orgs\n")
    assert "policy.yaml:2: orgs.uat: found a value that holds itself; expected no alias to a surrounding value" in told


def test_file_that_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(PolicyMistakes, match=r"no-policy\.yaml: the file: found no such file or directory"):
        load_policy(tmp_path / "no-policy.yaml", {})


def test_file_that_is_no_text_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(b"zone: \xff\xfe")
    with pytest.raises(PolicyMistakes, match="UTF-8 text"):
        load_policy(tmp_path / "policy.yaml", {})


def test_control_characters_in_the_file_are_told_not_raised() -> None:
    (told,) = mistakes_in("zone: \x00\n")
    assert "expected YAML in plain text" in told


def test_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_policy(path, ENVIRONMENT).zone == "Europe/Berlin"


@pytest.mark.parametrize("word", ["no", "off", "on", "yes", "y", "1_000", "12:30:45"])
def test_words_that_old_yaml_would_turn_into_other_values_stay_words(word: str) -> None:
    policy = read_policy(changed("    title: UAT\n", f"    title: {word}\n"), "policy.yaml", ENVIRONMENT)
    assert policy.orgs["uat"].title == word


def test_policy_built_in_code_is_held_to_the_same_names() -> None:
    data = read_policy(GOOD, "policy.yaml", ENVIRONMENT).model_dump(by_alias=True)
    with pytest.raises(ValidationError, match=r'approvals\.standard\[0\]: found "nobody"'):
        Policy.model_validate({**data, "approvals": {"standard": ["nobody"]}})
