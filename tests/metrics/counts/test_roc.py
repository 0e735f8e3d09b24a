import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.counts import roc
from tests.metrics.simulate import (
    SEVEN_MEMBERS,
    SEVEN_SCORES,
    counts_of,
    key_scores,
    naive_auc,
    naive_delong_variance,
    naive_points,
    pairs_of_sides,
    seven,
)

scores = st.lists(st.floats(allow_nan=False), min_size=2, max_size=40)
few_scores = st.lists(st.sampled_from([-1.5, -0.0, 0.0, 0.25, 3.0]), min_size=2, max_size=40)


def same(a, b):
    assert a.bits == b.bits
    for field in ('keys', 'members', 'non_members'):
        x, y = getattr(a, field), getattr(b, field)
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def labelled(values, seed):
    """The values with one member and one non-member at least."""
    is_member = np.random.default_rng(seed).random(len(values)) < 0.5
    is_member[:2] = True, False
    return np.array(values), is_member


def test_seven_rows_by_hand():
    # Members beat non-members: 9 and 8 beat 7, 6, 4 (3 each); 6 ties 6 and beats 4 (1.5); 5 beats 4 (1).
    # AUC = (3 + 3 + 1.5 + 1) / 12 = 8.5 / 12.
    assert roc.auc(seven()) == pytest.approx(8.5 / 12, abs=1e-15)
    # Shares of non-members below each member: 1, 1, 1/2, 1/3; mean 17/24; squares of the deviations
    # (7, 7, -5, -9)^2 / 24^2 = 204 / 576; variance 204 / 576 / 3, over 4 members: 204 / 6912.
    # Shares of members above each non-member: 7: 2/4, 6: 2.5/4, 4: 4/4; mean 17/24; deviations
    # (-5, -2, 7)^2 / 24^2 = 78 / 576; variance 78 / 576 / 2, over 3 non-members: 78 / 3456.
    assert roc.delong_variance(seven()) == pytest.approx(204 / 6912 + 78 / 3456, abs=1e-15)
    false_positives, true_positives = roc.staircase(seven())
    assert false_positives.tolist() == [0, 0, 0, 1, 2, 2, 3]
    assert true_positives.tolist() == [0, 1, 2, 2, 3, 4, 4]


@given(values=scores | few_scores, seed=st.integers(0, 99))
@settings(deadline=None)
def test_naive_twins(values, seed):
    values, is_member = labelled(values, seed)
    counts = counts_of(values, is_member)
    members, non_members = pairs_of_sides(values, is_member)
    assert roc.auc(counts) == pytest.approx(naive_auc(members, non_members), abs=1e-12)
    if min(len(members), len(non_members)) > 1:
        assert roc.delong_variance(counts) == pytest.approx(naive_delong_variance(members, non_members), abs=1e-12)
    false_positives, true_positives = roc.staircase(counts)
    points = naive_points(members, non_members)
    np.testing.assert_allclose(false_positives / len(non_members), [fpr for fpr, _ in points])
    np.testing.assert_allclose(true_positives / len(members), [tpr for _, tpr in points])


@given(values=scores | few_scores, seed=st.integers(0, 99), parts=st.integers(1, 5))
@settings(deadline=None)
def test_any_partition_merges_to_the_same_bits(values, seed, parts):
    values, is_member = labelled(values, seed)
    part = np.random.default_rng(seed).integers(0, parts, len(values))
    pieces = [counts_of(values[part == i], is_member[part == i]) for i in range(parts)]
    whole = counts_of(values, is_member)
    same(roc.merge(pieces), whole)
    same(roc.merge([roc.merge(pieces[::-1][:2]), *pieces[::-1][2:]]), whole)


@given(values=scores, seed=st.integers(0, 99), max_keys=st.integers(1, 12), parts=st.integers(1, 4))
@settings(deadline=None)
def test_bounding_the_parts_first_changes_nothing(values, seed, max_keys, parts):
    values, is_member = labelled(values, seed)
    part = np.random.default_rng(seed).integers(0, parts, len(values))
    pieces = [roc.bounded(counts_of(values[part == i], is_member[part == i]), max_keys) for i in range(parts)]
    whole = counts_of(values, is_member)
    bounded = roc.bounded(whole, max_keys)
    same(roc.bounded(roc.merge(pieces), max_keys), bounded)
    assert len(bounded.keys) <= max_keys
    if bounded.bits < 64:  # one bit more would have been too many
        assert len(roc.truncate(whole, bounded.bits + 1).keys) > max_keys


