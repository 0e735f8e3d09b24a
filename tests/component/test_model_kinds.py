"""Every kind of model in docs/model_kinds.md, exported as its users do and judged by the real executor."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from privacy_component import PrivacyInputError, evaluate_privacy
from privacy_component.beam.examples.record_hashes import example_hashes
from tests.beam.arrays import load
from tests.component import world as w

DIRECTLY, BY_EXTRACTORS = 'directly', "by TFMA's extractors"


def identity_model(library):
    """A Keras model with weights that answers with its input `logits`."""
    given = library.Input((w.NUM_CLASSES,), name='logits')
    head = library.layers.Dense(w.NUM_CLASSES, kernel_initializer=library.initializers.Identity(), name='head')
    return library.Model(given, head(given))


def serving(model):
    """A signature for serialized examples, as TFX's trainers write it."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name='examples')])
    def serve(examples):
        parsed = tf.io.parse_example(examples, {'logits': tf.io.FixedLenFeature([w.NUM_CLASSES], tf.float32)})
        return {'outputs': model(parsed['logits'])}

    return serve


def keras_export(path):
    identity_model(keras).export(path)


def keras_export_archive(path):
    """`export` with an endpoint of one's own."""
    model, archive = identity_model(keras), keras.export.ExportArchive()
    archive.track(model)
    examples = tf.TensorSpec([None], tf.string, name='examples')
    spec = {'logits': tf.io.FixedLenFeature([w.NUM_CLASSES], tf.float32)}
    archive.add_endpoint(
        'serving_default', lambda examples: model(tf.io.parse_example(examples, spec)['logits']), [examples]
    )
    archive.write_out(path)


def keras_saved(path):
    model = identity_model(keras)
    tf.saved_model.save(model, path, signatures={'serving_default': serving(model)})


def keras_2_export(path):
    identity_model(tf_keras).export(path)


def keras_2_save(path):
    """With the file by which TFMA loads a model as Keras."""
    identity_model(tf_keras).save(path, save_format='tf')


def keras_2_saved(path):
    model = identity_model(tf_keras)
    tf.saved_model.save(model, path, signatures={'serving_default': serving(model)})


def keras_2_saved_by_itself(path):
    tf.saved_model.save(identity_model(tf_keras), path)


SAVED = {
    'Keras 3, model.export': (keras_export, BY_EXTRACTORS),
    'Keras 3, ExportArchive': (keras_export_archive, DIRECTLY),
    'Keras 3, tf.saved_model.save': (keras_saved, DIRECTLY),
    'Keras 2, model.export': (keras_2_export, BY_EXTRACTORS),
    'Keras 2, model.save': (keras_2_save, BY_EXTRACTORS),
    'Keras 2, tf.saved_model.save': (keras_2_saved, DIRECTLY),
    'Keras 2, tf.saved_model.save, no signature of its own': (keras_2_saved_by_itself, BY_EXTRACTORS),
}
UNLOOKED = w.config(checks={'other_signatures': 'off', 'blind_baseline': 'off'})


def figures(result):
    return [one.row() for one in result.results]


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    return w.World(tmp_path_factory.mktemp('kinds')).write(num_rows=200)


@pytest.fixture(scope='module')
def expected(world):
    return figures(load(world.run(privacy_config=UNLOOKED)))


@pytest.mark.parametrize('name', SAVED)
def test_however_it_is_saved_the_figures_are_those_of_a_plain_module(world, expected, tmp_path, name):
    save, called = SAVED[name]
    save(str(tmp_path / 'model' / 'Format-Serving'))
    inputs = world.inputs()
    inputs['model'][0].uri = str(tmp_path / 'model')
    found = load(world.run(privacy_config=UNLOOKED, inputs=inputs))
    assert found.record.model_called == called
    assert figures(found) == expected


