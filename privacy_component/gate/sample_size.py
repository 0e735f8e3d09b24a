"""How many examples a threshold needs before its rule can decide at all."""

from __future__ import annotations

import functools
import math

from privacy_component.config.thresholds import LEAK_SHOWN
from privacy_component.metrics.curve import at_chance, perfect
from privacy_component.metrics.registry import error_rates, metric_named

# Beyond this no one has the data, and the limit is as good as one that can never be decided.
MOST = 10**9


@functools.lru_cache(maxsize=4096)
def smallest_size(metric: str, limit: float, block_if: str, alpha: float) -> int | None:
    """Fewest members, with as many independent non-members, from which a rule can decide.

    Under 'leak_shown' that is where a perfect attack is shown to exceed the limit, under 'safety_not_shown' where an
    attack at chance, with no sampling error on top, is shown to be within it. With fewer, the first rule never blocks
    and the second always does, whatever the model.

    Args:
      metric: the name of one that can be gated on.
      limit: the threshold's upper_bound.
      block_if: the threshold's rule.
      alpha: the one-sided error rate left for one comparison, such as 0.05 / 184 among 184.

    Returns:
      At least 2; None if not even a billion would do, as with a limit that no leak exceeds or that is not above chance.
      A bisection: ranks are whole numbers, so for rates at an FPR a few per cent more can fall short again.

    >>> smallest_size('auc', 0.6, 'leak_shown', 0.05)
    4
    """
    low, high = 1, 2
    while not _can_decide(high, metric, limit, block_if, alpha):
        low, high = high, high * 2
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _can_decide(middle, metric, limit, block_if, alpha) else (middle, high)
    return high


def rounded_up(size: float) -> int:
    """A size to two digits, no smaller.

    >>> rounded_up(6909)
    7000
    """
    step = 10 ** max(len(str(math.ceil(size))) - 2, 0)
    return math.ceil(size / step) * step


def _can_decide(num: int, name: str, limit: float, block_if: str, alpha: float) -> bool:
    bound = _bound(num, name, block_if, alpha)
    if bound is None:
        return False
    return bound > limit if block_if == LEAK_SHOWN else bound <= limit


@functools.lru_cache(maxsize=1 << 16)
def _bound(num: int, name: str, block_if: str, alpha: float) -> float | None:
    """What decides, of the best attack there is or of one at chance; the same for all limits. None if unsupported."""
    metric = metric_named(name)
    curve = at_chance(num, error_rates([metric]))
    if not metric.is_supported(curve):
        return None
    assert metric.lower is not None
    if block_if == LEAK_SHOWN:
        return metric.lower(perfect(curve), alpha)
    assert metric.upper is not None
    return metric.upper(curve, alpha)