@given(values=scores, seed=st.integers(0, 99), bits=st.integers(0, 64))
@settings(deadline=None)
def test_truncation_stays_within_its_bound(values, seed, bits):
    values, is_member = labelled(values, seed)
    exact = counts_of(values, is_member)
    cut = roc.truncate(exact, bits)
    assert (cut.num_members, cut.num_non_members) == (exact.num_members, exact.num_non_members)
    assert abs(roc.auc(cut) - roc.auc(exact)) <= roc.auc_error_bound(cut) + 1e-12
    assert roc.auc_error_bound(exact) == 0


def test_the_bound_can_be_reached():
    cut = roc.truncate(counts_of([1.0, 2.0], [False, True]), 0)
    assert roc.auc(cut) == 0.5  # in truth 1
    assert roc.auc_error_bound(cut) == 0.5


def test_a_million_scores_fit_in_a_few_thousand_keys():
    rng = np.random.default_rng(0)
    counts = counts_of(rng.standard_normal(100_000), rng.random(100_000) < 0.5)
    bounded = roc.bounded(counts, 4096)
    assert 1000 < len(bounded.keys) <= 4096
    assert roc.auc_error_bound(bounded) < 5e-4
    assert abs(roc.auc(bounded) - roc.auc(counts)) < 5e-4


@given(values=scores)
def test_keys_order_like_scores_and_lead_back(values):
    values = np.array(values)
    keys = roc.score_keys(values)
    for i in range(len(values)):
        for j in range(len(values)):
            assert (keys[i] < keys[j]) == (values[i] < values[j])
    np.testing.assert_array_equal(key_scores(keys), values)


def test_nan_scores_are_refused():
    with pytest.raises(PrivacyInputError, match='1 of 3 scores are NaN'):
        roc.score_keys(np.array([0.0, np.nan, np.inf]))


@pytest.mark.parametrize('repeated', [False, True])
def test_slices_count_their_own_rows(repeated):
    rng = np.random.default_rng(3)
    values, is_member = np.round(rng.standard_normal(500), 1), rng.random(500) < 0.5
    rows = np.sort(rng.integers(0, 500, 700)) if repeated else np.arange(500)
    codes = rng.integers(0, 7, len(rows))
    codes[codes == 4] = 5  # slice 4 is empty
    keys = roc.score_keys(values)
    counted = roc.SortedScores.of(keys, is_member).count(rows, codes, 7)
    for code, counts in enumerate(counted):
        mine = rows[codes == code]
        same(counts, counts_of(values[mine], is_member[mine]))
    if not repeated:
        for a, b in zip(counted, roc.count_by_slice(codes, 7, keys, is_member), strict=True):
            same(a, b)


def test_calibrated_scores_are_shares_of_examples_below():
    # 4, 5, 6 and 6, 7, 8, 9: of seven, 0.5, 1.5, 3, 4.5, 5.5 and 6.5 are below, ties half.
    calibrated = roc.calibrated(seven())
    np.testing.assert_allclose(key_scores(calibrated.keys) * 7, [0.5, 1.5, 3, 4.5, 5.5, 6.5])
    assert calibrated.members.tolist() == seven().members.tolist()
    assert roc.auc(calibrated) == roc.auc(seven())


def test_the_seven_rows_are_what_the_comments_say():
    assert (SEVEN_MEMBERS.sum(), len(SEVEN_SCORES)) == (4, 7)


@pytest.mark.parametrize('scale', [1, 10**6, 3 * 10**9, 2**40])
def test_figures_of_any_number_of_examples_are_exact(scale):
    """With 3e9 a side, twice the number of pairs no longer fits 64 bits."""
    members, non_members = np.array([1, 1, 4], np.int64) * scale, np.array([3, 2, 1], np.int64) * scale
    counts = roc.RocCounts(np.arange(3, dtype=np.uint64), members, non_members, bits=32)
    # Pairs won, ties half, by the members at 0, 1, 2: 1 x 3/2, 1 x (3 + 2/2), 4 x (5 + 1/2) of 6 x 6.
    assert roc.auc(counts) == (1.5 + 4 + 22) / 36
    assert roc.auc_error_bound(counts) == (3 + 2 + 4) / 72
    assert roc.delong_variance(counts) * scale == pytest.approx(roc.delong_variance(small_counts()), rel=0.2)


def small_counts():
    return roc.RocCounts(np.arange(3, dtype=np.uint64), np.array([1, 1, 4]), np.array([3, 2, 1]))
