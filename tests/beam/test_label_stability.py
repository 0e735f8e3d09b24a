"""Noisy copies of serialized examples, and the attack of one who sees nothing but labels."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from privacy_component import PrivacyInputError, evaluate_privacy
from privacy_component.beam.examples.float_values import FloatValues
from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.beam.models.noisy_copies import DROPPED, SCALE, input_noise, noisy_copies
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Serialized
from privacy_component.beam.models.sources import label_stability
from privacy_component.beam.plan import ModelPlan
from tests.beam.arrays import load
from tests.beam.test_gradient_norm import Net, saved
from tests.component import world as w

ATTACKS = ('loss_threshold', 'correctness_threshold', 'label_stability')


def parsed(records):
    return [tf.train.Example.FromString(record).features.feature for record in records]


def rows_of(n=60, pixels=40):
    rng = np.random.default_rng(0)
    return [
        {
            'pixels': rng.random(pixels).tolist(),
            'fare': float(rng.exponential(10)),
            'id': i,
            'text': f'{i:b}',
            'absent': None if i % 2 else float(i),
            'label': int(rng.integers(3)),
        }
        for i in range(n)
    ]


def key_and_value(name, value):
    """A map entry of a feature, with the value in bytes as given."""
    key = b'\x0a' + bytes([len(name)]) + name.encode()
    whole = key + b'\x12' + bytes([len(value)]) + value
    return b'\x0a' + bytes([len(whole)]) + whole


def floats(values, is_packed):
    raw = [np.float32(value).tobytes() for value in values]
    packed = b'\x0a' + bytes([4 * len(raw)]) + b''.join(raw) if is_packed else b''.join(b'\x0d' + one for one in raw)
    return b'\x12' + bytes([len(packed)]) + packed


def example_of(entries):
    return b'\x0a' + bytes([len(entries)]) + entries


def test_floats_are_replaced_where_they_stand_and_nothing_else():
    records = [w.serialize(row) for row in rows_of()]
    found = FloatValues.of(records, ('fare', 'pixels', 'absent', 'id', 'unknown'))
    assert found.replaced(found.values) == records
    assert set(found.feature.tolist()) == {0, 1, 2}
    for before, after in zip(parsed(records), parsed(found.replaced(found.values * 2)), strict=True):
        for name in before:
            if before[name].WhichOneof('kind') == 'float_list':
                doubled = [2 * value for value in before[name].float_list.value]
                assert list(after[name].float_list.value) == doubled
            else:
                assert after[name] == before[name]


def test_examples_that_are_written_in_another_way_are_read_too():
    usual, unpacked = (example_of(key_and_value('fare', floats([1.5, 2.5], is_packed))) for is_packed in (True, False))
    name, value = b'\x0a\x04fare', floats([3.5], True)
    swapped = b'\x12' + bytes([len(value)]) + value + name
    swapped = example_of(b'\x0a' + bytes([len(swapped)]) + swapped)
    with_more = usual + b'\x1a\x03abc'  # a field that tf.Example does not know
    records = [usual, unpacked, swapped, with_more, example_of(key_and_value('fare', b'')), b'']
    found = FloatValues.of(records, ['fare'])
    assert found.values.tolist() == [1.5, 2.5, 1.5, 2.5, 3.5, 1.5, 2.5]
    assert found.row.tolist() == [0, 0, 1, 1, 2, 3, 3]
    seen = [list(one['fare'].float_list.value) for one in parsed(found.replaced(-found.values))[:4]]
    assert seen == [[-1.5, -2.5], [-1.5, -2.5], [-3.5], [-1.5, -2.5]]


def test_noise_is_what_it_is_said_to_be():
    rng = np.random.default_rng(0)
    rows = [{'many': rng.standard_normal(50).tolist(), 'id': i, 'label': i % 3} for i in range(200)]
    records = [w.serialize(row) for row in rows]
    noise = input_noise([records], ('label',), num_copies=20, seed=0)
    (known,) = noise.features
    before = np.array([row['many'] for row in rows], np.float32)
    copies = np.array([[one['many'].float_list.value for one in parsed(copy)] for copy in noisy_copies(records, noise)])
    assert copies.shape == (20, 200, 50)
    is_dropped = copies == np.float32(known.median)
    assert abs(is_dropped.mean() - DROPPED) < 4 * np.sqrt(DROPPED / copies.size)
    added = ((copies - before) / (SCALE * known.spread))[~is_dropped]
    assert abs(added.mean()) < 4 / np.sqrt(added.size)
    assert abs(added.std() - 1) < 0.01
    first, second = (copies - before)[:2, ~is_dropped[:2].any(axis=0)]
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / np.sqrt(len(first))
    assert copies.min() >= known.low and copies.max() <= known.high


def test_text_whole_numbers_and_labels_stay_and_a_range_is_kept():
    rows = [row | {'label': float(row['label'])} for row in rows_of()]
    records = [w.serialize(row) for row in rows]
    noise = input_noise([records[:30], records[30:]], ('label', ''), num_copies=3, seed=0)
    assert [one.name for one in noise.features] == ['absent', 'fare', 'pixels']
    for copy in noisy_copies(records, noise):
        for before, after in zip(parsed(records), parsed(copy), strict=True):
            assert all(after[name] == before[name] for name in ('id', 'text', 'label'))
            assert set(after) == set(before)
            assert after['fare'].float_list.value[0] >= 0


def test_an_example_gets_the_same_noise_in_every_batch_and_other_noise_with_another_seed():
    records = [w.serialize(row) for row in rows_of()]
    noise = input_noise([records], ('label',), num_copies=4, seed=0)
    whole = list(noisy_copies(records, noise))
    assert [list(noisy_copies(records[7:8], noise))[i][0] for i in range(4)] == [copy[7] for copy in whole]
    assert [copy[::-1] for copy in noisy_copies(records[::-1], noise)] == whole
    assert len({copy[7] for copy in whole}) == 4
    other = list(noisy_copies(records, dataclasses.replace(noise, seed=1)))
    assert all(one != two for one, two in zip(other[0], whole[0], strict=True))


def test_an_outlier_and_a_missing_number_do_no_harm():
    rows = [{'fare': float(i % 10), 'label': 0} for i in range(500)]
    rows[3]['fare'], rows[4]['fare'] = 1e30, float('nan')
    records = [w.serialize(row) for row in rows]
    noise = input_noise([records], ('label',), num_copies=5, seed=0)
    assert 2 < noise.features[0].spread < 4
    for copy in noisy_copies(records, noise):
        fares = [one['fare'].float_list.value[0] for one in parsed(copy)]
        assert np.isnan(fares[4]) and np.isfinite(np.delete(fares, 4)).all()


@pytest.mark.parametrize(
    ('head', 'outputs', 'kind', 'task', 'labels', 'decide'),
    [
        (tf.identity, 3, 'logits', 'multiclass', lambda rng, n: rng.integers(3, size=n),
         lambda z: z.argmax(axis=1)),
        (tf.nn.sigmoid, 1, 'probabilities', 'multiclass', lambda rng, n: rng.integers(2, size=n),
         lambda z: z[:, 0] > 0.5),
        (tf.identity, 1, 'logits', 'multiclass', lambda rng, n: rng.integers(2, size=n), lambda z: z[:, 0] > 0),
        (tf.nn.sigmoid, 3, 'probabilities', 'multilabel', lambda rng, n: rng.random((n, 3)) < 0.5,
         lambda z: z > 0.5),
    ],
)  # fmt: skip
def test_stability_is_what_asking_about_every_copy_alone_gives(tmp_path, head, outputs, kind, task, labels, decide):
    rng = np.random.default_rng(0)
    rows = [{'logits': rng.standard_normal(3).tolist(), 'words': rng.integers(7, size=2).tolist()} for _ in range(12)]
    records, labels = [w.serialize(row) for row in rows], labels(rng, 12)
    noise = input_noise([records], (), num_copies=10, seed=0)
    model = ServedModel(ModelPlan(*saved(Net(head, outputs), tmp_path), output_kind=kind, noise=noise))
    model.load()

    def is_right(copy):
        alone = [decide(model.outputs(Serialized([one], 4)))[0] for one in copy]
        return np.reshape([answer == label for answer, label in zip(alone, labels, strict=True)], (12, -1))

    right = np.mean([is_right(copy) & is_right(records) for copy in noisy_copies(records, noise)], axis=(0, 2))
    found = label_stability(model, Serialized(records, 16), labels, model.outputs(Serialized(records, 16)), task)
    np.testing.assert_allclose(found, right)
    assert len(set(found.tolist())) > 2


def test_a_copy_without_an_answer_is_an_error_and_an_example_without_one_is_left_to_others(tmp_path):
    net = Net(lambda z: z / 0.0 * 0.0)
    records = [w.serialize({'logits': [1.0, float(i), 0.0], 'words': [1, 1]}) for i in range(4)]
    noise = input_noise([records], (), num_copies=2, seed=0)
    model = ServedModel(ModelPlan(*saved(net, tmp_path), output_kind='logits', noise=noise))
    model.load()
    labels = np.zeros(4, np.int64)
    with pytest.raises(PrivacyInputError, match='to copies of 4 of 4 examples of a batch it answers NaN or infinity'):
        label_stability(model, Serialized(records), labels, np.zeros((4, 3)), 'multiclass')
    assert label_stability(model, Serialized(records), labels, np.full((4, 3), np.nan), 'multiclass').shape == (4,)


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    """A model that is sure of members of one color."""
    return w.World(tmp_path_factory.mktemp('labels')).write(num_rows=300)


@pytest.fixture(scope='module')
def config():
    return w.config(attacks=ATTACKS, measurement={'num_queries': 12})


@pytest.fixture(scope='module')
def outputs(world, config):
    return world.run(config)


def test_component_and_arrays_agree_to_the_last_bit(world, config, outputs):
    records = world.records('train') + world.records('eval')
    features = parsed(records)
    noise = input_noise([records], ('label',), 12, 0)  # all are in the first batches of their splits
    evaluation = w.json_format.MessageToJson(w.eval_config(signature_name='serving_default'))
    path = str(world.root / 'model' / 'Format-Serving')
    model = ServedModel(ModelPlan(path, evaluation, output_kind='logits', noise=noise))
    model.load()
    labels = np.array([one['label'].int64_list.value[0] for one in features])
    answers = model.outputs(Serialized(records))
    expected = evaluate_privacy(
        is_member=np.arange(600) < 300,
        labels=labels,
        logits=answers,
        features={'color': [one['color'].bytes_list.value[0].decode() for one in features]},
        signals={'label_stability': label_stability(model, Serialized(records), labels, answers, 'multiclass')},
        example_ids=example_hashes(records)[0],
        config=config,
    )
    wanted = {(r.slice, r.attack): r for r in expected.results}
    both = [r for r in load(outputs).results if (r.slice, r.attack) in wanted]
    assert {r.attack for r in both} == set(ATTACKS)
    assert all(r.row() == wanted[r.slice, r.attack].row() for r in both)


def test_the_labels_alone_tell_more_than_whether_the_answer_is_right(outputs):
    aucs = {r.attack: r.metrics['auc'].value for r in load(outputs).results if r.slice == 'color = red'}
    assert aucs['label_stability'] > aucs['correctness_threshold'] + 0.01


def test_the_report_says_that_labels_are_enough(outputs):
    page = (Path(outputs['privacy_metrics'].uri) / 'report.html').read_text()
    assert '<dt>Attacks, labels only</dt><dd>label_stability <span class="muted">Choquette-Choo et al. 2021' in page


def test_without_floats_there_is_nothing_to_ask_about(tmp_path):
    world = w.World(tmp_path).write(num_rows=40)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples):
        size = tf.io.parse_example(examples, {'size': tf.io.FixedLenFeature([3], tf.int64)})['size']
        return {'outputs': tf.cast(size, tf.float32)}

    for split, last in (('train', 5), ('eval', 6)):
        world.replace_rows(split, [{'size': [i % 2, 1, last], 'color': 'red', 'label': i % 3} for i in range(60)])
    w.save_model(tmp_path / 'model', signatures={'serving_default': serve})
    with pytest.raises(PrivacyInputError, match=r"'label_stability' adds noise to features of floats.* whole numbers"):
        world.run(w.config(attacks=ATTACKS))
