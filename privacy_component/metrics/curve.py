"""RocCurve: the few hundred integers of an ROC from which every figure and every bound follows.

The counts of all distinct scores can be large; a result has to be small enough to be stored with every slice, and rich
enough to be judged again later at any confidence level. So the staircase is kept at fixed ranks: a threshold at a fixed
rank of one side's scores is chosen without looking at the other side, which is what makes the bounds valid.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from privacy_component.metrics import roc

_RANK_RATIO = 1.15


@dataclasses.dataclass(frozen=True, eq=False)
class RocCurve:
    """What is kept of one attack on one slice.

    Attributes:
      num_members, num_non_members: how many examples were scored.
      false_positives, true_positives: (t,) int64, ascending: how many non-members and members the t kept thresholds
        flag, from none to all.
      auc: P(a member's score > a non-member's), ties half; from all distinct scores.
      auc_standard_error: its standard error.
      advantage: max(TPR - FPR) over all distinct scores.
      design_effect: by how much dependence between scores inflates variances; 1 for independent scores. Bounds on rates
        count num / design_effect examples.
    """

    num_members: int
    num_non_members: int
    false_positives: NDArray[np.int64]
    true_positives: NDArray[np.int64]
    auc: float
    auc_standard_error: float
    advantage: float
    design_effect: float = 1.0

    def true_positives_at(self, false_positives: int) -> int:
        """Most members flagged by a kept threshold that flags at most this many non-members."""
        last = np.searchsorted(self.false_positives, false_positives, side='right') - 1
        return int(self.true_positives[last])

    def true_positives_beyond(self, false_positives: int) -> int:
        """Fewest members flagged by a kept threshold that flags at least this many non-members."""
        first = np.searchsorted(self.false_positives, false_positives, side='left')
        return int(self.true_positives[first])

    def mirrored(self) -> RocCurve:
        """The same scores, read as an attack that points out non-members."""
        return dataclasses.replace(
            self,
            num_members=self.num_non_members,
            num_non_members=self.num_members,
            false_positives=(self.num_members - self.true_positives)[::-1],
            true_positives=(self.num_non_members - self.false_positives)[::-1],
        )


def summarize(counts: roc.RocCounts, false_positive_rates: Iterable[float] = ()) -> RocCurve:
    """The RocCurve of counts with at least one example on either side; keeps the ranks of the given rates exactly."""
    m, n = counts.num_members, counts.num_non_members
    fp, tp = roc.staircase(counts)
    kept = np.union1d(
        _around(fp, _ranks(n, false_positive_rates)),
        len(tp) - 1 - _around((m - tp)[::-1], _ranks(m, ())),
    )
    return RocCurve(
        num_members=m,
        num_non_members=n,
        false_positives=fp[kept],
        true_positives=tp[kept],
        auc=roc.auc(counts),
        auc_standard_error=float(np.sqrt(roc.delong_variance(counts))),
        advantage=float(np.max(tp / m - fp / n)),
    )


def rank_at(rate: float, total: int) -> int:
    """The most examples of `total` that are at most `rate` of them."""
    return int(np.floor(rate * total + 1e-9))


def _ranks(total: int, rates: Iterable[float]) -> NDArray[np.int64]:
    """0, 1, 2, ... growing by _RANK_RATIO up to the middle, mirrored above it, and the ranks of `rates`."""
    steps = np.arange(int(np.log(max(total, 2)) / np.log(_RANK_RATIO)) + 2)
    low = np.unique(np.minimum(np.round(_RANK_RATIO**steps), total // 2)).astype(np.int64)
    exact = [rank_at(rate, total) for rate in rates]
    return np.unique(np.concatenate([[0], low, total - low, [total], exact])).astype(np.int64)


def _around(staircase: NDArray[np.int64], ranks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions of the last step at or below and the first at or above each rank."""
    last = np.searchsorted(staircase, ranks, side='right') - 1
    first = np.searchsorted(staircase, ranks, side='left')
    return np.union1d(last, first)
