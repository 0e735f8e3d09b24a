"""Every threshold held against every slice and attack, corrected for how many comparisons there are."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import LEAK_SHOWN, Threshold
from privacy_component.gate.family import Family, Question, family_of, holm
from privacy_component.gate.sample_size import rounded_up, smallest_size
from privacy_component.metrics.change import Change, Level
from privacy_component.metrics.registry import UNSUPPORTED, Estimate, Metric, estimate, metric_named
from privacy_component.metrics.slice_result import SliceResult
from privacy_component.observations.slicing import LOSS_PERCENTILE_FEATURE, SliceKey, own_key, slice_name

PASSED = 'passed'
EXCEEDED = 'exceeded'
UNDECIDED = 'undecided'
UNMEASURED = 'unmeasured'
_ROUNDED = (
    'there are so many different scores that they were rounded, and a leak above the limit could hide behind that: '
    'raise PrivacyConfig.measurement.max_distinct_scores'
)


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
      outcome: 'passed', 'exceeded', or 'undecided' where there are too few examples, or, with a corrected_bound, where
        scores were rounded too far.
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


@dataclasses.dataclass(frozen=True, eq=False)
class _Judged:
    """What all thresholds of one kind ask of one result, worked out once.

    Attributes:
      metric, result: the figure of an attack on a slice.
      change: how a change is made, as in `Comparison`; '' for a level.
      estimate: the figure with its interval.
      question: what is asked; None where it could not be measured.
    """

    metric: Metric
    result: SliceResult
    change: str
    estimate: Estimate
    question: Question | None

    @classmethod
    def of(cls, threshold: Threshold, metric: Metric, result: SliceResult, config: PrivacyConfig) -> _Judged:
        figure = _figure(threshold, metric, result)
        smallest = min(result.num_members, result.num_non_members)
        is_measured = figure is not None and smallest >= config.decision.min_examples and figure.is_supported()
        return cls(
            metric,
            result,
            _change(threshold, figure),
            _estimate(metric, result, figure, threshold, config.decision.confidence_level),
            Question(figure, threshold.block_if) if figure is not None and is_measured else None,
        )


def _figure(threshold: Threshold, metric: Metric, result: SliceResult) -> Level | Change | None:
    """What is judged; None where it could not be measured."""
    curve, baseline = result.curve, result.baseline
    if curve is None or (threshold.is_change and baseline is None):
        return None
    return Change(metric, curve, baseline) if baseline is not None and threshold.is_change else Level(metric, curve)


def _estimate(
    metric: Metric, result: SliceResult, figure: Level | Change | None, threshold: Threshold, confidence_level: float
) -> Estimate:
    if not threshold.is_change:
        curve = result.curve
        return result.metrics[metric.name] if curve is None else estimate(metric, curve, confidence_level)
    return figure.estimate(confidence_level) if isinstance(figure, Change) else UNSUPPORTED


def _change(threshold: Threshold, figure: Level | Change | None) -> str:
    if not threshold.is_change:
        return ''
    return figure.method if isinstance(figure, Change) else UNMEASURED


@dataclasses.dataclass(frozen=True, eq=False)
class _Pair:
    threshold: Threshold
    judged: _Judged

    @property
    def result(self) -> SliceResult:
        return self.judged.result

    @property
    def question(self) -> Question:
        assert self.judged.question is not None
        return self.judged.question

    def size_needed(self, alpha: float, min_examples: int) -> int | None:
        """About how many members, with as many non-members, the rule needs at level alpha; None if none suffice."""
        t, curve = self.threshold, self.result.curve
        independent = smallest_size(t.metric, t.limit, t.block_if, alpha)
        effect = 1.0 if curve is None else curve.design_effect
        return None if independent is None else max(min_examples, rounded_up(independent * effect))


def compare(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[tuple[Threshold, Comparison]]:
    """Every threshold against every result that it applies to, in this order, judged together."""
    pairs = _pairs(config, results)
    measured = {pair: (pair.question, pair.threshold.limit) for pair in pairs if pair.judged.question is not None}
    family = family_of(measured, 1 - config.decision.confidence_level)
    shown, last = holm({pair: asked for pair, asked in measured.items() if pair in family.decidable}, family.alpha)
    decided = {
        pair: _decided(pair, shown.get(pair), last, family, config.decision.min_examples) for pair in family.decidable
    }
    return [
        (pair.threshold, decided.get(pair) or _undecided(pair, family, config.decision.min_examples)) for pair in pairs
    ]


def _pairs(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[_Pair]:
    judged: dict[tuple[Any, ...], _Judged] = {}
    pairs = []
    for threshold in config.thresholds:
        metric = metric_named(threshold.metric)
        for number in (i for i, result in enumerate(results) if _applies(threshold, result)):
            kind = metric.name, threshold.block_if, threshold.is_change, number
            if kind not in judged:
                judged[kind] = _Judged.of(threshold, metric, results[number], config)
            pairs.append(_Pair(threshold, judged[kind]))
    return pairs


def _applies(threshold: Threshold, result: SliceResult) -> bool:
    if any(name == LOSS_PERCENTILE_FEATURE for name, _ in result.slice_key):
        return False  # conditions on the attack's own score, so its figures are diagnostic only
    if threshold.attacks and result.attack not in threshold.attacks:
        return False
    return not threshold.slicing_specs or any(
        spec.matches(own_key(result.slice_key)) for spec in threshold.slicing_specs
    )


def _decided(pair: _Pair, shown: float | None, last: float, family: Family, min_examples: int) -> Comparison:
    exceeded = (shown is not None) == (pair.threshold.block_if == LEAK_SHOWN)
    if not exceeded and pair.question.is_hidden(pair.threshold.limit, last):
        return _comparison(pair, corrected_bound=pair.question.bound(last), outcome=UNDECIDED, note=_ROUNDED)
    return _comparison(
        pair,
        raw_bound=pair.question.bound(family.alpha),
        corrected_bound=pair.question.bound(last if shown is None else shown),
        outcome=EXCEEDED if exceeded else PASSED,
        note=_note_on_safety(pair, family, min_examples) if exceeded else '',
    )


def _note_on_safety(pair: _Pair, family: Family, min_examples: int) -> str:
    """That safety could not have been shown on so few examples, where it could not."""
    if pair.threshold.block_if == LEAK_SHOWN or pair.threshold.is_change:
        return ''
    needed = pair.size_needed(family.level, min_examples)
    has = min(pair.result.num_members, pair.result.num_non_members)
    return _note(pair, needed, family) if needed is None or has < needed else ''


def _undecided(pair: _Pair, family: Family, min_examples: int) -> Comparison:
    if pair.threshold.is_change:
        note = _change_note(pair, min_examples)
    else:
        note = _note(pair, pair.size_needed(family.level, min_examples), family)
    return _comparison(pair, corrected_bound=None, outcome=UNDECIDED, note=note)


def _note(pair: _Pair, needed: int | None, family: Family) -> str:
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
    if pair.judged.question is None:
        curves = [one.curve for one in (pair.result, pair.result.baseline) if one is not None]
        effect = max((curve.design_effect for curve in curves if curve is not None), default=1.0)
        needed = (pair.judged.metric.num_members_needed, pair.judged.metric.num_non_members_needed)
        members, non_members = (max(min_examples, rounded_up(num * effect)) for num in needed)
        return f'needs {members:,} members and {non_members:,} non-members'
    return (
        f'so few that not even a perfect attack would show a rise of more than {pair.threshold.limit:g} among this '
        "many comparisons; give more examples or fewer slices, or set block_if='safety_not_shown'"
    )


def _comparison(pair: _Pair, **rest: Any) -> Comparison:
    figure = pair.judged.estimate
    return Comparison(
        slice_key=pair.result.slice_key,
        attack=pair.result.attack,
        metric=pair.judged.metric.name,
        limit=pair.threshold.limit,
        block_if=pair.threshold.block_if,
        value=figure.value,
        lower=figure.lower,
        upper=figure.upper,
        change=pair.judged.change,
        **rest,
    )
