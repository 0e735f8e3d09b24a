import dataclasses

import numpy as np
import pytest

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.observations import TASKS, Observations, concatenate
from tests import synthetic


def same(one, other):
    for name in ('is_member', 'example_id', 'labels', 'outputs'):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize('task', TASKS)
def test_parts_put_together_are_the_whole(task):
    whole = synthetic.observations(task, n=50, group_size=3)
    parts = [whole.select(np.arange(100) < 30), whole.select(np.arange(30, 100))]
    same(concatenate(parts), whole)
    assert (parts[0].num_members, parts[0].num_non_members) == (30, 0)
    assert (parts[1].num_members, parts[1].num_non_members) == (20, 50)


def test_columns_of_different_length_are_named():
    one = synthetic.observations(n=5)
    with pytest.raises(PrivacyInputError, match='labels has 9 rows but is_member has 10'):
        Observations(one.is_member, one.example_id, one.labels[:9], one.outputs)


def with_columns(one):
    columns = {'gradient_norm': np.arange(10.0), 'reference_signals': np.zeros((10, 2))}
    return Observations(one.is_member, one.example_id, one.labels, one.outputs, columns=columns)


def test_columns_are_selected_and_joined_with_the_rest():
    one = dataclasses.replace(synthetic.observations(n=5), columns={})
    more = with_columns(one)
    assert more.available - one.available == {'gradient_norm', 'reference_signals'}
    assert 'group_id' not in one.available
    taken = more.select(np.array([3, 1]))
    np.testing.assert_array_equal(taken.columns['gradient_norm'], [3.0, 1.0])
    assert taken.columns['reference_signals'].shape == (2, 2)
    np.testing.assert_array_equal(concatenate([taken, more]).columns['gradient_norm'], [3.0, 1.0, *range(10)])


def test_who_needs_little_is_given_little():
    more = with_columns(synthetic.observations(n=5))
    seen = more.only(('outputs', 'gradient_norm'))
    assert set(seen.columns) == {'gradient_norm'}
    assert seen.labels.shape == (10, 0)
    assert seen.outputs is more.outputs
    assert more.only(('labels',)).outputs.shape == (10, 0)
