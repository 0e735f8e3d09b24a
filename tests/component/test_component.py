"""The component as a pipeline author meets it."""

import warnings
from pathlib import Path

import pytest
from tfx import types
from tfx import v1 as tfx
from tfx.orchestration import data_types
from tfx.types import standard_artifacts

from privacy_component import PrivacyConfig, PrivacyEvaluator, PrivacyInputError
from tests.component import world as w

CHANNELS = {
    'examples': types.Channel(type=standard_artifacts.Examples),
    'model': types.Channel(type=standard_artifacts.Model),
}


def component(privacy_config):
    return PrivacyEvaluator(**CHANNELS, eval_config=w.eval_config(), privacy_config=privacy_config)


def test_config_object_and_its_json_are_the_same():
    both = [component(chosen).spec.exec_properties['privacy_config'] for chosen in (w.config(), w.config().to_json())]
    assert both[0] == both[1]
    assert PrivacyConfig.from_json(both[0]) == w.config()


def test_a_runtime_parameter_reaches_the_compiled_pipeline(tmp_path):
    parameter = data_types.RuntimeParameter(name='privacy_config', ptype=str, default=w.config().to_json())
    privacy = component(parameter)
    importer = tfx.dsl.Importer(source_uri=str(tmp_path), artifact_type=standard_artifacts.Model).with_id('model')
    pipeline = tfx.dsl.Pipeline('p', str(tmp_path), components=[importer, privacy], enable_cache=False)
    from tfx.dsl.compiler import compiler

    assert 'privacy_config' in str(compiler.Compiler().compile(pipeline))


def test_a_mistake_is_named_when_the_pipeline_is_written():
    with pytest.raises(PrivacyInputError, match="has no field 'treshold'"):
        component('{"treshold": []}')


def test_outputs_are_named_as_others_are():
    outputs = component(w.config()).outputs
    assert set(outputs) == {'privacy_metrics', 'blessing'}
    assert outputs['blessing'].type is standard_artifacts.ModelBlessing


def test_the_release_is_part_of_the_cache_key():
    assert component(w.config()).spec.exec_properties['version']


def nodes(order, wired):
    """A model, an Evaluator of it and a PrivacyEvaluator of it, the two made in this order."""
    importer = tfx.dsl.Importer(source_uri='/model', artifact_type=standard_artifacts.Model).with_id('trainer')
    model, made = importer.outputs['result'], {}
    for name in order:
        if name == 'evaluator':
            made[name] = tfx.components.Evaluator(**CHANNELS | {'model': model}, eval_config=w.eval_config())
        else:
            heard = {'model_blessing': made['evaluator'].outputs['blessing']} if wired else {}
            given = CHANNELS | {'model': model} | heard
            made[name] = PrivacyEvaluator(**given, eval_config=w.eval_config(), privacy_config=w.config())
    return [importer, *made.values()]


def unwired(recorded):
    return [str(one.message) for one in recorded if 'its blessing is not wired' in str(one.message)]


@pytest.mark.parametrize('order', [('evaluator', 'privacy'), ('privacy', 'evaluator')])
def test_an_evaluator_that_is_not_heard_is_warned_of_once(tmp_path, order):
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter('always')
        components = nodes(order, wired=False)
        assert len(unwired(recorded)) == (order[0] == 'evaluator')
        tfx.dsl.Pipeline('p', str(tmp_path), components=components)
    (message,) = unwired(recorded)
    assert "'Evaluator' judges the model that 'PrivacyEvaluator' evaluates" in message


@pytest.mark.parametrize('kind', ['wired', 'of another model', 'none'])
def test_nothing_is_warned_of_where_nothing_is_lost(tmp_path, kind):
    with warnings.catch_warnings(record=True) as recorded:
        warnings.simplefilter('always')
        components = nodes(('privacy',) if kind != 'wired' else ('evaluator', 'privacy'), wired=kind == 'wired')
        if kind == 'of another model':
            other = tfx.dsl.Importer(source_uri='/other', artifact_type=standard_artifacts.Model).with_id('other')
            given = CHANNELS | {'model': other.outputs['result']}
            components += [other, tfx.components.Evaluator(**given, eval_config=w.eval_config())]
        tfx.dsl.Pipeline('p', str(tmp_path), components=components)
    assert not unwired(recorded)


def test_the_readme_wires_both_ways_in_which_a_refusal_gets_lost():
    readme = (Path(__file__).parents[2] / 'README.md').read_text()
    block = readme.split('## Put it into your pipeline')[1].split('```')[1]
    privacy, pusher = block.split('PrivacyEvaluator(')[1].split('Pusher(')
    assert "model_blessing=evaluator.outputs['blessing']" in privacy
    assert "model_blessing=privacy.outputs['blessing']" in pusher
    assert 'components = [..., trainer, evaluator, privacy, pusher]' in pusher
