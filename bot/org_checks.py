"""What one org says when we log in to it: who we are there, what we may do, what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from bot.salesforce import Patience, SalesforceOrg, connect
from release_core.errors import OrgProblem
from release_core.org_calls import left
from release_core.policy import OrgRule
from release_core.ports import OrgIdentity

Answer = TypeVar("Answer")

# A person waits for it, so it gives up sooner than a flow would.
HASTY = Patience(connect_for=8.0, answer_for=15.0, pauses=(0.5, 1.0))
CLOCKS_MAY_DIFFER_BY = timedelta(seconds=30)
CLOCKS_MUST_NOT_DIFFER_BY = timedelta(minutes=3)  # a JWT assertion of ours lives that long


@dataclass(frozen=True)
class Permission:
    """One of several fields of UserPermissionAccess that must be true, what for, how it is called in Setup."""

    fields: tuple[str, ...]
    called: str
    needed_for: str


PERMISSIONS = (
    Permission(("PermissionsApiEnabled",), "API Enabled", "every call"),
    Permission(
        ("PermissionsModifyMetadata", "PermissionsModifyAllData"),
        "Modify Metadata Through Metadata API Functions",
        "deploying, retrieving and reading the deployment history",
    ),
    Permission(("PermissionsAuthorApex",), "Author Apex", "packages with Apex classes or triggers"),
    Permission(("PermissionsViewSetup",), "View Setup and Configuration", "reading the setup audit trail"),
)


@dataclass
class Looked:
    """What was found in one org: (level, about, sentence) each, with the facts behind it."""

    findings: list[tuple[Any, str, str]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def say(self, level: str, about: str, sentence: str, **facts: Any) -> None:
        """Note one finding."""
        self.findings.append((level, about, sentence))
        self.facts.update(facts)

    def ask(self, about: str, question: Callable[[], Answer]) -> Answer | None:
        """The answer to a question that alone may fail; None, and a finding, when it did."""
        try:
            return question()
        except OrgProblem as problem:
            self.say("unknown", about, str(problem))
            return None


def check_org(rule: OrgRule, reserve: int, environ: Mapping[str, str]) -> Looked:
    """Log in and look; OrgProblem when not even the login succeeds. `reserve` is the policy's `api_reserve`."""
    org, looked = connect(rule.login, patience=HASTY, environ=environ, title=rule.title), Looked()
    try:
        who = org.identity()
        facts = {"user": who.username, "user_id": who.user_id}
        looked.say("good", "user", f"Logged in as {who.username} ({who.user_id}).", **facts)
        _kind(looked, rule, who)
        _version(looked, org, who)
        _permissions(looked, org)
        _budget(looked, org, reserve)
        _clock(looked, org)
    finally:
        org.close()
    return looked


def _kind(looked: Looked, rule: OrgRule, who: OrgIdentity) -> None:
    kind = "sandbox" if who.is_sandbox else "production"
    facts = {"org_id": who.org_id, "org_name": who.name, "kind": kind, "policy_kind": rule.kind}
    if kind == rule.kind:
        looked.say("good", "kind", f"{who.name}, {who.org_id}, is {_a(kind)} as the policy says.", **facts)
    else:
        looked.say(
            "bad",
            "kind",
            f"{who.org_id} is {_a(kind)}, but the policy calls it {rule.kind}. Correct its login or its kind under "
            "orgs in the policy; Rollcall does not start like this.",
            **facts,
        )


def _a(kind: str) -> str:
    return "a sandbox" if kind == "sandbox" else "a production org"


def _version(looked: Looked, org: SalesforceOrg, who: OrgIdentity) -> None:
    offered = looked.ask("api_version", org.api_versions)
    looked.facts["api_version"] = who.api_version
    if not offered:
        return
    newest = max(offered, key=float)
    looked.facts["newest_api_version"] = newest
    if who.api_version in offered:
        looked.say("good", "api_version", f"API version {who.api_version} is offered (newest: {newest}).")
    else:
        looked.say(
            "bad",
            "api_version",
            f"API version {who.api_version} is not offered; the newest is {newest}. "
            "Wait for the org's next release, or use a version of Rollcall that speaks the older API.",
        )


def _permissions(looked: Looked, org: SalesforceOrg) -> None:
    names = [name for permission in PERMISSIONS for name in permission.fields]
    has = looked.ask("permissions", lambda: org.permissions(names))
    if has is None:
        looked.facts["missing_permissions"] = None
        return
    missing = [one for one in PERMISSIONS if not any(has[name] for name in one.fields)]
    looked.facts["missing_permissions"] = [one.called for one in missing]
    for one in missing:
        looked.say(
            "bad",
            "permissions",
            f'The user lacks "{one.called}", which is needed for {one.needed_for}. '
            "Grant it by a permission set: Setup → Permission Sets → System Permissions.",
        )
    if not missing:
        looked.say("good", "permissions", "The user may do everything that Rollcall needs.")


def _budget(looked: Looked, org: SalesforceOrg, reserve: int) -> None:
    if org.api_usage is None:
        looked.say("unknown", "api_budget", "The org does not tell how many API calls are left.")
        return
    used, allowed = org.api_usage
    share = left(used, allowed)
    sentence = f"{allowed - used:,} of {allowed:,} API calls of the day are left ({share:.0f} %)."
    facts = {"api_used": used, "api_allowed": allowed}
    if share < reserve:
        step = f" That is below the reserve of {reserve} %: see what else calls this org, or ask for a higher limit."
        looked.say("warn", "api_budget", sentence + step, **facts)
    else:
        looked.say("good", "api_budget", sentence, **facts)


def _clock(looked: Looked, org: SalesforceOrg) -> None:
    ahead = org.clock_ahead
    if ahead is None:
        looked.say("unknown", "clock", "The org's answers carry no date, so its clock cannot be compared with ours.")
        return
    seconds = ahead.total_seconds()
    facts = {"clock_ahead_seconds": round(seconds, 1)}
    if abs(ahead) <= CLOCKS_MAY_DIFFER_BY:
        looked.say("good", "clock", f"The org's clock and ours agree within {max(1, round(abs(seconds)))} s.", **facts)
        return
    which = "behind" if seconds > 0 else "ahead of"
    level = "bad" if abs(ahead) >= CLOCKS_MUST_NOT_DIFFER_BY else "warn"
    sentence = (
        f"This machine's clock is {abs(seconds):.0f} s {which} the org's. Set it by NTP: logins and windows need it."
    )
    looked.say(level, "clock", sentence, **facts)
