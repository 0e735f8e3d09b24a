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


def test_signals_are_columns_too():
    one = synthetic.observations(n=5)
    more = Observations(
        one.is_member, one.example_id, one.labels, one.outputs, signals={'gradient_norm': np.arange(10.0)}
    )
    assert more.has('signals.gradient_norm')
    assert not one.has('signals.gradient_norm')
    assert not one.has('group_id')
    np.testing.assert_array_equal(more.select(np.array([3, 1])).signals['gradient_norm'], [3.0, 1.0])
