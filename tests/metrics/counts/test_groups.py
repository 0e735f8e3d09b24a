import numpy as np
import pytest

from privacy_component.metrics.counts.groups import AGGREGATIONS, aggregate

# Seven rows of three people; person 8 has a training row and another, so 8 is mixed; one slice.
#   person 8: 1, 3 -> mean 2, max 3;  person 5: 0 -> 0;  person 2: 2, 2, 2, 6 -> mean 3, max 6
SCORES = np.array([1.0, 0.0, 2.0, 3.0, 2.0, 6.0, 2.0])
PERSON = np.array([8, 5, 2, 8, 2, 2, 2], np.uint64)
MEMBER = np.array([True, False, False, False, False, False, False])
ONE_SLICE = np.zeros(7, np.int64)


@pytest.mark.parametrize(
    ('how', 'expected'),
    [
        ('mean', [3, 0, 2]),
        ('max', [6, 0, 3]),
        ('logsumexp', np.log([3 * np.exp(2) + np.exp(6), 1, np.exp(1) + np.exp(3)])),
    ],
)
def test_seven_rows_worked_by_hand(how, expected):
    (groups,) = aggregate(SCORES, MEMBER, ONE_SLICE, PERSON, 1, how)
    np.testing.assert_array_equal(groups.group_id, [2, 5, 8])
    np.testing.assert_allclose(groups.scores, expected)
    np.testing.assert_array_equal(groups.num_rows, [4, 1, 2])
    np.testing.assert_array_equal(groups.member_rows, [0, 0, 1])
    assert (groups.num_members, groups.num_non_members, groups.num_mixed) == (0, 2, 1)


@pytest.mark.parametrize('how', AGGREGATIONS)
def test_equals_a_naive_twin_in_every_slice(how):
    rng = np.random.default_rng(3)
    scores, person, codes = rng.standard_normal(400), rng.integers(0, 60, 400), rng.integers(0, 4, 400)
    member = rng.random(400) < 0.2
    slices = aggregate(scores, member, codes, person.astype(np.uint64), 5, how)
    naive = {'mean': np.mean, 'max': np.max, 'logsumexp': lambda s: np.log(np.exp(s).sum())}[how]
    assert len(slices) == 5 and not len(slices[4].group_id)
    for code, groups in enumerate(slices[:4]):
        rows = [np.flatnonzero((codes == code) & (person == p)) for p in np.unique(person[codes == code])]
        np.testing.assert_array_equal(groups.group_id, np.unique(person[codes == code]))
        np.testing.assert_allclose(groups.scores, [naive(scores[part]) for part in rows])
        np.testing.assert_array_equal(groups.member_rows, [member[part].sum() for part in rows])
        np.testing.assert_array_equal(groups.num_rows, [len(part) for part in rows])


def test_order_of_rows_does_not_matter_to_the_last_bit():
    rng = np.random.default_rng(4)
    scores, person = rng.standard_normal(300), rng.integers(0, 9, 300).astype(np.uint64)
    order = rng.permutation(300)
    for how in AGGREGATIONS:
        (one,) = aggregate(scores, person > 4, np.zeros(300, int), person, 1, how)
        (other,) = aggregate(scores[order], person[order] > 4, np.zeros(300, int), person[order], 1, how)
        np.testing.assert_array_equal(one.scores, other.scores)


def test_nothing_in_nothing_out():
    (nothing,) = aggregate(SCORES[:0], MEMBER[:0], ONE_SLICE[:0], PERSON[:0], 1, 'mean')
    assert not len(nothing.scores) and nothing.counts().num_members == 0
