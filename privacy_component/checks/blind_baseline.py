"""The blind baseline: a classifier that tells members from non-members by features alone, without the model.

If it can, the splits differ in more than membership, and an attack's figures mix that difference in (Das, Zhang and
Tramer 2024, arXiv 2406.16201). It is fitted on one fold of a bounded sample and scores the other. Folds come from the
hash of the example, or of the group, so that copies are never on both sides of a fold.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from privacy_component.checks.check import WARN, CheckInfo, Finding
from privacy_component.checks.evidence import BlindFigures, Evidence, LabelFigures
from privacy_component.checks.feature_sample import CATEGORY, FeatureSample, Input
from privacy_component.checks.sketches import DistinctCounts, below
from privacy_component.hashing import mix
from privacy_component.metrics.confidence import auc_lower
from privacy_component.metrics.counts import roc
from privacy_component.metrics.curve import summarize_folds

# One false alarm in a hundred evaluations of splits that do not differ.
ALPHA = 0.01
# An AUC below one half is rarer by far without a cause than it is with one, so it may be asked for more evidence.
ALPHA_BELOW = 0.001
FEWEST_PER_SIDE = 100
_FEWEST_PER_FOLD = 40  # folds are drawn, so they are not of one size
_FOLDS = 2
_MOST_CATEGORIES = 64
_BINS = 16
_FEATURES_NAMED = 3


def blind_baseline(evidence: Evidence) -> Finding | str:
    """Whether members and non-members can be told apart without the model."""
    found = evidence.blind
    if isinstance(found, str):
        return found
    can, is_below = found.lower > 0.5, found.upper < 0.5
    numbers = f'AUC = {found.auc:.3f} (lower limit at {100 * (1 - ALPHA):g} %: {found.lower:.3f})'
    message = f'A classifier that never sees the model is not shown to tell members from non-members: {numbers}'
    if can:
        message = (
            'A classifier that never sees the model tells members from non-members by their features alone, '
            f'{numbers}, most by {", ".join(found.features)}. The splits differ in more than membership (time, source, '
            'filter), so attack figures measure that difference too: they can show a leak that is none, or hide one. '
            'Split at random, or evaluate members against non-members of the same time and source'
        )
        message += _class_mix(evidence.answers.labels)
    if is_below:
        message = (
            'A classifier that never sees the model tells members from non-members by their features, but the wrong '
            f'way round: AUC = {found.auc:.3f} (upper limit at {100 * (1 - ALPHA_BELOW):g} %: {found.upper:.3f}). What '
            'it has met on one side it meets again on the other: non-members are near-copies of members, so the model '
            'was as good as trained on them, and a leak reads too low. Remove near-copies before the data are split'
        )
    figures = {
        'auc': found.auc,
        'lower': found.lower,
        'upper': found.upper,
        'num_members': found.num_members,
        'num_non_members': found.num_non_members,
        'num_inputs': found.num_inputs,
    }
    return Finding(can or is_below, f'{message}.', figures)


def _class_mix(labels: LabelFigures) -> str:
    """What to do where the two sides hold the classes in other shares."""
    if labels.mix_p_value > ALPHA:
        return ''
    return (
        f'. The classes are mixed differently on the two sides (total variation {labels.mix_distance:.2f}), and all '
        'examples together can hide a leak that each class shows: read the attacks class by class, with '
        'PrivacyConfig.slices.by_class'
    )


def measure_blind(
    sample: FeatureSample, counts: DistinctCounts, is_grouped: bool = False, seed: int = 0
) -> BlindFigures | str:
    """How well the two sides of a sample can be told apart.

    Args:
      sample: features of distinct examples of either side.
      counts: how often each example stands on either side.
      is_grouped: whether the sample's units are groups of examples.
      seed: of folds.

    Returns:
      The figures; or why there are none, as text.
    """
    rows = one_per_unit(one_side_each(sample, counts)) if is_grouped else one_side_each(sample, counts)
    fold = (mix(rows.units, seed + 2) % np.uint64(_FOLDS)).astype(np.int64)
    sizes = [int(np.count_nonzero((fold == i) & (rows.is_member == side))) for i in range(_FOLDS) for side in (0, 1)]
    if min(sizes) < _FEWEST_PER_FOLD:
        return (
            f'Too few distinct examples to learn from: {sum(sizes[1::2]):,} members and {sum(sizes[::2]):,} '
            f'non-members; about {FEWEST_PER_SIDE} each are needed.'
        )
    names, table = _table(rows)
    if not names:
        return 'No feature varies.'
    scores = _scores(table, rows.is_member, fold, [name.part == CATEGORY for name in names])
    folds = [_count(scores[fold == i], rows.is_member[fold == i]) for i in range(_FOLDS)]
    curve = summarize_folds(folds)
    assert curve is not None
    return BlindFigures(
        auc=curve.auc,
        lower=auc_lower(curve, ALPHA),
        upper=1 - auc_lower(curve.reversed(), ALPHA_BELOW),
        num_members=curve.num_members,
        num_non_members=curve.num_non_members,
        num_inputs=len(names),
        features=_most_different(names, table, rows.is_member),
    )


def one_side_each(sample: FeatureSample, counts: DistinctCounts) -> FeatureSample:
    """Every distinct example once, on the side of one of its copies, drawn by its hash.

    Without a difference between the sides each copy is as likely to be a member as any other, so a draw is too,
    whatever the number of copies; and draws of different examples are independent, as copies of one are not.
    """
    sample = sample.select(below(sample.hashes, counts.limit))
    members, non_members = counts.at(sample.hashes)
    drawn = mix(sample.hashes, 3) % (members + non_members).astype(np.uint64)
    return sample.select((drawn < members.astype(np.uint64)) == sample.is_member)


def one_per_unit(sample: FeatureSample) -> FeatureSample:
    """Of every unit the example with the smallest hash, of those below both sides' limits."""
    sample = sample.select(below(sample.hashes, min(sample.limits)))
    _, first = np.unique(sample.units, return_index=True)
    return sample.select(np.sort(first))


