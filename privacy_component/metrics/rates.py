"""Figures that need every step of an ROC staircase."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.metrics import roc

_NEAR_ZERO = 1e-3


def max_ppv(counts: roc.RocCounts) -> float:
    """TF Privacy's positive predictive value: the largest share of members among the flagged, over all thresholds.

    Reads 1.0 on pure noise about every other time, as soon as the highest score happens to be a member's, so it is
    reported for comparison only (Jayaraman et al. 2021, arXiv 2005.10881, section 3; tensorflow-privacy 0.9,
    `RocCurve.get_ppv`, whose treatment of thresholds near the origin is reproduced).
    """
    return max_ppv_of_staircase(counts, *roc.staircase(counts))


def max_ppv_of_staircase(
    counts: roc.RocCounts, false_positives: NDArray[np.int64], true_positives: NDArray[np.int64]
) -> float:
    """`max_ppv` of counts whose staircase is known."""
    m, n = int(true_positives[-1]), int(false_positives[-1])
    first = min(_first_above(true_positives, m), _first_above(false_positives, n))
    is_corner, largest = _is_corner(counts), m / (m + n)
    for part in roc.blocks(len(true_positives), first):
        tp, fp = true_positives[part], false_positives[part]
        share = tp / (tp + fp)
        share *= is_corner[part.start - 1 : part.stop - 1]
        largest = max(largest, float(share.max()))
    return largest


def difference_range(false_positives: NDArray[np.int64], true_positives: NDArray[np.int64]) -> tuple[float, float]:
    """Smallest and largest TPR - FPR of a full staircase."""
    m, n = int(true_positives[-1]), int(false_positives[-1])
    low, high = 0.0, 0.0  # where none are flagged
    for part in roc.blocks(len(true_positives)):
        difference = true_positives[part] / m
        difference -= false_positives[part] / n
        low, high = min(low, float(difference.min())), max(high, float(difference.max()))
    return low, high


def _first_above(counts: NDArray[np.int64], total: int) -> int:
    """The first threshold that flags more than a thousandth of a side."""
    least = int(_NEAR_ZERO * total)
    return int(np.searchsorted(counts, least + (least / total <= _NEAR_ZERO)))


def _is_corner(counts: roc.RocCounts) -> NDArray[np.bool_]:
    """Which scores, from the highest, scikit-learn's roc_curve keeps: not those between two equal steps."""
    members, non_members = counts.members[::-1], counts.non_members[::-1]
    corner = np.ones(len(members), bool)
    corner[1:-1] = (members[2:] != members[1:-1]) | (non_members[2:] != non_members[1:-1])
    return corner
