"""The step that shows the report in Kubeflow's UI: compiled into both schemas, and run by its own command."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx import v1 as tfx

from kubeflow import runner, show
from privacy_component import PrivacyResult
from tests.component import world as w
from tests.kubeflow.steps import REPOSITORY, container_of, task_of

IMAGE = 'registry.example/privacy:1'
DRAWN = {'report': 'system.HTML', 'figures': 'system.Metrics', 'roc': 'system.ClassificationMetrics'}


def compiled(root, is_2_1):
    if is_2_1:
        return runner.compile_pipeline(runner.build_pipeline(root, IMAGE), IMAGE)
    config = tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
        default_image=IMAGE, default_commands=list(runner.COMMAND)
    )
    made = tfx.orchestration.experimental.KubeflowV2DagRunner(config)
    return show.with_report(made.run(runner.build_pipeline(root, IMAGE), write_out=False)['pipelineSpec'], IMAGE)


@pytest.mark.parametrize('is_2_1', [True, False], ids=['2.1', '2.0'])
def test_it_is_compiled_into_either_schema(is_2_1):
    spec = compiled('gs://bucket/taxi', is_2_1)
    assert spec['schemaVersion'].startswith('2.1' if is_2_1 else '2.0')
    message = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    outputs = message.components[show.TASK].output_definitions.artifacts
    assert {name: one.artifact_type.schema_title for name, one in outputs.items()} == DRAWN
    source = task_of(spec, show.TASK)['inputs']['artifacts']['privacy_metrics']['taskOutputArtifact']
    assert source == {'producerTask': 'PrivacyEvaluator', 'outputArtifactKey': 'privacy_metrics'}
    assert source['outputArtifactKey'] in spec['components']['PrivacyEvaluator']['outputDefinitions']['artifacts']
    assert container_of(spec, show.TASK)['image'] == IMAGE


def test_a_pipeline_without_the_gate_has_no_such_step():
    spec = compiled('gs://bucket/taxi', True)
    bare = {
        name: one for name, one in spec['root']['dag']['tasks'].items() if name not in ('PrivacyEvaluator', show.TASK)
    }
    spec['root']['dag']['tasks'] = bare
    assert show.with_report(spec, IMAGE) is spec


@pytest.fixture(scope='module')
def shown(tmp_path_factory):
    """The step's command, as Kubeflow starts it, after a real evaluation; and what it left."""
    world = w.World(tmp_path_factory.mktemp('show')).write(num_rows=300)
    metrics = world.run()['privacy_metrics']
    folder = world.root / 'shown'
    invocation = {
        'inputs': {'artifacts': {'privacy_metrics': {'artifacts': [
            {'name': '7', 'uri': metrics.uri, 'type': {'schemaTitle': 'system.Artifact'}, 'metadata': {}}
        ]}}},
        'outputs': {
            'artifacts': {name: {'artifacts': [
                {'name': name, 'uri': str(folder / name), 'type': {'schemaTitle': title}, 'metadata': {}}
            ]} for name, title in DRAWN.items()},
            'outputFile': str(folder / 'executor_output.json'),
        },
    }  # fmt: skip
    container = container_of(compiled(str(world.root), True), show.TASK)
    command = [json.dumps(invocation) if each == '{{$}}' else each for each in container['command'] + container['args']]
    path = f'{Path(sys.executable).parent}:{os.environ["PATH"]}'
    env = os.environ | {'PATH': path, 'PYTHONPATH': str(REPOSITORY), 'TF_CPP_MIN_LOG_LEVEL': '3'}
    done = subprocess.run(command, cwd=world.root, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    output = json.loads((folder / 'executor_output.json').read_text())
    artifacts = {name: found['artifacts'][0] for name, found in output['artifacts'].items()}
    return Path(metrics.uri), folder, artifacts


def test_the_report_is_the_file_that_the_ui_opens(shown):
    metrics, folder, _ = shown
    assert (folder / 'report').read_bytes() == (metrics / 'report.html').read_bytes()


def test_the_figures_are_those_of_the_evaluation(shown):
    _, _, artifacts = shown
    found = artifacts['figures']['metadata']
    assert found['blessed'] == 0 and found['num_members'] == 300
    assert found['worst_slice'].startswith('color = red') and found['worst_auc'] > 0.8


def test_the_curve_is_that_of_the_worst_slice(shown):
    metrics, _, artifacts = shown
    points = artifacts['roc']['metadata']['confidenceMetrics']
    rates = [(one['falsePositiveRate'], one['recall']) for one in points]
    assert rates == sorted(rates) and rates[0] == (0, 0) and rates[-1] == (1, 1)
    area = sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in itertools.pairwise(rates))
    assert area == pytest.approx(artifacts['figures']['metadata']['worst_auc'], abs=0.01)
    assert [one['confidenceThreshold'] for one in points] == sorted(
        (one['confidenceThreshold'] for one in points), reverse=True
    )
    assert PrivacyResult.load(metrics / 'privacy_metrics.json').verdict.blessed is False
