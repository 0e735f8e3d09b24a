"""Metrics by name: what the report prints and what a threshold can name."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Sequence

from privacy_component.audits.epsilon import empirical_epsilon
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics import confidence
from privacy_component.metrics.curve import RocCurve, rank_at

DEFAULT_RATES = (0.1, 0.01, 0.001)
_EXAMPLES_PER_FALSE_POSITIVE = 10
_TPR_PREFIX = 'tpr_at_fpr_'

Limit = Callable[[RocCurve, float], float]


@dataclasses.dataclass(frozen=True)
class Metric:
    """One figure of an RocCurve, with the one-sided limits it can be judged by.

    Attributes:
      name: as written in a Threshold and in results.
      value: curve -> figure.
      lower: (curve, alpha) -> a limit that exceeds the truth with probability at most alpha.
      upper: the same from above, or None where none is known.
      num_non_members_needed: fewer than this and the metric is not supported by the data.
      largest: the largest value that the metric can take; None for no limit.
    """

    name: str
    value: Callable[[RocCurve], float]
    lower: Limit
    upper: Limit | None
    num_non_members_needed: int = 1
    largest: float | None = 1.0

    def is_supported(self, curve: RocCurve) -> bool:
        """True if the curve has enough non-members for this metric."""
        return curve.num_non_members / curve.design_effect >= self.num_non_members_needed


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A metric's value with its two-sided confidence interval; all None where the data do not support it."""

    value: float | None
    lower: float | None
    upper: float | None


UNSUPPORTED = Estimate(None, None, None)


def tpr_at_fpr(false_positive_rate: float) -> Metric:
    """The largest TPR with FPR <= `false_positive_rate`; needs 10 / rate non-members."""
    return Metric(
        name=f'{_TPR_PREFIX}{false_positive_rate:g}',
        value=lambda curve: (
            curve.true_positives_at(rank_at(false_positive_rate, curve.num_non_members)) / curve.num_members
        ),
        lower=lambda curve, alpha: confidence.tpr_lower(curve, false_positive_rate, alpha),
        upper=lambda curve, alpha: confidence.tpr_upper(curve, false_positive_rate, alpha),
        num_non_members_needed=round(_EXAMPLES_PER_FALSE_POSITIVE / false_positive_rate),
    )


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric('auc', lambda curve: curve.auc, confidence.auc_lower, confidence.auc_upper),
        Metric('advantage', lambda curve: curve.advantage, confidence.advantage_lower, confidence.advantage_upper),
        *(tpr_at_fpr(rate) for rate in DEFAULT_RATES),
        Metric('empirical_epsilon', lambda curve: empirical_epsilon(curve, 0.05), empirical_epsilon, None, largest=None),
    )
}


def metric_named(name: str) -> Metric:
    """The metric of that name; `tpr_at_fpr_<rate>` exists for any rate in (0, 1).

    Raises:
      PrivacyInputError: there is no such metric.
    """
    if name in METRICS:
        return METRICS[name]
    rate = _rate_of(name)
    if rate is not None and 0 < rate < 1:
        return tpr_at_fpr(rate)
    close = difflib.get_close_matches(str(name), METRICS, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ''
    raise PrivacyInputError(f"metric '{name}' is not one of {', '.join(METRICS)}{hint}")


def metrics_for(names: Sequence[str]) -> list[Metric]:
    """The standard metrics and any others named."""
    return list(({**METRICS} | {name: metric_named(name) for name in names}).values())


def estimate(metric: Metric, curve: RocCurve, confidence_level: float) -> Estimate:
    """The metric's value and two-sided interval at `confidence_level`, e.g. 0.95."""
    if not metric.is_supported(curve):
        return UNSUPPORTED
    alpha = (1 - confidence_level) / 2
    upper = metric.upper(curve, alpha) if metric.upper else None
    return Estimate(metric.value(curve), metric.lower(curve, alpha), upper)


def false_positive_rates(metrics: Sequence[Metric]) -> tuple[float, ...]:
    """The rates of the tpr_at_fpr metrics among these."""
    return tuple(rate for metric in metrics if (rate := _rate_of(metric.name)) is not None)


def _rate_of(name: str) -> float | None:
    try:
        return float(str(name).removeprefix(_TPR_PREFIX)) if str(name).startswith(_TPR_PREFIX) else None
    except ValueError:
        return None
