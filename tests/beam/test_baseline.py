"""Thresholds on changes: both models in one job, on the same examples."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from privacy_component import PrivacyInputError, SlicingSpec, Threshold
from privacy_component.beam.scores.count_scores import counter
from privacy_component.beam.scores.two_models import both
from privacy_component.metrics.change import PAIRED, TWO_LIMITS
from privacy_component.metrics.counts.joint import SortedPairs
from tests.beam.arrays import assert_same_figures, evaluated, load
from tests.beam.test_merging import batch_of, same
from tests.component.world import World, config, eval_config, make_rows, serialize, write_split

RISE = Threshold('auc', absolute=0.02)


def leakless(logits):
    """A model that is as sure as the candidate, but of the other classes."""
    return tf.reverse(logits, [1]) * 0.5 + tf.constant([0.1, 0.2, 0.3])


def similar(logits):
    return logits * 0.9 + tf.constant([0.1, 0.2, 0.3])


def says(model, **outputs):
    return {'respond': lambda logits: {'outputs': model(logits)}, **outputs}


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp('world')).write(num_rows=500)


def comparisons(outputs):
    return load(outputs).verdict.comparisons


def test_a_model_that_leaks_more_than_its_baseline_is_blocked(world):
    inputs = world.with_baseline(**says(leakless))
    outputs = world.run(config(thresholds=(Threshold('auc', 0.95), RISE)), inputs=inputs)
    assert not outputs['blessing'].get_int_custom_property('blessed')
    result = load(outputs)
    assert 'color = red, loss_threshold and scaled_logit_threshold: auc rose by 0.' in result.verdict.reasons[0]
    assert {c.change for c in result.verdict.comparisons} == {'', PAIRED}
    assert result.record.baseline_model_uri.startswith(str(world.root / 'baseline'))


def test_a_model_that_is_its_own_baseline_is_told_that_limits_on_a_change_say_nothing(world):
    inputs = world.inputs() | {'baseline_model': world.inputs()['model']}
    said = 'baseline_model is the very model that is evaluated'
    assert any(
        said in warning for warning in load(world.run(config(thresholds=(RISE,)), inputs=inputs)).record.warnings
    )
    other = load(world.run(config(thresholds=(RISE,)), inputs=world.with_baseline(**says(similar))))
    assert not any(said in warning for warning in other.record.warnings)


def test_a_model_like_its_baseline_is_blessed(world):
    inputs = world.with_baseline(**says(similar))
    outputs = world.run(config(thresholds=(RISE, Threshold('advantage', absolute=0.1))), inputs=inputs)
    assert outputs['blessing'].get_int_custom_property('blessed')
    assert {(c.metric, c.change) for c in comparisons(outputs)} == {('auc', PAIRED), ('advantage', TWO_LIMITS)}


def test_the_model_itself_as_baseline_changes_nothing(world):
    outputs = world.run(config(thresholds=(RISE,)), inputs=world.with_baseline())
    assert outputs['blessing'].get_int_custom_property('blessed')
    decided = [c for c in comparisons(outputs) if c.value is not None]
    assert decided and all(c.value == 0.0 and c.lower < 0 < c.upper for c in decided)


@pytest.mark.parametrize(
    'settings',
    [
        {'attacks': ('loss_threshold', 'entropy_threshold', 'logistic_regression')},
        {'attacks': ('loss_threshold',), 'people': {'group_key': 'owner', 'group_aggregation': 'mean'}},
    ],
    ids=['rows', 'groups'],
)
def test_the_job_finds_what_arrays_give(tmp_path, settings):
    world = World(tmp_path).write(num_rows=600)
    for split, seed in (('train', 1), ('eval', 2)):
        rows = [row | {'owner': f'{split}{i % 97}'} for i, row in enumerate(make_rows(600, seed, split == 'train'))]
        world.replace_rows(split, rows)
    thresholds = (RISE, Threshold('tpr_at_fpr_0.1', absolute=0.1, attacks=('loss_threshold',)))
    # Whoever is counted by owner is scored by row first, and a slice by color has a part of the owner's rows.
    chosen = config(thresholds=thresholds, **settings)
    specs = {'slicing_specs': (SlicingSpec(('color',)),), 'slices': {'by_correctness': True}}
    chosen = dataclasses.replace(chosen, **specs)
    found = load(world.run(chosen, inputs=world.with_baseline(**says(similar))))
    expected = evaluated(world, chosen, similar)
    assert_same_figures(found, expected, at_least=8)
    assert all(r.baseline for r in found.results if r.curve is not None)
    wanted = {(c.slice, c.attack, c.metric): c for c in expected.verdict.comparisons}
    for c in found.verdict.comparisons:
        if (c.slice, c.attack, c.metric) in wanted:
            other = wanted[c.slice, c.attack, c.metric]
            assert (c.value, c.lower, c.upper, c.change) == (other.value, other.lower, other.upper, other.change)


def test_shards_and_workers_do_not_matter(world, tmp_path):
    chosen = config(thresholds=(RISE,), attacks=('loss_threshold', 'logistic_regression'))
    inputs = world.with_baseline(**says(similar))
    first = load(world.run(chosen, inputs=inputs)).results
    for split in world.splits:
        records = world.records(split)
        write_split(tmp_path / 'examples', split, records[::-1], shards=3)
    inputs['examples'][0].uri = str(tmp_path / 'examples')
    second = load(world.run(chosen, inputs=inputs)).results
    assert json.dumps([r.row() for r in first]) == json.dumps([r.row() for r in second])
    assert [r.baseline and r.baseline.auc_change_error for r in first] == [
        r.baseline and r.baseline.auc_change_error for r in second
    ]


@pytest.mark.parametrize('how', ['none', 'mean'])
def test_counts_of_both_models_merge_in_any_partition(how):
    rng = np.random.default_rng(0)
    rows = [(x, bool(rng.random() < 0.5), int(rng.integers(9))) for x in rng.standard_normal(300).round(1)]

    def counted(part):
        batch = batch_of(part)
        scores = [batch.outputs[:, 1], np.sin(5 * batch.outputs)[:, 1]]
        together = SortedPairs.of(*scores, batch.is_member).count if how == 'none' else None
        count = both(*(counter(one, batch, how) for one in scores), together)
        (counts,) = count(np.arange(len(part)), np.zeros(len(part), int), 1)
        return counts

    whole = counted(rows).bounded_to(50)
    parts = [counted(rows[a:b]).bounded_to(50) for a, b in itertools.pairwise([0, 10, 11, 150, 300])]
    found = parts[2].merge(*parts[3:]).bounded_to(50).merge(*parts[:2]).bounded_to(50)
    for name in ('candidate', 'baseline', 'together'):
        one, other = getattr(found, name), getattr(whole, name)
        if other is None:
            assert one is None and how == 'mean'
        else:
            same(one, other)


def test_outputs_are_told_apart_for_either_model(world):
    softmax = world.with_baseline(**says(lambda logits: tf.nn.softmax(logits)))
    outputs = world.run(config(thresholds=(RISE,)), inputs=softmax)
    record = load(outputs).record
    assert (record.output_kind, record.baseline_output_kind) == ('logits', 'probabilities')
    assert max(abs(c.value) for c in comparisons(outputs) if c.value is not None) < 0.002


def test_the_baselines_own_model_spec(world):
    inputs = world.with_baseline(respond=lambda logits: {'a': leakless(logits), 'b': similar(logits)})
    evaluation = eval_config()
    with pytest.raises(PrivacyInputError, match=r'^baseline_model: prediction_key is'):
        world.run(config(thresholds=(RISE,)), inputs=inputs, evaluation=evaluation)
    evaluation.model_specs.append(tfma.ModelSpec(name='baseline', is_baseline=True, prediction_key='b'))
    evaluation.model_specs[0].name = 'candidate'
    outputs = world.run(config(thresholds=(RISE,)), inputs=inputs, evaluation=evaluation)
    assert outputs['blessing'].get_int_custom_property('blessed')


def test_another_number_of_classes(world):
    more = says(lambda logits: tf.concat([logits, logits[:, :1] - 3], axis=1))
    assert load(world.run(config(thresholds=(RISE,)), inputs=world.with_baseline(**more))).results[0].baseline
    with pytest.raises(
        PrivacyInputError, match=r'^baseline_model: labels holds the class 2, but the model has 2 classes'
    ):
        world.run(config(thresholds=(RISE,)), inputs=world.with_baseline(**says(lambda logits: logits[:, :2])))


class TakesFeatures(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32, name='logits')])
    def serve(self, logits):
        return {'outputs': logits}


@pytest.mark.parametrize(
    ('model', 'message'),
    [
        ({'signatures': {'serving_default': TakesFeatures().serve}}, 'the baseline model can only be called through'),
        (
            {'signatures': {'other': TakesFeatures().serve}},
            r"^baseline_model: the model in .* has no signature 'serving_d",
        ),
        (
            {'outputs': 4},
            r"^baseline_model: the model's signature 'serving_default' takes 'examples' .* could not be called",
        ),
        (says(lambda logits: logits / 0.0), r'^baseline_model: the model outputs'),
    ],
)
def test_a_baseline_that_cannot_be_attacked(world, model, message):
    with pytest.raises(PrivacyInputError, match=message):
        world.run(config(thresholds=(RISE,)), inputs=world.with_baseline(**model))


def test_a_candidate_that_workers_cannot_call(tmp_path):
    world = World(tmp_path).write(num_rows=100, signatures={'serving_default': TakesFeatures().serve})
    with pytest.raises(PrivacyInputError, match='the candidate model can only be called through'):
        world.run(config(thresholds=(RISE,)), inputs=world.with_baseline())


def test_pairs_of_scores_that_are_too_many_are_cut(tmp_path):
    """The AUCs stay; the error grows, most where models are as alike as these and so few pairs are kept."""
    chosen = config(thresholds=(RISE,), attacks=('loss_threshold',), measurement={'max_distinct_scores': 1000})
    world = World(tmp_path).write(num_rows=800)
    cut = load(world.run(chosen, inputs=world.with_baseline(**says(similar)))).results[0]
    exact = evaluated(world, chosen, similar).results[0]
    assert cut.curve.auc == pytest.approx(exact.curve.auc, abs=cut.curve.auc_error + 1e-12)
    assert 1.0 < cut.baseline.auc_change_error / exact.baseline.auc_change_error < 2.0


def test_no_saved_model_and_several(world):
    inputs = world.with_baseline()
    (baseline,) = inputs['baseline_model']
    with pytest.raises(PrivacyInputError, match='baseline_model holds 2 models'):
        world.run(config(thresholds=(RISE,)), inputs=inputs | {'baseline_model': [baseline, baseline]})
    baseline.uri = str(world.root / 'nowhere')
    with pytest.raises(PrivacyInputError, match=r'^baseline_model: model: there is no SavedModel'):
        world.run(config(thresholds=(RISE,)), inputs=inputs)


def test_without_a_baseline(world):
    """The channel is not wired, or its Resolver has found nothing."""
    for inputs in (world.inputs(), world.inputs() | {'baseline_model': []}):
        outputs = world.run(config(thresholds=(Threshold('auc', 0.95), RISE)), inputs=inputs)
        assert not outputs['blessing'].get_int_custom_property('blessed')
        assert 'There is no baseline model' in outputs['blessing'].get_string_custom_property('blessing_message')
    ignore = config(thresholds=(Threshold('auc', 0.95), RISE), decision={'without_baseline': 'ignore'})
    outputs = world.run(ignore)
    assert outputs['blessing'].get_int_custom_property('blessed')
    assert any('There is no baseline model' in warning for warning in load(outputs).verdict.warnings)


def test_a_baseline_that_nothing_asks_for_costs_nothing(world):
    inputs = world.with_baseline(outputs=4)  # which would fail if it were called
    result = load(world.run(config(), inputs=inputs))
    assert not any(r.baseline for r in result.results)
    assert any('no Threshold has `absolute`' in warning for warning in result.record.warnings)


def test_bad_records_are_dropped_for_both_models(tmp_path):
    world = World(tmp_path).write(num_rows=300)
    rows = make_rows(300, 2, False)
    write_split(tmp_path / 'examples', 'eval', [serialize(r) for r in rows[:-3]] + [b'none of it'] * 3)
    chosen = config(thresholds=(RISE,), measurement={'max_bad_record_share': 0.05})
    result = load(world.run(chosen, inputs=world.with_baseline(**says(similar))))
    assert result.record.num_bad_records == {'train': 0, 'eval': 3}
    assert result.results[0].num_non_members == result.results[0].baseline.curve.num_non_members == 297