def _table(sample: FeatureSample) -> tuple[list[Input], NDArray[np.float64]]:
    """(n, inputs) numbers, and codes for categories; inputs that do not vary are left out."""
    columns = {}
    for name, values in sample.columns().items():
        column = _codes(values) if name.part == CATEGORY else values
        if np.any((column != column[0]) & ~(np.isnan(column) & np.isnan(column[0]))):
            columns[name] = column
    return list(columns), np.column_stack(list(columns.values())) if columns else np.zeros((len(sample), 0))


def _codes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The commonest categories as 0, 1, 2 ..., all others as one more; NaN stays."""
    distinct, position, times = np.unique(values, return_inverse=True, return_counts=True, equal_nan=False)
    rank = np.empty(len(distinct), np.int64)
    rank[np.lexsort((distinct, -times))] = np.arange(len(distinct))
    return np.where(np.isnan(values), np.nan, np.minimum(rank[position], _MOST_CATEGORIES))


def _scores(
    table: NDArray[np.float64], is_member: NDArray[np.bool_], fold: NDArray[np.int64], is_category: Sequence[bool]
) -> NDArray[np.float64]:
    """(n,) out of fold, on one thread, higher = more like a member."""
    scores = np.zeros(len(table))
    if table.shape[1] == 1 and len(np.unique(table)) <= _MOST_CATEGORIES:
        return _shares(_codes(table[:, 0]).astype(np.int64), is_member, fold)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for number in range(_FOLDS):
            held_out = fold == number
            model = _classifier(int(np.count_nonzero(~held_out)), is_category)
            scores[held_out] = model.fit(table[~held_out], is_member[~held_out]).decision_function(table[held_out])
    return scores


def _shares(codes: NDArray[np.int64], is_member: NDArray[np.bool_], fold: NDArray[np.int64]) -> NDArray[np.float64]:
    """The same of one category alone: the share of members among the other fold's examples that have it."""
    scores = np.zeros(len(codes))
    width = int(codes.max()) + 1
    for number in range(_FOLDS):
        held_out = fold == number
        members, all_ = (np.bincount(codes[rows], minlength=width) for rows in (~held_out & is_member, ~held_out))
        scores[held_out] = ((members + 1) / (all_ + 2))[codes[held_out]]
    return scores


def _classifier(num_examples: int, is_category: Sequence[bool]) -> Any:
    # Loading scikit-learn takes a second that evaluations without this check need not pay.
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        learning_rate=0.1, max_iter=50, max_leaf_nodes=8, min_samples_leaf=int(np.clip(num_examples / 100, 5, 50)),
        l2_regularization=1.0, categorical_features=list(is_category), class_weight='balanced', early_stopping=False,
        random_state=0,
    )  # fmt: skip


def _count(scores: NDArray[np.float64], is_member: NDArray[np.bool_]) -> roc.RocCounts:
    return roc.count_scores(roc.score_keys(scores), is_member)


def _most_different(names: Sequence[Input], table: NDArray, is_member: NDArray[np.bool_]) -> tuple[str, ...]:
    """The features whose values are distributed most differently, by total variation over bins."""
    distance: dict[str, float] = {}
    for name, column in zip(names, table.T, strict=True):
        distance[name.feature] = max(distance.get(name.feature, 0.0), _total_variation(column, is_member))
    return tuple(sorted(distance, key=lambda feature: (-distance[feature], feature))[:_FEATURES_NAMED])


def _total_variation(column: NDArray[np.float64], is_member: NDArray[np.bool_]) -> float:
    known = column[~np.isnan(column)]
    edges = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS, method='lower'))
    bins = np.where(np.isnan(column), len(edges) + 1, np.searchsorted(edges, column, side='right'))
    shares = [np.bincount(bins[side], minlength=len(edges) + 2) / side.sum() for side in (is_member, ~is_member)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


BLIND_BASELINE = CheckInfo(
    look=blind_baseline,
    default=WARN,
    meaning='If members and non-members differ in more than membership, an attack tells that difference too: it can '
    'show a leak that is none, or hide one.',
)
