"""Which Apex tests a check or a deployment runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import get_args

from release_core.errors import Unclear
from release_core.models import Deployment, Release, ReleasePackage
from release_core.policy import Level, Policy
from release_core.ports import TestLevel

USUAL: Level = "RunLocalTests"
"""What attempts ran of which no level is noted."""
LEVELS: Sequence[Level] = get_args(Level)


@dataclass(frozen=True)
class ChosenTests:
    """A test level with the classes that it names, which only RunSpecifiedTests has."""

    level: Level
    classes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.level} ({', '.join(self.classes)})" if self.classes else str(self.level)


def planned(release: Release, package: ReleasePackage | None, policy: Policy, org: str) -> ChosenTests:
    """The tests of a release in an org.

    In its target the release's own choice counts, elsewhere what the policy says of that org. A choice that an org does
    not allow gives way to the policy's level, so a level chosen for a sandbox never reaches production. Where no class
    is named, those of the package are.
    """
    own = policy.tests_of(org)
    elsewhere = org != release.target_org and policy.states_tests_of(org)
    wanted = known_level(release.test_level)
    level = wanted if wanted and not elsewhere and wanted in policy.levels_of(org) else own.level
    return named(level, release.run_tests, package)


def by_policy(package: ReleasePackage | None, policy: Policy, org: str) -> ChosenTests:
    """The tests that the policy runs in an org."""
    return named(policy.tests_of(org).level, (), package)


def named(level: Level, classes: Iterable[str], package: ReleasePackage | None) -> ChosenTests:
    """A level with its classes: those given, else the package's own."""
    if level != "RunSpecifiedTests":
        return ChosenTests(level)
    return ChosenTests(level, tuple(classes) or tuple(package.tests if package else ()))


def known_level(word: str) -> Level | None:
    """A level by its name; None for what is none."""
    return next((level for level in LEVELS if level == word), None)


def ran(attempt: Deployment) -> ChosenTests:
    """The tests that an attempt ran, or is to run."""
    return ChosenTests(known_level(attempt.test_level) or USUAL, tuple(attempt.run_tests))


def is_same(one: ChosenTests, other: ChosenTests) -> bool:
    """Whether two choices run the same tests; Apex does not tell capitals apart."""
    return (one.level, _folded(one.classes)) == (other.level, _folded(other.classes))


def _folded(classes: Iterable[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in classes)


def note_on(attempt: Deployment, tests: ChosenTests) -> None:
    """Write the tests that an attempt is to run into its row."""
    attempt.test_level, attempt.run_tests = tests.level, list(tests.classes)


def sent_level(word: str) -> TestLevel | None:
    """The level as an org is told it; None leaves the choice to the org."""
    level = known_level(word) or USUAL
    return None if level == "OrgDefault" else level


def why_none_run(tests: ChosenTests, package: ReleasePackage | None, org_kind: str) -> str:
    """Why no test will run, as the beginning of a sentence; "" when some may.

    A package without Apex runs none in production when the level is left to the org; a sandbox never runs any then
    (Metadata API Developer Guide, DeployOptions.testLevel).
    """
    if tests.level == "NoTestRun":
        return "NoTestRun runs no tests"
    if tests.level != "OrgDefault":
        return ""
    if org_kind != "production":
        return "a sandbox left to itself runs no tests"
    apex = any(kind in ("ApexClass", "ApexTrigger") for kind, _ in (package.components if package else ()))
    return "" if apex or package is None else "an org left to itself runs no tests for a package without Apex"


def may_become_quick(validation: Deployment) -> bool:
    """Whether a check can become a quick deploy: Salesforce asks that tests ran in it (deployRecentValidation)."""
    done, total, _ = validation.result.get("tests", [1, 1, 0])
    return bool(done or total)


# Choosing


def must_be_allowed(policy: Policy, org: str, level: Level) -> None:
    """Unclear, with what is allowed, when an org does not take a level."""
    allowed = policy.levels_of(org)
    if level in allowed:
        return
    title = policy.title_of(org)
    if level == "NoTestRun" and policy.kind_of(org) == "production":
        because = f"{title} is a production org, where NoTestRun is never sent."
    else:
        because = f"The policy does not allow {level} in {title}."
    raise Unclear(f"{because} Choose one of {', '.join(allowed)}.", field="level")


def must_have_classes(tests: ChosenTests, key: str) -> None:
    """Unclear when classes are to be named and there are none."""
    if tests.level == "RunSpecifiedTests" and not tests.classes:
        raise Unclear(
            "RunSpecifiedTests runs the test classes that you name, and the package of "
            f"{key} holds none of its own. Name some: /release tests {key} RunSpecifiedTests CLASS …",
            field="classes",
        )


def read_classes(names: Iterable[str], package: ReleasePackage | None) -> list[str]:
    """Test classes by name, each once; Unclear for what is certainly none.

    A class that is not in the package may be in the org, which nobody can know here.
    """
    classes = {str(name).casefold(): str(name) for kind, name in (package.components if package else ())
               if kind == "ApexClass"}  # fmt: skip
    tests = {str(name).casefold(): str(name) for name in (package.tests if package else ())}
    found: dict[str, str] = {}
    for name in names:
        folded = name.casefold()
        if not re.fullmatch(r"[A-Za-z]\w{0,79}", name) or name.endswith("_"):
            raise Unclear(_no_class(name), field="classes")
        if folded in classes and folded not in tests:
            holds = f"It holds these: {', '.join(tests.values())}." if tests else "It holds no test class at all."
            raise Unclear(f"{classes[folded]} is in the package, but it is no test class. {holds}", field="classes")
        found.setdefault(folded, tests.get(folded, name))
    return list(found.values())


def _no_class(name: str) -> str:
    if "." in name:
        whole = name.partition(".")[0]
        return f"Salesforce runs whole classes, not single methods. Say {whole} instead of {name}."
    return f"“{name}” is no name of an Apex class. Separate several by commas or spaces."


def not_in(package: ReleasePackage | None, classes: Iterable[str]) -> list[str]:
    """The classes that the package does not hold: only the org can tell whether they exist."""
    held = _folded(str(name) for name in (package.tests if package else ()))
    return [name for name in classes if name.casefold() not in held]
