"""ReferenceModels in a pipeline that is compiled for Kubeflow."""

import importlib
import json

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx import v1 as tfx

from kubeflow import runner
from pipelines.references.pipeline import BY_LOSS, BY_REFERENCES, create_pipeline
from privacy_component import PrivacyMetrics, ReferenceModelSet
from tests.kubeflow.steps import container_of, task_of


@pytest.fixture(scope='module')
def spec():
    module = tfx.dsl.experimental.RuntimeParameter(name='module', ptype=str, default='/app/trainer.py')
    pipeline = create_pipeline('gs://bucket/digits', 'gs://bucket/data', module, None)
    return runner.compile_pipeline(pipeline, 'registry.example/privacy:1')


def test_it_is_a_pipeline_spec_that_wires_the_models_to_one_evaluator(spec):
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    wired = task_of(spec, BY_REFERENCES)['inputs']['artifacts']['reference_models']['taskOutputArtifact']
    assert wired == {'producerTask': 'ReferenceModels', 'outputArtifactKey': 'reference_models'}
    assert 'reference_models' not in task_of(spec, BY_LOSS)['inputs']['artifacts']


def test_its_step_runs_our_executor_with_the_module_of_trainer(spec):
    container = container_of(spec, 'ReferenceModels')
    position = container['args'].index('--executor_class_path')
    assert container['args'][position + 1] == 'privacy_component.component.reference_models.executor.Executor'
    parameters = task_of(spec, 'ReferenceModels')['inputs']['parameters']
    assert parameters['module_file'] == {'componentInputParameter': 'module'}
    settings = json.loads(parameters['settings']['runtimeValue']['constant'])
    assert settings['num_models'] == 8


def test_each_artifact_of_ours_is_found_by_the_name_of_its_type():
    """A step imports what the compiled type is titled, and makes one."""
    for kind in (PrivacyMetrics, ReferenceModelSet):
        module, name = kind.TYPE_NAME.rsplit('.', 1)
        assert getattr(importlib.import_module(module), name) is kind
        assert kind().type_name == kind.TYPE_NAME
