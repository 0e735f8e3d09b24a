"""What the model answered: distinct answers, decimals and right answers, as integers that merge in any order."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.checks.evidence import AnswerFigures
from privacy_component.checks.label_summary import Labels
from privacy_component.checks.near_duplicates import Answered
from privacy_component.checks.row_hashes import hash_rows
from privacy_component.checks.sketches import DistinctCounts, HashBits, merge_counts
from privacy_component.checks.tied_scores import Losses
from privacy_component.metrics.counts.mergeable import Mergeable
from privacy_component.observations.observations import MULTICLASS, REGRESSION, Observations
from privacy_component.observations.signals import compute

MORE_DECIMALS = 5
_MOST_DISTINCT = 1024
_LOOKED_AT_FIRST = 256
_UNITS = 4


@dataclasses.dataclass(frozen=True, eq=False)
class Answers(Mergeable):
    """Answers of a part of the examples.

    Attributes:
      distinct: hashes of the rows of outputs.
      bits: of the same hashes; they tell what most examples get where there are many others.
      multiples: for each number of decimals below MORE_DECIMALS, whether every output has no more.
      right: how many answers to members and to non-members are right.
      labels: the labels beside them.
      losses: what both together say of each example.
      answered: how often answers and labels occur on either side.
    """

    distinct: DistinctCounts
    bits: HashBits
    multiples: tuple[bool, ...]
    right: tuple[int, int]
    labels: Labels
    losses: Losses
    answered: Answered

    @classmethod
    def of(cls, outputs: NDArray, observations: Observations) -> Answers:
        """Of (n, classes) outputs as the model gave them, and the observations made of them."""
        members = observations.is_member
        rows = np.asarray(outputs).reshape(len(members), -1)
        right = np.zeros(len(members), bool)
        if observations.task != REGRESSION:
            right = compute('correctness', observations) == 1
        sides = (int(np.count_nonzero(right & members)), int(np.count_nonzero(right & ~members)))
        answers = rows
        if observations.task == MULTICLASS and rows.shape[1] > 1:
            answers = rows - rows.max(axis=1, keepdims=True)  # what the same logits plus a constant say is the same
        hashes = hash_rows(answers)
        label_hashes = hash_rows(observations.labels.reshape(len(members), -1))
        distinct = DistinctCounts.of(hashes, members, _MOST_DISTINCT)
        return cls(
            distinct=distinct,
            bits=HashBits.of(hashes),
            multiples=multiples_of(rows),
            right=sides,
            labels=Labels.of(observations, label_hashes),
            losses=Losses.of(observations),
            answered=Answered.of(rows, observations, label_hashes),
        )

    def merge(self, *others: Answers) -> Answers:
        """The answers of all parts together."""
        parts = (self, *others)
        return Answers(
            distinct=merge_counts([part.distinct for part in parts], _MOST_DISTINCT),
            bits=functools.reduce(HashBits.merge, (part.bits for part in parts)),
            multiples=tuple(all(parts_have) for parts_have in zip(*(part.multiples for part in parts), strict=True)),
            right=(sum(part.right[0] for part in parts), sum(part.right[1] for part in parts)),
            labels=self.labels.merge(*(other.labels for other in others)),
            losses=self.losses.merge(*(other.losses for other in others)),
            answered=self.answered.merge(*(other.answered for other in others)),
        )

    def figures(self) -> AnswerFigures:
        """The numbers that checks look at."""
        counts = self.distinct
        commonest = (counts.members + counts.non_members).max(initial=0)
        if not counts.is_exact:
            commonest = round(self.bits.largest_share() * self.bits.num_rows)
        return AnswerFigures(
            num_examples=counts.num_members + counts.num_non_members,
            num_distinct=len(counts.hashes),
            is_exact=counts.is_exact,
            num_commonest=int(commonest),
            decimals=fewest_decimals(self.multiples),
            num_members=counts.num_members,
            num_non_members=counts.num_non_members,
            right_members=self.right[0],
            right_non_members=self.right[1],
            labels=self.labels.figures(),
            tied_pairs=self.losses.tied_pairs(),
            near=self.answered.figures(),
        )


def multiples_of(outputs: NDArray) -> tuple[bool, ...]:
    """For each number of decimals below MORE_DECIMALS, whether every output can be written with so many.

    Rounding in a model leaves an error of a few units in the last place of a float32, whatever the outputs' type, so
    that much is allowed. Where it is not far smaller than the last decimal for every output, nothing can be said. Each
    is a statement about all outputs, so it holds of the whole exactly if it holds of every part.
    """
    flat = outputs.reshape(-1)
    if flat.dtype.kind != 'f':
        return (True,) * MORE_DECIMALS
    first = flat[:_LOOKED_AT_FIRST]
    return tuple(_has(first, decimals) and _has(flat, decimals) for decimals in range(MORE_DECIMALS))


def fewest_decimals(multiples: Sequence[bool]) -> int:
    """The fewest decimals that every output can be written with; MORE_DECIMALS if those looked at do not do."""
    return next((decimals for decimals, has in enumerate(multiples) if has), MORE_DECIMALS)


def _has(values: NDArray, decimals: int) -> bool:
    wide = values.astype(np.float64)
    error = _UNITS * max(float(np.finfo(values.dtype).eps), float(np.finfo(np.float32).eps)) * np.abs(wide)
    if error.max(initial=0.0) > 0.05 * 10.0**-decimals:
        return False
    return bool(np.all(np.abs(np.round(wide, decimals) - wide) <= error))
