"""Empirical epsilon: how large a differential-privacy epsilon an attack's success rules out.

For an ordinary train/eval split this is an empirical estimate and no bound on a mechanism's epsilon: only canaries that
were included by independent fair coins give that.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from privacy_component.metrics.confidence import rate_limits
from privacy_component.metrics.curve import RocCurve, rank_at

_RATES = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5)
# Thresholds are 12; by a third more, because limits combined in quadrature are not exact far out in the tails.
_COMPARISONS = 16

Scale = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def empirical_epsilon(curve: RocCurve, alpha: float, delta: float = 0.0) -> float:
    """Largest epsilon shown at confidence 1 - alpha (Jagielski, Ullman and Oprea 2020, arXiv 2006.07709).

    Args:
      curve: the attack's ROC.
      alpha: the probability of an epsilon above 0 on data without any leak is at most this.
      delta: the delta of (epsilon, delta)-differential privacy.

    Returns:
      ln((TPR - delta) / FPR) as far as it is shown at any of twelve thresholds; 0 when nothing is.
    """
    return largest_gap(curve, alpha, lambda tpr: np.log(tpr - delta), np.log, smallest_tpr=delta)


def largest_gap(curve: RocCurve, alpha: float, of_tpr: Scale, of_fpr: Scale, smallest_tpr: float = 0.0) -> float:
    """Lower limit, at least 0, of the largest of_tpr(TPR) - of_fpr(FPR) at twelve thresholds.

    The thresholds are at fixed ranks of the non-members and, for the attack that points out non-members, of the
    members; Bonferroni over all of them, so choosing the best one costs no validity. At each, the Clopper-Pearson
    limits are combined in quadrature around the medians (Zou and Donner 2008, Statistics in Medicine 27); half of alpha
    for either would be valid too, but shows a third less.
    """
    gaps = [_gaps(side, alpha / _COMPARISONS, of_tpr, of_fpr, smallest_tpr) for side in (curve, curve.mirrored())]
    return float(np.max(np.concatenate(gaps), initial=0.0))


def _gaps(curve: RocCurve, level: float, of_tpr: Scale, of_fpr: Scale, smallest_tpr: float) -> NDArray[np.float64]:
    ranks = np.array([rank_at(rate, curve.num_non_members) for rate in _RATES])
    tpr_low, fpr_high = rate_limits(curve, ranks, level)
    tpr, fpr = rate_limits(curve, ranks, 0.5)
    shown = tpr_low > smallest_tpr
    high, low = of_tpr(tpr[shown]), of_fpr(fpr[shown])
    return high - low - np.hypot(high - of_tpr(tpr_low[shown]), of_fpr(fpr_high[shown]) - low)
