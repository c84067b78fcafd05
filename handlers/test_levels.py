"""Test levels as people say and choose them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from handlers.conversation import Option
from release_core.errors import Unclear
from release_core.policy import Level
from release_core.test_plans import LEVELS, known_level

BY_POLICY = "policy"
_HINTS: Mapping[Level, str] = {
    "RunLocalTests": "every test of the org's own code",
    "RunSpecifiedTests": "the classes you name; 75 % for each deployed class",
    "RunRelevantTests": "Salesforce picks them (beta); 75 % for each deployed class",
    "RunAllTestsInOrg": "those of installed packages too",
    "NoTestRun": "sandboxes only; never a quick deploy",
    "OrgDefault": "none is sent: in production local tests where Apex goes in",
}
_SHORT = {
    "local": "RunLocalTests",
    "specified": "RunSpecifiedTests",
    "named": "RunSpecifiedTests",
    "relevant": "RunRelevantTests",
    "all": "RunAllTestsInOrg",
    "none": "NoTestRun",
    "default": "OrgDefault",
    "policy": BY_POLICY,
}


def level_argument(said: str) -> Level | None:
    """A level as people say it; None for the policy's own. Unclear, with those there are, for anything else."""
    folded = said.strip().casefold()
    begun = [level for level in LEVELS if len(folded) > 3 and level.casefold().startswith(folded)]
    word = _SHORT.get(folded, begun[0] if len(begun) == 1 else "")
    if word == BY_POLICY:
        return None
    level = known_level(word)
    if level is None:
        raise Unclear(f"“{said}” is no test level. Say one of {', '.join(LEVELS)} or policy.", field="level")
    return level


def level_options(levels: Iterable[Level], by_policy: str = "") -> list[Option]:
    """The levels to choose from, the policy's own first; `by_policy` says which that is, where it is known."""
    own = f"{by_policy} now" if by_policy else "what the policy says for the org"
    return [
        Option(BY_POLICY, "as the policy says", own),
        *(Option(level, level, _HINTS[level]) for level in LEVELS if level in levels),
    ]
