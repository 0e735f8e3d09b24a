"""PrivacyEvaluator's executor on the snapshots of a real training."""

import dataclasses
import itertools
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
import sklearn.datasets
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tf_keras
from apache_beam.internal import pickler
from google.protobuf import json_format
from tfx.types import standard_artifacts

from privacy_component import PrivacyConfig, PrivacyInputError, PrivacyResult, Threshold, evaluate_privacy
from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.beam.models import snapshots
from privacy_component.beam.models.compared import Asked
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Serialized
from privacy_component.beam.models.snapshots import ServedSnapshots
from privacy_component.beam.models.sources import gradient_norms_by_layer
from privacy_component.beam.plan import ModelPlan, SnapshotPlan
from privacy_component.component import executor
from privacy_component.training import SnapshotCallback
from tests.component import world as w
from tests.component.test_reference_models import artifact

PIXELS, EPOCHS, MEMBERS = 64, 3, 300
EVAL_CONFIG = tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='digit')])
SPEC = {'pixels': tf.io.FixedLenFeature([PIXELS], tf.float32)}
WITH_SNAPSHOTS = ('trajectory', 'alignment', 'trajectory_and_alignment')
KERAS = {'keras_3': keras, 'keras_2': tf_keras}


def config(**settings):
    return PrivacyConfig(
        **{'attacks': ('loss_threshold', 'trajectory'), 'report_only': True, 'slices': {'by_class': False}} | settings
    )


def network(version, units=24, outputs=10):
    version.utils.set_random_seed(1)
    layers = [version.layers.Dense(units, 'relu'), version.layers.Dense(outputs)]
    model = version.Sequential([version.layers.Input([PIXELS]), *layers])
    loss = version.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(version.optimizers.Adam(1e-2), loss)
    return model


def signatures_of(model):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples):
        return {'logits': model(tf.io.parse_example(examples, SPEC)['pixels'])}

    return {'serving_default': serve}


@dataclasses.dataclass
class Digits:
    """Digits on disk, a model trained on some, and its snapshots."""

    root: Path

    def write(self, version):
        digits, rng = sklearn.datasets.load_digits(), np.random.default_rng(0)
        order = rng.permutation(len(digits.target))[: 2 * MEMBERS]
        pixels = (digits.data[order] / 16).astype(np.float32)
        # A third of the labels is random, for the model to learn by heart.
        self.labels = np.where(rng.random(len(order)) < 0.3, rng.integers(0, 10, len(order)), digits.target[order])
        rows = [{'pixels': z.tolist(), 'digit': int(y)} for z, y in zip(pixels, self.labels, strict=True)]
        self.records = [w.serialize(row) for row in rows]
        w.write_split(self.root / 'examples', 'train', self.records[:MEMBERS], shards=2)
        w.write_split(self.root / 'examples', 'eval', self.records[MEMBERS:])
        model = network(version)
        signatures = signatures_of(model)
        callback = SnapshotCallback(self.root / 'run' / 'snapshots', signatures, every=10)
        model.fit(
            pixels[:MEMBERS], self.labels[:MEMBERS], epochs=10 * EPOCHS, batch_size=30, verbose=0, callbacks=[callback]
        )
        tf.saved_model.save(model, str(self.root / 'model' / 'Format-Serving'), signatures=signatures)
        return self

    @property
    def snapshots(self):
        return sorted((self.root / 'run' / 'snapshots').glob('epoch_*'))

    def evaluate(self, privacy_config=None, run='run', **more):
        outputs = w.World(self.root).outputs()
        inputs = {
            'examples': [
                artifact(standard_artifacts.Examples, self.root / 'examples', split_names='["train", "eval"]')
            ],
            'model': [artifact(standard_artifacts.Model, self.root / 'model', id=17)],
            'snapshots': [artifact(standard_artifacts.ModelRun, self.root / run)],
        }
        context = executor.Executor.Context([], tmp_dir=str(self.root / 'tmp'), unique_id='2')
        properties = {
            'eval_config': json_format.MessageToJson(EVAL_CONFIG),
            'privacy_config': (privacy_config or config()).to_json(),
        }
        executor.Executor(context).Do(inputs | more, outputs, properties)
        return PrivacyResult.load(Path(outputs['privacy_metrics'][0].uri) / 'privacy_metrics.json')

    def logits(self, path):
        signature = tf.saved_model.load(str(path)).signatures['serving_default']
        padded = [rows + rows[-1:] * (1024 - len(rows)) for rows in self.batches()]
        outputs = [signature(examples=tf.constant(rows))['logits'].numpy() for rows in padded]
        return np.concatenate([rows[: len(kept)] for rows, kept in zip(outputs, self.batches(), strict=True)])

    def batches(self):
        return self.records[:MEMBERS], self.records[MEMBERS:]


