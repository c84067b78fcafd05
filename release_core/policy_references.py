"""Names in a policy that refer to something which stands elsewhere in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]
NAMES_DISAGREE = "names_disagree"


@dataclass(frozen=True)
class Disagreement:
    """One place of a policy that contradicts another; `expected` completes the sentence "expected …"."""

    place: Place
    found: str
    expected: str


def path_words(place: Place) -> str:
    """A place in the policy as people write it: `windows[0].days`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def disagreements(policy: Mapping[str, Any]) -> list[Disagreement]:
    """What does not fit together in a policy written as plain mappings and lists.

    What has the wrong shape is passed over: its own mistake is told elsewhere.
    """
    return [
        *_unknown(policy, "orgs", _orgs_named(policy)),
        *_unknown_teams_and_seats(policy),
        *_rules_of_sense(policy),
        *_tests_of_orgs(policy),
    ]


def _unknown_teams_and_seats(policy: Mapping[str, Any]) -> Iterator[Disagreement]:
    yield from _unknown(policy, "teams", _teams_named(policy))
    approvals = _mapping(policy.get("approvals"))
    seats: list[tuple[Place, Any]] = [
        (("approvals", kind, i), seat) for kind, needed in approvals.items() for i, seat in _listed(needed)
    ]
    seats += [
        (("rollcalls", kind, i), seat)
        for kind, called in _mapping(policy.get("rollcalls")).items()
        for i, seat in _listed(called)
    ]
    seats += [
        (("more_approvals", i, "seats", j), seat)
        for i, rule in _listed(policy.get("more_approvals"))
        for j, seat in _listed(_mapping(rule).get("seats"))
    ]
    accepting = _mapping(policy.get("acceptances"))
    for level, step in _mapping(policy.get("risk")).items():
        seats += [(("risk", level, "seats", i), seat) for i, seat in _listed(_mapping(step).get("seats"))]
    yield from _unknown(policy, "seats", [*seats, *((("acceptances", risk), seat) for risk, seat in accepting.items())])


def _unknown(policy: Mapping[str, Any], section: str, named: Sequence[tuple[Place, Any]]) -> Iterator[Disagreement]:
    known = _mapping(policy.get(section))
    for place, name in named:
        if isinstance(name, str) and name not in known:
            choices = ", ".join(known) or "which is empty"
            yield Disagreement(place, f'"{name}"', f"a name that stands under {section} ({choices})")


def _orgs_named(policy: Mapping[str, Any]) -> list[tuple[Place, Any]]:
    windows = [(("windows", i, "org"), _mapping(rule).get("org")) for i, rule in _listed(policy.get("windows"))]
    freezes = [
        (("freezes", key, "org"), _mapping(rule).get("org")) for key, rule in _mapping(policy.get("freezes")).items()
    ]
    first: list[tuple[Place, Any]] = [
        (("orgs", key, "validate_first", i), name)
        for key, org in _mapping(policy.get("orgs")).items()
        for i, name in _listed(_mapping(org).get("validate_first"))
    ]
    first += [
        ((*place, "orgs", i), name)
        for place, rule in _rules_of(policy, "checklists", "when")
        for i, name in _listed(_mapping(rule.get("when")).get("orgs"))
    ]
    first += [
        (("more_approvals", i, "when", "orgs", j), name)
        for i, rule in _listed(policy.get("more_approvals"))
        for j, name in _listed(_mapping(_mapping(rule).get("when")).get("orgs"))
    ]
    tasks = [(place, rule.get("org")) for place, rule in _rules_of(policy, "tasks", "org")]
    paths: list[tuple[Place, Any]] = [
        (("paths", key, i), name) for key, orgs in _mapping(policy.get("paths")).items() for i, name in _listed(orgs)
    ]
    sources: list[tuple[Place, Any]] = [
        (("retrieve_from", i), name) for i, name in _listed(policy.get("retrieve_from"))
    ]
    return [*sources, *windows, *(pair for pair in freezes if pair[1] != "*"), *first, *tasks, *paths]


