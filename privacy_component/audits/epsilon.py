"""Empirical epsilon: how large a differential-privacy epsilon an attack's success rules out.

For an ordinary train/eval split this is an empirical estimate and no bound on a mechanism's epsilon: only canaries that
were included by independent fair coins give that.
"""

from __future__ import annotations

import numpy as np

from privacy_component.metrics.confidence import clopper_pearson_lower, clopper_pearson_upper
from privacy_component.metrics.curve import RocCurve

_RATES = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5)


def empirical_epsilon(curve: RocCurve, alpha: float, delta: float = 0.0) -> float:
    """Largest epsilon shown at confidence 1 - alpha (Jagielski, Ullman and Oprea 2020, arXiv 2006.07709).

    Twelve thresholds are tried, at fixed ranks of the non-members and, for the attack that points out non-members, of
    the members; Bonferroni over all of them, so choosing the best one costs no validity.

    Args:
      curve: the attack's ROC.
      alpha: the probability of an epsilon above 0 on data without any leak is at most this.
      delta: the delta of (epsilon, delta)-differential privacy.

    Returns:
      epsilon >= 0; 0 when nothing is shown.
    """
    level = alpha / (2 * len(_RATES))
    sides = (curve, curve.mirrored())
    return max(0.0, *(_epsilon_at(side, rate, level, delta) for side in sides for rate in _RATES))


def _epsilon_at(curve: RocCurve, rate: float, alpha: float, delta: float) -> float:
    """ln((TPR - delta) / FPR) from limits of alpha / 2 each."""
    effect = curve.design_effect
    false_positives = int(rate * curve.num_non_members)
    flagged = curve.true_positives_at(false_positives)
    tpr = clopper_pearson_lower(flagged / effect, curve.num_members / effect, alpha / 2)
    fpr = clopper_pearson_upper(false_positives / effect, curve.num_non_members / effect, alpha / 2)
    return float(np.log((tpr - delta) / fpr)) if tpr > delta else 0.0
