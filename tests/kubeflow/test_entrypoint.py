"""Kubeflow's steps of the gate, run here by their own commands on a small world."""

import json

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components.evaluator import executor as evaluator_executor
from tfx.components.util import model_utils
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils
from tfx.types import standard_artifacts

from kubeflow import entrypoint, runner
from privacy_component import PrivacyResult
from privacy_component.component import publish
from privacy_component.component.executor import Executor
from privacy_component.gate.verdict import Verdict
from tests.component import world as w
from tests.kubeflow.steps import Cluster, as_input

IMAGE = 'registry.example/privacy:1'
MODEL_NUMBER = 4711


@pytest.fixture(scope='module', params=['schema 2.1', 'schema 2.0'])
def cluster(request, tmp_path_factory):
    """Of open-source Kubeflow Pipelines, and of Vertex AI."""
    root = tmp_path_factory.mktemp('cluster')
    pipeline = runner.build_pipeline(str(root), IMAGE)
    if request.param == 'schema 2.1':
        return Cluster(runner.compile_pipeline(pipeline, IMAGE), root)
    return Cluster(runner.compile_for_vertex(pipeline, IMAGE)['pipelineSpec'], root)


@pytest.fixture(scope='module')
def artifacts(cluster):
    world = w.World(cluster.root).write()
    examples = {'uri': str(world.root / 'examples'), 'metadata': {'split_names': '["train", "eval"]', 'span': 0}}
    model = {'uri': str(world.root / 'model')}
    evaluator_blessing = {'uri': str(world.root / 'blessing'), 'metadata': {'blessed': 1}}
    return {
        'examples': as_input(examples, 1),
        'model': as_input(model, MODEL_NUMBER),
        'model_blessing': as_input(evaluator_blessing, 3),
    }


@pytest.fixture(scope='module')
def outputs(cluster, artifacts):
    """Without schema and transform_graph: an optional input that is not wired is absent."""
    evaluation = json_format.MessageToJson(w.eval_config(), preserving_proto_field_name=True)
    return cluster.run('PrivacyEvaluator', artifacts, eval_config=evaluation, privacy_config=w.config().to_json())


def test_blessing_says_no_because_of_the_leak_alone(outputs):
    result = PrivacyResult.load(f'{outputs["privacy_metrics"]["uri"]}/privacy_metrics.json')
    assert result.record.upstream_blessed is True
    assert all('a leak is shown' in reason for reason in result.verdict.reasons)
    assert outputs['blessing']['metadata']['blessed'] == 0


def test_blessing_names_the_model_as_kubeflow_does(outputs):
    """Not by the number that TFX's entrypoint makes of the name, which a float cannot hold."""
    assert outputs['blessing']['metadata']['current_model_id'] == str(MODEL_NUMBER)


def test_metrics_carry_the_headline_figures(outputs):
    found = outputs['privacy_metrics']['metadata']
    assert found['num_members'] == 600.0
    assert found['worst_slice'].startswith('color = red')
    assert found['worst_auc'] > 0.8
    assert found['blessed'] == 0


@pytest.mark.parametrize('blessed', [0.0, 1.0])
def test_pusher_reads_the_blessing_back(cluster, outputs, blessed):
    """Kubeflow makes a float of `blessed`; without any blessing Pusher would refuse too, hence both cases."""
    blessing = outputs['blessing'] | {'metadata': outputs['blessing']['metadata'] | {'blessed': blessed}}
    declared = cluster.spec['components']['Pusher']['inputDefinitions']['artifacts']['model_blessing']
    artifacts = pipeline_spec_pb2.ArtifactList()
    json_format.ParseDict({'artifacts': [blessing | {'type': declared['artifactType']}]}, artifacts)
    parsed = kubeflow_v2_entrypoint_utils.parse_raw_artifact_dict({'model_blessing': artifacts})
    assert model_utils.is_model_blessed(parsed['model_blessing'][0]) == bool(blessed)


def test_entrypoint_sees_an_evaluator_that_inherits_nothing():
    assert issubclass(Executor, evaluator_executor.Executor)
    assert evaluator_executor.Executor not in Executor.__mro__


def test_a_model_without_an_id_has_none_in_its_blessing(tmp_path):
    """The entrypoint would look for the name of model number 0, and fail."""
    blessing, model = standard_artifacts.ModelBlessing(), standard_artifacts.Model()
    blessing.uri = str(tmp_path)
    publish.write_blessing(blessing, Verdict(True, ()), model, None)
    kubeflow_v2_entrypoint_utils.refactor_model_blessing(blessing, name_from_id={})
    assert not blessing.has_custom_property('current_model_id')


@pytest.mark.parametrize(
    ('given', 'expected'),
    [({}, 'tfx.Model'), ({'instanceSchema': ''}, 'tfx.Model'), ({'schemaTitle': 'mine.Model'}, 'mine.Model')],
)
def test_only_missing_types_are_filled_in(given, expected):
    artifact = {'uri': 'gs://bucket/model'} | ({'type': given} if given else {})
    spec = {'artifacts': {'model': {'artifactType': {'schemaTitle': 'tfx.Model'}}}}
    invocation = {'inputs': {'artifacts': {'model': {'artifacts': [artifact]}}}}
    argv = ['x', entrypoint.INVOCATION, json.dumps(invocation), entrypoint.INPUTS_SPEC, json.dumps(spec), '--runner=R']
    found = entrypoint.with_typed_inputs(argv)
    assert json.loads(found[2])['inputs']['artifacts']['model']['artifacts'][0]['type']['schemaTitle'] == expected
    assert [found[0], found[1], *found[3:]] == [argv[0], argv[1], *argv[3:]]


def test_a_step_without_inputs_is_left_alone():
    argv = ['x', entrypoint.INVOCATION, json.dumps({'outputs': {}})]
    assert entrypoint.with_typed_inputs(argv) == argv
