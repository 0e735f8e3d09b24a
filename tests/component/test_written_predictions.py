"""Predictions that the examples hold are judged as a model that says the same; what does not fit is refused."""

from pathlib import Path

import pytest
import tensorflow_model_analysis as tfma

from privacy_component import PrivacyInputError, PrivacyResult, Threshold
from privacy_component.component import executor
from tests.component import world as w

WRITTEN = w.eval_config(prediction_key='logits')


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """Examples that hold what the model says, as the feature `logits`; and a folder with a model of another kind."""
    world = w.World(tmp_path_factory.mktemp('written')).write()
    other = world.root / 'other' / 'Format-Serving'
    other.mkdir(parents=True)
    (other / 'model.joblib').write_bytes(b'a forest')
    return world


def inputs_with_other_model(world):
    inputs = world.inputs()
    inputs[executor.MODEL_KEY][0].uri = str(world.root / 'other')
    return inputs


def without_model(world):
    inputs = world.inputs()
    del inputs[executor.MODEL_KEY]
    return inputs


def load(outputs):
    return PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json')


@pytest.fixture(scope='module')
def written(world):
    return load(world.run(evaluation=WRITTEN, inputs=inputs_with_other_model(world)))


def test_they_are_judged_as_the_model_that_says_the_same(world, written):
    called = load(world.run())
    assert [one.row() for one in written.results] == [one.row() for one in called.results]
    assert written.verdict.reasons == called.verdict.reasons
    assert not written.verdict.blessed


def test_the_record_says_that_no_model_was_called(written):
    record = written.record
    assert record.model_called == 'not at all: the examples hold its predictions'
    assert record.judged_output == 'logits'
    assert record.model_fingerprint.startswith('sha256:')
    assert any("the feature 'logits' of the examples; no model was called" in one for one in record.warnings)


def test_a_model_that_leaks_less_is_blessed_with_its_name(world):
    outputs = world.run(
        privacy_config=w.config(thresholds=(Threshold('auc', 0.95),)),
        evaluation=WRITTEN,
        inputs=inputs_with_other_model(world),
    )
    blessing = outputs['blessing']
    assert blessing.get_int_custom_property('blessed') == 1
    assert blessing.get_string_custom_property('current_model') == str(world.root / 'other')


def test_the_blind_baseline_does_not_see_them(world, written):
    named = [one.message for one in written.checks if one.name == 'blind_baseline']
    assert len(named) == 1
    assert 'logits' not in named[0]
    assert any('logits' in one.message for one in load(world.run()).checks if one.name == 'blind_baseline')


def test_without_a_model_there_is_nothing_to_bless(world):
    outputs = world.run(
        privacy_config=w.config(thresholds=(Threshold('auc', 0.95),)), evaluation=WRITTEN, inputs=without_model(world)
    )
    assert outputs['blessing'].get_int_custom_property('blessed') == 0
    assert not outputs['blessing'].get_string_custom_property('current_model')
    result = load(outputs)
    assert any('no model was given' in reason for reason in result.verdict.reasons)
    assert result.record.model_uri == ''


@pytest.mark.parametrize(
    ('spec', 'changes', 'why'),
    [
        ({'prediction_key': 'nix'}, {}, "holds no SavedModel, and .*prediction_key 'nix' is not among the features"),
        ({'prediction_key': 'color'}, {}, "prediction_key 'color' .* holds texts"),
        ({}, {}, 'there is no SavedModel in .*prediction_key'),
        ({'prediction_key': 'logits', 'signature_name': 'predict'}, {}, 'signature_name is set, but the predictions'),
        (
            {'prediction_key': 'logits', 'preprocessing_function_names': ['transform']},
            {},
            'preprocessing_function_names is set',
        ),
        ({'prediction_key': 'logits'}, {'attacks': ('gradient_norm',)}, "'gradient_norm' .*a model that is called"),
        (
            {'prediction_key': 'logits'},
            {'attacks': ('rmia',)},
            "'rmia' .*a model that is called",
        ),
    ],
)
def test_what_does_not_fit_is_refused(world, spec, changes, why):
    with pytest.raises(PrivacyInputError, match=why):
        world.run(
            privacy_config=w.config(**changes),
            evaluation=w.eval_config(**spec),
            inputs=inputs_with_other_model(world),
        )
    assert not list((world.root / 'out').rglob('*BLESSED'))


def test_neither_model_nor_predictions(world):
    with pytest.raises(PrivacyInputError, match=r"'model' is not wired and .*prediction_key is empty"):
        world.run(inputs=without_model(world))


def test_a_baseline_is_not_compared_with_them(world):
    inputs = inputs_with_other_model(world) | {executor.BASELINE_MODEL_KEY: world.inputs()[executor.MODEL_KEY]}
    changes = w.config(thresholds=(Threshold('auc', absolute=0.05),))
    with pytest.raises(PrivacyInputError, match="'baseline_model' is wired, but predictions are read"):
        world.run(privacy_config=changes, evaluation=WRITTEN, inputs=inputs)


@pytest.mark.parametrize(
    ('wrong', 'why'),
    [
        ({'logits': None}, "prediction_key 'logits' .*has no single value in 1 of"),
        ({'logits': [0.5]}, "prediction_key 'logits' .*has no single value"),
        ({'logits': [float('nan'), 0.0, 0.0]}, 'NaN|no single value'),
        ({'logits': [float('inf'), 0.0, 0.0]}, 'must be finite'),
    ],
)
def test_one_bad_prediction_ends_the_evaluation(tmp_path, wrong, why):
    world = w.World(tmp_path).write(num_rows=60)
    rows = w.make_rows(60, 2, leak=False)
    world.replace_rows('eval', [*rows[:-1], rows[-1] | wrong])
    (tmp_path / 'other').mkdir()
    with pytest.raises(PrivacyInputError, match=why):
        world.run(evaluation=WRITTEN, inputs=inputs_with_other_model(world))


def test_they_may_be_one_probability(tmp_path):
    world = w.World(tmp_path).write(num_rows=0)
    for split, seed in (('train', 1), ('eval', 2)):
        rows = w.make_rows(400, seed, leak=False)
        world.replace_rows(
            split, [row | {'label': row['size'], 'p': 1 / (1 + 2.0 ** row['logits'][0])} for row in rows]
        )
    (tmp_path / 'other').mkdir()
    result = load(world.run(evaluation=w.eval_config(prediction_key='p'), inputs=inputs_with_other_model(world)))
    assert result.record.output_kind == 'probabilities'


def test_the_component_takes_no_model(world):
    from tfx.types import channel_utils, standard_artifacts

    from privacy_component import PrivacyEvaluator

    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    node = PrivacyEvaluator(examples=examples, model=None, eval_config=tfma.EvalConfig(), privacy_config=w.config())
    assert 'model' not in node.inputs
