"""The slices of a job, however they are asked for."""

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from privacy_component import SlicingSpec, Threshold
from privacy_component.observations.slicing import against_all
from tests.beam.arrays import assert_same_figures, evaluated, load
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


@pytest.mark.parametrize(
    'settings',
    [
        {},
        {'attacks': ('loss_threshold', 'logistic_regression')},
        {
            'people': {'group_key': 'owner', 'group_aggregation': 'mean'},
            'attacks': ('loss_threshold', 'logistic_regression'),
        },
        {'thresholds': (Threshold('auc', absolute=0.1), Threshold('advantage', absolute=0.1))},
        {'people': {'group_key': 'owner', 'group_aggregation': 'max'}, 'thresholds': (Threshold('auc', absolute=0.1),)},
    ],
    ids=['levels', 'learns', 'groups', 'changes', 'changes of groups'],
)
def test_one_sided_slices_equal_those_of_arrays(tmp_path, settings):
    """Members beside all non-members are the same to the last bit, however the job's parts were merged."""
    one_sided = w.World(tmp_path).write(leak=True)
    for split, few in (('train', 250), ('eval', 4)):
        rows = w.make_rows(600, len(split), leak=split == 'train')
        rows = [r | {'color': 'teal'} if i < few else r for i, r in enumerate(rows)]
        one_sided.replace_rows(split, [r | {'owner': f'{split} {i // 3}'} for i, r in enumerate(rows)])
    config = w.config(**settings)
    halved = {'respond': lambda logits: {'outputs': logits / 2}}
    is_changed = any(threshold.is_change for threshold in config.thresholds)
    found = load(one_sided.run(config, inputs=one_sided.with_baseline(**halved) if is_changed else None))
    expected = evaluated(one_sided, config, baseline=(lambda logits: logits / 2) if is_changed else None)
    assert_same_figures(found, expected, at_least=len(config.attacks) * 5)
    keys = {r.slice_key for r in found.results}
    assert against_all((('color', 'teal'),)) in keys and (('color', 'teal'),) not in keys
    for result in (found, expected):
        (told,) = (one for one in result.checks if one.name == 'slice_values')
        assert told.status == 'warning' and 'color = teal' in told.message