def rows_of_one_logit(num_rows, seed, leak):
    """Examples of two classes whose feature `logits` is one number."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=num_rows)
    logits = (2 * labels - 1) * (0.5 + leak) + rng.standard_normal(num_rows)
    return [
        {'logits': [float(z)], 'color': 'red', 'size': 1, 'label': int(y)} for z, y in zip(logits, labels, strict=True)
    ]


BINARY = {
    'a sigmoid (n, 1)': tf.sigmoid,
    'a sigmoid (n,)': lambda z: tf.sigmoid(z)[:, 0],
    'a softmax of 2': lambda z: tf.nn.softmax(tf.concat([tf.zeros_like(z), z], 1)),
    'a logit (n, 1)': tf.identity,
    'a logit (n,)': lambda z: z[:, 0],
    'logits of 2': lambda z: tf.concat([tf.zeros_like(z), z], 1),
}


@pytest.fixture(scope='module')
def two_classes(tmp_path_factory):
    world = w.World(tmp_path_factory.mktemp('binary')).write(num_rows=8)
    for split, seed, leak in (('train', 1, 0.8), ('eval', 2, 0.0)):
        world.replace_rows(split, rows_of_one_logit(200, seed, leak))
    return world


def auc_of(world, answer):
    w.save_model(world.root / 'model', lambda z: {'outputs': answer(z)}, outputs=1)
    result = load(world.run(privacy_config=UNLOOKED))
    return {(one.slice, one.attack): one.metrics['auc'].value for one in result.results}


@pytest.fixture(scope='module')
def auc_of_logits(two_classes):
    return auc_of(two_classes, BINARY['logits of 2'])


@pytest.mark.parametrize('name', list(BINARY)[:-1])
def test_two_classes_in_any_form(two_classes, auc_of_logits, name):
    """Float32 probabilities tie now and then where logits do not, which moves an AUC by a pair or two of 40,000."""
    found = auc_of(two_classes, BINARY[name])
    assert found.keys() == auc_of_logits.keys() and found['Overall', 'loss_threshold'] > 0.6
    assert found == pytest.approx(auc_of_logits, abs=1e-4)


def as_multilabel(row):
    return row | {'label': [int(z > 1) for z in row['logits']]}


def as_regression(row):
    return row | {'label': row['logits'][0] * 2, 'logits': row['logits'][:1]}


TASKS = {
    'multilabel, logits': ('multilabel', as_multilabel, tf.identity, 'logits'),
    'multilabel, sigmoids': ('multilabel', as_multilabel, tf.sigmoid, 'probabilities'),
    'regression (n, 1)': ('regression', as_regression, tf.identity, 'logits'),
    'regression (n,)': ('regression', as_regression, lambda z: z[:, 0], 'logits'),
    'regression with a variance': (
        'regression', as_regression, lambda z: tf.concat([z, tf.exp(z)], 1), 'logits'
    ),
}  # fmt: skip


@pytest.mark.parametrize('name', TASKS)
def test_other_tasks_give_what_arrays_give(tmp_path, name):
    task, change, answer, kind = TASKS[name]
    world = w.World(tmp_path).write(num_rows=8)
    parts = {
        split: [change(row) for row in w.make_rows(200, seed, leak=True)] for split, seed in (('train', 1), ('eval', 2))
    }
    for split, rows in parts.items():
        world.replace_rows(split, rows)
    rows = parts['train'] + parts['eval']
    w.save_model(tmp_path / 'model', lambda z: {'outputs': answer(z)}, outputs=len(rows[0]['logits']))
    config = w.config(attacks=('loss_threshold',), outputs={'task': task}, checks={'other_signatures': 'off'})
    found = load(world.run(privacy_config=config))
    assert found.record.output_kind == kind
    records = world.records('train') + world.records('eval')
    outputs = np.asarray(answer(tf.constant([row['logits'] for row in rows], tf.float32)))
    given = 'predictions' if task == 'regression' else kind
    arrays = evaluate_privacy(
        is_member=np.arange(len(rows)) < len(parts['train']),
        labels=np.array([row['label'] for row in rows], np.float32 if task == 'regression' else np.int64),
        example_ids=example_hashes(records)[0],
        config=config,
        **{given: outputs},
    )
    assert found.results[0].row() == arrays.results[0].row()


@pytest.mark.parametrize(
    ('kind', 'words'),
    [('tf_lite', 'TensorFlow Lite'), ('tf_js', r'TensorFlow\.js')],
)
def test_a_format_that_is_none_of_ours_is_refused_by_name(world, kind, words):
    with pytest.raises(PrivacyInputError, match=f"model_type is '{kind}', .*{words}"):
        world.run(evaluation=w.eval_config(model_type=kind))


def test_a_lite_file_in_the_place_of_a_saved_model(tmp_path):
    world = w.World(tmp_path).write(num_rows=8)
    folder = tmp_path / 'model' / 'Format-Serving'
    double = tf.function(lambda logits: 2 * logits, input_signature=[tf.TensorSpec([1, w.NUM_CLASSES])])
    lite = tf.lite.TFLiteConverter.from_concrete_functions([double.get_concrete_function()]).convert()
    tf.io.gfile.rmtree(str(folder))
    folder.mkdir()
    (folder / 'tflite').write_bytes(lite)
    with pytest.raises(PrivacyInputError, match=r"Serving holds 'tflite', a model of TensorFlow Lite.*SavedModel"):
        world.run()


@pytest.mark.parametrize('by_name', [False, True])
def test_an_answer_for_each_step_is_refused_by_name(world, tmp_path, by_name):
    class Tagger(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, w.NUM_CLASSES], tf.float32, name='logits')])
        def named(self, logits):
            return {'tags': tf.tile(logits[:, tf.newaxis], [1, 4, 1])}

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def whole(self, examples):
            spec = {'logits': tf.io.FixedLenFeature([w.NUM_CLASSES], tf.float32)}
            return self.named(tf.io.parse_example(examples, spec)['logits'])

    model, inputs = Tagger(), world.inputs()
    inputs['model'][0].uri = str(tmp_path)
    signatures = {'serving_default': model.named if by_name else model.whole}
    tf.saved_model.save(model, str(tmp_path / 'Format-Serving'), signatures=signatures)
    message = (
        r"the output 'tags' of the model's signature 'serving_default' is a sequence.* outputs of shape \(None, 4, 3\)"
    )
    with pytest.raises(PrivacyInputError, match=message):
        world.run(inputs=inputs)
