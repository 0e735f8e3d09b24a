"""Gradient norms through a SavedModel, and the first attack that asks for more than outputs."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import json_format

from privacy_component import PrivacyInputError, evaluate_privacy
from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Serialized
from privacy_component.beam.models.sources import gradient_norm, gradient_norms_by_layer
from privacy_component.beam.plan import ModelPlan
from tests.beam.arrays import load
from tests.component import world as w

CLASSES = 3
WORDS = 7


class Net(tf.Module):
    """Two dense layers, and the mean of two looked-up rows, often the same one twice; parses its examples itself."""

    def __init__(self, head, outputs=CLASSES, trainable=True):
        super().__init__()
        rng = np.random.default_rng(3)
        self.head = head
        sizes = {'hidden': (CLASSES + 2, 8), 'bias': (8,), 'last': (8, outputs), 'rows': (WORDS, 2)}
        self.w = {
            name: tf.Variable(rng.standard_normal(size), trainable=trainable, dtype=tf.float32)
            for name, size in sizes.items()
        }

    def raw(self, logits, words):
        looked_up = tf.reduce_mean(tf.nn.embedding_lookup(self.w['rows'], words), axis=1)
        hidden = tf.nn.tanh(tf.concat([logits, looked_up], 1) @ self.w['hidden'] + self.w['bias'])
        return hidden @ self.w['last']

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples):
        spec = {
            'logits': tf.io.FixedLenFeature([CLASSES], tf.float32),
            'words': tf.io.FixedLenFeature([2], tf.int64, default_value=[1, 1]),
        }
        parsed = tf.io.parse_example(examples, spec)
        return {'outputs': self.head(self.raw(parsed['logits'], parsed['words']))}


def saved(net, path):
    tf.saved_model.save(net, str(path / 'Format-Serving'), signatures={'serving_default': net.serve})
    evaluation = json_format.MessageToJson(w.eval_config(signature_name='serving_default'))
    return str(path / 'Format-Serving'), evaluation


def rows_of(n=12):
    rng = np.random.default_rng(0)
    words = rng.integers(WORDS, size=(n, 2))
    words[::2, 1] = words[::2, 0]
    return rng.standard_normal((n, CLASSES)).astype(np.float32), words


def crossentropy(raw, label):
    return tf.nn.sparse_softmax_cross_entropy_with_logits([label], raw)


def sigmoid(raw, label):
    return tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(tf.reshape(label, [1, -1]), tf.float32), raw))


def squares(raw, label):
    return (raw[:, 0] - tf.cast(label, tf.float32)) ** 2


CASES = {
    'logits': (tf.identity, CLASSES, 'logits', 'multiclass',
               lambda rng, n: rng.integers(CLASSES, size=n), crossentropy),
    'softmax': (tf.nn.softmax, CLASSES, 'probabilities', 'multiclass',
                lambda rng, n: rng.integers(CLASSES, size=n), crossentropy),
    'one sigmoid': (tf.nn.sigmoid, 1, 'probabilities', 'multiclass', lambda rng, n: rng.integers(2, size=n), sigmoid),
    'one logit': (tf.identity, 1, 'logits', 'multiclass', lambda rng, n: rng.integers(2, size=n), sigmoid),
    'a flat output': (lambda z: tf.nn.sigmoid(z[:, 0]), 1, 'probabilities', 'multiclass',
                      lambda rng, n: rng.integers(2, size=n), sigmoid),
    'multi-label': (tf.nn.sigmoid, CLASSES, 'probabilities', 'multilabel',
                    lambda rng, n: rng.random((n, CLASSES)) < 0.4, sigmoid),
    'regression': (tf.identity, 1, 'logits', 'regression', lambda rng, n: rng.standard_normal(n), squares),
}  # fmt: skip


@pytest.mark.parametrize('case', CASES)
def test_norms_are_those_of_an_explicit_gradient(tmp_path, case):
    head, outputs, kind, task, labels_of, loss = CASES[case]
    net = Net(head, outputs)
    logits, words = rows_of()
    labels = labels_of(np.random.default_rng(1), len(logits))
    expected, single = [], []
    for row in range(len(logits)):
        with tf.GradientTape() as tape:
            value = loss(net.raw(logits[row : row + 1], words[row : row + 1]), labels[row])
        gradients = tape.gradient(value, list(net.w.values()))
        squares = [float(tf.reduce_sum(tf.convert_to_tensor(g) ** 2)) for g in gradients]
        single.append(np.sqrt(squares))
        expected.append(np.sqrt(sum(squares)))
    model = ServedModel(ModelPlan(*saved(net, tmp_path), output_kind=kind))
    model.load()
    records = [w.serialize({'logits': z.tolist(), 'words': v.tolist()}) for z, v in zip(logits, words, strict=True)]
    serialized = Serialized(records)
    found = gradient_norm(model, serialized, labels, model.outputs(serialized), task)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    by_layer = gradient_norms_by_layer(model, serialized, labels, model.outputs(serialized), task)
    # Weights without names are layers of their own, in whichever order the signature has them.
    np.testing.assert_allclose(by_layer[:, 0], expected, rtol=1e-4)
    np.testing.assert_allclose(np.sort(by_layer[:, 1:]), np.sort(single), rtol=1e-4)


@pytest.mark.parametrize(
    ('head', 'sure'), [(tf.nn.softmax, 1 - 5e-7), (lambda z: tf.exp(tf.nn.log_softmax(z)), 1.0)], ids=['usual', 'exact']
)
@pytest.mark.parametrize('scale', [6, 15])
def test_a_confident_softmax_still_has_a_gradient(tmp_path, head, sure, scale):
    """In float32, 1 - p of the label is 0 or its last bits here, and a plain cross-entropy's gradient with it.

    The larger scale has gradients whose squares are 0 in float32.
    """
    net = Net(lambda z: head(z * scale))
    model = ServedModel(ModelPlan(*saved(net, tmp_path), output_kind='probabilities'))
    model.load()
    logits, words = rows_of(40)
    records = [w.serialize({'logits': z.tolist(), 'words': v.tolist()}) for z, v in zip(logits, words, strict=True)]
    outputs = model.outputs(Serialized(records))
    labels = outputs.argmax(axis=1)
    is_sure = (outputs.max(axis=1) >= sure) & (np.sort(outputs, axis=1)[:, -2] > 1e-30)
    assert is_sure.sum() > 5
    assert (gradient_norm(model, Serialized(records), labels, outputs, 'multiclass')[is_sure] > 0).all()


def test_an_examples_norm_is_the_same_bits_in_every_batch(tmp_path):
    model = ServedModel(ModelPlan(*saved(Net(tf.identity), tmp_path), output_kind='logits'))
    model.load()
    logits, words = rows_of()
    records = [w.serialize({'logits': z.tolist(), 'words': v.tolist()}) for z, v in zip(logits, words, strict=True)]
    seeds = np.random.default_rng(0).standard_normal((len(records), CLASSES))
    whole = model.gradient_norms(Serialized(records), seeds)
    single = [model.gradient_norms(Serialized([r]), s[None])[0] for r, s in zip(records, seeds, strict=True)]
    assert whole.tolist() == single


@pytest.fixture
def white_box_world(tmp_path):
    """The model passes its input's logits on, through weights that see how confident they are."""
    world = w.World(tmp_path).write()
    saved(Net(tf.identity), tmp_path / 'model')
    return world


