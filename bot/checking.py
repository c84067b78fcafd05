"""`rollcall check`: looks at everything outside that the bot needs, before it is needed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from bot.org_checks import Looked, check_org
from bot.settings import CheckSettings, read_check_settings
from bot.slack_checks import check_slack
from handlers.slack.mrkdwn import to_plain
from release_core.errors import ReleaseError

Level = Literal["good", "note", "unknown", "warn", "bad"]
"""How a finding weighs: `bad` must be mended; `warn` soon; `unknown` could not be looked at; `note` is good to know."""

ANSWERS_WITHIN = 60.0  # seconds, for all checks together: they run at once
_MARKS: Mapping[str, str] = {"good": "✓", "note": "·", "unknown": "?", "warn": "!", "bad": "✗"}


@dataclass(frozen=True)
class Finding:
    """One thing found: how it weighs, what it is about (a stable word), the sentence."""

    level: Level
    about: str
    sentence: str


@dataclass(frozen=True)
class Checked:
    """What one check found, with the plain facts for machines."""

    name: str
    title: str
    findings: Sequence[Finding]
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing has to be mended."""
        return all(finding.level != "bad" for finding in self.findings)


Check = Callable[[], Checked]


def every_check(settings: CheckSettings, environ: Mapping[str, str]) -> dict[str, tuple[str, Check]]:
    """All checks by name, each with its title; another outside world adds its own here."""
    checks: dict[str, tuple[str, Check]] = {"settings": ("Settings", partial(_check_settings, settings))}
    if environ.get("SLACK_BOT_TOKEN"):
        checks["slack"] = ("Slack", partial(_check_slack, settings, environ))
    for key, rule in settings.policy.orgs.items():
        checks[f"org:{key}"] = (rule.title, partial(_check_one_org, settings, key, environ))
    return checks


def run_checks(checks: Mapping[str, tuple[str, Check]], within: float = ANSWERS_WITHIN) -> list[Checked]:
    """Run all checks at once, for `within` seconds at most; one that fails or hangs hides no other."""
    found: dict[str, Checked] = {}
    threads = [
        threading.Thread(target=_run_one, args=(found, name, title, check), name=f"check-{name}", daemon=True)
        for name, (title, check) in checks.items()
    ]
    for thread in threads:
        thread.start()
    until = time.monotonic() + within
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = f"It was not done within {within:.0f} seconds. See that this machine reaches it, then repeat."
    return [
        found.get(name) or Checked(name, title, [Finding("bad", "time", late)]) for name, (title, _) in checks.items()
    ]


def _run_one(found: dict[str, Checked], name: str, title: str, check: Check) -> None:
    try:
        found[name] = check()
    except ReleaseError as problem:
        found[name] = Checked(name, title, [Finding("bad", "login", to_plain(str(problem)))])


def told(checked: Sequence[Checked]) -> str:
    """For people: one paragraph for each check, what has to be mended last."""
    return "\n\n".join("\n".join(_paragraph(one)) for one in checked)


def _paragraph(checked: Checked) -> Iterator[str]:
    yield f"{checked.title}: {'good' if checked.good else 'has to be mended'}"
    for finding in sorted(checked.findings, key=lambda one: list(_MARKS).index(one.level)):
        yield f"  {_MARKS[finding.level]} {finding.sentence}"


def as_json(checked: Sequence[Checked]) -> dict[str, Any]:
    """For machines: {"good": …, "checks": [{"name", "title", "good", "facts", "findings": [{…}]}]}."""
    rows = [
        {
            "name": one.name,
            "title": one.title,
            "good": one.good,
            "facts": dict(one.facts),
            "findings": [vars(finding) for finding in one.findings],
        }
        for one in checked
    ]
    return {"good": all(one.good for one in checked), "checks": rows}


def check_everything(environ: Mapping[str, str] = os.environ) -> list[Checked]:
    """Read the settings and run every check; SettingsMistakes when it cannot even begin."""
    return run_checks(every_check(read_check_settings(), environ))


def _check_settings(settings: CheckSettings) -> Checked:
    read = Finding("good", "policy", f"The policy is read; it names {len(settings.policy.orgs)} orgs.")
    notes = [Finding("note", "slack", f"{sentence} `rollcall serve` needs it.") for sentence in settings.missing]
    return Checked("settings", "Settings", [read, *notes])


def _check_slack(settings: CheckSettings, environ: Mapping[str, str]) -> Checked:
    return _checked("slack", "Slack", check_slack(settings.policy, environ))


def _check_one_org(settings: CheckSettings, key: str, environ: Mapping[str, str]) -> Checked:
    rule = settings.policy.orgs[key]
    looked = check_org(rule, settings.policy.api_reserve, environ)
    return _checked(f"org:{key}", rule.title, looked)


def _checked(name: str, title: str, looked: Looked) -> Checked:
    findings = [Finding(level, about, sentence) for level, about, sentence in looked.findings]
    return Checked(name, title, findings, looked.facts)
