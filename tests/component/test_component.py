"""The component as a pipeline author meets it."""

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
