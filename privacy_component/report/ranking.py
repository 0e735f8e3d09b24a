"""Which slices to look at first: results joined to their comparisons, worst first."""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Sequence

from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.verdict import EXCEEDED, PASSED, UNDECIDED, Comparison, Verdict
from privacy_component.metrics.registry import UNSUPPORTED, Estimate
from privacy_component.metrics.slice_result import INCONCLUSIVE, SliceResult
from privacy_component.observations.slicing import LOSS_PERCENTILE_FEATURE, OVERALL, SliceKey
from privacy_component.report.wording import guessing, visible

UNJUDGED = 'no limit'
DIAGNOSTIC = 'diagnostic'
_WORST_FIRST = (EXCEEDED, PASSED, UNJUDGED, UNDECIDED, DIAGNOSTIC)


@dataclasses.dataclass(frozen=True)
class Row:
    """One attack on one slice, and what the gate made of it.

    Attributes:
      result: the figures.
      comparisons: the gate's comparisons of this slice and attack.
    """

    result: SliceResult
    comparisons: tuple[Comparison, ...] = ()

    @property
    def slice(self) -> str:
        """The slice's name, safe to print."""
        return visible(self.result.slice)

    @property
    def is_overall(self) -> bool:
        """True for the slice of all examples."""
        return self.result.slice_key == OVERALL

    @property
    def outcome(self) -> str:
        """The worst outcome of the comparisons, or why there are none."""
        if any(name == LOSS_PERCENTILE_FEATURE for name, _ in self.result.slice_key):
            return DIAGNOSTIC
        outcomes = {c.outcome for c in self.comparisons}
        if EXCEEDED in outcomes:
            return EXCEEDED
        if UNDECIDED in outcomes or self.result.status == INCONCLUSIVE:
            return UNDECIDED
        return PASSED if PASSED in outcomes else UNJUDGED

    def figure(self, metric: str) -> Estimate:
        """The metric's figure; all None where there is none."""
        return self.result.metrics.get(metric, UNSUPPORTED)

    def sort_key(self) -> tuple[int, float, float, float]:
        """Smaller is worse: the outcome, the surest excess over a limit, the AUC's lower confidence limit, the AUC."""
        excesses = [excess_shown(c) for c in self.comparisons if c.outcome == EXCEEDED]
        auc = self.figure('auc')
        return _WORST_FIRST.index(self.outcome), -max(excesses, default=0.0), -(auc.lower or 0.0), -(auc.value or 0.0)


def ranked_slices(result: PrivacyResult) -> list[list[Row]]:
    """The rows of each slice, worst first; the overall slice leads and diagnostic ones follow."""
    comparisons = _by_slice_and_attack(result.verdict)
    by_slice: dict[SliceKey, list[Row]] = defaultdict(list)
    for one in result.results:
        by_slice[one.slice_key].append(Row(one, tuple(comparisons[one.slice_key, one.attack])))
    groups = [sorted(rows, key=Row.sort_key) for rows in by_slice.values()]
    return sorted(groups, key=lambda rows: (not rows[0].is_overall, rows[0].sort_key()))


def flat(slices: Sequence[Sequence[Row]]) -> list[Row]:
    """All rows, in order."""
    return list(itertools.chain.from_iterable(slices))


def worst_comparison(verdict: Verdict | None) -> Comparison | None:
    """The comparison that speaks most against the model; None where nothing could be compared."""
    with_value = [c for c in verdict.comparisons if c.value is not None] if verdict else []
    decided = [c for c in with_value if c.outcome != UNDECIDED] or with_value
    exceeded = [c for c in decided if c.outcome == EXCEEDED]
    if exceeded:
        return min(exceeded, key=surest_first)
    return max(decided, key=_share_of_limit, default=None)


def worst_row(slices: Sequence[Sequence[Row]], comparison: Comparison | None) -> Row | None:
    """The row of the worst comparison; without comparisons, the measured row with the largest AUC."""
    if comparison is not None:
        return next(row for row in flat(slices) if comparison in row.comparisons)
    rows = [row for row in flat(slices) if row.outcome != DIAGNOSTIC and row.figure('auc').value is not None]
    return min(rows, key=Row.sort_key, default=None)


def surest_first(c: Comparison) -> tuple:
    """Sorts as the verdict's reasons are sorted."""
    return -excess_shown(c), -(c.value or 0.0), c.slice, c.metric, c.limit, c.block_if, c.change


def excess_shown(comparison: Comparison) -> float:
    """How far the bound that decided is above the limit; negative below it."""
    return (comparison.corrected_bound or 0.0) - comparison.limit


def _share_of_limit(comparison: Comparison) -> tuple[float, float]:
    """How much of what the limit allows beyond guessing is used, for comparing metrics on different scales."""
    chance = 0.0 if comparison.change else guessing(comparison.metric)
    allowed = max(comparison.limit - chance, 1e-3)
    shown = comparison.lower if comparison.lower is not None else chance
    return (shown - chance) / allowed, ((comparison.value or 0.0) - chance) / allowed


def beside(worst: Row, slices: Sequence[Sequence[Row]]) -> list[Row]:
    """What to compare the worst row with: the same attack on all examples, or, if it is that, on the worst slice."""
    same = [row for row in flat(slices) if row.result.attack == worst.result.attack and row is not worst]
    return [row for row in same if row.is_overall or (worst.is_overall and row.outcome != DIAGNOSTIC)][:1]


def _by_slice_and_attack(verdict: Verdict | None) -> dict[tuple[SliceKey, str], list[Comparison]]:
    found: dict[tuple[SliceKey, str], list[Comparison]] = defaultdict(list)
    for comparison in verdict.comparisons if verdict else ():
        found[comparison.slice_key, comparison.attack].append(comparison)
    return found
