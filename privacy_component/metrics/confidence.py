"""One-sided confidence limits. Each is wrong with probability at most `alpha`; simulations in the tests hold them to it.

A two-sided interval at 95 % is a lower and an upper limit at alpha = 0.025 each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv, expit, logit, ndtri

from privacy_component.metrics.curve import RocCurve

# Below this many examples on one side the normal approximation is widened by the score interval.
_LARGE_SAMPLE = 200
_ADVANTAGE_RATES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8)


def clopper_pearson_lower(successes: float, trials: float, alpha: float) -> float:
    """Exact lower limit of a binomial rate (Clopper and Pearson 1934, Biometrika 26)."""
    if successes <= 0:
        return 0.0
    return float(betaincinv(successes, trials - successes + 1, alpha))


def clopper_pearson_upper(successes: float, trials: float, alpha: float) -> float:
    """Exact upper limit of a binomial rate (Clopper and Pearson 1934, Biometrika 26)."""
    if successes >= trials:
        return 1.0
    return float(betaincinv(successes + 1, trials - successes, 1 - alpha))


def auc_lower(curve: RocCurve, alpha: float) -> float:
    """Lower limit of the AUC: DeLong's variance on the logit scale, widened for small samples.

    DeLong's interval on the plain scale is too narrow in the tails that a correction for many comparisons reaches; on
    the logit scale it holds there, except near AUC = 1 with few examples, where the score interval with Hanley and
    McNeil's variance takes over (Newcombe 2006, Statistics in Medicine 25, method 5).
    """
    z = -ndtri(alpha)
    smallest_side = min(curve.num_members, curve.num_non_members) / curve.design_effect
    if curve.auc_standard_error == 0:
        return _score_limit(curve, z)
    if smallest_side < _LARGE_SAMPLE:
        return min(_logit_limit(curve, z), _score_limit(curve, z))
    return _logit_limit(curve, z)


def auc_upper(curve: RocCurve, alpha: float) -> float:
    """Upper limit of the AUC; `auc_lower` of the attack that points the other way."""
    return 1 - auc_lower(dataclasses.replace(curve, auc=1 - curve.auc), alpha)


def tpr_lower(curve: RocCurve, false_positive_rate: float, alpha: float) -> float:
    """Lower limit of the largest TPR at a true FPR of at most `false_positive_rate`.

    Both rates are uncertain: half of alpha goes into a threshold whose true FPR is below the wanted one, half into the
    members' rate at that threshold. No assumption on the scores' distribution.
    """
    trials = curve.num_non_members / curve.design_effect
    rank = _last_rank(lambda k: clopper_pearson_upper(k, trials, alpha / 2) <= false_positive_rate, int(trials))
    if rank < 0:
        return 0.0
    flagged = curve.true_positives_at(int(rank * curve.design_effect))
    return clopper_pearson_lower(flagged / curve.design_effect, curve.num_members / curve.design_effect, alpha / 2)


def tpr_upper(curve: RocCurve, false_positive_rate: float, alpha: float) -> float:
    """Upper limit of the largest TPR at a true FPR of at most `false_positive_rate`; see `tpr_lower`."""
    trials = curve.num_non_members / curve.design_effect
    rank = _last_rank(lambda k: clopper_pearson_lower(k, trials, alpha / 2) < false_positive_rate, int(trials)) + 1
    if rank > trials:
        return 1.0
    flagged = curve.true_positives_beyond(min(int(np.ceil(rank * curve.design_effect)), curve.num_non_members))
    return clopper_pearson_upper(flagged / curve.design_effect, curve.num_members / curve.design_effect, alpha / 2)


def advantage_lower(curve: RocCurve, alpha: float) -> float:
    """Lower limit of max(TPR - FPR): the best of nine fixed ranks, Bonferroni.

    At each rank the two Clopper-Pearson limits are combined in quadrature (Newcombe 1998, Statistics in Medicine 17,
    method 10, there with Wilson limits).
    """
    level = alpha / len(_ADVANTAGE_RATES)
    return max(0.0, max(_difference_lower(curve, rate, level) for rate in _ADVANTAGE_RATES))


def advantage_upper(curve: RocCurve, alpha: float) -> float:
    """Upper limit of max(TPR - FPR) (Dvoretzky-Kiefer-Wolfowitz with Massart's constant 1990, once for each side)."""
    sizes = np.array([curve.num_members, curve.num_non_members]) / curve.design_effect
    return float(min(1.0, curve.advantage + np.sqrt(np.log(2 / alpha) / (2 * sizes)).sum()))


def _difference_lower(curve: RocCurve, rate: float, alpha: float) -> float:
    members = curve.num_members / curve.design_effect
    non_members = curve.num_non_members / curve.design_effect
    false_positives = int(rate * curve.num_non_members)
    flagged = curve.true_positives_at(false_positives)
    tpr, fpr = flagged / curve.num_members, false_positives / curve.num_non_members
    tpr_slack = tpr - clopper_pearson_lower(flagged / curve.design_effect, members, alpha)
    fpr_slack = clopper_pearson_upper(false_positives / curve.design_effect, non_members, alpha) - fpr
    return float(tpr - fpr - np.hypot(tpr_slack, fpr_slack))


def _logit_limit(curve: RocCurve, z: float) -> float:
    slack = z * curve.auc_standard_error / (curve.auc * (1 - curve.auc))
    return float(expit(logit(curve.auc) - slack))


def _score_limit(curve: RocCurve, z: float) -> float:
    """The AUC below the observed one that is just z standard errors away from it."""

    def excess(auc: float) -> float:
        return curve.auc - auc - z * _hanley_mcneil_error(curve, auc)

    # At an observed AUC of 1 the error vanishes too, so 1 itself is a second, meaningless root.
    return float(brentq(excess, 0.0, curve.auc * (1 - 1e-9))) if curve.auc > 0 else 0.0


def _hanley_mcneil_error(curve: RocCurve, auc: float) -> float:
    members = curve.num_members / curve.design_effect
    non_members = curve.num_non_members / curve.design_effect
    weight = (members + non_members) / 2 - 1
    spread = 1 + weight * (1 - auc) / (2 - auc) + weight * auc / (1 + auc)
    return float(np.sqrt(auc * (1 - auc) * spread / (members * non_members)))


def _last_rank(holds: Callable[[int], bool], most: int) -> int:
    """The largest k in [0, most] for which a condition that turns false once holds; -1 if it never does."""
    low, high = -1, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
