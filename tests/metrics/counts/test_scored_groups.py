"""Groups are compared within sizes: no leak where there is none, and as much of one as there is."""

import numpy as np
import pytest

from privacy_component.metrics import confidence, curve
from privacy_component.metrics.counts import roc
from privacy_component.metrics.counts.against import members_against
from privacy_component.metrics.counts.groups import AGGREGATIONS, aggregate
from privacy_component.metrics.counts.scored_groups import GroupPairs, ScoredGroups
from tests.metrics import people
from tests.metrics.simulate import counts_of, naive_auc, pairs_of_sides

RUNS = 150


def groups_of(scores, is_member, sizes, ids=None):
    """Groups that are all on one side."""
    sizes = np.asarray(sizes, np.int64)
    ids = np.arange(len(sizes)) if ids is None else ids
    return ScoredGroups(np.asarray(ids, np.uint64), np.asarray(scores, float), sizes * np.asarray(is_member), sizes)


def of_rows(rows, how):
    scores, is_member, person = rows
    return aggregate(scores, is_member, np.zeros(len(scores), int), person, 1, how)[0]


def test_standings_within_a_size_by_hand():
    # Size 1: 5 (member), 3; size 2: 90 (member), 70, 70 (member).
    groups = groups_of([5, 3, 90, 70, 70], [1, 0, 1, 0, 1], [1, 1, 2, 2, 2])
    scores, is_member = groups.compared()
    np.testing.assert_allclose(scores, [1.5 / 2, 0.5 / 2, 2.5 / 3, 1 / 3, 1 / 3])
    assert is_member.tolist() == [True, False, True, False, True]


def test_one_size_is_left_as_it_is():
    rng = np.random.default_rng(0)
    scores, is_member = rng.standard_normal(50), rng.random(50) < 0.5
    for sizes in (np.full(50, 7), rng.integers(16, 18, 50)):
        found = groups_of(scores, is_member, sizes).compared()
        np.testing.assert_array_equal(found[0], scores)
        np.testing.assert_array_equal(found[1], is_member)


@pytest.mark.parametrize('seed', range(5))
def test_the_auc_is_that_within_sizes_weighted_by_overlap(seed):
    """Of each size the AUC of its own, weighted by the harmonic mean of its members and non-members."""
    rng = np.random.default_rng(seed)
    sizes, is_member = rng.integers(1, 5, 4000), rng.random(4000) < 0.5
    scores = rng.standard_normal(4000) + sizes * is_member / 10 + 3 * sizes
    parts = [pairs_of_sides(scores[sizes == size], is_member[sizes == size]) for size in range(1, 5)]
    weights = [len(a) * len(b) / (len(a) + len(b)) for a, b in parts]
    expected = np.average([naive_auc(a, b) for a, b in parts], weights=weights)
    groups = groups_of(scores, is_member, sizes)
    assert len(groups.comparable) == 4000
    assert roc.auc(groups.counts()) == pytest.approx(expected, abs=0.002)


def test_who_is_compared():
    sizes = np.array([1] * 20 + [2] * 20 + [3] * 10)
    is_member = np.array([True] * 10 + [False] * 10 + [True] * 16 + [False] * 4 + [True] * 10)
    groups = groups_of(np.zeros(50), is_member, sizes, ids=np.arange(50) * 977)
    kept = groups.select(groups.comparable)
    # 36 members to 14 non-members: of size 1 at most 3 / 2 * 10 * 14 / 36 non-members stay, rounded up; of 3 nobody.
    found = {size: kept.select(kept.num_rows == size) for size in (1, 2, 3)}
    assert {size: (part.num_members, part.num_non_members) for size, part in found.items()} == {
        1: (10, 6),
        2: (16, 4),
        3: (0, 0),
    }


def test_groups_of_one_side_only_all_stay():
    assert len(groups_of(np.zeros(9), np.ones(9), np.arange(1, 10)).comparable) == 9


def test_scores_do_not_choose_who_is_compared():
    groups = of_rows(people.twice_the_rows(np.random.default_rng(0), 200), 'mean')
    other = ScoredGroups(groups.group_id, -groups.scores, groups.member_rows, groups.num_rows)
    np.testing.assert_array_equal(groups.comparable, other.comparable)
    pairs = GroupPairs(groups, other).counts()
    assert (pairs.num_members, pairs.num_non_members) == (groups.counts().num_members, groups.counts().num_non_members)


def test_members_of_a_part_against_the_non_members_of_all():
    rng = np.random.default_rng(1)
    whole = of_rows(people.alike(rng, 300), 'mean')
    part = whole.select(np.flatnonzero(whole.members)[:40])
    beside = members_against(part, whole)
    assert (beside.num_members, beside.num_non_members) == (40, 300)
    assert np.all(np.diff(beside.group_id.astype(np.int64)) > 0)


def simulated(world, n, leak, how):
    """AUCs, lower and upper limits at 5 % each, of raw scores and of those compared."""
    figures = []
    for seed in range(RUNS):
        groups = of_rows(world(np.random.default_rng(seed), n, leak), how)
        raw, found = (curve.summarize(c) for c in (counts_of(groups.scores, groups.member_rows > 0), groups.counts()))
        limits = (limit(found, 0.05) for limit in (confidence.auc_lower, confidence.auc_upper))
        figures.append([raw.auc, found.auc, *limits, confidence.auc_lower(raw, 0.05)])
    return np.array(figures).T


@pytest.mark.parametrize('world', [people.twice_the_rows, people.by_record])
def test_sizes_alone_look_like_no_leak(world):
    """What is read as one from raw scores is not, and 5 % limits are wrong in at most 5 %."""
    raws = []
    for how in AGGREGATIONS:
        raw, auc, lower, upper, _ = simulated(world, 300, 0.0, how)
        assert abs(auc.mean() - 0.5) < max(3 * auc.std() / np.sqrt(RUNS), 0.002), how
        # Of 150 runs at 5 % more than 14 are wrong in one of a hundred.
        assert np.count_nonzero(lower > 0.5) <= 14 and np.count_nonzero(upper < 0.5) <= 14, how
        raws.append(abs(raw.mean() - 0.5))
    assert max(raws) > 0.1


@pytest.mark.parametrize(('world', 'n'), [(people.twice_the_rows, 600), (people.by_record, 1500), (people.alike, 600)])
def test_a_leak_in_every_row_is_found(world, n):
    for how in AGGREGATIONS:
        _, auc, lower, _, _ = simulated(world, n, people.LEAK, how)
        assert 0.57 < auc.mean() < 0.68, how
        assert np.mean(lower > 0.55) > (0.7 if how == 'max' else 0.9), how


def test_nothing_is_lost_where_sizes_are_alike():
    for how in AGGREGATIONS:
        _, _, lower, _, raw_lower = simulated(people.alike, 400, people.LEAK, how)
        assert np.mean(lower > 0.55) >= np.mean(raw_lower > 0.55) - 0.03, how
