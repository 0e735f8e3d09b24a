"""Every threshold held against every slice and attack, corrected for how many comparisons there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import Any

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import LEAK_SHOWN, Threshold
from privacy_component.gate.sample_size import rounded_up, smallest_size
from privacy_component.metrics.change import Change, Level
from privacy_component.metrics.registry import UNSUPPORTED, Estimate, Metric, estimate, metric_named
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.slicing import LOSS_PERCENTILE_FEATURE, SliceKey, slice_name

PASSED = 'passed'
EXCEEDED = 'exceeded'
UNDECIDED = 'undecided'
UNMEASURED = 'unmeasured'


@dataclasses.dataclass(frozen=True)
class Comparison:
    """One threshold held against one attack on one slice.

    Attributes:
      slice_key, attack, metric: what was compared.
      limit: the threshold's upper_bound, or, for a change, its absolute.
      change: '' for a metric of the model; for its change from the baseline, how the limits are made: 'paired',
        'two limits', or 'unmeasured'. All figures are then those of the change.
      block_if: the threshold's rule.
      value, lower, upper: the figure and its two-sided interval at the config's confidence_level, uncorrected.
      corrected_bound: the one-sided confidence limit that decided, at the level of its step of Holm's procedure.
      outcome: 'passed', 'exceeded', or 'undecided' where there are too few examples.
      note: what it would take to decide.
      raw_bound: the same limit without the correction, as if this were the only comparison.
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
    change: str = ''
    raw_bound: float | None = None

    @property
    def slice(self) -> str:
        """The slice's name as people read it."""
        return slice_name(self.slice_key)


@dataclasses.dataclass(frozen=True)
class _Family:
    """What is judged together: the error rate of all, how many they are, and the smallest sample."""

    alpha: float
    size: int
    min_examples: int

    @property
    def level(self) -> float:
        """The error rate left for each."""
        return self.alpha / self.size


@dataclasses.dataclass(frozen=True, eq=False)
class _Pair:
    threshold: Threshold
    metric: Metric
    result: SliceResult
    confidence_level: float

    @property
    def figure(self) -> Level | Change | None:
        """What is judged; None where it could not be measured."""
        curve, baseline = self.result.curve, self.result.baseline
        if curve is None or (self.threshold.is_change and baseline is None):
            return None
        if baseline is not None and self.threshold.is_change:
            return Change(self.metric, curve, baseline)
        return Level(self.metric, curve)

    @property
    def estimate(self) -> Estimate:
        if not self.threshold.is_change:
            stored, curve = self.result.metrics[self.metric.name], self.result.curve
            return stored if curve is None else estimate(self.metric, curve, self.confidence_level)
        return self.figure.estimate(self.confidence_level) if isinstance(self.figure, Change) else UNSUPPORTED

    @property
    def change(self) -> str:
        if not self.threshold.is_change:
            return ''
        return self.figure.method if isinstance(self.figure, Change) else UNMEASURED

    def is_measured(self, min_examples: int) -> bool:
        smallest = min(self.result.num_members, self.result.num_non_members)
        return self.figure is not None and smallest >= min_examples and self.figure.is_supported()

    def could_exceed(self, alpha: float) -> bool:
        """Whether the worst leak there is would block at level alpha: a limit that nothing can exceed is no check."""
        if self.threshold.block_if != LEAK_SHOWN:
            return True
        assert self.figure is not None
        return self.figure.could_exceed(self.threshold.limit, alpha)

    def bound(self, alpha: float) -> float:
        assert self.figure is not None
        return self.figure.lower(alpha) if self.threshold.block_if == LEAK_SHOWN else self.figure.upper(alpha)

    def is_shown(self, alpha: float) -> bool:
        """A leak above the limit, or for the other rule its absence, is shown at level alpha."""
        bound = self.bound(alpha)
        if self.threshold.block_if == LEAK_SHOWN:
            return bound > self.threshold.limit
        return bound <= self.threshold.limit

    def size_needed(self, alpha: float, min_examples: int) -> int | None:
        """About how many members, with as many non-members, the rule needs at level alpha; None if none suffice."""
        t, curve = self.threshold, self.result.curve
        independent = smallest_size(t.metric, t.limit, t.block_if, alpha)
        effect = 1.0 if curve is None else curve.design_effect
        return None if independent is None else max(min_examples, rounded_up(independent * effect))


