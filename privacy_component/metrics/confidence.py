"""One-sided confidence limits, each wrong with probability at most `alpha`; simulations in the tests hold them to it.

A two-sided interval at 95 % is a lower and an upper limit at alpha = 0.025 each.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import bdtrik, betaincinv, expit, logit, ndtri

from privacy_component.metrics.curve import RocCurve, rank_at

_TINY = 1e-12
_ADVANTAGE_RATES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8)


def clopper_pearson_lower(successes: ArrayLike, trials: float, alpha: ArrayLike) -> NDArray[np.float64]:
    """Exact lower limit of binomial rates (Clopper and Pearson 1934, Biometrika 26); any shape."""
    found = np.asarray(successes, np.float64)
    return np.where(found > 0, betaincinv(np.maximum(found, _TINY), np.maximum(trials - found, 0) + 1, alpha), 0.0)


def clopper_pearson_upper(successes: ArrayLike, trials: float, alpha: ArrayLike) -> NDArray[np.float64]:
    """Exact upper limit of binomial rates (Clopper and Pearson 1934, Biometrika 26); any shape."""
    return 1 - clopper_pearson_lower(trials - np.asarray(successes, np.float64), trials, alpha)


def auc_lower(curve: RocCurve, alpha: float) -> float:
    """Lower limit of the AUC: DeLong's variance on the logit scale, never narrower than the score interval.

    DeLong's interval on the plain scale is too narrow in the tails that a correction for many comparisons reaches; on
    the logit scale it holds there, except where few examples decide the variance: near an AUC of 1, and where nearly
    all of a side tie, so that a large sample too may hold none of the rest. The score interval with Hanley and McNeil's
    variance depends on the AUC and the sizes alone (Newcombe 2006, Statistics in Medicine 25, method 5); for continuous
    scores it is about as wide as DeLong's. What cutting scores to their leading bits may have changed is taken off too.
    """
    return max(0.0, _auc_limit(curve, -float(ndtri(alpha))) - curve.auc_error)


def auc_upper(curve: RocCurve, alpha: float) -> float:
    """Upper limit of the AUC: one minus the lower limit of the attack that points the other way.

    An AUC below 0.5 counts as 0.5: an attack that points the wrong way is no evidence of safety, and out-of-fold scores
    stray below 0.5 by chance more often than above.
    """
    return 1 - auc_lower(dataclasses.replace(curve, auc=1 - max(curve.auc, 0.5)), alpha)


def tpr_lower(curve: RocCurve, false_positive_rate: float, alpha: float) -> float:
    """Lower limit of the largest TPR at a true FPR of at most `false_positive_rate`.

    Both rates are uncertain: half of alpha goes into a threshold whose true FPR is below the wanted one, half into the
    members' rate at that threshold. No assumption on the scores' distribution.
    """
    trials = curve.num_non_members / curve.design_effect
    rank = _last_rank(
        lambda k: bool(clopper_pearson_upper(k, trials, alpha / 2) <= false_positive_rate),
        int(trials),
        guess=bdtrik(alpha / 2, trials, false_positive_rate),
    )
    if rank < 0:
        return 0.0
    flagged = curve.at_rank(int(rank * curve.design_effect))[1] / curve.design_effect
    return float(clopper_pearson_lower(flagged, curve.num_members / curve.design_effect, alpha / 2))


def tpr_upper(curve: RocCurve, false_positive_rate: float, alpha: float) -> float:
    """Upper limit of the largest TPR at a true FPR of at most `false_positive_rate`; see `tpr_lower`."""
    trials = curve.num_non_members / curve.design_effect
    rank = 1 + _last_rank(
        lambda k: bool(clopper_pearson_lower(k, trials, alpha / 2) < false_positive_rate),
        int(trials),
        guess=bdtrik(1 - alpha / 2, trials, false_positive_rate) + 1,
    )
    if rank > trials:
        return 1.0
    flagged = curve.true_positives_beyond(min(int(np.ceil(rank * curve.design_effect)), curve.num_non_members))
    trials = curve.num_members / curve.design_effect
    return float(clopper_pearson_upper(flagged / curve.design_effect, trials, alpha / 2))


def advantage_lower(curve: RocCurve, alpha: float) -> float:
    """Lower limit of max(TPR - FPR): the best of nine fixed ranks, Bonferroni.

    At each rank the two Clopper-Pearson limits are combined in quadrature (Newcombe 1998, Statistics in Medicine 17,
    method 10, there with Wilson limits).
    """
    ranks = np.array([rank_at(rate, curve.num_non_members) for rate in _ADVANTAGE_RATES])
    false_positives, flagged = curve.at_rank(ranks)
    tpr, fpr = flagged / curve.num_members, false_positives / curve.num_non_members
    tpr_low, fpr_high = rate_limits(curve, ranks, alpha / len(_ADVANTAGE_RATES))
    return max(0.0, float(np.max(tpr - fpr - np.hypot(tpr - tpr_low, fpr_high - fpr))))


def advantage_upper(curve: RocCurve, alpha: float) -> float:
    """Upper limit of max(TPR - FPR), for any sample size and distribution.

    The true maximum is reached at one threshold, and the observed maximum is no smaller than the observed difference
    there; so one difference of two rates has to be bounded, not the whole staircase (Hoeffding 1963, JASA 58).
    """
    return min(1.0, curve.advantage + _hoeffding_slack(curve, alpha))


def two_sided_advantage_lower(curve: RocCurve, alpha: float) -> float:
    """Lower limit of max |TPR - FPR|: half of alpha for either sign."""
    return max(advantage_lower(curve, alpha / 2), advantage_lower(curve.reversed(), alpha / 2))


def two_sided_advantage_upper(curve: RocCurve, alpha: float) -> float:
    """Upper limit of max |TPR - FPR|; as for `advantage_upper`, one threshold and sign have to be bounded."""
    return min(1.0, curve.two_sided_advantage + _hoeffding_slack(curve, alpha))


def rate_limits(
    curve: RocCurve, ranks: NDArray[np.int64], alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower limit of the TPR, upper limit of the FPR of thresholds at fixed ranks of the non-members; alpha each."""
    effect = curve.design_effect
    false_positives, flagged = curve.at_rank(ranks)
    tpr = clopper_pearson_lower(flagged / effect, curve.num_members / effect, alpha)
    # A rank within tied scores falls back to where the tie begins; chance may put it into either of two ties.
    levels = np.where(false_positives < ranks, alpha / 2, alpha)
    return tpr, clopper_pearson_upper(false_positives / effect, curve.num_non_members / effect, levels)


