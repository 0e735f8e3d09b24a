"""Figures that need every step of an ROC staircase."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from privacy_component.metrics.counts import roc

_NEAR_ZERO = 1e-3
_BLOCK = 1 << 10


def max_ppv(counts: roc.RocCounts) -> float:
    """TF Privacy's positive predictive value: the largest share of members among the flagged, over all thresholds.

    Reads 1.0 on pure noise about every other time, as soon as the highest score happens to be a member's, so it is
    reported for comparison only (Jayaraman et al. 2021, arXiv 2005.10881, section 3; tensorflow-privacy 0.9,
    `RocCurve.get_ppv`, whose treatment of thresholds near the origin is reproduced).
    """
    return max_ppv_of_staircase(counts, *roc.staircase(counts))


def max_ppv_of_staircase(
    counts: roc.RocCounts, false_positives: NDArray[np.integer], true_positives: NDArray[np.integer]
) -> float:
    """`max_ppv` of counts whose staircase is known."""
    m, n = int(true_positives[-1]), int(false_positives[-1])
    first = min(_first_above(true_positives, m), _first_above(false_positives, n))
    edges, is_corner = _edges(first, len(true_positives)), _is_corner(counts)
    most = true_positives[edges[1:] - 1]

    def largest_in(part: slice) -> float:
        share = true_positives[part] / (true_positives[part] + false_positives[part])
        share *= is_corner[part.start - 1 : part.stop - 1]
        return float(share.max())

    return _largest(edges, most / (most + false_positives[edges[:-1]]), largest_in, m / (m + n))


def largest_difference(false_positives: NDArray[np.integer], true_positives: NDArray[np.integer]) -> float:
    """Largest TPR - FPR of a full staircase; with the arguments swapped, the largest FPR - TPR."""
    m, n = int(true_positives[-1]), int(false_positives[-1])
    edges = _edges(0, len(true_positives))

    def largest_in(part: slice) -> float:
        return float((true_positives[part] / m - false_positives[part] / n).max())

    bounds = true_positives[edges[1:] - 1] / m - false_positives[edges[:-1]] / n
    return _largest(edges, bounds, largest_in, 0.0)  # 0 where none are flagged


def _largest(
    edges: NDArray[np.int64], bounds: NDArray[np.float64], largest_in: Callable[[slice], float], least: float
) -> float:
    """The largest value, at least `least`, of all blocks between edges, none of which exceeds its bound.

    A staircase rises slowly, so the values at a block's ends bound it well, and few blocks have to be looked into.
    Divisions round monotonically: the result is the same to the last bit as from looking into all.
    """
    for i in np.argsort(-bounds):
        if bounds[i] <= least:
            break
        least = max(least, largest_in(slice(edges[i], edges[i + 1])))
    return least


def _edges(start: int, stop: int) -> NDArray[np.int64]:
    return np.append(np.arange(start, stop, _BLOCK), stop)


def _first_above(counts: NDArray[np.integer], total: int) -> int:
    """The first threshold that flags more than a thousandth of a side."""
    least = int(_NEAR_ZERO * total)
    least += least / total <= _NEAR_ZERO
    return int(np.searchsorted(counts, counts.dtype.type(least)))  # of its own type, or all counts are converted


def _is_corner(counts: roc.RocCounts) -> NDArray[np.bool_]:
    """Which scores, from the highest, scikit-learn's roc_curve keeps: not those between two equal steps."""
    members, non_members = counts.members, counts.non_members
    corner = np.ones(len(members), bool)
    corner[1:-1] = (members[:-2] != members[1:-1]) | (non_members[:-2] != non_members[1:-1])
    return corner[::-1]
