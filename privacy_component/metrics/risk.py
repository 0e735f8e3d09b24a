"""The privacy risk of single examples: how likely is it that this one was trained on?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST_BINS = 50
_FEWEST_PER_BIN = 10
_MOST_TO_LEARN_FROM = 200_000


def privacy_risk_scores(
    values: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    fold: NDArray[np.integer],
    asked: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """P(member | signal) with a prior of 1/2 (Song and Mittal 2021, arXiv 2003.10595, section 5).

    The densities of the signal among members and among non-members are histograms over bins with equally many examples,
    smoothed over neighbouring bins and interpolated in between; each fold is judged by the densities of the others, so
    that no example is judged by itself.

    Args:
      values: (n,) a signal, either orientation.
      is_member: (n,).
      fold: (n,) numbers from 0.
      asked: (n,) whose risk is wanted; by default everyone's.

    Returns:
      (n,) in (0, 1), higher = more likely a member; 1/2 where there is nothing to learn from or none was asked for.
    """
    risks = np.full(len(values), 0.5)
    for number in range(int(fold.max(initial=0)) + 1):
        others = fold != number
        inside = ~others if asked is None else asked & ~others
        smallest = min(np.count_nonzero(others & is_member), np.count_nonzero(others & ~is_member))
        if smallest >= _FEWEST_PER_BIN:
            learnt_from = np.flatnonzero(others)
            # By value, so that neither the sample nor the last bit of a sum depends on the order of the rows.
            learnt_from = learnt_from[np.lexsort((is_member[learnt_from], values[learnt_from]))]
            learnt_from = learnt_from[:: -(-len(learnt_from) // _MOST_TO_LEARN_FROM)]
            centres, risk = posterior(values[learnt_from], is_member[learnt_from])
            risks[inside] = np.interp(values[inside], centres, risk)
    return risks


def log_histogram_risk_scores(
    losses: NDArray[np.float64], is_member: NDArray[np.bool_], num_bins: int = 15
) -> NDArray[np.float64]:
    """TF Privacy's membership probability, for comparison; (n,), higher = more likely a member.

    In-sample shares of members in bins of equal width in log loss, each side's share of a bin weighing the same. TF
    Privacy loses the example with the lowest loss where rounding puts the first bin's edge above it, and reads the
    last bin's value for it; here it is counted in the first bin, where it belongs.
    """
    losses = np.maximum(losses, 1e-10)
    edges = np.logspace(np.log10(losses.min()), np.log10(losses.max()), num_bins + 1)
    bins = np.clip(np.digitize(losses, edges) - 1, 0, num_bins - 1)
    inside, outside = (np.bincount(bins[side], minlength=num_bins) / side.sum() for side in (is_member, ~is_member))
    return (inside / np.maximum(inside + outside, 1e-10))[bins]


def most_vulnerable(
    risks: NDArray[np.float64], scores: NDArray[np.float64], is_member: NDArray[np.bool_], count: int
) -> NDArray[np.int64]:
    """Rows of the `count` members at the highest risk, the highest first.

    Args:
      risks: (n,).
      scores: (n,) the signal, higher = more likely a member; decides between equal risks.
      is_member: (n,).
      count: how many.
    """
    members = np.flatnonzero(is_member)
    if not len(members) or not count:
        return members[:0]
    count = min(count, len(members))
    least = np.partition(risks[members], -count)[-count]
    candidates = members[risks[members] >= least]
    return candidates[np.lexsort((-scores[candidates], -risks[candidates]))][:count]


def posterior(
    values: NDArray[np.float64], is_member: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ascending centres (b,) of bins of a signal, and P(member | bin) with a prior of 1/2, (b,); see the module."""
    smallest = min(np.count_nonzero(is_member), np.count_nonzero(~is_member))
    num_bins = int(np.clip(np.sqrt(smallest), 2, _MOST_BINS))
    edges = np.unique(np.quantile(values, np.arange(1, num_bins) / num_bins, method='lower'))
    bins = np.searchsorted(edges, values, side='left')
    sides = [_smoothed_shares(bins[side], len(edges) + 1) for side in (is_member, ~is_member)]
    totals = np.bincount(bins, minlength=len(edges) + 1)
    centres = np.bincount(bins, weights=values, minlength=len(edges) + 1) / np.maximum(totals, 1)
    kept = totals > 0
    return centres[kept], (sides[0] / (sides[0] + sides[1]))[kept]


def _smoothed_shares(bins: NDArray[np.int64], num_bins: int) -> NDArray[np.float64]:
    """Shares of bins, half an example added to each, averaged with weights 1, 2, 1 over neighbours."""
    counts = np.bincount(bins, minlength=num_bins) + 0.5
    padded = np.pad(counts, 1, mode='edge')
    smooth = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return smooth / smooth.sum()
