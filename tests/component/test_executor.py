"""The real executor on a small world: what it finds, writes and refuses."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from privacy_component import PrivacyResult, SlicingSpec, Threshold, evaluate_privacy
from privacy_component.component import executor
from privacy_component.observations.slicing import OVERALL
from tests.component import world as w


@pytest.fixture(scope='module')
def leaky(tmp_path_factory):
    """A leaky world and what its evaluation wrote."""
    world = w.World(tmp_path_factory.mktemp('leaky')).write()
    return world, world.run()


def load(outputs) -> PrivacyResult:
    return PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json')


def result_for(result, slice_name, attack='loss_threshold'):
    return next(r for r in result.results if (r.slice, r.attack) == (slice_name, attack))


def test_a_leak_in_one_slice_is_found_and_blocked(leaky):
    _, outputs = leaky
    result = load(outputs)
    assert not result.verdict.blessed
    assert result.verdict.reasons[0].startswith('color = red')
    assert result_for(result, 'color = red').metrics['auc'].lower > 0.8
    assert {c.outcome for c in result.verdict.comparisons if c.slice == 'color = blue'} == {'passed'}


def test_every_slice_is_there(leaky):
    names = {r.slice for r in load(leaky[1]).results}
    colors, sizes = ('red', 'green', 'blue'), (0, 1)
    assert names == {
        'Overall',
        *(f'color = {c}' for c in colors),
        *(f'color = {c}, size = {s}' for c in colors for s in sizes),
        *(f'class = {k}' for k in range(w.NUM_CLASSES)),
    }


def test_figures_equal_those_of_the_arrays(leaky):
    """Beam only moves the counts: the same arrays through evaluate_privacy give the same bits."""
    _, outputs = leaky
    rows = [*w.make_rows(600, 1, leak=True), *w.make_rows(600, 2, leak=False)]
    expected = evaluate_privacy(
        is_member=np.arange(1200) < 600,
        labels=[row['label'] for row in rows],
        logits=np.array([row['logits'] for row in rows], np.float32),
        features={'color': [row['color'] for row in rows]},
        config=w.config(),
    )
    found = load(outputs)
    for slice_name in ('Overall', 'color = red', 'class = 2'):
        for attack in ('loss_threshold', 'scaled_logit_threshold'):
            assert result_for(found, slice_name, attack).metrics == result_for(expected, slice_name, attack).metrics


def test_blessing_says_no_in_every_way_that_is_read(leaky):
    world, outputs = leaky
    blessing = outputs['blessing']
    assert [path.name for path in Path(blessing.uri).iterdir()] == ['NOT_BLESSED']
    assert blessing.get_int_custom_property('blessed') == 0
    assert blessing.get_int_custom_property('current_model_id') == 17
    assert blessing.get_string_custom_property('current_model') == str(world.root / 'model')


def test_metrics_artifact_holds_its_files_and_headline_figures(leaky):
    _, outputs = leaky
    metrics = outputs['privacy_metrics']
    names = {path.name for path in Path(metrics.uri).iterdir()}
    assert names == {'decision.json', 'privacy_metrics.json', 'report.html', 'tfma'}
    assert metrics.get_string_custom_property('worst_slice').startswith('color = red')
    assert metrics.get_float_custom_property('worst_auc') > 0.8
    assert metrics.get_int_custom_property('num_members') == 600


def test_report_carries_no_feature_values_but_slice_names(leaky):
    _, outputs = leaky
    text = (Path(outputs['privacy_metrics'].uri) / 'report.html').read_text()
    assert 'BLOCKED' in text
    assert str(w.make_rows(1, 1, leak=True)[0]['logits'][0])[:8] not in text


def test_a_tight_model_is_blessed(tmp_path):
    outputs = w.World(tmp_path).write(leak=False).run()
    assert [path.name for path in Path(outputs['blessing'].uri).iterdir()] == ['BLESSED']
    assert outputs['blessing'].get_int_custom_property('blessed') == 1


@pytest.mark.parametrize(
    ('config', 'reason'),
    [
        (w.config(thresholds=()), 'thresholds is empty'),
        (w.config(decision={'min_examples': 700}), 'at least 700 each are needed'),
        (
            w.config(
                thresholds=(Threshold('auc', 0.9, slicing_specs=(SlicingSpec(feature_values={'color': 'pink'}),)),)
            ),
            "names the slice 'color = pink', which the data do not have",
        ),
        (w.config(thresholds=(Threshold('tpr_at_fpr_0.001', 0.9),)), 'too few examples to decide'),
        (w.config(thresholds=(Threshold('auc', 0.505, block_if='safety_not_shown'),)), 'not shown to be below'),
    ],
)
def test_no_blessing_when_nothing_was_shown(tmp_path, config, reason):
    outputs = w.World(tmp_path).write(leak=False).run(privacy_config=config)
    verdict = load(outputs).verdict
    assert not verdict.blessed
    assert reason in ' '.join(verdict.reasons)


@pytest.mark.parametrize(('upstream', 'blessed'), [(1, True), (0, False), (None, False)])
def test_upstream_blessing_is_anded(tmp_path, upstream, blessed):
    world = w.World(tmp_path).write(leak=False)
    artifact = standard_artifacts.ModelBlessing()
    if upstream is not None:
        artifact.set_int_custom_property('blessed', upstream)
    outputs = world.run(inputs=world.inputs() | {executor.MODEL_BLESSING_KEY: [artifact]})
    assert load(outputs).verdict.blessed == blessed


def test_an_upstream_channel_without_artifact_blocks(tmp_path):
    world = w.World(tmp_path).write(leak=False)
    assert not load(world.run(inputs=world.inputs() | {executor.MODEL_BLESSING_KEY: []})).verdict.blessed


@pytest.mark.parametrize(
    'respond',
    [
        lambda z: {'outputs': tf.nn.softmax(tf.cast(z, tf.float64))},
        lambda z: {'outputs': tf.nn.log_softmax(tf.cast(z, tf.float64))},
        lambda z: {'outputs': tf.cast(z, tf.float64)},
    ],
)
def test_logits_and_probabilities_give_one_answer(tmp_path, leaky, respond):
    result = load(w.World(tmp_path).write(respond=respond).run())
    expected = result_for(load(leaky[1]), 'Overall').metrics['auc'].value
    assert result_for(result, 'Overall').metrics['auc'].value == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize('respond', [lambda z: z[:, :1], lambda z: tf.sigmoid(tf.cast(z[:, :1], tf.float64))])
def test_one_output_is_two_classes(tmp_path, respond):
    world = w.World(tmp_path).write(respond=lambda z: {'outputs': respond(z)})
    for split, seed in (('train', 5), ('eval', 6)):
        rows = w.make_rows(400, seed, leak=False)
        world.replace_rows(split, [r | {'label': r['label'] % 2} for r in rows])
    result = load(world.run())
    assert {r.slice for r in result.results if r.slice.startswith('class')} == {'class = 0', 'class = 1'}
    assert result_for(result, 'Overall').metrics['auc'].value == pytest.approx(0.5, abs=0.08)


def test_configured_probabilities_that_are_none(tmp_path):
    world = w.World(tmp_path).write()
    with pytest.raises(ValueError, match=r"PrivacyConfig\.outputs\.kind is 'probabilities' but the outputs range over"):
        world.run(privacy_config=w.config(outputs={'kind': 'probabilities'}))


def test_label_and_slice_from_the_models_own_transform(tmp_path):
    """What a preprocessing signature makes goes before the raw feature of the same name."""
    world = w.World(tmp_path).write()

    class Transforming(w.EchoModel):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def transform(self, examples):
            spec = {name: tf.io.FixedLenFeature([], tf.int64) for name in ('label', 'size')}
            raw = tf.io.parse_example(examples, spec)
            return {'shifted_label': (raw['label'] + 1) % w.NUM_CLASSES, 'size': raw['size'] + 10}

    model = Transforming(lambda z: {'outputs': z})
    signatures = {'serving_default': model.serve, 'transform_features': model.transform}
    tf.saved_model.save(model, str(world.root / 'model' / 'Format-Serving'), signatures=signatures)
    evaluation = w.eval_config(label_key='shifted_label', preprocessing_function_names=['transform_features'])
    names = {r.slice for r in load(world.run(evaluation=evaluation)).results}
    assert {'color = red, size = 10', 'color = red, size = 11'} <= names
    assert 'color = red, size = 0' not in names


def test_shards_and_their_order_do_not_matter(tmp_path, leaky):
    world = w.World(tmp_path).write()
    rows = [w.serialize(row) for row in w.make_rows(600, 1, leak=True)]
    for old in (world.root / 'examples' / 'Split-train').glob('*'):
        old.unlink()
    w.write_split(world.root / 'examples', 'train', rows[::-1], shards=5)
    found, expected = (json.loads((Path(o['privacy_metrics'].uri) / 'privacy_metrics.json').read_text())['results']
                       for o in (world.run(), leaky[1]))  # fmt: skip
    assert found == expected


def test_missing_and_multivalent_slice_features(tmp_path):
    world = w.World(tmp_path).write()
    for split, seed in (('train', 1), ('eval', 2)):
        rows = w.make_rows(200, seed, leak=False)
        colors = [None, ['red', 'green'], ['red', 'red'], 'blue']
        world.replace_rows(split, [row | {'color': colors[i % 4]} for i, row in enumerate(rows)])
    counts = {r.slice: r.num_members for r in load(world.run()).results}
    assert counts['Overall'] == 200
    assert (counts['color = red'], counts['color = green'], counts['color = blue']) == (100, 50, 50)


def test_two_workers_give_the_same_bits(leaky):
    world, outputs = leaky
    expected = load(outputs)
    again = world.run(beam_args=['--runner=FnApiRunner', '--direct_running_mode=multi_processing',
                                 '--direct_num_workers=2', '--sdk_container_image=none'])  # fmt: skip
    found = load(again)
    assert [r.row() for r in found.results] == [r.row() for r in expected.results]
    assert OVERALL in {r.slice_key for r in found.results}


def test_rounding_does_not_make_logits_of_probabilities(tmp_path):
    """A sigmoid a hair above 1 is still a sigmoid; taken for a logit it would hide the leak."""
    world = w.World(tmp_path).write(respond=lambda z: {'outputs': 1.0000002 * tf.sigmoid(20 * z[:, :1])})
    for split, seed in (('train', 5), ('eval', 6)):
        rows = w.make_rows(400, seed, leak=False)
        world.replace_rows(split, [r | {'label': r['label'] % 2} for r in rows])
    assert load(world.run()).record.output_kind == 'probabilities'


@pytest.mark.parametrize('values', [{'colour': 'red'}, {'color': 'pink'}])
def test_a_named_slice_without_examples_is_no_blessing(tmp_path, values):
    evaluation = w.eval_config()
    evaluation.slicing_specs.add(feature_values=values)
    verdict = load(w.World(tmp_path).write(leak=False).run(evaluation=evaluation)).verdict
    assert not verdict.blessed
    assert 'has no examples' in verdict.reasons[0]


def test_a_feature_that_is_whole_in_one_shard_and_a_float_in_another_is_one_slice(tmp_path):
    world = w.World(tmp_path).write(leak=False)
    rows = w.make_rows(1500, 1, leak=False)
    late = [row | {'extra': 1 if i % 2 else None} for i, row in enumerate(rows)]
    world.replace_rows('train', [*rows, *late])
    world.replace_rows('eval', [*rows, *(row | {'extra': 1.0} for row in rows)])
    evaluation = w.eval_config()
    evaluation.slicing_specs.add(feature_keys=['extra'])
    found = [r for r in load(world.run(evaluation=evaluation)).results if r.slice.startswith('extra')]
    assert {r.slice for r in found} == {'extra = 1'}
    assert {(r.num_members, r.num_non_members) for r in found} == {(750, 1500)}


def test_splits_may_be_in_artifacts_of_their_own(tmp_path):
    """As two ImportExampleGens make them; the split of one is not looked for in the other."""
    world = w.World(tmp_path).write(num_rows=100)
    inputs = world.inputs()
    (train,) = inputs[executor.EXAMPLES_KEY]
    other = copy.deepcopy(train)
    other.uri, other.id = str(tmp_path / 'others'), train.id + 1
    (tmp_path / 'others').mkdir()
    (tmp_path / 'examples' / 'Split-eval').rename(tmp_path / 'others' / 'Split-eval')
    train.split_names, other.split_names = '["train"]', '["eval"]'
    result = load(world.run(inputs=inputs | {executor.EXAMPLES_KEY: [train, other]}))
    assert result.record.num_examples == {'train': 100, 'eval': 100}


def test_warnings_are_properties_of_metrics_and_blessing(tmp_path):
    world = w.World(tmp_path).write(leak=False, num_rows=200)
    outputs = world.run(privacy_config=w.config(thresholds=(Threshold('auc', 0.95),)))
    warnings = load(outputs).verdict.warnings
    assert any('allows nearly every leak' in warning for warning in warnings)
    for artifact in outputs.values():
        assert artifact.get_string_custom_property('warnings') == ' '.join(warnings)
