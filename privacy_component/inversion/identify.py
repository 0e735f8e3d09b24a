"""What reconstructions tell of people: whether a person can be picked out, and what can't be measured by them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.confidence import clopper_pearson_lower, clopper_pearson_upper
from privacy_component.report.frame import frame_of

CLASS_MEANS = (
    'Where a class holds many people, a reconstruction is an average of them, as near to members as to non-members: '
    'it is no measure of privacy, and neither is how good it looks.'
)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Identification:
    """How often a person is picked out of a line-up by the reconstruction of their class.

    Attributes:
      ranks: (k,) the place of the person's own input among all candidates by likeness; 1 = first.
      num_candidates: the own input and the others.
      first: the share of people who come first.
      lower, upper: a 95 % interval of it, over people.
    """

    ranks: NDArray[np.int64]
    num_candidates: int
    first: float
    lower: float
    upper: float

    @property
    def chance(self) -> float:
        """The share that guessing gets."""
        return 1 / self.num_candidates

    def rows(self) -> list[dict[str, Any]]:
        """One dict per person: number and rank."""
        return [{'person': i, 'rank': int(rank)} for i, rank in enumerate(self.ranks)]

    def to_frame(self) -> Any:
        """`rows` as a pandas DataFrame."""
        return frame_of(self.rows())

    def __repr__(self) -> str:
        return (
            f'own input first of {self.num_candidates:,} for {self.first:.3f} [{self.lower:.3f}, {self.upper:.3f}] of '
            f'{len(self.ranks)} people (guessing: {self.chance:.4f}); median rank {np.median(self.ranks):g}'
        )


@dataclasses.dataclass(frozen=True)
class Nearness:
    """How near reconstructions are to members and to non-members of the same classes.

    Attributes:
      members: mean likeness of the nearest member, in [-1, 1].
      non_members: the same of the nearest non-member.
    """

    members: float
    non_members: float

    @property
    def difference(self) -> float:
        """Members less non-members."""
        return self.members - self.non_members

    def __str__(self) -> str:
        return (
            f'nearest member {self.members:.3f}, nearest non-member {self.non_members:.3f}, difference '
            f'{self.difference:+.3f}. {CLASS_MEANS}'
        )


def identification(reconstructed: ArrayLike, own: ArrayLike, others: ArrayLike) -> Identification:
    """Ranks each person's own input among others' by likeness to the reconstruction of the person's class.

    Only for models of which each class is one person. Likeness is the correlation over an input's numbers, which
    brightness and contrast do not change; ties count against the attacker.

    Args:
      reconstructed: (k, ...) of the k people's classes.
      own: (k, ...) an input of each, in the same order.
      others: (m, ...) inputs of people whom the model does not know, drawn alike.

    Raises:
      PrivacyInputError: shapes differ, a number is not finite, or there is nobody.

    Reference: Fredrikson, Jha and Ristenpart 2015, section 5.2, where people pick a face out of a line-up.
    """
    found, mine, theirs = (
        _rows(name, a) for name, a in (('reconstructed', reconstructed), ('own', own), ('others', others))
    )
    if found.shape != mine.shape or theirs.shape[1] != mine.shape[1]:
        raise PrivacyInputError(
            f'reconstructed has {found.shape[0]} inputs of {found.shape[1]} numbers, own {mine.shape[0]} of '
            f'{mine.shape[1]}, others {theirs.shape[0]} of {theirs.shape[1]}: give one own input for each '
            'reconstruction, and inputs of one shape.'
        )
    likeness = (found * mine).sum(axis=1, keepdims=True)
    ranks = 1 + np.count_nonzero(found @ theirs.T >= likeness, axis=1)
    first, num_people = int(np.count_nonzero(ranks == 1)), len(ranks)
    limits = (float(limit(first, num_people, 0.025)) for limit in (clopper_pearson_lower, clopper_pearson_upper))
    return Identification(ranks, 1 + len(theirs), first / num_people, *limits)


def nearness(
    reconstructed: ArrayLike,
    targets: ArrayLike,
    members: tuple[ArrayLike, ArrayLike],
    non_members: tuple[ArrayLike, ArrayLike],
) -> Nearness:
    """Likeness of the nearest member and of the nearest non-member of the same class.

    Args:
      reconstructed: (k, ...).
      targets: (k,) their classes.
      members, non_members: pairs (inputs, class numbers), drawn alike and as many: more would be nearer.

    Raises:
      PrivacyInputError: sides of other sizes, or a class that one of them does not have.
    """
    found, classes = _rows('reconstructed', reconstructed), np.asarray(targets)
    if len(np.asarray(members[1])) != len(np.asarray(non_members[1])):
        raise PrivacyInputError(
            f'there are {len(np.asarray(members[1]))} members and {len(np.asarray(non_members[1]))} non-members: give '
            'as many of either, for the nearest of more is nearer.'
        )
    return Nearness(
        *(_nearest(found, classes, name, side) for name, side in (('members', members), ('non_members', non_members)))
    )


def _nearest(found: NDArray, classes: NDArray, name: str, side: tuple[ArrayLike, ArrayLike]) -> float:
    rows, labels = _rows(name, side[0]), np.asarray(side[1])
    missing = sorted(set(classes.tolist()) - set(labels.tolist()))
    if missing:
        raise PrivacyInputError(f'{name} has no example of class {missing[0]}: leave the class out of the targets.')
    return float(np.mean([(rows[labels == c] @ row).max() for row, c in zip(found, classes, strict=True)]))


def _rows(name: str, given: ArrayLike) -> NDArray[np.float64]:
    """(n, numbers) each of mean 0 and length 1, so that products are correlations."""
    array = np.asarray(given, np.float64)
    if array.ndim < 2 or not array.size:
        raise PrivacyInputError(f'{name} has shape {array.shape}; inputs of shape (n, ...) are needed.')
    if not np.isfinite(array).all():
        raise PrivacyInputError(f'{name} has numbers that are not finite (NaN or infinite).')
    rows = array.reshape(len(array), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
