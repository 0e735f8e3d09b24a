"""The labels beside the answers: whether they vary, fit the answers, and are mixed alike on both sides; integers."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, expit

from privacy_component.checks.evidence import LabelFigures
from privacy_component.checks.row_hashes import hash_rows
from privacy_component.checks.sketches import DistinctCounts, merge_counts
from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION, Observations

_ONE = 1 << 24  # probabilities are added up in steps of 2^-24: their sum is the same in any order
_VALUES_PER_BLOCK = 1 << 17


@dataclasses.dataclass(frozen=True, eq=False)
class Labels:
    """Labels of a part of the examples; of k classes, or of k labels that an example has or has not.

    Attributes:
      task: the observations' task.
      distinct: hashes of the labels; no more than two are kept, which tells whether they vary.
      counts: (2, k) int64, how many non-members and members have each; k is 0 for regression.
      answered: (k,) int64, how many members are answered with each.
      agreed: how many of the members' labels are answered rightly.
      claimed: the sum of the probabilities that the model gives to its answers to members, in units of 2^-24.
    """

    task: str
    distinct: DistinctCounts
    counts: NDArray[np.int64]
    answered: NDArray[np.int64]
    agreed: int
    claimed: int

    @classmethod
    def of(cls, observations: Observations, hashes: NDArray[np.uint64]) -> Labels:
        """Of n observations, whose outputs are logits, and the (n,) hashes of their labels."""
        members, labels = observations.is_member, observations.labels
        if observations.task == REGRESSION:
            distinct = DistinctCounts.of(hashes, members, 2)
            return cls(observations.task, distinct, np.zeros((2, 0), np.int64), np.zeros(0, np.int64), 0, 0)
        width = observations.outputs.shape[1]
        counts = np.stack([_count(labels[members == side], width) for side in (False, True)])
        if observations.task == MULTICLASS:  # sorting many hashes of few classes would cost more than all else here
            has = np.flatnonzero(counts.any(axis=0))
            distinct = DistinctCounts.of_counted(hash_rows(has[:, np.newaxis]), counts[1, has], counts[0, has], 2)
        else:
            distinct = DistinctCounts.of(hashes, members, 2)
        answered, agreed, claimed = _answers(observations.select(members))
        return cls(observations.task, distinct, counts, answered, agreed, claimed)

    def merge(self, *others: Labels) -> Labels:
        """The labels of all parts together."""
        parts = (self, *others)
        return Labels(
            task=self.task,
            distinct=merge_counts([part.distinct for part in parts], 2),
            counts=np.sum([part.counts for part in parts], axis=0),
            answered=np.sum([part.answered for part in parts], axis=0),
            agreed=sum(part.agreed for part in parts),
            claimed=sum(part.claimed for part in parts),
        )

    def figures(self) -> LabelFigures:
        """The numbers that checks look at."""
        members = self.distinct.num_members
        asked = members * (self.counts.shape[1] if self.task == MULTILABEL else 1)
        distance, p_value = self._mix()
        return LabelFigures(
            is_constant=len(self.distinct.hashes) == 1 and self.distinct.is_exact,
            accuracy=self.agreed / max(asked, 1),
            chance=self._chance(),
            claimed=self.claimed / _ONE / max(asked, 1),
            mix_distance=distance,
            mix_p_value=p_value,
        )

    def _chance(self) -> float:
        """The expected accuracy on the members if answers were dealt out anew (Cohen 1960, EPM 20)."""
        members = max(self.distinct.num_members, 1)
        labels, answers = self.counts[1] / members, self.answered / members
        if self.task == MULTILABEL:
            return float(np.mean(labels * answers + (1 - labels) * (1 - answers)))
        return float(labels @ answers)

    def _mix(self) -> tuple[float, float]:
        """Total variation between the two sides' classes, and the p-value of Pearson's chi-squared test."""
        known = self.counts[:, self.counts.sum(axis=0) > 0].astype(np.float64)
        sizes = known.sum(axis=1, keepdims=True)
        if self.task != MULTICLASS or known.shape[1] < 2 or not sizes.all():
            return 0.0, 1.0
        expected = sizes * known.sum(axis=0) / known.sum()
        statistic = float(((known - expected) ** 2 / expected).sum())
        return float(np.abs(np.diff(known / sizes, axis=0)).sum() / 2), float(chdtrc(known.shape[1] - 1, statistic))


def _count(labels: NDArray, width: int) -> NDArray[np.int64]:
    if labels.ndim == 2:
        return np.count_nonzero(labels, axis=0).astype(np.int64)
    return np.bincount(labels, minlength=width).astype(np.int64)


def _answers(members: Observations) -> tuple[NDArray[np.int64], int, int]:
    """How often each class is the answer, how many answers are right, and what the model claims of them, added up."""
    width = members.outputs.shape[1]
    answered, agreed, claimed = np.zeros(width, np.int64), 0, 0
    step = max(_VALUES_PER_BLOCK // width, 1)
    for start in range(0, len(members), step):
        rows = slice(start, start + step)
        z, labels = members.outputs[rows].astype(np.float64), members.labels[rows]
        if members.task == MULTILABEL:
            answers, sure = z > 0, expit(np.abs(z))
        else:
            answers = z.argmax(axis=1)
            sure = 1 / np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1)
        answered += _count(answers, width)
        agreed += int(np.count_nonzero(answers == labels))
        claimed += int(np.rint(sure * _ONE).astype(np.int64).sum())
    return answered, agreed, claimed
