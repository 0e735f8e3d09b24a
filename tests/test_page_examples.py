"""The examples in README and docs run as they are printed, in a world that has what they take as given."""

import contextlib
import dataclasses
import functools
import io
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from sklearn.linear_model import LogisticRegression
from tfx import types
from tfx import v1 as tfx
from tfx.proto import example_gen_pb2
from tfx.types import standard_artifacts

import privacy_component
from tests import synthetic
from tests.pages import NAMES, blocks

ELSEWHERE = (
    '# new file',  # these, and what is put into files, tests/test_architecture.py does
    ', after the line:',
    'metadata.sqlite',  # needs a past: tests/component/test_lineage.py
    "privacy.outputs['privacy_metrics']",  # needs a run: tests/component/test_views.py, tests/kubeflow/test_show.py
    'tfx.dsl.Cond',  # tests/kubeflow/test_conditions.py
    'reconstruct(',  # needs a model of people: tests/inversion
    'build_classifier(fn_args',  # needs a Trainer: tests/end_to_end/test_defences.py
)
CASES = [
    (name, number)
    for name in NAMES
    for number, block in enumerate(blocks(name, 'python'))
    if not any(mark in block for mark in ELSEWHERE)
]


def channel(artifact_type):
    return types.Channel(type=artifact_type)


def step(**outputs):
    return SimpleNamespace(outputs={name: channel(artifact_type) for name, artifact_type in outputs.items()})


@pytest.fixture(scope='module')
def world():
    """Names that pages use without saying where they come from."""
    import keras

    observations = synthetic.observations(n=200)
    examples = np.random.default_rng(0).normal(size=(400, 8)).astype('float32')
    labels = (examples[:, 0] > 0).astype(int)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(2)])
    model.compile('adam', keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    @tf.function(input_signature=[tf.TensorSpec([None, 8], tf.float32)])
    def serve(inputs):
        return {'logits': model(inputs)}

    public = {name: getattr(privacy_component, name) for name in privacy_component.__all__}
    return public | {
        'dataclasses': dataclasses,
        'tfx': tfx,
        'tf': tf,
        'tfma': tfma,
        'Pusher': tfx.components.Pusher,
        'Trainer': functools.partial(tfx.components.Trainer, module_file='trainer.py'),
        'Model': standard_artifacts.Model,
        'ModelBlessing': standard_artifacts.ModelBlessing,
        'example_gen_pb2': example_gen_pb2,
        'example_gen': step(examples=standard_artifacts.Examples),
        'examples_with_predictions': step(examples=standard_artifacts.Examples),
        'transform': step(
            transform_graph=standard_artifacts.TransformGraph, transformed_examples=standard_artifacts.Examples
        ),
        'trainer': step(model=standard_artifacts.Model, model_run=standard_artifacts.ModelRun),
        'evaluator': step(blessing=standard_artifacts.ModelBlessing),
        'eval_config': tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='label')]),
        'push_destination': tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory='serving')
        ),
        'trainer_module_file': 'trainer.py',
        'thresholds': (privacy_component.Threshold('auc', 0.6),),
        'config': privacy_component.PrivacyConfig(),
        'is_member': observations.is_member,
        'labels': observations.labels,
        'logits': observations.outputs,
        'payment_type': np.where(np.arange(len(observations)) % 2, 'Cash', 'Credit Card'),
        'np': np,
        'injector': step(examples_with_canaries=standard_artifacts.Examples),
        'scores': np.random.default_rng(0).normal(size=400),
        'is_in': np.arange(400) % 2 == 0,
        'person': np.arange(len(observations)) // 2,
        'person_is_member': observations.is_member,
        'was_trained_on': observations.is_member & (np.arange(len(observations)) % 2 == 0),
        'model': model,
        'signatures': {'serving_default': serve},
        'train': tf.data.Dataset.from_tensor_slices((examples, labels)).batch(100),
        'fn_args': SimpleNamespace(model_run_dir='run', serving_model_dir='serving'),
        **dict(zip(('x_train', 'x_test', 'x_val'), np.split(examples, [200, 300]), strict=True)),
        **dict(zip(('y_train', 'y_test', 'y_val'), np.split(labels, [200, 300]), strict=True)),
    }


def people():
    """Of whom docs/other_attacks.md asks: a model of many people that gives none away."""
    random = np.random.default_rng(0)
    table = pd.DataFrame({'female': random.integers(0, 2, 4000), 'income': random.normal(size=4000)})
    labels = (table['income'] + table['female'] + random.normal(size=4000) > 0).astype(int)
    sides = (slice(0, 2000), slice(2000, 4000))
    (x, y), (other_x, other_y) = ((table[side], labels[side]) for side in sides)
    given = {'x': x, 'y': y, 'other_x': other_x, 'other_y': other_y}
    return given | {'model': LogisticRegression().fit(x, y), 'person': np.arange(4000)}


def completed(block):
    """The block, with the dots that stand for what was said before replaced by that, and trained for less."""
    block = re.sub(r'PrivacyEvaluator\(\.\.\.(?=[,)])', 'PrivacyEvaluator(**given', block)
    block = re.sub(r'sha256:\w+\.\.\.', f'sha256:{"ab" * 32}', block).replace('epochs=40', 'epochs=5')
    block = re.sub(r'^    \.\.\.,$', '    labels=labels,\n    logits=logits,', block, flags=re.MULTILINE)
    return re.sub(r'\(\.\.\., ', '(', block).replace('[...]', '[]').replace(', ...])', '])')


@pytest.mark.parametrize(('name', 'number'), CASES)
def test_it_runs(name, number, world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'trainer.py').write_text('def run_fn(fn_args):\n    pass\n')
    given = {
        'examples': channel(standard_artifacts.Examples),
        'model': channel(standard_artifacts.Model),
        'eval_config': world['eval_config'],
        'privacy_config': world['config'],
    }
    names = world | {'given': given} | (people() if name == 'docs/other_attacks.md' else {})
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(completed(blocks(name, 'python')[number]), name, 'exec'), names)


def test_the_arrays_example_leaves_a_report_and_a_result(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = next(block for block in blocks('README.md', 'python') if 'evaluate_privacy(' in block)
    names = dict(world)
    exec(block, names)
    assert '<html' in (tmp_path / 'report.html').read_text()
    assert privacy_component.PrivacyResult.load('privacy_metrics.json').to_json() == names['result'].to_json()


def test_a_misspelt_argument_in_a_page_would_be_found(world):
    block = next(block for block in blocks('README.md', 'python') if 'evaluate_privacy(' in block)
    with pytest.raises(TypeError, match='is_membr'):
        exec(block.replace('is_member=', 'is_membr='), dict(world))
