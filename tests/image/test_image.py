"""The image that kubeflow/Dockerfile makes: steps of a pipeline that was compiled in it, run in it by their commands.

The image is built by tests/image/build.sh; `make test-image` does both.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
import sklearn.datasets
import yaml
from google.protobuf import json_format

from privacy_component import PrivacyResult
from tests.component import world as w
from tests.kubeflow.steps import Cluster, as_input

if 'IMAGE_FOLDER' not in os.environ:
    pytest.skip('make test-image builds the image', allow_module_level=True)

FOLDER = Path(os.environ['IMAGE_FOLDER'])
IMAGE = 'localhost/privacy-taxi'
BUILDAH = ('buildah', '--storage-driver', 'vfs', '--root', str(FOLDER / 'storage'), '--runroot', str(FOLDER / 'run'))
STEP = 'PrivacyEvaluator'


def buildah(*arguments):
    return subprocess.run([*BUILDAH, *arguments], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope='module')
def launch(tmp_path_factory):
    """Runs a command in the image, with a folder of this machine where a cluster would have its bucket."""
    container = buildah('from', '--pull-never', IMAGE)

    def run(command, folder):
        mounted = ['run', '--isolation', 'chroot', '--volume', f'{folder}:{folder}', container, '--', *command]
        return subprocess.run([*BUILDAH, *mounted], capture_output=True, text=True, check=False)

    yield run
    buildah('rm', container)


@pytest.fixture(scope='module', params=['schema 2.1', 'schema 2.0'])
def cluster(request, launch, tmp_path_factory):
    """Of open-source Kubeflow Pipelines, and of Vertex AI."""
    root = tmp_path_factory.mktemp('cluster')
    compiled = root / 'pipeline'
    command = ['python', '-m', 'kubeflow.runner', '--pipeline_root', str(root), '--image', IMAGE]
    command += ['--vertex'] if request.param == 'schema 2.0' else []
    done = launch([*command, '--output', str(compiled)], root)
    assert done.returncode == 0, done.stderr[-3000:]
    spec = yaml.safe_load(compiled.read_text())  # which JSON is too
    return Cluster(spec.get('pipelineSpec', spec), root, launch=launch)


def inputs(root):
    """Artifacts as a step gets them, of a model that Evaluator blessed."""
    examples = {'uri': str(root / 'examples'), 'metadata': {'split_names': '["train", "eval"]', 'span': 0}}
    return {
        'examples': as_input(examples, 1),
        'model': as_input({'uri': str(root / 'model')}, 2),
        'model_blessing': as_input({'uri': str(root / 'blessing'), 'metadata': {'blessed': 1}}, 3),
    }


@pytest.fixture(scope='module')
def artifacts(cluster):
    return inputs(w.World(cluster.root).write().root)


def parameters(label='label'):
    evaluation = json_format.MessageToJson(w.eval_config(label_key=label), preserving_proto_field_name=True)
    return {'eval_config': evaluation, 'privacy_config': w.config().to_json()}


def test_a_leak_is_refused(cluster, artifacts):
    outputs = cluster.run(STEP, artifacts, **parameters())
    assert outputs['blessing']['metadata']['blessed'] == 0
    assert Path(outputs['blessing']['uri'], 'NOT_BLESSED').exists()
    result = PrivacyResult.load(f'{outputs["privacy_metrics"]["uri"]}/privacy_metrics.json')
    assert all('a leak is shown' in reason for reason in result.verdict.reasons)
    assert result.record.versions['tfx'] == '1.21.0'


def test_a_model_without_a_leak_is_blessed(cluster):
    harmless = w.World(cluster.root / 'harmless').write(leak=False)
    outputs = cluster.run(STEP, inputs(harmless.root), **parameters())
    assert outputs['blessing']['metadata']['blessed'] == 1
    assert Path(outputs['blessing']['uri'], 'BLESSED').exists()


def test_a_wrong_configuration_fails_the_step_and_leaves_no_outputs(cluster, artifacts):
    done, output_file = cluster.attempt(STEP, artifacts, **parameters(label='lable'))
    assert done.returncode != 0
    assert 'lable' in done.stderr
    assert not output_file.exists()


COMPILE_REFERENCES = """
import sys, yaml
from tfx import v1 as tfx
from kubeflow import runner
from pipelines.references.pipeline import create_pipeline
module = tfx.dsl.experimental.RuntimeParameter(
    name='module', ptype=str, default='/app/pipelines/references/trainer/trainer.py')
pipeline = create_pipeline(sys.argv[1], sys.argv[1], module, None, num_models=2)
yaml.safe_dump(runner.compile_pipeline(pipeline, 'localhost/privacy-taxi'), open(sys.argv[2], 'w'))
"""


def test_reference_models_are_trained_by_their_step(launch, tmp_path):
    done = launch(['python', '-c', COMPILE_REFERENCES, str(tmp_path), str(tmp_path / 'pipeline')], tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    digits = sklearn.datasets.load_digits()
    rows = [
        {f'pixel_{i}': int(pixel) for i, pixel in enumerate(pixels)} | {'digit': int(label)}
        for pixels, label in zip(digits.data[:600], digits.target[:600], strict=True)
    ]
    for split, some in (('train', rows[:300]), ('eval', rows[300:])):
        w.write_split(tmp_path / 'examples', split, [w.serialize(row) for row in some])
    cluster = Cluster(yaml.safe_load((tmp_path / 'pipeline').read_text()), tmp_path, launch=launch)
    examples = {'uri': str(tmp_path / 'examples'), 'metadata': {'split_names': '["train", "eval"]', 'span': 0}}
    made = cluster.run('ReferenceModels', {'examples': as_input(examples, 1)}, custom_config='{"epochs": 3}')
    found = made['reference_models']
    assert found['metadata']['num_models'] == 2
    assert [len(list(Path(found['uri'], 'models', number).rglob('saved_model.pb'))) for number in '01'] == [1, 1]


def test_the_image_holds_what_steps_and_workers_start_with(launch, tmp_path):
    held = ['/app/requirements', '/app/privacy_component', '/app/pipelines', '/app/kubeflow', '/opt/apache/beam/boot']
    assert launch(['ls', '-d', *held], tmp_path).returncode == 0
    settings = json.loads(buildah('inspect', '--type', 'image', IMAGE))['OCIv1']['config']
    assert settings['Entrypoint'] == ['/opt/apache/beam/boot']
    # Without a worker's id, the program that starts workers says that it needs one.
    assert 'No id provided' in launch(['/opt/apache/beam/boot'], tmp_path).stderr


def test_the_image_says_its_size(launch, tmp_path, capsys):
    size = launch(['du', '-xsh', '--exclude=/proc', '/'], tmp_path).stdout.split()[0]
    with capsys.disabled():
        print(f'\nThe image holds {size}.')
    assert size.endswith('G') and float(size[:-1]) < 8
