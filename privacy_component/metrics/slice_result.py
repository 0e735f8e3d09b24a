"""What an attack found on a slice: counts, figures with intervals, the curve that they follow from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from privacy_component.metrics.change import Baseline
from privacy_component.metrics.counts import roc
from privacy_component.metrics.curve import RocCurve, summarize_folds, used_folds
from privacy_component.metrics.registry import UNSUPPORTED, Estimate, Metric, error_rates, estimate
from privacy_component.metrics.score_histogram import ScoreHistogram, score_histogram
from privacy_component.observations.slicing import SliceKey, is_against_all, own_key, slice_name

MEASURED = 'measured'
INCONCLUSIVE = 'inconclusive'


@dataclasses.dataclass(frozen=True)
class SliceResult:
    """One attack on one slice.

    Attributes:
      slice_key: ((feature, value), ...), empty for the overall slice.
      attack: the attack's name.
      num_members, num_non_members: how many examples were scored.
      status: 'measured', or 'inconclusive' where a side has too few examples.
      metrics: figures with two-sided intervals, by metric name.
      curve: the ROC at fixed ranks; None where a side is empty.
      sums_of_weights: of the slice's 'members' and 'non_members'; None where examples have no weights. For information:
        no figure is weighted.
      baseline: the same attack on the baseline model; None where no threshold on a change asks for it.
      histogram: of the scores; None where a side is empty, and in files of earlier releases.
    """

    slice_key: SliceKey
    attack: str
    num_members: int
    num_non_members: int
    status: str
    metrics: Mapping[str, Estimate]
    curve: RocCurve | None
    sums_of_weights: Mapping[str, float] | None = None
    baseline: Baseline | None = None
    histogram: ScoreHistogram | None = None

    @property
    def slice(self) -> str:
        """The slice's name as people read it."""
        return slice_name(self.slice_key)

    def row(self) -> dict[str, Any]:
        """Counts and figures as a flat dict, for a table."""
        return {
            'slice': self.slice,
            'attack': self.attack,
            'status': self.status,
            'num_members': self.num_members,
            'num_non_members': self.num_non_members,
            'auc': self.metrics['auc'].value,
            'auc_interval': _interval(self.metrics['auc']),
            'advantage': self.metrics['advantage'].value,
            'advantage_interval': _interval(self.metrics['advantage']),
            **self._by_rate('tpr_at_fpr'),
            **self._by_rate('tnr_at_fnr'),
            'empirical_epsilon': self.metrics['empirical_epsilon'].value,
        } | self._asked_for()

    def _by_rate(self, family: str) -> dict[str, Any]:
        """The figures of one family and their intervals, by rate."""
        prefix = f'{family}_'
        figures = {
            float(name.removeprefix(prefix)): figure for name, figure in self.metrics.items() if name.startswith(prefix)
        }
        return {
            family: {rate: figure.value for rate, figure in figures.items()},
            f'{family}_intervals': {rate: _interval(figure) for rate, figure in figures.items()},
        }

    def _asked_for(self) -> dict[str, Any]:
        """What only some evaluations have."""
        weights = {'sums_of_weights': dict(self.sums_of_weights)} if self.sums_of_weights else {}
        return weights | ({'baseline_auc': self.baseline.curve.auc} if self.baseline else {})


def measure(
    slice_key: SliceKey,
    attack: str,
    folds: Sequence[roc.RocCounts],
    metrics: Sequence[Metric],
    confidence_level: float,
    min_examples: int,
    design_effect: float = 1.0,
    baseline: Baseline | None = None,
) -> SliceResult:
    """All figures of one attack on one slice, from the counts of each fold (one, for an attack that learns nothing).

    A side without examples gives a result without figures. `design_effect` is by how much dependence between rows of
    one group inflates variances; see `metrics.clusters`. `baseline` is what the attack finds in the baseline model.
    """
    sizes = sum(fold.num_members for fold in folds), sum(fold.num_non_members for fold in folds)
    status = MEASURED if min(sizes) >= min_examples else INCONCLUSIVE
    curve = summarize_folds(folds, error_rates(metrics), design_effect)
    if curve is None:
        nothing = {metric.name: UNSUPPORTED for metric in metrics}
        return SliceResult(slice_key, attack, *sizes, status=INCONCLUSIVE, metrics=nothing, curve=None)
    estimates = {metric.name: estimate(metric, curve, confidence_level) for metric in metrics}
    return SliceResult(
        slice_key,
        attack,
        *sizes,
        status=status,
        metrics=estimates,
        curve=curve,
        baseline=baseline,
        histogram=score_histogram(used_folds(folds)),
    )


def in_order(results: Iterable[SliceResult], attacks: Sequence[str]) -> tuple[SliceResult, ...]:
    """The results sorted: the overall slice first, then by features and values; attacks as configured."""
    return tuple(sorted(results, key=lambda r: (_slice_order(r.slice_key), attacks.index(r.attack))))


def _slice_order(key: SliceKey) -> tuple:
    own = own_key(key)
    names = tuple(name for name, _ in own)
    return len(names), names, tuple((isinstance(value, str), value) for _, value in own), is_against_all(key)


def _interval(figure: Estimate) -> tuple[float | None, float | None] | None:
    return None if figure.lower is None else (figure.lower, figure.upper)