def test_component_and_arrays_agree_to_the_last_bit(white_box_world):
    chosen = w.config(attacks=('loss_threshold', 'gradient_norm'))
    found = load(white_box_world.run(chosen))
    records = white_box_world.records('train') + white_box_world.records('eval')
    parsed = [tf.train.Example.FromString(record).features.feature for record in records]
    labels = np.array([example['label'].int64_list.value[0] for example in parsed])
    model = ServedModel(ModelPlan(*saved(Net(tf.identity), white_box_world.root / 'again'), output_kind='logits'))
    model.load()
    outputs, norms = [], []
    for start in range(0, len(records), 1024):
        part = Serialized(records[start : start + 1024])
        outputs.append(model.outputs(part))
        norms.append(gradient_norm(model, part, labels[start : start + 1024], outputs[-1], 'multiclass'))
    expected = evaluate_privacy(
        is_member=np.arange(len(records)) < len(white_box_world.records('train')),
        labels=labels,
        logits=np.concatenate(outputs),
        features={'color': [example['color'].bytes_list.value[0].decode() for example in parsed]},
        signals={'gradient_norm': np.concatenate(norms)},
        example_ids=example_hashes(records)[0],
        config=chosen,
    )
    wanted = {(r.slice, r.attack): r for r in expected.results}
    both = [r for r in found.results if (r.slice, r.attack) in wanted]
    assert {r.attack for r in both} == {'loss_threshold', 'gradient_norm'}
    assert all(r.row() == wanted[r.slice, r.attack].row() for r in both)
    (overall,) = (r for r in found.results if r.attack == 'gradient_norm' and not r.slice_key)
    assert overall.metrics['auc'].value != next(r for r in found.results if not r.slice_key).metrics['auc'].value