@pytest.fixture(scope='module', params=KERAS)
def trained(request, tmp_path_factory):
    return Digits(tmp_path_factory.mktemp(request.param)).write(KERAS[request.param])


@pytest.fixture(scope='module')
def digits(tmp_path_factory):
    return Digits(tmp_path_factory.mktemp('digits')).write(keras)


@pytest.fixture
def changed(digits, tmp_path):
    """A copy of the run that a test may spoil."""
    shutil.copytree(digits.root / 'run', tmp_path / 'run')
    return dataclasses.replace(digits), tmp_path / 'run'


def overall(result):
    return {row.attack: row for row in result.results if not row.slice_key}


def test_component_and_arrays_agree_to_the_last_bit(trained):
    found = trained.evaluate()
    expected = evaluate_privacy(
        is_member=np.arange(2 * MEMBERS) < MEMBERS,
        labels=trained.labels,
        logits=trained.logits(trained.root / 'model' / 'Format-Serving'),
        snapshot_logits=np.stack([trained.logits(path) for path in trained.snapshots]),
        example_ids=example_hashes(trained.records)[0],
        config=config(),
    )
    assert {name: row.row() for name, row in overall(found).items()} == {
        name: row.row() for name, row in overall(expected).items()
    }
    assert set(overall(found)) == {'loss_threshold', 'trajectory'}
    assert found.record.num_snapshots == expected.record.num_snapshots == EPOCHS
    assert found.record.artifacts['snapshots'][0].fingerprint.startswith('sha256:')


def explicit_gradients(path, pixels, labels):
    """One by one, without the signature: [(weights, biases), (weights, biases)] of each example."""
    loaded = tf.saved_model.load(str(path))
    weights = [tf.Variable(weight) for weight in loaded.signatures['serving_default'].trainable_variables]
    for row, label in zip(pixels, labels, strict=True):
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(row[None] @ weights[0] + weights[1])
            logits = hidden @ weights[2] + weights[3]
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits([label], logits)
        yield [gradient.numpy().astype(np.float64) for gradient in tape.gradient(loss, weights)]


def weights_of(path):
    loaded = tf.saved_model.load(str(path))
    return [weight.numpy() for weight in loaded.signatures['serving_default'].trainable_variables]


def asked_about(records, labels):
    return Asked(Serialized(records), example_hashes(records)[0], labels, 10, 'multiclass')


def parsed(records):
    return tf.io.parse_example(tf.constant(records), SPEC)['pixels']


def plan_of(path):
    return ModelPlan(str(path), json_format.MessageToJson(EVAL_CONFIG), output_kind='logits')


def test_alignment_is_that_of_explicit_gradients(trained):
    records, labels = trained.records[:15], trained.labels[:15]
    plans = tuple(map(plan_of, trained.snapshots))
    served = ServedSnapshots(SnapshotPlan(plans, (10, 20, 30), ('snapshot_alignment', 'snapshot_signals')))
    served.load()
    found = served.columns(asked_about(records, labels))
    expected = np.empty((15, EPOCHS - 1))
    for number, (here, there) in enumerate(itertools.pairwise(trained.snapshots)):
        step = [before - after for before, after in zip(weights_of(here), weights_of(there), strict=True)]
        for row, gradients in enumerate(explicit_gradients(here, parsed(records), labels)):
            dot = sum((gradient * way).sum() for gradient, way in zip(gradients, step, strict=True))
            expected[row, number] = dot / np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    np.testing.assert_allclose(found['snapshot_alignment'], expected, rtol=1e-4)
    one_by_one = [served.columns(asked_about([r], labels[i : i + 1])) for i, r in enumerate(records)]
    np.testing.assert_array_equal(
        np.concatenate([one['snapshot_alignment'] for one in one_by_one]), found['snapshot_alignment']
    )


def test_what_lies_between_snapshots_is_held_once_in_a_process(digits, monkeypatch):
    plans = tuple(map(plan_of, digits.snapshots))
    served = pickler.dumps(ServedSnapshots(SnapshotPlan(plans, (10, 20, 30), ('snapshot_alignment',))))
    threads = [pickler.loads(served) for _ in range(2)]
    threads[0].load()
    monkeypatch.setattr(snapshots, '_Steps', lambda weights: pytest.fail('they were made again'))
    threads[1].load()
    records, labels = digits.records[:5], digits.labels[:5]
    one, other = (thread.columns(asked_about(records, labels))['snapshot_alignment'] for thread in threads)
    np.testing.assert_array_equal(one, other)


