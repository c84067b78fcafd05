"""Trouble on demand: what the next matching calls or deliveries suffer."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bot.rehearsal.workspace.refusals import ActingError

CALL_KINDS = ("ratelimited", "http_error", "error", "timeout_before", "timeout_after", "slow")
DELIVERY_KINDS = ("drop_before_ack", "duplicate", "late", "reordered")


@dataclass
class Fault:
    """One armed fault; see docs/rehearsal-api.md for what each kind does."""

    kind: str
    method: str | None = None
    times: int = 1
    skip: int = 0
    retry_after: int = 1
    status: int = 503
    error: str = "internal_error"
    seconds: float = 0.0


class Faults:
    """The armed faults, in the order in which they were armed."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []

    def arm(self, described: dict[str, Any]) -> Fault:
        """Arm a fault described as in the API; ActingError (400) when it is none."""
        known = Fault.__dataclass_fields__
        strangers = sorted(set(described) - set(known))
        if strangers:
            raise ActingError(
                400, "bad_fault", f"A fault has no {', '.join(strangers)}. It may have: {', '.join(known)}."
            )
        kinds = (*CALL_KINDS, *DELIVERY_KINDS)
        if described.get("kind") not in kinds:
            raise ActingError(
                400, "bad_fault", f"There is no fault {described.get('kind')!r}. Kinds: {', '.join(kinds)}."
            )
        for name in ("times", "skip", "retry_after", "status", "seconds"):
            if not isinstance(described.get(name, 0), int | float) or described.get(name, 0) < 0:
                raise ActingError(400, "bad_fault", f"{name} must be a number of at least 0.")
        fault = Fault(**described)
        self._armed.append(fault)
        return fault

    def clear(self) -> None:
        """Disarm everything."""
        self._armed.clear()

    def armed(self) -> list[dict[str, Any]]:
        """What has not happened yet."""
        return [asdict(fault) for fault in self._armed]

    def strike_call(self, method: str) -> Fault | None:
        """The fault that this Web API call suffers, counted as used."""
        return self._strike(method, CALL_KINDS)

    def strike_delivery(self, what: str, *kinds: str) -> Fault | None:
        """The fault of one of the kinds that this delivery suffers, counted as used."""
        return self._strike(what, kinds)

    def _strike(self, what: str, kinds: tuple[str, ...]) -> Fault | None:
        for fault in self._armed:
            if fault.kind not in kinds or fault.method not in (None, what):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self._armed.remove(fault)
            return fault
        return None