def test_nothing_is_computed_that_no_attack_asks_for(white_box_world, monkeypatch):
    monkeypatch.setattr(ServedModel, 'gradient_norms', lambda *_: pytest.fail('was computed'))
    white_box_world.run(w.config(attacks=('loss_threshold',)))


def test_the_report_groups_attacks_by_what_the_attacker_has(white_box_world):
    outputs = white_box_world.run(w.config(attacks=('loss_threshold', 'gradient_norm')))
    page = (Path(outputs['privacy_metrics'].uri) / 'report.html').read_text()
    loss = 'loss_threshold <span class="muted">Yeom et al. 2018, arXiv 1709.01604</span>'
    norm = 'gradient_norm <span class="muted">Nasr et al. 2019, arXiv 1812.00910</span>'
    groups = f'<dt>Attacks, black box</dt><dd>{loss}</dd><dt>Attacks, white box</dt><dd>{norm}</dd>'
    assert groups in page


def test_a_model_without_weights_is_refused_by_name(tmp_path):
    world = w.World(tmp_path).write()
    with pytest.raises(PrivacyInputError, match=r"signature 'serving_default' has no trainable variables .*frozen"):
        world.run(w.config(attacks=('gradient_norm',)))


def test_a_gradient_that_is_not_a_number_is_refused(tmp_path):
    world = w.World(tmp_path).write()
    # The root of a negative number, in the branch that is not taken.
    saved(Net(lambda z: tf.where(z > 1e5, tf.pow(z - 1e6, 0.5), z)), tmp_path / 'model')
    with pytest.raises(PrivacyInputError, match=r'gradient of the loss is NaN or infinite for \d+ of \d+ examples'):
        world.run(w.config(attacks=('gradient_norm',)))


def test_outputs_that_cannot_be_differentiated_are_refused(tmp_path):
    world = w.World(tmp_path).write()
    saved(Net(lambda z: tf.round(z)), tmp_path / 'model')
    with pytest.raises(PrivacyInputError, match=r'no gradient reaches the weights|rounding'):
        world.run(w.config(attacks=('gradient_norm',)))


def test_what_a_job_cannot_supply_is_said_before_it_starts(tmp_path):
    world = w.World(tmp_path).write()
    with pytest.raises(
        PrivacyInputError,
        match=r"'difficulty' needs reference_signals, .*run ReferenceModels and wire",
    ):
        world.run(w.config(attacks=('difficulty',)))

    @tf.function(input_signature=[tf.TensorSpec([None, CLASSES], tf.float32, name='logits')])
    def by_features(logits):
        return {'outputs': logits}

    module = tf.Module()
    w.save_model(tmp_path / 'model', signatures={'serving_default': by_features})
    del module
    with pytest.raises(PrivacyInputError, match=r"'gradient_norm' needs gradient_norm, .*TFMA's extractors: export a"):
        world.run(w.config(attacks=('gradient_norm',)))


def test_attack_parameters_go_through_the_component(tmp_path):
    world = w.World(tmp_path).write()
    text = json.dumps({'attacks': ['loss_threshold', {'name': 'quantile', 'quantile': 0.9}], 'report_only': True})
    found = load(world.run(text))
    assert {r.attack for r in found.results} == {'loss_threshold', 'quantile(quantile=0.9)'}