def test_norms_by_layer_are_those_of_explicit_gradients(trained):
    records, labels = trained.records[:15], trained.labels[:15]
    path = trained.root / 'model' / 'Format-Serving'
    model = ServedModel(plan_of(path))
    model.load()
    serialized = Serialized(records)
    found = gradient_norms_by_layer(model, serialized, labels, model.outputs(serialized), 'multiclass')
    squares = [[(g**2).sum() for g in one] for one in explicit_gradients(path, parsed(records), labels)]
    w1, b1, w2, b2 = np.array(squares).T
    np.testing.assert_allclose(found, np.sqrt(np.column_stack([w1 + b1 + w2 + b2, w1 + b1, w2 + b2])), rtol=1e-4)


def test_all_attacks_with_snapshots_find_what_the_loss_does_not(digits):
    found = overall(digits.evaluate(config(attacks=('loss_threshold', *WITH_SNAPSHOTS))))
    aucs = {name: row.metrics['auc'].value for name, row in found.items()}
    assert all(aucs[name] > 0.6 for name in WITH_SNAPSHOTS)
    page = (Path(digits.root) / 'out' / 'metrics' / 'report.html').read_text()
    heads = ('black box', 'black box, snapshots', 'white box, snapshots')
    assert [page.count(f'<dt>Attacks, {head}</dt>') for head in heads] == [1, 1, 1]


def test_without_attacks_in_the_config_the_trajectory_is_among_them(digits):
    found = digits.evaluate(config(attacks=()))
    assert set(overall(found)) == {'loss_threshold', 'logistic_regression', 'trajectory'}


def test_snapshots_that_no_attack_asks_are_a_warning(digits):
    found = digits.evaluate(config(attacks=('loss_threshold',)))
    assert any('snapshots is wired, and no configured attack asks them' in word for word in found.record.warnings)
    assert found.record.num_snapshots is None


def save(model, path):
    shutil.rmtree(path, ignore_errors=True)
    tf.saved_model.save(model, str(path), signatures=signatures_of(model))


def only_one(run):
    for path in sorted((run / 'snapshots').glob('epoch_*'))[1:]:
        shutil.rmtree(path)


def none_there(run):
    shutil.rmtree(run / 'snapshots')


def weights_alone(run):
    (run / 'snapshots' / 'epoch_00020' / 'saved_model.pb').unlink()


def broken_file(run):
    (run / 'snapshots' / 'epoch_00020' / 'saved_model.pb').write_bytes(b'no model')


def variables_cut(run):
    path = run / 'snapshots' / 'epoch_00020' / 'variables' / 'variables.data-00000-of-00001'
    path.write_bytes(path.read_bytes()[:100])


def another_width(run):
    save(network(keras, units=25), run / 'snapshots' / 'epoch_00020')


def other_labels(run):
    for path in (run / 'snapshots').glob('epoch_*'):
        save(network(keras, outputs=12 + int(path.name[-2:])), path)


def copied(run):
    shutil.rmtree(run / 'snapshots' / 'epoch_00020')
    shutil.copytree(run / 'snapshots' / 'epoch_00010', run / 'snapshots' / 'epoch_00020')


def other_than_the_model(run):
    for seed, path in enumerate((run / 'snapshots').glob('epoch_*')):
        model = network(keras, units=25)
        keras.utils.set_random_seed(seed)
        model.set_weights([np.random.default_rng(seed).standard_normal(one.shape) for one in model.get_weights()])
        save(model, path)


def frozen(seed):
    """A SavedModel without variables."""
    weights = tf.constant(np.random.default_rng(seed).standard_normal((PIXELS, 10)), tf.float32)
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples):
        return {'logits': tf.io.parse_example(examples, SPEC)['pixels'] @ weights}

    module.serve = serve
    return module


def frozen_copies(run):
    for path, seed in zip(sorted((run / 'snapshots').glob('epoch_*')), (1, 1, 2), strict=True):
        module = frozen(seed)
        shutil.rmtree(path)
        tf.saved_model.save(module, str(path), signatures={'serving_default': module.serve})


def twice(run):
    shutil.copytree(run / 'snapshots' / 'epoch_00010', run / 'snapshots' / 'epoch_020')


def other_signature(run):
    model = network(keras)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples):
        return {'scores': model(tf.io.parse_example(examples, SPEC)['pixels'])}

    path = run / 'snapshots' / 'epoch_00020'
    shutil.rmtree(path)
    tf.saved_model.save(model, str(path), signatures={'by_another_name': serve})


