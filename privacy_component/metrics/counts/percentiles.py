"""Percentiles of scores from their counts: the bits that numpy.percentile has for the scores themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.metrics.counts.keys import scores_of
from privacy_component.metrics.counts.roc import RocCounts


def percentiles(counts: RocCounts, wanted: ArrayLike) -> NDArray[np.float64]:
    """Percentiles of the scores of members and non-members together (Hyndman and Fan 1996, definition 7).

    Args:
      counts: of at least one score. Where they do not keep all bits, a score counts as the lowest with its bits.
      wanted: (p,) in [0, 100].

    Returns:
      (p,) what numpy.percentile gives, to the last bit where the counts keep all.
    """
    num_up_to = np.cumsum(counts.members.astype(np.int64) + counts.non_members)
    last = num_up_to[-1] - 1
    position = last * (np.asarray(wanted, np.float64) / 100)
    below = np.floor(position)
    low, high = (_at_rank(counts, num_up_to, rank) for rank in (below, np.minimum(below + 1, last)))
    return _between(low, high, position - below)


def _at_rank(counts: RocCounts, num_up_to: NDArray[np.int64], ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    return scores_of(counts.keys[np.searchsorted(num_up_to, ranks, side='right')])


def _between(low: NDArray[np.float64], high: NDArray[np.float64], share: NDArray[np.float64]) -> NDArray[np.float64]:
    """As numpy interpolates: from the nearer end."""
    gap = high - low
    return np.where(share < 0.5, low + gap * share, high - gap * (1 - share))
