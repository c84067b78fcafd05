"""What a deployment is asked for, what it answers per component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

TEST_LEVELS = ("NoTestRun", "RunSpecifiedTests", "RunLocalTests", "RunAllTestsInOrg", "RunRelevantTests")


class Refusal(Exception):
    """A request the API refuses outright; `code` is Salesforce's error code, `status` the HTTP status over REST."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True)
class DeployOptions:
    """DeployOptions of the Metadata API; the names in comments are the wire's."""

    allow_missing_files: bool = False  # allowMissingFiles
    auto_update_package: bool = False  # autoUpdatePackage
    check_only: bool = False  # checkOnly
    ignore_warnings: bool = False  # ignoreWarnings
    perform_retrieve: bool = False  # performRetrieve
    purge_on_delete: bool = False  # purgeOnDelete
    rollback_on_error: bool = False  # rollbackOnError
    run_tests: tuple[str, ...] = ()  # runTests
    single_package: bool = False  # singlePackage
    test_level: str = ""  # testLevel

    def as_json(self) -> dict[str, object]:
        """The options as the REST answer repeats them."""
        return {
            "allowMissingFiles": self.allow_missing_files,
            "autoUpdatePackage": self.auto_update_package,
            "checkOnly": self.check_only,
            "ignoreWarnings": self.ignore_warnings,
            "performRetrieve": self.perform_retrieve,
            "purgeOnDelete": self.purge_on_delete,
            "rollbackOnError": self.rollback_on_error,
            "runTests": list(self.run_tests) or None,
            "singlePackage": self.single_package,
            "testLevel": self.test_level or None,
        }


def truthy(value: object) -> bool:
    """A boolean however a client writes it: true, "True", "TRUE", 1."""
    return str(value).strip().lower() in ("true", "1")


def read_options(given: Mapping[str, object], run_tests: tuple[str, ...]) -> DeployOptions:
    """DeployOptions from the wire's names; unknown names are ignored, as the API does."""
    level = str(given.get("testLevel") or "").strip()
    return DeployOptions(
        allow_missing_files=truthy(given.get("allowMissingFiles")),
        auto_update_package=truthy(given.get("autoUpdatePackage")),
        check_only=truthy(given.get("checkOnly")),
        ignore_warnings=truthy(given.get("ignoreWarnings")),
        perform_retrieve=truthy(given.get("performRetrieve")),
        purge_on_delete=truthy(given.get("purgeOnDelete")),
        rollback_on_error=truthy(given.get("rollbackOnError")),
        run_tests=run_tests,
        single_package=truthy(given.get("singlePackage")),
        test_level="" if level == "None" else level,
    )


def refuse_options(options: DeployOptions, *, production: bool) -> None:
    """Raise the Refusal that Salesforce answers to options it does not take."""
    if options.test_level and options.test_level not in TEST_LEVELS:
        raise Refusal("INVALID_TYPE", f"'{options.test_level}' is not a valid value for the enum 'TestLevel'")
    if options.test_level == "RunSpecifiedTests" and not options.run_tests:
        raise Refusal("INVALID_OPERATION", "testLevel RunSpecifiedTests requires at least one test class in runTests")
    if options.run_tests and options.test_level != "RunSpecifiedTests":
        raise Refusal("INVALID_OPERATION", "runTests can be used only with a testLevel of RunSpecifiedTests")
    methods = [name for name in options.run_tests if "." in name]
    if methods:
        raise Refusal("INVALID_OPERATION", f"runTests takes names of test classes, not of methods: {methods[0]}")
    if not production:
        return
    if options.test_level == "NoTestRun":
        raise Refusal("INVALID_OPERATION", "testLevel of NoTestRun cannot be used in production organizations")
    if options.allow_missing_files:
        raise Refusal("INVALID_OPERATION", "allowMissingFiles cannot be true in production organizations")
    if not options.rollback_on_error:
        raise Refusal("INVALID_OPERATION", "rollbackOnError must be true in production organizations")


@dataclass
class Row:
    """One DeployMessage; `problem_type` is Error, Warning, Info or empty."""

    type: str
    name: str
    path: str
    id: str | None = None
    changed: bool = False
    created: bool = False
    deleted: bool = False
    problem: str | None = None
    problem_type: str = ""
    line: int | None = None
    column: int | None = None
    success: bool = True

    def fail(self, problem: str, line: int | None = None, column: int | None = None) -> None:
        """Turn the row into an error; the first problem stays."""
        if self.problem_type == "Error":
            return
        self.problem, self.problem_type, self.success = problem, "Error", False
        self.line, self.column = line, column
        self.changed = self.created = self.deleted = False
        self.id = None


@dataclass
class TestOutcome:
    """One test method that ran; `message` is None when it passed."""

    __test__ = False  # pytest must not take it for a test

    class_name: str
    method: str
    millis: float
    message: str | None = None
    stack: str = ""
    exception: str = ""


@dataclass
class Coverage:
    """Lines of one class or trigger: which there are, which no test reached."""

    name: str
    type: str  # Class or Trigger
    lines: tuple[int, ...]
    missed: tuple[int, ...]

    @property
    def percent(self) -> float:
        """Covered share in percent; nothing to cover counts as all covered."""
        return 100.0 if not self.lines else 100.0 * (len(self.lines) - len(self.missed)) / len(self.lines)


@dataclass
class TestReport:
    """What a test run found; `warnings` are (class name or None, text) about coverage."""

    __test__ = False  # pytest must not take it for a test

    ran: bool = False
    at: datetime | None = None  # when they ran
    outcomes: list[TestOutcome] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)
    warnings: list[tuple[str | None, str]] = field(default_factory=list)

    @property
    def failures(self) -> list[TestOutcome]:
        """The methods that failed."""
        return [each for each in self.outcomes if each.message is not None]
