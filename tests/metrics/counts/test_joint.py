import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_component.arrays import all_rows
from privacy_component.metrics.change import auc_change_error
from privacy_component.metrics.counts import joint, roc
from tests.metrics.simulate import counts_of, naive_variance, wins

SCORES = st.one_of(st.sampled_from([0.0, -0.0, 1.0, 1e300, -1e-30, 1e-9]), st.floats(-1e6, 1e6))
ROWS = st.lists(st.tuples(SCORES, SCORES, st.booleans()), min_size=1, max_size=40)


def joint_of(candidate, baseline, is_member):
    pairs = joint.SortedPairs.of(np.asarray(candidate, float), np.asarray(baseline, float), np.asarray(is_member, bool))
    (counts,) = pairs.count(all_rows(len(is_member)), np.zeros(len(is_member), int), 1)
    return counts


def same(one, other):
    names = ('candidate', 'baseline', 'members', 'non_members', 'bits')
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def correlated(rng, n, correlation, shifts=(0.0, 0.0), digits=None):
    """Two models' scores of the same n members and n non-members."""
    is_member, common = np.arange(2 * n) < n, rng.standard_normal(2 * n)
    own = np.sqrt(1 - correlation) * rng.standard_normal((2, 2 * n))
    scores = np.sqrt(correlation) * common + own + np.outer(shifts, is_member)
    return (*(scores if digits is None else scores.round(digits)), is_member)


def naive_error(candidate, baseline, is_member):
    """DeLong's paired standard error from the definition: differences of placements, one by one."""
    sides = [np.flatnonzero(is_member), np.flatnonzero(~is_member)]
    total = 0.0
    for own, others in (sides, sides[::-1]):
        placements = [
            np.mean([wins(candidate[i], candidate[j]) for j in others])
            - np.mean([wins(baseline[i], baseline[j]) for j in others])
            for i in own
        ]
        total += naive_variance(placements) / len(own)
    return np.sqrt(total)


@pytest.mark.parametrize('digits', [None, 0])
def test_the_error_is_delongs(digits):
    drawn = correlated(np.random.default_rng(0), 40, 0.8, (0.5, 0.2), digits)
    assert auc_change_error([joint_of(*drawn)]) == pytest.approx(naive_error(*drawn), rel=1e-12)


def test_by_hand():
    # Placements of the members 1 and 2 among the non-members 0 and 3: 1/2, 1/2; of the other model (4, 2): 1, 1/2.
    # Differences -1/2, 0 with variance 1/8; of the non-members likewise 0, 1/2: the error is sqrt(1/16 + 1/16).
    counts = joint_of([1, 2, 0, 3], [4, 2, 0, 3], [1, 1, 0, 0])
    assert auc_change_error([counts]) == pytest.approx(np.sqrt(1 / 8))


def test_models_that_rank_alike_have_no_error_and_independent_ones_have_both():
    candidate, baseline, is_member = correlated(np.random.default_rng(1), 500, 0.0, (0.7, 0.7))
    assert auc_change_error([joint_of(candidate, np.exp(candidate), is_member)]) == 0.0
    variances = [roc.delong_variance(counts_of(one, is_member)) for one in (candidate, baseline)]
    error = auc_change_error([joint_of(candidate, baseline, is_member)])
    assert error == pytest.approx(np.sqrt(sum(variances)), rel=0.05)


def test_folds_and_groups_as_for_the_auc():
    folds = [joint_of(*correlated(np.random.default_rng(seed), 200, 0.9)) for seed in (1, 2)]
    errors = [auc_change_error([fold]) for fold in folds]
    assert auc_change_error(folds) == pytest.approx(np.mean(errors))  # twice the variance of independent folds
    assert auc_change_error(folds, 4.0) == pytest.approx(2 * np.mean(errors))
    too_small = joint_of([1.0, 2.0], [1.0, 2.0], [True, False])
    assert auc_change_error([folds[0], too_small]) == errors[0]


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(1, 6), st.integers(1, 30), st.randoms())
def test_any_partition_merges_to_the_same(rows, num_parts, max_pairs, random):
    whole = joint.bounded(joint_of(*zip(*rows, strict=True)), max_pairs)
    shuffled = random.sample(rows, len(rows))
    parts = [part for i in range(num_parts) if (part := shuffled[i::num_parts])]
    merged = joint.merge([joint.bounded(joint_of(*zip(*part, strict=True)), max_pairs) for part in parts])
    assert same(joint.bounded(merged, max_pairs), whole)
    assert whole.num_members == sum(is_member for _, _, is_member in rows)
    assert len(whole.candidate) <= max_pairs


def test_every_slice_has_its_rows():
    candidate, baseline, is_member = correlated(np.random.default_rng(2), 200, 0.5, digits=1)
    rows = np.repeat(np.arange(0, 400, 2), 2)
    codes = np.random.default_rng(3).integers(0, 5, len(rows))
    found = joint.SortedPairs.of(candidate, baseline, is_member).count(rows, codes, 5)
    for number, counts in enumerate(found):
        part = rows[codes == number]
        assert same(counts, joint.merge([joint_of(candidate[part], baseline[part], is_member[part])]))


@pytest.mark.parametrize('correlation', [0.5, 0.99])
def test_cut_scores_never_make_the_error_smaller(correlation):
    drawn = correlated(np.random.default_rng(4), 5000, correlation, (0.5, 0.5))
    exact = auc_change_error([joint_of(*drawn)])
    errors = [auc_change_error([joint.bounded(joint_of(*drawn), most)]) for most in (9000, 3000, 300, 10)]
    assert all(error >= exact for error in errors)
    assert all(a <= b * 1.001 for a, b in itertools.pairwise(errors))
    assert errors[0] < 1.2 * exact
