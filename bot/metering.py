"""What an attempt costs its org in API calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bot.outside import current
from bot.salesforce.session import on_call
from release_core import org_calls
from release_core.ports import OrgGateway


@contextmanager
def counted_for(deployment_id: Any) -> Iterator[None]:
    """Within the block, in this thread, each HTTP call to an org counts for an attempt (row id; None: for none)."""
    if not isinstance(deployment_id, int):
        yield
        return
    token = on_call.set(lambda: org_calls.count_call(current().ports, deployment_id))
    try:
        yield
    finally:
        on_call.reset(token)


def org_with_spare_calls(key: str) -> OrgGateway:
    """An org, for something that can wait; Refused("api_reserve") when only the reserve of its calls is left."""
    outside = current()
    org = outside.org(key)
    org_calls.must_have_spare(outside.ports.policy, key, org.api_usage)
    return org


def runs_low(org: OrgGateway, reserve: int) -> bool:
    """Whether an org's budget of API calls has run into its reserve (percent), as far as it has told."""
    return org.api_usage is not None and org_calls.left(*org.api_usage) < reserve
