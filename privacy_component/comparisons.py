"""Every threshold held against every slice and attack, corrected for how many comparisons there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from privacy_component.config import LEAK_SHOWN, PrivacyConfig, Threshold
from privacy_component.metrics.curve import perfect
from privacy_component.metrics.registry import Metric, metric_named
from privacy_component.slicing import LOSS_PERCENTILE_FEATURE, SliceKey, slice_name

if TYPE_CHECKING:
    from privacy_component.results import SliceResult

PASSED = 'passed'
EXCEEDED = 'exceeded'
UNDECIDED = 'undecided'


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One threshold held against one attack on one slice.

    Attributes:
      slice_key, attack, metric: what was compared.
      limit: the threshold's upper_bound.
      block_if: the threshold's rule.
      value, lower, upper: the figure and its two-sided interval, uncorrected, as in the results table.
      corrected_bound: the one-sided confidence limit that decided, corrected for the number of comparisons.
      outcome: 'passed', 'exceeded', or 'undecided' where there are too few examples.
      note: what it would take to decide.
    """

    slice_key: SliceKey
    attack: str
    metric: str
    limit: float
    block_if: str
    value: float | None
    lower: float | None
    upper: float | None
    corrected_bound: float | None
    outcome: str
    note: str = ''

    @property
    def slice(self) -> str:
        """The slice's name as people read it."""
        return slice_name(self.slice_key)


@dataclasses.dataclass(frozen=True, eq=False)
class _Pair:
    threshold: Threshold
    metric: Metric
    result: SliceResult

    def is_measured(self, min_examples: int) -> bool:
        curve = self.result.curve
        smallest = min(self.result.num_members, self.result.num_non_members)
        return curve is not None and smallest >= min_examples and self.metric.is_supported(curve)

    def could_exceed(self, alpha: float) -> bool:
        """Whether the worst leak there is would block at level alpha: a limit that nothing can exceed is no check."""
        if self.threshold.block_if != LEAK_SHOWN:
            return True
        assert self.result.curve is not None and self.metric.lower is not None
        return self.metric.lower(perfect(self.result.curve), alpha) > self.threshold.upper_bound

    def bound(self, alpha: float) -> float:
        assert self.result.curve is not None
        limit = self.metric.lower if self.threshold.block_if == LEAK_SHOWN else self.metric.upper
        assert limit is not None
        return limit(self.result.curve, alpha)

    def is_shown(self, alpha: float) -> bool:
        """A leak above the limit, or for the other rule its absence, is shown at level alpha."""
        bound = self.bound(alpha)
        if self.threshold.block_if == LEAK_SHOWN:
            return bound > self.threshold.upper_bound
        return bound <= self.threshold.upper_bound


def compare(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[tuple[Threshold, Comparison]]:
    """Every threshold against every result that it applies to, in this order, judged together."""
    pairs = [pair for threshold in config.thresholds for pair in _pairs(threshold, results)]
    decidable = _decidable(pairs, config)
    shown, level = _holm(decidable, 1 - config.confidence_level)
    return [
        (
            pair.threshold,
            _decided(pair, pair in shown, level) if pair in decidable else _undecided(pair, config),
        )
        for pair in pairs
    ]


def _pairs(threshold: Threshold, results: Sequence[SliceResult]) -> list[_Pair]:
    metric = metric_named(threshold.metric)
    return [_Pair(threshold, metric, result) for result in results if _applies(threshold, result)]


def _applies(threshold: Threshold, result: SliceResult) -> bool:
    if any(name == LOSS_PERCENTILE_FEATURE for name, _ in result.slice_key):
        return False  # conditions on the attack's own score, so its figures are diagnostic only
    if threshold.attacks and result.attack not in threshold.attacks:
        return False
    return not threshold.slicing_specs or any(spec.matches(result.slice_key) for spec in threshold.slicing_specs)


def _decidable(pairs: Sequence[_Pair], config: PrivacyConfig) -> set[_Pair]:
    """The comparisons that the data can decide, given how many there are."""
    measured = [pair for pair in pairs if pair.is_measured(config.min_examples)]
    level = (1 - config.confidence_level) / max(len(measured), 1)
    return {pair for pair in measured if pair.could_exceed(level)}


def _holm(pairs: Collection[_Pair], alpha: float) -> tuple[set[_Pair], float]:
    """What is shown at family-wise level alpha (Holm 1979), and the level at which the last step stopped.

    Holm's procedure is Bonferroni's, repeated over what is left, until nothing more is shown.
    """
    shown: set[_Pair] = set()
    while True:
        left = [pair for pair in pairs if pair not in shown]
        level = alpha / max(len(left), 1)
        more = {pair for pair in left if pair.is_shown(level)}
        if not more:
            return shown, level
        shown |= more


def _decided(pair: _Pair, shown: bool, level: float) -> Comparison:
    exceeded = shown if pair.threshold.block_if == LEAK_SHOWN else not shown
    return _comparison(pair, corrected_bound=pair.bound(level), outcome=EXCEEDED if exceeded else PASSED)


def _undecided(pair: _Pair, config: PrivacyConfig) -> Comparison:
    non_members = max(config.min_examples, pair.metric.num_non_members_needed)
    note = f'needs {config.min_examples:,} members and {non_members:,} non-members'
    if pair.is_measured(config.min_examples):
        note = (
            f'so few that not even a perfect attack would show a leak above {pair.threshold.upper_bound:g} among this '
            "many comparisons; give more examples or fewer slices, or set block_if='safety_not_shown'"
        )
    return _comparison(pair, corrected_bound=None, outcome=UNDECIDED, note=note)


def _comparison(pair: _Pair, **rest: Any) -> Comparison:
    figure = pair.result.metrics[pair.metric.name]
    return Comparison(
        slice_key=pair.result.slice_key,
        attack=pair.result.attack,
        metric=pair.metric.name,
        limit=pair.threshold.upper_bound,
        block_if=pair.threshold.block_if,
        value=figure.value,
        lower=figure.lower,
        upper=figure.upper,
        **rest,
    )