def _hoeffding_slack(curve: RocCurve, alpha: float) -> float:
    return float(
        np.sqrt(np.log(1 / alpha) / 2 * curve.design_effect * (1 / curve.num_members + 1 / curve.num_non_members))
    )


def _auc_limit(curve: RocCurve, z: float) -> float:
    score_limit = _score_limit(curve, z)
    return min(_logit_limit(curve, z), score_limit) if curve.auc_standard_error else score_limit


def _logit_limit(curve: RocCurve, z: float) -> float:
    slack = z * curve.auc_standard_error / (curve.auc * (1 - curve.auc))
    return float(expit(logit(curve.auc) - slack))


def _score_limit(curve: RocCurve, z: float) -> float:
    """The AUC below the observed one that is just z standard errors away from it."""

    def excess(auc: float) -> float:
        return curve.auc - auc - z * _hanley_mcneil_error(curve, auc)

    # At an observed AUC of 1 the error vanishes too, so 1 itself is a second, meaningless root.
    highest = curve.auc * (1 - 1e-9)
    return float(brentq(excess, 0.0, highest)) if excess(highest) < 0 else highest


def _hanley_mcneil_error(curve: RocCurve, auc: float) -> float:
    members = curve.num_members / curve.design_effect
    non_members = curve.num_non_members / curve.design_effect
    weight = (members + non_members) / 2 - 1
    spread = 1 + weight * (1 - auc) / (2 - auc) + weight * auc / (1 + auc)
    return float(np.sqrt(auc * (1 - auc) * spread / (members * non_members)))


def _last_rank(holds: Callable[[int], bool], most: int, guess: float) -> int:
    """The largest k in [0, most] for which a condition that turns false once holds; -1 if it never does.

    `guess` may be anything; a good one, such as a quantile of the binomial distribution, saves a bisection.
    """
    low, high = -1, most
    near = int(guess) if np.isfinite(guess) else 0
    probes = iter((near, near + 1, near - 1, near + 2))
    while low < high:
        middle = next((k for k in probes if low < k <= high), (low + high + 1) // 2)
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return low
