"""Who cannot be compared is told of, or is too many; and the gate, where people differ in size."""

import re

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, Threshold, evaluate_privacy
from privacy_component.config.settings import PeopleSettings
from privacy_component.gate.people import group_warnings
from privacy_component.metrics.counts.groups import aggregate
from privacy_component.observations.slicing import OVERALL
from tests.metrics import people


def groups_of(rows):
    scores, is_member, person = rows
    return aggregate(scores, is_member, np.zeros(len(scores), int), person, 1, 'mean')[0]


def said(rows, key=OVERALL):
    return list(group_warnings(key, groups_of(rows), PeopleSettings()))


def pairs(num_mixed, n=400):
    """Two rows for everybody: n people on either side, and some on both."""
    person = np.repeat(np.arange(2 * n + num_mixed), 2)
    is_member = person < n
    is_member[4 * n :: 2] = True
    return np.zeros(len(person)), is_member, person.astype(np.uint64)


def test_few_people_on_both_sides_are_told():
    (warning,) = said(pairs(21))
    assert warning.startswith('21 groups have both members and non-members and were left out')
    assert 'partition_feature_name' in warning
    assert said(pairs(0)) == []


def test_many_people_on_both_sides_are_an_error():
    with pytest.raises(PrivacyInputError, match=r'22 groups .*, 5% of the groups of one side.*partition_feature_name'):
        said(pairs(22))
    with pytest.raises(PrivacyInputError, match='groups have both members and non-members'):
        said(people.by_record(np.random.default_rng(0), 300))


def test_fewer_than_a_hundred_people_on_a_side_are_told():
    assert said(pairs(0, 100)) == []
    (warning,) = said(pairs(0, 99))
    assert warning.startswith('There are 99 groups of members and 99 of non-members.')
    assert said(pairs(0, 99), (('city', 'Rome'),)) == []


def test_sizes_that_one_side_lacks_are_an_error():
    rng = np.random.default_rng(0)
    with pytest.raises(PrivacyInputError, match='only 0 of 300 groups of members and 0 of 200'):
        said(people.people(rng, np.full(300, 4), np.full(200, 2)))


def test_in_a_slice_they_are_told():
    rows = people.people(np.random.default_rng(0), np.full(300, 4), np.full(200, 2))
    (warning,) = said(rows, (('city', 'Rome'),))
    assert warning.startswith('city = Rome: only 0 of 300 groups')
    small = people.people(np.random.default_rng(0), np.full(300, 4), np.full(9, 2))
    assert said(small, (('city', 'Rome'),)) == []


def test_unequal_sizes_are_told_and_equal_ones_are_not():
    (warning,) = said(people.twice_the_rows(np.random.default_rng(0), 500))
    assert re.match(r'Groups of members have [89].* and those of non-members [45]', warning)
    assert 'were left out' in warning
    # Wrong in at most 1 %: of 400 runs, more than 9 in one of a hundred.
    told = [said(people.alike(np.random.default_rng(seed), 300)) for seed in range(400)]
    assert sum(map(bool, told)) <= 9


def evaluated(rows, how):
    """By a threshold of 0.55; the logits are as sure of the label as the scores say."""
    scores, is_member, person = rows
    labels = np.random.default_rng(9).integers(0, 2, len(scores))
    config = PrivacyConfig(
        attacks=('loss_threshold',),
        thresholds=(Threshold('auc', upper_bound=0.55),),
        slices={'by_class': False},
        people={'group_aggregation': how},
    )
    logits = np.where(labels == 1, 1, -1) * (scores + 2.0)
    return evaluate_privacy(is_member=is_member, labels=labels, logits=logits, group_ids=person, config=config)


@pytest.mark.parametrize('how', ['mean', 'max', 'logsumexp'])
def test_the_gate_blocks_a_leak_and_nothing_else(how):
    """Members have twice the rows; the leak is an AUC of 0.583 between rows."""
    blocked = dict.fromkeys((0.0, people.LEAK), 0)
    for leak in blocked:
        for seed in range(10):
            rows = people.twice_the_rows(np.random.default_rng(seed), 800, leak)
            blocked[leak] += not evaluated(rows, how).verdict.blessed
    assert blocked[0.0] <= 1 and blocked[people.LEAK] >= 8


def test_what_is_left_out_is_counted_in_the_result():
    result = evaluated(people.twice_the_rows(np.random.default_rng(0), 500), 'max')
    (warning,) = result.record.warnings
    row = result.results[0]
    assert row.num_members + row.num_non_members < 1000
    assert f'{1000 - row.num_members - row.num_non_members} of 1,000 were left out' in warning
    with pytest.raises(PrivacyInputError, match='groups have both members and non-members'):
        evaluated(people.by_record(np.random.default_rng(0), 300), 'max')
