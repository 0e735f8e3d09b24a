"""Metrics by name: what the report prints and what a threshold can name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from privacy_component.errors import PrivacyInputError, did_you_mean
from privacy_component.metrics import confidence
from privacy_component.metrics.curve import RocCurve, rank_at
from privacy_component.metrics.epsilon import empirical_epsilon
from privacy_component.metrics.gdp import gdp_mu

DEFAULT_RATES = (0.1, 0.01, 0.001)
_EXAMPLES_PER_ERROR = 10
_AUDIT_ALPHA = 0.05
TAIL_RATES = (0.01, 0.001)
_TPR_PREFIX = 'tpr_at_fpr_'
_TNR_PREFIX = 'tnr_at_fnr_'
_TWO_SIDED_PREFIX = 'two_sided_tpr_at_fpr_'
_PPV_PREFIX = 'ppv_at_fpr_'
_EPSILON_PREFIX = 'empirical_epsilon_at_delta_'

Limit = Callable[[RocCurve, float], float]


@dataclasses.dataclass(frozen=True)
class Metric:
    """One figure of an RocCurve, with the one-sided limits it can be judged by.

    Attributes:
      name: as written in results; a rate in it with as many digits as tell it from every other.
      value: curve -> figure.
      lower: (curve, alpha) -> a limit that exceeds the truth with probability at most alpha; None for a figure that is
        reported for comparison only and cannot be gated on.
      upper: the same from above, or None where none is known.
      num_non_members_needed: fewer than this and the metric is not supported by the data.
      num_members_needed: likewise.
      largest: the largest value that the metric can take; None for no limit.
    """

    name: str
    value: Callable[[RocCurve], float]
    lower: Limit | None
    upper: Limit | None
    num_non_members_needed: int = 1
    largest: float | None = 1.0
    num_members_needed: int = 1

    def __post_init__(self) -> None:
        for side, widest in (('lower', min), ('upper', max)):
            limit = getattr(self, side)
            if limit is not None:
                object.__setattr__(self, side, _over_orders(limit, widest))

    def is_supported(self, curve: RocCurve) -> bool:
        """True if the curve has enough members and non-members for this metric."""
        needed = ((curve.num_members, self.num_members_needed), (curve.num_non_members, self.num_non_members_needed))
        return all(num / curve.design_effect >= least for num, least in needed)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A metric's value with its two-sided confidence interval; all None where the data do not support it.

    A limit is None as well where the metric has none: `upper` of epsilon and mu, both of max_ppv.
    """

    value: float | None
    lower: float | None
    upper: float | None


UNSUPPORTED = Estimate(None, None, None)


def _over_orders(limit: Limit, widest: Callable[[Iterable[float]], float]) -> Limit:
    """The widest of a limit over all that the cutting of scores may have hidden."""

    def over_orders(curve: RocCurve, alpha: float) -> float:
        if not curve.orders:
            return limit(curve, alpha)
        return widest([limit(one, alpha) for one in (dataclasses.replace(curve, orders=()), *curve.orders)])

    return over_orders


def tpr_at_fpr(false_positive_rate: float) -> Metric:
    """The largest TPR with FPR <= `false_positive_rate`; needs 10 / rate non-members."""
    rate = false_positive_rate
    return Metric(
        name=f'{_TPR_PREFIX}{rate}',
        value=lambda curve: curve.true_positives_at(rank_at(rate, curve.num_non_members)) / curve.num_members,
        lower=lambda curve, alpha: confidence.tpr_lower(curve, rate, alpha),
        upper=lambda curve, alpha: confidence.tpr_upper(curve, rate, alpha),
        num_non_members_needed=round(_EXAMPLES_PER_ERROR / rate),
    )


def tnr_at_fnr(false_negative_rate: float) -> Metric:
    """The largest TNR with FNR <= `false_negative_rate`; needs 10 / rate members.

    The share of non-members that score lower than all but so many of the members: `tpr_at_fpr` of the attack that
    points out non-members. Where members have been learnt, only non-members are left among the highest losses, so a
    plain loss shows in this tail what it takes reference models to find at a low FPR (Dodd et al. 2025, arXiv
    2510.19773).
    """
    mirrored = tpr_at_fpr(false_negative_rate)
    lower, upper = mirrored.lower, mirrored.upper
    assert lower is not None and upper is not None
    return Metric(
        name=f'{_TNR_PREFIX}{false_negative_rate}',
        value=lambda curve: mirrored.value(curve.mirrored()),
        lower=lambda curve, alpha: lower(curve.mirrored(), alpha),
        upper=lambda curve, alpha: upper(curve.mirrored(), alpha),
        num_members_needed=mirrored.num_non_members_needed,
    )


def two_sided_tpr_at_fpr(false_positive_rate: float) -> Metric:
    """The larger TPR with FPR <= `false_positive_rate` of the attack and of the attack turned round.

    Members that were made to look unlike all others (unlearnt by ascending their loss, say) are given away by that.
    """
    one = tpr_at_fpr(false_positive_rate)
    lower, upper = one.lower, one.upper
    assert lower is not None and upper is not None
    return Metric(
        name=f'{_TWO_SIDED_PREFIX}{false_positive_rate}',
        value=lambda curve: max(map(one.value, _both_ways(curve))),
        lower=lambda curve, alpha: max(lower(way, alpha / 2) for way in _both_ways(curve)),
        # The larger of both true rates is that of one way, so one limit has to hold.
        upper=lambda curve, alpha: max(upper(way, alpha) for way in _both_ways(curve)),
        num_non_members_needed=one.num_non_members_needed,
    )


