"""The compiled pipeline against Kubeflow's own schema, and what the privacy gate's step says in it."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.pipeline_spec import pipeline_spec_pb2

from kubeflow import runner
from privacy_component import PrivacyConfig, __version__
from tests.kubeflow.steps import container_of, task_of

IMAGE = 'registry.example/privacy:1'
ROOT = 'gs://bucket/taxi'
PRIVACY = 'PrivacyEvaluator'
REPOSITORY = Path(__file__).parents[2]


def compiled(folder, *arguments):
    path = folder / 'pipeline.yaml'
    runner.main(['--pipeline_root', ROOT, '--image', IMAGE, '--output', str(path), *arguments])
    return path.read_text()


@pytest.fixture(scope='module')
def text(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp('kubeflow'))


@pytest.fixture(scope='module')
def spec(text):
    return yaml.safe_load(text)


def title(artifact):
    return yaml.safe_load(artifact['artifactType']['instanceSchema'])['title']


def test_it_is_a_pipeline_spec(spec):
    message = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    assert message.schema_version == '2.1.0'
    assert message.default_pipeline_root == ROOT


def test_kubeflows_own_reader_loads_it(text):
    component = components.load_component_from_text(text)
    assert component.name == 'taxi'
    assert {name: each.default for name, each in component.component_spec.inputs.items()} == {
        'data_root': f'{ROOT}/data',
        'trainer_module_file': runner.TRAINER,
    }


def test_vertex_gets_a_job_of_schema_2_0(tmp_path):
    job = json.loads(compiled(tmp_path, '--vertex'))
    message = json_format.ParseDict(job['pipelineSpec'], pipeline_spec_pb2.PipelineSpec())
    assert message.schema_version == '2.0.0'
    assert {'PrivacyEvaluator', 'PrivacyReport', 'Pusher'} <= set(message.root.dag.tasks)
    run = pipeline_spec_pb2.PipelineJob.RuntimeConfig()
    json_format.ParseDict(job['runtimeConfig'], run)
    assert run.gcs_output_directory == ROOT
    assert {name: value.string_value for name, value in run.parameters.items()} == {
        'data_root': f'{ROOT}/data',
        'trainer_module_file': runner.TRAINER,
    }
    declared = message.components['PrivacyEvaluator'].input_definitions.parameters
    given = message.root.dag.tasks['PrivacyEvaluator'].inputs.parameters
    assert set(given) == set(declared) and PrivacyConfig.from_json(
        given['privacy_config'].runtime_value.constant_value.string_value
    )


def test_nothing_is_left_behind_on_this_machine(text, spec):
    """A path of the machine that compiled it would not exist in the step."""
    assert str(runner.__file__).rsplit('/', 2)[0] not in text
    assert task_of(spec, 'Trainer')['inputs']['parameters']['module_file'] == {
        'componentInputParameter': 'trainer_module_file'
    }
    assert task_of(spec, 'CsvExampleGen')['inputs']['parameters']['input_base'] == {
        'componentInputParameter': 'data_root'
    }


def test_privacy_step_runs_our_executor_in_the_image(spec):
    container = container_of(spec, PRIVACY)
    assert container['image'] == IMAGE
    assert container['command'] == ['python', '-m', 'kubeflow.entrypoint']
    position = container['args'].index('--executor_class_path')
    assert container['args'][position + 1] == 'privacy_component.component.executor.Executor'


def test_privacy_step_reads_what_it_is_wired_to(spec):
    wired = {
        name: (source['taskOutputArtifact']['producerTask'], source['taskOutputArtifact']['outputArtifactKey'])
        for name, source in task_of(spec, PRIVACY)['inputs']['artifacts'].items()
    }
    assert wired == {
        'examples': ('CsvExampleGen', 'examples'),
        'model': ('Trainer', 'model'),
        'transform_graph': ('Transform', 'transform_graph'),
        'schema': ('SchemaGen', 'schema'),
        'model_blessing': ('Evaluator', 'blessing'),
    }


def test_privacy_step_writes_metrics_and_blessing(spec):
    outputs = spec['components'][PRIVACY]['outputDefinitions']['artifacts']
    assert {name: title(artifact) for name, artifact in outputs.items()} == {
        'privacy_metrics': 'privacy_component.PrivacyMetrics',
        'blessing': 'tfx.ModelBlessing',
    }


def test_privacy_step_has_the_configs_and_the_version(spec):
    parameters = task_of(spec, PRIVACY)['inputs']['parameters']
    values = {name: source['runtimeValue']['constant'] for name, source in parameters.items()}
    assert set(values) == {'eval_config', 'privacy_config', 'version'}
    assert values['version'] == __version__
    assert json.loads(values['eval_config'])['model_specs'][0]['label_key'] == 'big_tipper'
    assert PrivacyConfig.from_json(values['privacy_config']).thresholds[0].upper_bound == 0.6


def test_pusher_obeys_the_privacy_blessing(spec):
    source = task_of(spec, 'Pusher')['inputs']['artifacts']['model_blessing']['taskOutputArtifact']
    assert source == {'producerTask': PRIVACY, 'outputArtifactKey': 'blessing'}
    assert PRIVACY in task_of(spec, 'Pusher')['dependentTasks']


def test_dataflow_is_for_the_privacy_step_only(tmp_path):
    spec = yaml.safe_load(compiled(tmp_path, '--dataflow_project', 'ours', '--dataflow_region', 'europe-west4'))
    runners = {
        name: [each for each in container_of(spec, name)['args'] if each.startswith('--runner=')][-1:]
        for name in ('Evaluator', PRIVACY)
    }
    assert runners == {'Evaluator': ['--runner=FnApiRunner'], PRIVACY: ['--runner=DataflowRunner']}
    assert {
        '--project=ours',
        '--region=europe-west4',
        f'--temp_location={ROOT}/dataflow/temp',
        f'--sdk_container_image={IMAGE}',
    } <= set(container_of(spec, PRIVACY)['args'])


def test_data_root_can_be_elsewhere(tmp_path):
    spec = yaml.safe_load(compiled(tmp_path, '--data_root', 'gs://other/trips'))
    assert spec['root']['inputDefinitions']['parameters']['data_root']['defaultValue'] == 'gs://other/trips'


def test_the_package_shadows_no_installed_one():
    assert 'kubeflow' not in importlib.metadata.packages_distributions()


def test_what_libraries_will_need_one_day_is_not_printed_and_other_warnings_are(tmp_path):
    arguments = ['--pipeline_root', ROOT, '--image', IMAGE, '--output', str(tmp_path / 'pipeline.yaml')]
    code = f'import warnings, kubeflow.runner as r; warnings.warn("mine", FutureWarning); r.main({arguments!r})'
    done = subprocess.run([sys.executable, '-c', code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.startswith('Wrote ')
    warned = [line for line in done.stderr.splitlines() if 'FutureWarning' in line]
    assert len(warned) == 1 and warned[0].endswith('FutureWarning: mine')