SPOILT = {
    only_one: r'snapshots has 1 snapshots in .*; two or more are needed\. .*SnapshotCallback',
    none_there: r'snapshots has 0 snapshots in .*epoch_00001',
    weights_alone: r'epoch_00020 has no saved_model\.pb, .*checkpoint of weights alone',
    broken_file: r'snapshot of epoch 20: .*epoch_00020',
    variables_cut: r'snapshot of epoch 20.*epoch_00020',
    another_width: r'epoch 20 has 4 weights of 1,885 numbers, and snapshot of epoch 10 has .* 1,810 numbers',
    other_labels: r'snapshot of epoch',
    copied: r'snapshot of epoch 20 has the same weights as snapshot of epoch 10',
    other_than_the_model: r'candidate has 4 weights of 1,810 numbers, and snapshot of epoch 30 has 4 weights of 1,885',
    frozen_copies: r'epoch 20 says the very same of the first 8 examples as snapshot of epoch 10: nothing was learnt',
    twice: r'two snapshots of epoch 20, .*epoch_00020 and .*epoch_020: nobody knows which came first',
    other_signature: r"snapshot of epoch 20: .*'?serving_default'?",
}


@pytest.mark.parametrize('spoil', SPOILT, ids=lambda spoil: spoil.__name__)
def test_snapshots_that_cannot_be_used_are_an_error_before_the_job(changed, spoil, monkeypatch):
    digits, run = changed
    spoil(run)
    monkeypatch.setattr(executor.job, 'build', lambda *_: pytest.fail('the job was started'))
    with pytest.raises(PrivacyInputError, match=SPOILT[spoil]):
        digits.evaluate(run=run)


def test_a_channel_without_an_artifact_is_named(digits):
    with pytest.raises(PrivacyInputError, match=r"snapshots holds 0 artifacts; .*trainer\.outputs\['model_run'\]"):
        digits.evaluate(snapshots=[])


def test_without_the_channel_the_attack_says_what_to_wire(tmp_path):
    world = w.World(tmp_path).write()
    with pytest.raises(PrivacyInputError, match=r"'trajectory' needs snapshot_signals, .*SnapshotCallback .*wire"):
        world.run(w.config(attacks=('trajectory',)))


def test_a_change_is_not_limited_for_an_attack_with_snapshots(digits):
    limit = Threshold('auc', absolute=0.1)
    with pytest.raises(PrivacyInputError, match="limits a change of the attack 'trajectory', which asks snapshots"):
        digits.evaluate(config(report_only=False, thresholds=(limit,)))


def test_snapshots_may_lie_in_the_artifact_itself(digits):
    found = digits.evaluate(run='run/snapshots')
    assert found.record.num_snapshots == EPOCHS


def words_of(result, start):
    return [word for word in result.record.warnings if word.startswith(start)]


def test_snapshots_of_this_training_are_not_doubted(trained):
    assert words_of(trained.evaluate(), 'The model lies') == []


def test_snapshots_of_another_training_are_a_warning(changed):
    digits, run = changed
    for path in (run / 'snapshots').glob('epoch_*'):
        model = network(keras)
        keras.utils.set_random_seed(99)
        start = [np.random.default_rng(5).normal(0, 0.5, one.shape) for one in model.get_weights()]
        model.set_weights([one * (1 + 0.001 * int(path.name[-2:])) for one in start])
        save(model, path)
    assert len(words_of(digits.evaluate(run=run), 'The model lies further from every one of its snapshots')) == 1


def test_snapshots_in_another_order_are_a_warning(changed):
    digits, run = changed
    first, last = run / 'snapshots' / 'epoch_00010', run / 'snapshots' / 'epoch_00030'
    first.rename(run / 'kept')
    last.rename(first)
    (run / 'kept').rename(last)
    assert len(words_of(digits.evaluate(run=run), 'The model lies nearer to snapshot of epoch 10 than to')) == 1


@pytest.mark.parametrize('place', ['snapshots/epoch_00001/saved_model.pb', 'old/saved_model.pb', 'checkpoint'])
def test_states_that_are_pushed_along_are_a_warning(digits, tmp_path, place):
    shutil.copytree(digits.root / 'model', tmp_path / 'model')
    left = tmp_path / 'model' / 'Format-Serving' / place
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b'')
    model = [artifact(standard_artifacts.Model, tmp_path / 'model', id=18)]
    (word,) = words_of(digits.evaluate(config(attacks=('loss_threshold',)), model=model), str(tmp_path))
    assert 'holds 1 other states of the model' in word and 'which Pusher pushes along' in word