def _rules_of(policy: Mapping[str, Any], section: str, name: str) -> list[tuple[Place, Mapping[str, Any]]]:
    """The lines of the templates of a section, each with the place of one of its keys."""
    return [
        ((section, kind, i, name), _mapping(rule))
        for kind, rules in _mapping(policy.get(section)).items()
        for i, rule in _listed(rules)
    ]


def _teams_named(policy: Mapping[str, Any]) -> list[tuple[Place, Any]]:
    seats: list[tuple[Place, Any]] = [
        (("seats", key, "teams", i), team)
        for key, seat in _mapping(policy.get("seats")).items()
        for i, team in _listed(_mapping(seat).get("teams"))
    ]
    lines = [*_rules_of(policy, "checklists", "team"), *_rules_of(policy, "tasks", "team")]
    return [*seats, *((place, rule.get("team")) for place, rule in lines)]


def _rules_of_sense(policy: Mapping[str, Any]) -> Iterator[Disagreement]:
    for key, seat in _mapping(policy.get("seats")).items():
        if isinstance(seat, Mapping) and not any(seat.get(name) for name in ("people", "teams", "mandatory")):
            yield Disagreement(("seats", key), "nobody who sits there", "at least one entry under people or teams")
        yield from _too_few(policy, key, _mapping(seat))
    for key, org in _mapping(policy.get("orgs")).items():
        for i, name in _listed(_mapping(org).get("validate_first")):
            if name == key:
                yield Disagreement(("orgs", key, "validate_first", i), f'"{name}"', "another org than this one itself")
    for key, orgs in _mapping(policy.get("paths")).items():
        names = [name for _, name in _listed(orgs)]
        if isinstance(orgs, list | tuple) and (len(names) < 2 or len(set(map(str, names))) < len(names)):
            found = ", ".join(map(str, names)) or "nothing"
            yield Disagreement(("paths", key), found, "two orgs or more, each once, in the order in which it goes")


def _too_few(policy: Mapping[str, Any], key: str, seat: Mapping[str, Any]) -> Iterator[Disagreement]:
    """A seat that wants more people than could ever sit in it; how many a chat user group has is not known here."""
    teams = [_mapping(_mapping(policy.get("teams")).get(str(name))) for _, name in _listed(seat.get("teams"))]
    named = [seat.get("people"), seat.get("mandatory"), *(team.get("people") for team in teams)]
    people = {str(person) for some in named for _, person in _listed(some)}
    wanted = str(seat.get("quorum", ""))
    if not any(team.get("group") for team in teams) and wanted.isdecimal() and int(wanted) > len(people) > 0:
        there = "1 person sits" if len(people) == 1 else f"{len(people)} people sit"
        yield Disagreement(("seats", key, "quorum"), wanted, f"at most as many as sit there ({there} in it)")


def _tests_of_orgs(policy: Mapping[str, Any]) -> Iterator[Disagreement]:
    for key, org in _mapping(policy.get("orgs")).items():
        tests = _mapping(_mapping(org).get("tests"))
        place: Place = ("orgs", key, "tests")
        level = tests.get("level", "RunLocalTests")
        allowed = [name for _, name in _listed(tests.get("allowed"))]
        named = [((*place, "level"), level), *(((*place, "allowed", i), name) for i, name in enumerate(allowed))]
        if _mapping(org).get("kind") == "production":
            for where, name in named:
                if name == "NoTestRun":
                    yield Disagreement(where, '"NoTestRun"', "a level that runs tests: production refuses NoTestRun")
        if allowed and level not in allowed:
            yield Disagreement(
                (*place, "level"), f'"{level}"', f"a level that stands under allowed ({', '.join(map(str, allowed))})"
            )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: object) -> list[tuple[int, Any]]:
    return list(enumerate(value)) if isinstance(value, list | tuple) else []