def compare(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[tuple[Threshold, Comparison]]:
    """Every threshold against every result that it applies to, in this order, judged together."""
    pairs = [pair for threshold in config.thresholds for pair in _pairs(threshold, results, config)]
    measured = [pair for pair in pairs if pair.is_measured(config.decision.min_examples)]
    family = _Family(1 - config.decision.confidence_level, max(len(measured), 1), config.decision.min_examples)
    decidable = {pair for pair in measured if pair.could_exceed(family.level)}
    shown, last = _holm(decidable, family.alpha)
    decided = {pair: _decided(pair, pair in shown, shown.get(pair, last), family) for pair in decidable}
    return [(pair.threshold, decided.get(pair) or _undecided(pair, family)) for pair in pairs]


def _pairs(threshold: Threshold, results: Sequence[SliceResult], config: PrivacyConfig) -> list[_Pair]:
    metric, level = metric_named(threshold.metric), config.decision.confidence_level
    return [_Pair(threshold, metric, result, level) for result in results if _applies(threshold, result)]


def _applies(threshold: Threshold, result: SliceResult) -> bool:
    if any(name == LOSS_PERCENTILE_FEATURE for name, _ in result.slice_key):
        return False  # conditions on the attack's own score, so its figures are diagnostic only
    if threshold.attacks and result.attack not in threshold.attacks:
        return False
    return not threshold.slicing_specs or any(spec.matches(result.slice_key) for spec in threshold.slicing_specs)


def _holm(pairs: Collection[_Pair], alpha: float) -> tuple[dict[_Pair, float], float]:
    """What is shown at family-wise level alpha (Holm 1979), by the level of its step, and the level of the last step.

    Holm's procedure is Bonferroni's, repeated over what is left, until nothing more is shown.
    """
    shown: dict[_Pair, float] = {}
    while True:
        left = [pair for pair in pairs if pair not in shown]
        level = alpha / max(len(left), 1)
        more = [pair for pair in left if pair.is_shown(level)]
        if not more:
            return shown, level
        shown |= dict.fromkeys(more, level)


def _decided(pair: _Pair, shown: bool, level: float, family: _Family) -> Comparison:
    exceeded = shown if pair.threshold.block_if == LEAK_SHOWN else not shown
    return _comparison(
        pair,
        raw_bound=pair.bound(family.alpha),
        corrected_bound=pair.bound(level),
        outcome=EXCEEDED if exceeded else PASSED,
        note=_note_on_safety(pair, family) if exceeded else '',
    )


def _note_on_safety(pair: _Pair, family: _Family) -> str:
    """That safety could not have been shown on so few examples, where it could not."""
    if pair.threshold.block_if == LEAK_SHOWN or pair.threshold.is_change:
        return ''
    needed = pair.size_needed(family.level, family.min_examples)
    has = min(pair.result.num_members, pair.result.num_non_members)
    return _note(pair, needed, family) if needed is None or has < needed else ''


def _undecided(pair: _Pair, family: _Family) -> Comparison:
    if pair.threshold.is_change:
        note = _change_note(pair, family.min_examples)
        return _comparison(pair, corrected_bound=None, outcome=UNDECIDED, note=note)
    note = _note(pair, pair.size_needed(family.level, family.min_examples), family)
    return _comparison(pair, corrected_bound=None, outcome=UNDECIDED, note=note)


def _note(pair: _Pair, needed: int | None, family: _Family) -> str:
    """How many examples there are and how many it takes."""
    what = 'a leak above the limit' if pair.threshold.block_if == LEAK_SHOWN else 'safety'
    if needed is None:
        limit = f'Threshold.upper_bound = {pair.threshold.limit:g}'
        return f'with {limit} no number of examples can show {what}: choose another limit'
    has = f'{pair.result.num_members:,} members and {pair.result.num_non_members:,} non-members'
    comparisons = f'{family.size:,} comparison{"" if family.size == 1 else "s"}'
    return f'{has}; with {comparisons}, {what} can be shown from about {needed:,} each'


def _change_note(pair: _Pair, min_examples: int) -> str:
    """What it would take to decide on a change."""
    if pair.result.curve is not None and pair.result.baseline is None:
        return 'the baseline model was not attacked there'
    if not pair.is_measured(min_examples):
        curves = [one.curve for one in (pair.result, pair.result.baseline) if one is not None]
        effect = max((curve.design_effect for curve in curves if curve is not None), default=1.0)
        needed = (pair.metric.num_members_needed, pair.metric.num_non_members_needed)
        members, non_members = (max(min_examples, rounded_up(num * effect)) for num in needed)
        return f'needs {members:,} members and {non_members:,} non-members'
    return (
        f'so few that not even a perfect attack would show a rise of more than {pair.threshold.limit:g} among this '
        "many comparisons; give more examples or fewer slices, or set block_if='safety_not_shown'"
    )


def _comparison(pair: _Pair, **rest: Any) -> Comparison:
    figure = pair.estimate
    return Comparison(
        slice_key=pair.result.slice_key,
        attack=pair.result.attack,
        metric=pair.metric.name,
        limit=pair.threshold.limit,
        block_if=pair.threshold.block_if,
        value=figure.value,
        lower=figure.lower,
        upper=figure.upper,
        change=pair.change,
        **rest,
    )
