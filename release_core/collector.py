"""Python's cyclic garbage collector, at rest while thousands of XML trees come and go."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_resting = 0
_was_at_work = False


@contextmanager
def at_rest() -> Iterator[None]:
    """Keep the collector from looking for cycles within the block, or the function it decorates, on any thread.

    Trees of XML have no cycles: they go with their last reference. Looking at each of their elements again and again
    was a third of the time a large package took.
    """
    global _resting, _was_at_work
    with _lock:
        if not _resting:
            _was_at_work = gc.isenabled()
            gc.disable()
        _resting += 1
    try:
        yield
    finally:
        with _lock:
            _resting -= 1
            if not _resting and _was_at_work:
                gc.enable()
