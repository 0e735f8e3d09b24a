"""Rows of one person, author or device: by how much they make intervals too narrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.counts import roc

_RATES = (0.01, 0.1, 0.5, 0.9)


def design_effect(scores: ArrayLike, is_member: ArrayLike, group_id: ArrayLike) -> float:
    """By what factor groups inflate variances over those of independent rows; at least 1.

    The largest of the factors of the AUC (clustered over plain DeLong variance) and of the rates of either side above
    eight fixed ranks, so that a group whose rows are alike in the tail only is seen too. An interval for
    n / design_effect independent rows is then valid for the n rows, without resampling. One group may have both
    members and non-members. With few groups the factor itself is uncertain: have 30 or more on either side. A side of
    one group counts as one row.

    Args:
      scores: (n,) float, higher = member.
      is_member: (n,) bool.
      group_id: (n,) integers, the group of each row.

    Raises:
      PrivacyInputError: the shapes differ, or a score is NaN.

    Reference: Obuchowski 1997, Biometrics 53, eqs. 3-6, for the AUC; Kish 1965, Survey Sampling, for the name.
    """
    members, groups = np.asarray(is_member, bool), np.asarray(group_id)
    keys = roc.score_keys(np.asarray(scores, np.float64))
    if not len(keys) == len(members) == len(groups):
        raise PrivacyInputError('scores, is_member and group_id must have one entry per row.')
    if members.all() or not members.any():
        return 1.0
    order = np.lexsort((groups, members, keys))  # so that the last bit of a sum does not depend on the rows'
    keys, members = keys[order], members[order]
    return _effect(_influences(keys, members), members, groups[order])


def change_design_effect(
    candidate: NDArray[np.float64],
    baseline: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    group_id: NDArray[np.uint64],
) -> float:
    """The same for the change of the AUC from the scores (n,) of a baseline model to those of a candidate."""
    if is_member.all() or not is_member.any():
        return 1.0
    order = np.lexsort((group_id, is_member, baseline, candidate))
    is_member, group_id = is_member[order], group_id[order]
    ours, theirs = (_placements(roc.score_keys(scores[order]), is_member) for scores in (candidate, baseline))
    return _effect([ours - theirs], is_member, group_id)


def _effect(influences: Iterable[NDArray[np.float64]], is_member: NDArray[np.bool_], group_id: NDArray) -> float:
    groups = np.unique(group_id, return_inverse=True)[1]
    num_groups = min(np.count_nonzero(np.bincount(groups[side])) for side in (is_member, ~is_member))
    if num_groups == 1:
        return float(len(groups)) if max(np.bincount(groups)) > 1 else 1.0
    factors = [_inflation(influence, groups) for influence in influences]
    # The groups' mean is estimated too, which a variance between few groups is short of.
    return min(max(1.0, max(factors) * num_groups / (num_groups - 1)), float(len(groups)))


def _influences(keys: NDArray[np.uint64], is_member: NDArray[np.bool_]) -> Iterator[NDArray[np.float64]]:
    """Per row, what it adds to the estimated AUC, and to each estimated rate; (n,) each, of mean 0 on either side."""
    yield _placements(keys, is_member)
    for side in (is_member, ~is_member):
        ordered = np.sort(keys[side])
        for rate in _RATES:
            threshold = ordered[int((1 - rate) * (len(ordered) - 1))]
            flagged = keys >= threshold
            yield np.where(side, flagged - flagged[side].mean(), 0.0)


def _placements(keys: NDArray[np.uint64], is_member: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Per row, what it adds to the estimated AUC."""
    members, non_members = np.sort(keys[is_member]), np.sort(keys[~is_member])
    placement = np.empty(len(keys))
    placement[is_member] = _centred(_share_below(keys[is_member], non_members)) / len(members)
    placement[~is_member] = -_centred(_share_below(keys[~is_member], members)) / len(non_members)
    return placement


def _inflation(influence: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """Variance of a sum over groups, over the variance of the sum if all rows were independent."""
    independent = influence @ influence
    totals = np.bincount(groups, weights=influence)
    return float(totals @ totals / independent) if independent > 0 else 1.0


def _share_below(keys: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.float64]:
    """The share of sorted `others` below each key, ties half."""
    return (np.searchsorted(others, keys, 'left') + np.searchsorted(others, keys, 'right')) / (2 * len(others))


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values - values.mean()
