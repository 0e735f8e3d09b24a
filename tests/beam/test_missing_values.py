"""Examples without a value of a feature: in no slice by it, as with TFMA, or in one of their own."""

import collections

import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from privacy_component import PrivacyInputError, SlicingSpec, Threshold
from tests.beam.arrays import assert_same_figures, evaluated, load, value_of
from tests.component import world as w

MISSING = '<missing>'


def gappy_world(root, change=lambda i, row: {'color': None if row['color'] == w.LEAKY_COLOR else row['color']}):
    """A world in which, unless told otherwise, exactly the rows that leak have no color."""
    world = w.World(root).write(num_rows=8)
    for split, seed, leak in (('train', 1, True), ('eval', 2, False)):
        rows = w.make_rows(600, seed, leak)
        world.replace_rows(split, [row | change(i, row) for i, row in enumerate(rows)])
    return world


def sizes(result):
    return {r.slice_key: (r.num_members, r.num_non_members) for r in result.results if r.attack == 'loss_threshold'}


def naive_sizes(world, *names, missing=None):
    """How many examples have each combination of values; without `missing`, those with all of them."""
    found = collections.defaultdict(lambda: [0, 0])
    for side, split in enumerate(('train', 'eval')):
        for record in world.records(split):
            features = tf.train.Example.FromString(record).features.feature
            values = [value_of(features[name]) for name in names]
            if missing or None not in values:
                key = [(name, missing if value is None else value) for name, value in zip(names, values, strict=True)]
                found[tuple(key)][side] += 1
    return {key: tuple(counts) for key, counts in found.items()}


def by(found, *names):
    return {key: size for key, size in found.items() if tuple(name for name, _ in key) == names}


def both_gappy(i, row):
    return {'color': None if i % 3 == 0 else row['color'], 'size': None if i % 4 == 0 else row['size']}


@pytest.mark.parametrize('slice_missing', [False, True])
def test_sizes_of_slices_and_crosses(tmp_path, slice_missing):
    world = gappy_world(tmp_path, both_gappy)
    found = sizes(load(world.run(privacy_config=w.config(slices={'missing': slice_missing}))))
    missing = MISSING if slice_missing else None
    assert found[()] == (600, 600)
    for names in (('color',), ('color', 'size')):
        assert by(found, *names) == naive_sizes(world, *names, missing=missing)
    assert len(by(found, 'color')) == 3 + slice_missing
    assert len(by(found, 'color', 'size')) == (4 * 3 if slice_missing else 3 * 2)


def test_the_job_finds_what_is_found_on_arrays(tmp_path):
    attacks = ('loss_threshold', 'logistic_regression')
    world, chosen = gappy_world(tmp_path), w.config(slices={'missing': True}, attacks=attacks)
    found = load(world.run(privacy_config=chosen))
    assert_same_figures(found, evaluated(world, chosen), at_least=2 * (1 + 3 + w.NUM_CLASSES))
    assert (('color', MISSING),) in sizes(found)


def test_a_leak_among_them_is_found_and_blocks(tmp_path):
    world = gappy_world(tmp_path)
    among = SlicingSpec(feature_values={'color': MISSING})
    limits = (Threshold('auc', 0.75, slicing_specs=(among,)),)
    verdict = load(world.run(privacy_config=w.config(thresholds=limits, slices={'missing': True}))).verdict
    assert 'color = <missing>' in verdict.reasons[0]
    assert 'a leak is shown' in verdict.reasons[0]
    unasked = load(world.run(privacy_config=w.config(thresholds=limits))).verdict
    assert not unasked.blessed
    assert 'which the data do not have' in unasked.reasons[0]


def test_a_feature_that_a_whole_split_lacks(tmp_path):
    world = gappy_world(tmp_path)
    rows = [{name: value for name, value in row.items() if name != 'color'} for row in w.make_rows(600, 2, False)]
    world.replace_rows('eval', rows)
    found = sizes(
        load(world.run(privacy_config=w.config(slices={'missing': True}, people={'min_reported_examples': 0})))
    )
    members = naive_sizes(world, 'color', missing=MISSING)[(('color', MISSING),)][0]
    assert found[(('color', MISSING),)] == (members, 600)
    assert found[(('color', 'blue'),)][1] == 0


@pytest.mark.parametrize('slice_missing', [False, True])
@pytest.mark.parametrize(
    'spec',
    [
        {'feature_keys': ['colour']},
        {'feature_keys': ['colour', 'size']},
        pytest.param({'feature_values': {'colour': MISSING}}, id='value'),
    ],
)
def test_a_feature_that_no_example_has_is_still_an_error(tmp_path, slice_missing, spec):
    evaluation = tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(label_key='label')], slicing_specs=[tfma.SlicingSpec(**spec)]
    )
    run = w.World(tmp_path).write()
    config = w.config(slices={'missing': slice_missing})
    if 'feature_values' in spec and not slice_missing:
        assert not load(run.run(privacy_config=config, evaluation=evaluation)).verdict.blessed
        return
    with pytest.raises(PrivacyInputError, match="names the feature 'colour', which no example has"):
        run.run(privacy_config=config, evaluation=evaluation)


def test_through_tfmas_extractors(tmp_path):
    class ByName(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, w.NUM_CLASSES], tf.float32, name='logits')])
        def serve(self, logits):
            return {'outputs': tf.identity(logits)}

    world, config = gappy_world(tmp_path, both_gappy), w.config(slices={'missing': True})
    direct = load(world.run(privacy_config=config))
    model = ByName()
    tf.saved_model.save(model, str(tmp_path / 'model' / 'Format-Serving'), signatures={'serving_default': model.serve})
    named = load(world.run(privacy_config=config))
    assert named.record.model_called == "by TFMA's extractors"
    assert [r.row() for r in named.results] == [r.row() for r in direct.results]
