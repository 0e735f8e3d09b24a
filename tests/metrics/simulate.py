"""Draws with a known answer, and the obvious slow way to every figure."""

import itertools

import numpy as np
from scipy.special import ndtr, ndtri

from privacy_component.metrics.counts import roc

# By hand, higher score = more likely a member, one tie:
#   score       9   8   7   6   6   5   4
#   member?     M   M   n   M   n   M   n      4 members, 3 non-members
SEVEN_SCORES = np.array([9.0, 8.0, 7.0, 6.0, 6.0, 5.0, 4.0])
SEVEN_MEMBERS = np.array([True, True, False, True, False, True, False])


def counts_of(scores, is_member):
    return roc.count_scores(roc.score_keys(np.asarray(scores, float)), np.asarray(is_member, bool))


def key_scores(keys):
    """The scores that `score_keys` made the keys of."""
    sign = np.uint64(1 << 63)
    return np.where(keys & sign, keys ^ sign, ~keys).view(np.float64)


def seven():
    return counts_of(SEVEN_SCORES, SEVEN_MEMBERS)


def gaussian(rng, num_members, num_non_members, shift=0.0):
    is_member = np.arange(num_members + num_non_members) < num_members
    return rng.standard_normal(len(is_member)) + shift * is_member, is_member


def tied_counts(rng, num_members, num_non_members, of_members, of_non_members):
    """Counts of a few values, drawn as counts: either side's probability of each value, from the lowest."""
    sides = [rng.multinomial(num, of) for num, of in ((num_members, of_members), (num_non_members, of_non_members))]
    kept = sides[0] + sides[1] > 0
    return roc.RocCounts(np.arange(len(kept), dtype=np.uint64)[kept], sides[0][kept], sides[1][kept])


def true_figures(shift):
    """What an infinite sample of a Gaussian shift would give."""
    tprs = {rate: float(ndtr(ndtri(rate) + shift)) for rate in (0.1, 0.01, 0.001)}
    advantage = float(2 * ndtr(shift / 2) - 1)
    return {
        'auc': float(ndtr(shift / np.sqrt(2))),
        'advantage': advantage,
        'two_sided_advantage': advantage,
        'balanced_accuracy': (1 + advantage) / 2,
        'ppv_at_fpr_0.01': tprs[0.01] / (tprs[0.01] + 0.01),
        'gdp_mu': shift,
        # A Gaussian shift has likelihood ratios without limit, so no epsilon with delta = 0 is too large.
        'empirical_epsilon': np.inf if shift else 0.0,
        **{f'tpr_at_fpr_{rate:g}': tpr for rate, tpr in tprs.items()},
        'two_sided_tpr_at_fpr_0.01': tprs[0.01],
        # The densities are symmetric, so the other end is the same.
        **{f'tnr_at_fnr_{rate:g}': tprs[rate] for rate in (0.01, 0.001)},
    }


def wins(a, b):
    return 1.0 if a > b else 0.5 if a == b else 0.0


def naive_auc(members, non_members):
    return sum(wins(a, b) for a in members for b in non_members) / (len(members) * len(non_members))


def naive_delong_variance(members, non_members):
    of_members = [sum(wins(a, b) for b in non_members) / len(non_members) for a in members]
    of_non_members = [sum(wins(a, b) for a in members) / len(members) for b in non_members]
    return naive_variance(of_members) / len(members) + naive_variance(of_non_members) / len(non_members)


def naive_variance(values):
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)


def naive_points(members, non_members):
    """(FPR, TPR) of every threshold, from none flagged to all."""
    thresholds = sorted({*members, *non_members}, reverse=True)
    return [(0.0, 0.0)] + [
        (sum(b >= t for b in non_members) / len(non_members), sum(a >= t for a in members) / len(members))
        for t in thresholds
    ]


def pairs_of_sides(scores, is_member):
    return list(itertools.compress(scores, is_member)), list(itertools.compress(scores, ~np.asarray(is_member)))
