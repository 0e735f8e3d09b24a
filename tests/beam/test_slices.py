"""The slices of a job, however they are asked for."""

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from privacy_component import SlicingSpec
from tests.beam.arrays import load
from tests.component import world as w

RED = SlicingSpec(feature_values={'color': 'red'})


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    return w.World(tmp_path_factory.mktemp('world')).write(leak=True)


def test_a_slice_that_is_asked_for_twice_counts_once(world):
    config = w.config(slicing_specs=(RED, SlicingSpec(('size', 'color')), SlicingSpec(('color',)), RED))
    evaluation = w.eval_config(example_weight_key='size')
    evaluation.slicing_specs.append(tfma.SlicingSpec(feature_values={'color': 'red'}))
    once = load(world.run(w.config(), w.eval_config(example_weight_key='size')))
    twice = load(world.run(config, evaluation))
    assert [r.row() for r in twice.results] == [r.row() for r in once.results]
    assert twice.verdict.comparisons == once.verdict.comparisons
    records = [tf.train.Example.FromString(record).features.feature for record in world.records('train')]
    num_red = sum(one['color'].bytes_list.value[0] == b'red' for one in records)
    assert {r.num_members for r in twice.results if r.slice == 'color = red'} == {num_red}