def _both_ways(curve: RocCurve) -> tuple[RocCurve, RocCurve]:
    return curve, curve.reversed()


def ppv_at_fpr(false_positive_rate: float) -> Metric:
    """TPR / (TPR + rate): the share of members among the flagged if members and non-members were equally many.

    Taken at the threshold of `tpr_at_fpr`; 0.5 for an attack that knows nothing.
    """
    tpr, rate = tpr_at_fpr(false_positive_rate), false_positive_rate
    return Metric(
        name=f'{_PPV_PREFIX}{rate}',
        value=lambda curve: _precision(tpr.value(curve), rate),
        lower=lambda curve, alpha: _precision(confidence.tpr_lower(curve, rate, alpha), rate),
        upper=lambda curve, alpha: _precision(confidence.tpr_upper(curve, rate, alpha), rate),
        num_non_members_needed=tpr.num_non_members_needed,
    )


def epsilon_at_delta(delta: float) -> Metric:
    """The empirical epsilon of (epsilon, delta)-differential privacy; its value is the bound at 95 %."""
    return Metric(
        name=f'{_EPSILON_PREFIX}{delta}' if delta else 'empirical_epsilon',
        value=lambda curve: empirical_epsilon(curve, _AUDIT_ALPHA, delta),
        lower=lambda curve, alpha: empirical_epsilon(curve, alpha, delta),
        upper=None,
        largest=None,
    )


def _precision(tpr: float, fpr: float) -> float:
    return tpr / (tpr + fpr)


def _accuracy(advantage: float) -> float:
    return (1 + advantage) / 2


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric('auc', lambda curve: curve.auc, confidence.auc_lower, confidence.auc_upper),
        Metric('advantage', lambda curve: curve.advantage, confidence.advantage_lower, confidence.advantage_upper),
        Metric(
            'two_sided_advantage',
            lambda curve: curve.two_sided_advantage,
            confidence.two_sided_advantage_lower,
            confidence.two_sided_advantage_upper,
        ),
        Metric(
            'balanced_accuracy',
            lambda curve: _accuracy(curve.advantage),
            lambda curve, alpha: _accuracy(confidence.advantage_lower(curve, alpha)),
            lambda curve, alpha: _accuracy(confidence.advantage_upper(curve, alpha)),
        ),
        *(tpr_at_fpr(rate) for rate in DEFAULT_RATES),
        *(tnr_at_fnr(rate) for rate in TAIL_RATES),
        ppv_at_fpr(0.01),
        Metric('max_ppv', lambda curve: curve.max_ppv, lower=None, upper=None),
        epsilon_at_delta(0.0),
        Metric('gdp_mu', lambda curve: gdp_mu(curve, _AUDIT_ALPHA), gdp_mu, None, largest=None),
    )
}

_FAMILIES: dict[str, Callable[[float], Metric]] = {
    _TPR_PREFIX: tpr_at_fpr,
    _TNR_PREFIX: tnr_at_fnr,
    _TWO_SIDED_PREFIX: two_sided_tpr_at_fpr,
    _PPV_PREFIX: ppv_at_fpr,
    _EPSILON_PREFIX: epsilon_at_delta,
}


RATED = tuple(_FAMILIES)  # what the names of metrics at a rate begin with


def metric_named(name: str) -> Metric:
    """The metric that a threshold names; those at a rate, such as `tpr_at_fpr_<rate>`, exist for any rate in (0, 1).

    Raises:
      PrivacyInputError: there is no such metric, or it has no confidence limit and so cannot be gated on.
    """
    if not isinstance(name, str):
        raise PrivacyInputError(f'metric is {name!r}; write the name of one, such as auc.')
    metric = METRICS.get(name) or _family_member(name)
    if metric is None:
        raise PrivacyInputError(
            f'metric {name!r} is not one of {", ".join([*METRICS, *(f"{prefix}<rate>" for prefix in _FAMILIES)])}'
            f'{did_you_mean(name, METRICS)}'
        )
    if metric.lower is None:
        raise PrivacyInputError(
            f"metric '{name}' is reported for comparison only and cannot be gated on, because it reads high on pure "
            "noise: use 'ppv_at_fpr_0.01', say."
        )
    return metric


def metrics_for(names: Sequence[str]) -> list[Metric]:
    """The standard metrics and any others named."""
    return list((METRICS | {metric.name: metric for metric in map(metric_named, names)}).values())


def estimate(metric: Metric, curve: RocCurve, confidence_level: float) -> Estimate:
    """The metric's value and two-sided interval at `confidence_level`, e.g. 0.95."""
    if not metric.is_supported(curve):
        return UNSUPPORTED
    alpha = (1 - confidence_level) / 2
    lower, upper = (limit(curve, alpha) if limit else None for limit in (metric.lower, metric.upper))
    return Estimate(metric.value(curve), lower, upper)


def error_rates(metrics: Sequence[Metric]) -> tuple[float, ...]:
    """The rates of the metrics at an FPR or an FNR among these."""
    prefixes = (_TPR_PREFIX, _TNR_PREFIX, _TWO_SIDED_PREFIX, _PPV_PREFIX)
    rates = (_rate_of(metric.name, prefix) for metric in metrics for prefix in prefixes)
    return tuple(sorted({rate for rate in rates if rate is not None}))


def _family_member(name: str) -> Metric | None:
    rates = ((make, _rate_of(name, prefix)) for prefix, make in _FAMILIES.items())
    return next((make(rate) for make, rate in rates if rate is not None and 0 < rate < 1), None)


def _rate_of(name: str, prefix: str) -> float | None:
    try:
        return float(name.removeprefix(prefix)) if name.startswith(prefix) else None
    except ValueError:
        return None
