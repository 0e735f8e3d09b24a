"""Which slices to look at first: results joined to their comparisons, worst first."""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Sequence

from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.verdict import EXCEEDED, PASSED, UNDECIDED, Comparison, Verdict
from privacy_component.gate.worst import is_diagnostic, worst_comparison, worst_first, worst_of
from privacy_component.metrics.registry import UNSUPPORTED, Estimate
from privacy_component.metrics.slice_result import INCONCLUSIVE, SliceResult
from privacy_component.observations.slicing import OVERALL, SliceKey
from privacy_component.report.wording import NOT_SHOWN, outcome_word, readable_slice

UNJUDGED = 'no limit'
DIAGNOSTIC = 'diagnostic'
_WORST_FIRST = (EXCEEDED, PASSED, UNJUDGED, UNDECIDED, DIAGNOSTIC)

# Of outcomes in words; whatever else there is blocks.
SEVERITY = (EXCEEDED, 'inconclusive', NOT_SHOWN, PASSED, UNJUDGED, DIAGNOSTIC)


@dataclasses.dataclass(frozen=True)
class Row:
    """One attack on one slice, and what the gate made of it.

    Attributes:
      result: the figures.
      comparisons: the gate's comparisons of this slice and attack.
      class_names: what the classes are called, if that is known.
    """

    result: SliceResult
    comparisons: tuple[Comparison, ...] = ()
    class_names: tuple[str, ...] = ()

    @property
    def slice(self) -> str:
        """The slice's name, safe to print."""
        return readable_slice(self.result.slice_key, self.class_names)

    @property
    def is_overall(self) -> bool:
        """True for the slice of all examples."""
        return self.result.slice_key == OVERALL

    @property
    def outcome(self) -> str:
        """The worst outcome of the comparisons, or why there are none."""
        if is_diagnostic(self.result.slice_key):
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

    @property
    def word(self) -> str:
        """The outcome in words that say no more than was shown."""
        return outcome_word(self.outcome, self.comparisons)

    @property
    def worst_comparisons(self) -> list[Comparison]:
        """All comparisons here, the worst first."""
        return sorted(self.comparisons, key=worst_first)

    @property
    def worst(self) -> Comparison | None:
        """The comparison that speaks most against the model here."""
        return worst_comparison(self.comparisons)

    def sort_key(self) -> tuple:
        """Smaller is worse: the outcome, the worst comparison, the AUC's lower confidence limit, the AUC."""
        auc = self.figure('auc')
        compared = () if self.worst is None else worst_first(self.worst)
        return _WORST_FIRST.index(self.outcome), compared, -(auc.lower or 0.0), -(auc.value or 0.0)


def ranked_slices(result: PrivacyResult) -> list[list[Row]]:
    """The rows of each slice, worst first; the overall slice leads and diagnostic ones follow."""
    comparisons = _by_slice_and_attack(result.verdict)
    by_slice: dict[SliceKey, list[Row]] = defaultdict(list)
    for one in result.results:
        names = result.record.class_names or ()
        by_slice[one.slice_key].append(Row(one, tuple(comparisons[one.slice_key, one.attack]), names))
    groups = [sorted(rows, key=Row.sort_key) for rows in by_slice.values()]
    return sorted(groups, key=lambda rows: (not rows[0].is_overall, rows[0].sort_key()))


def slice_word(rows: Sequence[Row]) -> str:
    """The outcome of a slice in words: the worst of its attacks', and what is open before what passed."""
    return min((row.word for row in rows), key=severity)


def severity(word: str) -> int:
    """An outcome's place in the order from the worst, 0."""
    return SEVERITY.index(word) if word in SEVERITY else 0


def flat(slices: Sequence[Sequence[Row]]) -> list[Row]:
    """All rows, in order."""
    return list(itertools.chain.from_iterable(slices))


def worst_row(result: PrivacyResult, slices: Sequence[Sequence[Row]]) -> tuple[Row | None, Comparison | None]:
    """The row that `gate.worst` names, and the comparison that makes it the worst, if there is one."""
    comparison, worst = worst_of(result.verdict.comparisons if result.verdict else (), result.results)
    return next((row for row in flat(slices) if row.result is worst), None), comparison


def beside(worst: Row, slices: Sequence[Sequence[Row]]) -> list[Row]:
    """What to compare the worst row with: the same attack on all examples, or, if it is that, on the worst slice."""
    same = [row for row in flat(slices) if row.result.attack == worst.result.attack and row is not worst]
    return [row for row in same if row.is_overall or (worst.is_overall and row.outcome != DIAGNOSTIC)][:1]


def _by_slice_and_attack(verdict: Verdict | None) -> dict[tuple[SliceKey, str], list[Comparison]]:
    found: dict[tuple[SliceKey, str], list[Comparison]] = defaultdict(list)
    for comparison in verdict.comparisons if verdict else ():
        found[comparison.slice_key, comparison.attack].append(comparison)
    return found
