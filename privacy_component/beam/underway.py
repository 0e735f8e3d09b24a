"""What this process is waiting for: so that who gives up can say on what."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

# By thread, outermost first, each with when it began. Only its own thread changes an entry.
_waits: dict[int, list[tuple[float, str]]] = {}


@contextlib.contextmanager
def underway(what: str) -> Iterator[None]:
    """While it lasts, `last_wait` may say that this process waits for `what`."""
    own = _waits.setdefault(threading.get_ident(), [])
    own.append((time.monotonic(), what))
    try:
        yield
    finally:
        own.pop()
        if not own:
            del _waits[threading.get_ident()]


def last_wait(since: float = 0.0) -> tuple[str, float]:
    """What began last of all that is not over, and for how many seconds it has lasted; ('', 0.0) for nothing.

    All else waits for that: what a thread does within something else began later, and a job waits for its threads.

    Args:
      since: a time.monotonic(); what began earlier, and was given up since, is left out.
    """
    latest = (own[-1] for own in list(_waits.values()) if own)
    began, what = max((wait for wait in latest if wait[0] >= since), default=(0.0, ''))
    return what, time.monotonic() - began if what else 0.0
