"""scikit-learn models in a real pipeline: their predictions stand in the examples, and their files go to Pusher."""

from pathlib import Path

import joblib
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from tfx import v1 as tfx

from privacy_component import PrivacyConfig, PrivacyEvaluator, Threshold

HALF = 700
MODELS = {  # which of them leaks
    'forest': RandomForestClassifier(20, random_state=0),
    'stumps': RandomForestClassifier(20, max_depth=2, random_state=0),
}


def example(pixels, label, predictions):
    features = {
        'pixels': tf.train.Feature(float_list=tf.train.FloatList(value=pixels)),
        'digit': tf.train.Feature(int64_list=tf.train.Int64List(value=[label])),
    }
    for name, values in predictions.items():
        features[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def write(root):
    """Models as files, and examples with what they predict."""
    pixels, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(digits))[: 2 * HALF]
    splits = {'train': order[:HALF], 'eval': order[HALF:]}
    for name, model in MODELS.items():
        model.fit(pixels[splits['train']], digits[splits['train']])
        folder = root / 'models' / name / 'Format-Serving'
        folder.mkdir(parents=True)
        joblib.dump(model, folder / 'model.joblib')
    for split, rows in splits.items():
        (root / 'data' / split).mkdir(parents=True)
        predicted = {name: model.predict_proba(pixels[rows]) for name, model in MODELS.items()}
        with tf.io.TFRecordWriter(str(root / 'data' / split / 'examples.tfrecord')) as writer:
            for i, row in enumerate(rows):
                writer.write(example(pixels[row], digits[row], {name: values[i] for name, values in predicted.items()}))


def judged(root, examples, name):
    """A model's evaluation and its Pusher."""
    model = tfx.dsl.Importer(str(root / 'models' / name), tfx.types.standard_artifacts.Model).with_id(f'{name}_model')
    privacy = PrivacyEvaluator(
        examples=examples,
        model=model.outputs['result'],
        eval_config=tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='digit', prediction_key=name)]),
        privacy_config=PrivacyConfig(thresholds=(Threshold('auc', 0.6),)),
    ).with_id(f'{name}_privacy')
    pusher = tfx.components.Pusher(
        model=model.outputs['result'],
        model_blessing=privacy.outputs['blessing'],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=str(root / 'pushed' / name))
        ),
    ).with_id(f'{name}_pusher')
    return [model, privacy, pusher]


@pytest.fixture(scope='module')
def pushed(tmp_path_factory):
    """The names of the models that a run has pushed, each with the names of its files."""
    root = tmp_path_factory.mktemp('sklearn')
    write(root)
    splits = [tfx.proto.Input.Split(name=name, pattern=f'{name}/*') for name in ('train', 'eval')]
    examples = tfx.components.ImportExampleGen(
        input_base=str(root / 'data'), input_config=tfx.proto.Input(splits=splits)
    )
    nodes = [node for name in MODELS for node in judged(root, examples.outputs['examples'], name)]
    pipeline = tfx.dsl.Pipeline(
        pipeline_name='sklearn',
        pipeline_root=str(root / 'pipeline'),
        components=[examples, *nodes],
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            str(root / 'metadata.sqlite')
        ),
        beam_pipeline_args=['--runner=FnApiRunner'],
    )
    tfx.orchestration.LocalDagRunner().run(pipeline)
    files = [path for path in Path(root, 'pushed').rglob('*') if path.is_file()]
    return {path.parts[-3]: path.name for path in files}


def test_the_forest_that_knows_its_members_is_kept_back_and_the_other_pushed(pushed):
    assert pushed == {'stumps': 'model.joblib'}
