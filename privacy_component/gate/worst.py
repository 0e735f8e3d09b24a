"""Which comparison speaks most against a model: one meaning of "worst" for report, terminal and ML Metadata.

The worst comparison is the one whose deciding bound is farthest above its limit or, where none is above, nearest to it.
What the examples cannot decide is never worse than what they can.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from privacy_component.gate.comparisons import EXCEEDED, UNDECIDED, Comparison
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.slicing import LOSS_PERCENTILE_FEATURE, SliceKey

_ORDER = {EXCEEDED: 0, UNDECIDED: 2}
_HALF_BY_GUESSING = ('auc', 'balanced_accuracy', 'max_ppv')
_AT_A_RATE = ('tpr_at_fpr_', 'two_sided_tpr_at_fpr_', 'tnr_at_fnr_')
_LEAST_ROOM = 1e-3


def worst_comparison(comparisons: Iterable[Comparison]) -> Comparison | None:
    """The worst of them; None where nothing could be measured."""
    return min((c for c in comparisons if c.value is not None), key=worst_first, default=None)


def worst_result(results: Iterable[SliceResult]) -> SliceResult | None:
    """Where nothing was compared: the result whose AUC is the highest for sure, so that no tiny slice wins by luck."""
    known = [one for one in results if one.metrics['auc'].lower is not None and not is_diagnostic(one.slice_key)]
    return max(known, key=lambda one: one.metrics['auc'].lower or 0.0, default=None)


def is_diagnostic(key: SliceKey) -> bool:
    """Whether a slice conditions on the attack's own score, so that nothing is judged by it."""
    return any(name == LOSS_PERCENTILE_FEATURE for name, _ in key)


def worst_of(
    comparisons: Sequence[Comparison], results: Sequence[SliceResult]
) -> tuple[Comparison | None, SliceResult | None]:
    """The worst comparison, if there is one, and the figures that it is about.

    Args:
      comparisons: the gate's.
      results: those that the comparisons are about.
    """
    worst = worst_comparison(comparisons)
    if worst is None:
        return None, worst_result(results)
    return worst, next(r for r in results if (r.slice_key, r.attack) == (worst.slice_key, worst.attack))


def worst_first(c: Comparison) -> tuple:
    """Sorts comparisons, the worst first: those above their limits as the verdict's reasons, then the nearest."""
    surest = surest_first(c)
    return _ORDER.get(c.outcome, 1), surest if c.outcome == EXCEEDED else (-_share_of_limit(c), *surest)


def surest_first(c: Comparison) -> tuple:
    """Sorts what exceeds its limit by how far the deciding bound is above it."""
    return -excess(c), -(c.value or 0.0), c.slice, c.metric, c.limit, c.block_if, c.change


def excess(c: Comparison) -> float:
    """How far the deciding bound is above the limit; negative below it."""
    return (c.corrected_bound or 0.0) - c.limit


def guessing(metric: str) -> float:
    """The figure that guessing would reach."""
    rates = [float(metric.removeprefix(prefix)) for prefix in _AT_A_RATE if metric.startswith(prefix)]
    if rates:
        return rates[0]
    return 0.5 if metric in _HALF_BY_GUESSING or metric.startswith('ppv_') else 0.0


def _share_of_limit(c: Comparison) -> float:
    """How much of what the limit allows beyond guessing the bound uses, which compares metrics on different scales."""
    chance = 0.0 if c.change else guessing(c.metric)
    known = next((x for x in (c.corrected_bound, c.lower, c.value) if x is not None), chance)
    return (known - chance) / max(c.limit - chance, _LEAST_ROOM)
