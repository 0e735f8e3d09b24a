"""The gate: a pure function from results and thresholds to a verdict with reasons."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from privacy_component.config import LEAK_SHOWN, PrivacyConfig, Threshold
from privacy_component.metrics.curve import perfect
from privacy_component.metrics.registry import Metric, metric_named
from privacy_component.reasons import exceeded_sentences, passed_sentence
from privacy_component.slicing import LOSS_PERCENTILE_FEATURE, OVERALL, SliceKey, SlicingSpec, slice_name

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


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Whether the model may be pushed.

    Attributes:
      blessed: True only if nothing speaks against it.
      reasons: why not, or, for a blessed model, what was shown; sentences.
      warnings: what did not decide but should be known.
      comparisons: every threshold x slice x attack.
    """

    blessed: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()


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


def decide(
    results: Sequence[SliceResult],
    config: PrivacyConfig,
    upstream_blessed: bool | None = None,
    slicing_specs: Sequence[SlicingSpec] = (),
) -> Verdict:
    """The verdict on measured results.

    Args:
      results: one per slice and attack.
      config: thresholds, confidence level and smallest sample.
      upstream_blessed: an earlier validator's verdict; None where there is none.
      slicing_specs: what was asked for; a slice named by feature values that has no examples is missing, whoever named
        it.

    Returns:
      A verdict that is blessed only if there are thresholds, every one of them could be checked where it had to be,
      none is exceeded, and the upstream verdict, if any, is a blessing.
    """
    pairs = [pair for threshold in config.thresholds for pair in _pairs(threshold, results)]
    decidable = _decidable(pairs, config)
    comparisons = _compare(pairs, decidable, config)
    objections = [
        *_upstream_objections(upstream_blessed),
        *_missing_objections(config, results),
        *_unfound_objections(slicing_specs, results),
        *_unmeasured_attack_objections(config, results),
        *_small_sample_objections(results, comparisons, config),
        *_undecided_threshold_objections(decidable, config),
        *exceeded_sentences([c for c in comparisons if c.outcome == EXCEEDED]),
    ]
    warnings = _small_slice_warnings(comparisons, config)
    if objections:
        return Verdict(False, tuple(objections), warnings, comparisons)
    return Verdict(True, (passed_sentence(sum(c.outcome == PASSED for c in comparisons)),), warnings, comparisons)


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


def _compare(pairs: Sequence[_Pair], decidable: set[_Pair], config: PrivacyConfig) -> tuple[Comparison, ...]:
    shown, level = _holm(decidable, 1 - config.confidence_level)
    return tuple(
        _decided(pair, pair in shown, level) if pair in decidable else _undecided(pair, config) for pair in pairs
    )


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


def _upstream_objections(upstream_blessed: bool | None) -> list[str]:
    return ['The upstream model_blessing is not a blessing.'] if upstream_blessed is False else []


def _missing_objections(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[str]:
    if not config.thresholds:
        return ['PrivacyConfig.thresholds is empty, so nothing was checked: add a Threshold.']
    return [
        f"A threshold on {threshold.metric} names the slice '{spec}', which the data do not have: correct its name, or "
        'add it to eval_config.slicing_specs.'
        for threshold in config.thresholds
        for spec in threshold.slicing_specs
        if not any(spec.matches(result.slice_key) for result in results)
    ]


def _unfound_objections(slicing_specs: Sequence[SlicingSpec], results: Sequence[SliceResult]) -> list[str]:
    return [
        f"The slice '{spec}' has no examples: correct the feature or its value, or leave it out of slicing_specs."
        for spec in slicing_specs
        if spec.feature_values and not any(spec.matches(result.slice_key) for result in results)
    ]


def _small_sample_objections(
    results: Sequence[SliceResult], comparisons: Sequence[Comparison], config: PrivacyConfig
) -> list[str]:
    overall = [r for r in results if r.slice_key == OVERALL]
    too_small = [r for r in overall if min(r.num_members, r.num_non_members) < config.min_examples]
    if too_small or not overall:
        sizes = f'{too_small[0].num_members:,} and {too_small[0].num_non_members:,}' if too_small else '0 and 0'
        return [f'The data have {sizes} members and non-members; at least {config.min_examples:,} each are needed.']
    return [
        f'{c.slice}, {c.attack}: too few examples to decide on {c.metric} ({c.note}).'
        for c in comparisons
        if c.outcome == UNDECIDED and _must_be_decided(c, config)
    ]


def _must_be_decided(comparison: Comparison, config: PrivacyConfig) -> bool:
    """The overall slice and the slices that a threshold names one by one."""
    specs = [spec for threshold in config.thresholds for spec in threshold.slicing_specs if not spec.feature_keys]
    return comparison.slice_key == OVERALL or any(spec.matches(comparison.slice_key) for spec in specs)


def _undecided_threshold_objections(decidable: set[_Pair], config: PrivacyConfig) -> list[str]:
    checked = {id(pair.threshold) for pair in decidable}
    return [
        f'The threshold on {threshold.metric} could be checked on no slice: every slice it applies to is missing or '
        'too small.'
        for threshold in config.thresholds
        if id(threshold) not in checked
    ]


def _unmeasured_attack_objections(config: PrivacyConfig, results: Sequence[SliceResult]) -> list[str]:
    measured = {result.attack for result in results if result.slice_key == OVERALL}
    return [f"The attack '{name}' was not measured on all examples." for name in config.attacks if name not in measured]


def _small_slice_warnings(comparisons: Sequence[Comparison], config: PrivacyConfig) -> tuple[str, ...]:
    return tuple(
        f'{c.slice}, {c.attack}: inconclusive on {c.metric} ({c.note}).'
        for c in comparisons
        if c.outcome == UNDECIDED and not _must_be_decided(c, config)
    )
