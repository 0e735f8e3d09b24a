"""The image that kubeflow/Dockerfile makes: steps of a pipeline that was compiled in it, run in it by their commands.

The image is built by tests/image/build.sh; `make test-image` does both.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest
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


@pytest.fixture(scope='module')
def cluster(launch, tmp_path_factory):
    root = tmp_path_factory.mktemp('cluster')
    compiled = root / 'pipeline.yaml'
    command = ['python', '-m', 'kubeflow.runner', '--pipeline_root', str(root), '--image', IMAGE]
    done = launch([*command, '--output', str(compiled)], root)
    assert done.returncode == 0, done.stderr[-3000:]
    return Cluster(yaml.safe_load(compiled.read_text()), root, launch=launch)


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
