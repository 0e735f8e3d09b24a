"""Records that cannot be parsed fail the job, or are dropped and counted where the config allows a share of them."""

import numpy as np
import pytest
import tensorflow as tf

from privacy_component import PrivacyInputError
from privacy_component.beam.examples import bad_records
from privacy_component.beam.examples.read import RawBatch
from tests.beam.arrays import load
from tests.component import world as w

GARBAGE = b'\xff\xfe nothing of the kind'


def spoilt_world(root, places, bad=GARBAGE, num_rows=400, split='train'):
    """A world, and one with bad records besides at some places of a split; both of the same good ones."""
    good = w.World(root / 'good').write(num_rows=num_rows)
    spoilt = w.World(root / 'spoilt').write(num_rows=8)
    for name in ('train', 'eval'):
        records = good.records(name)
        if name == split:
            for place in sorted(places):
                records.insert(place, bad)
        for old in (spoilt.root / 'examples' / f'Split-{name}').glob('*'):
            old.unlink()
        w.write_split(spoilt.root / 'examples', name, records)
    return good, spoilt


def config(share=0.05, **changes):
    return w.config(measurement={'max_bad_record_share': share}, **changes)


def without(name, row):
    return w.serialize({key: value for key, value in row.items() if key != name})


ROW = w.make_rows(1, 9, leak=False)[0]
KINDS = {
    'no tf.Example': GARBAGE,
    'a label of another type': w.serialize(ROW | {'label': 1.5}),
    'a slice feature of another type': w.serialize(ROW | {'color': 7}),
    'without what the model needs': without('logits', ROW),
    'what the model needs of another type': w.serialize(ROW | {'logits': [1, 2, 3]}),
}


@pytest.mark.parametrize('kind', KINDS)
def test_bad_records_are_dropped_and_counted(tmp_path, kind):
    good, spoilt = spoilt_world(tmp_path, [0, 7, 8, 399], KINDS[kind])
    found = load(spoilt.run(privacy_config=config()))
    assert found.record.num_bad_records == {'eval': 0, 'train': 4}
    assert found.record.num_examples == {'eval': 400, 'train': 400}
    assert [r.row() for r in found.results] == [r.row() for r in load(good.run()).results]


def test_attackers_that_learn_take_no_notice(tmp_path):
    good, spoilt = spoilt_world(tmp_path, range(0, 40, 2), split='eval')
    changes = {'attacks': ('logistic_regression', 'quantile'), 'people': {'num_most_vulnerable': 3}}
    found, expected = (
        load(spoilt.run(privacy_config=config(**changes))),
        load(good.run(privacy_config=w.config(**changes))),
    )
    assert [r.row() for r in found.results] == [r.row() for r in expected.results]
    assert found.most_vulnerable == expected.most_vulnerable


def test_more_than_a_batch_of_them(tmp_path):
    """A batch of nothing but bad records is dropped as a whole, at the start of a split too."""
    good, spoilt = spoilt_world(tmp_path, range(1500), num_rows=2000)
    found = load(spoilt.run(privacy_config=config(0.5)))
    assert found.record.num_bad_records == {'eval': 0, 'train': 1500}
    assert [r.row() for r in found.results] == [r.row() for r in load(good.run()).results]


def test_too_many_are_refused(tmp_path):
    _, spoilt = spoilt_world(tmp_path, range(20))
    with pytest.raises(PrivacyInputError, match=r"20 of 420 records of the split 'train' .* 0.048: .* allows 0.04"):
        spoilt.run(privacy_config=config(0.04))
    assert not list((spoilt.root / 'out').rglob('*BLESSED'))
    assert load(spoilt.run(privacy_config=config(0.05))).record.num_bad_records == {'eval': 0, 'train': 20}


@pytest.mark.parametrize('place', [0, 200])
def test_none_are_allowed_by_default(tmp_path, place):
    _, spoilt = spoilt_world(tmp_path, [place])
    with pytest.raises(PrivacyInputError, match=r'record in .*Split-train.* is not a tf\.Example'):
        spoilt.run()


def test_a_split_of_bad_records_only(tmp_path):
    _, spoilt = spoilt_world(tmp_path, [])
    path = next((spoilt.root / 'examples' / 'Split-eval').glob('*'))
    with tf.io.TFRecordWriter(str(path), 'GZIP') as writer:
        writer.write(GARBAGE)
    with pytest.raises(PrivacyInputError, match="split 'eval' has no record that can be parsed"):
        spoilt.run(privacy_config=config(0.5))


def test_a_model_that_fails_on_everything_is_no_matter_of_bad_records(tmp_path):
    world = w.World(tmp_path).write()
    rows = [{k: v for k, v in row.items() if k != 'logits'} for row in w.make_rows(300, 3, leak=False)]
    world.replace_rows('train', rows)
    with pytest.raises(PrivacyInputError, match=r'signature .* could not be called'):
        world.run(privacy_config=config(0.5))


def test_records_on_which_the_model_fails_are_no_bad_records(tmp_path):
    """They would be the members whom it knows best, say: 3 of 400 here, all in one batch."""

    def respond(logits):
        with tf.control_dependencies([tf.debugging.assert_less(logits, 90.0)]):
            return {'outputs': tf.identity(logits)}

    world = w.World(tmp_path).write(num_rows=8, respond=respond)
    rows = w.make_rows(400, 1, leak=False)
    for i in (0, 7, 399):
        rows[i] = rows[i] | {'logits': [99.0, 0.0, 0.0]}
    world.replace_rows('train', rows)
    with pytest.raises(PrivacyInputError, match=r'3 of 400 records of a batch of .*Split-train.* are whole tf\.Exam'):
        world.run(privacy_config=config(0.5))
    assert not list((tmp_path / 'out').rglob('*BLESSED'))


def test_a_missing_label_is_no_bad_record(tmp_path):
    _, spoilt = spoilt_world(tmp_path, [3], without('label', ROW))
    with pytest.raises(PrivacyInputError, match="label_key 'label' has no single value in 1 of 401 examples"):
        spoilt.run(privacy_config=config(0.5))


def test_tfmas_extractors_cannot_drop_records(tmp_path):
    class ByName(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, w.NUM_CLASSES], tf.float32, name='logits')])
        def serve(self, logits):
            return {'outputs': tf.identity(logits)}

    world, model = w.World(tmp_path).write(), ByName()
    tf.saved_model.save(model, str(tmp_path / 'model' / 'Format-Serving'), signatures={'serving_default': model.serve})
    with pytest.raises(PrivacyInputError, match=r"max_bad_record_share is 0.05, but this model is called by TFMA's"):
        world.run(privacy_config=config())


@pytest.mark.parametrize('bad', [set(), {0}, {1023}, {511, 512}, set(range(0, 1024, 100)), set(range(1024))])
def test_halving_finds_each_with_few_calls(bad):
    calls = []

    def call(part):
        calls.append(len(part.records))
        if any(int(record) in bad for record in part.records):
            raise PrivacyInputError('bad')

    batch = RawBatch([str(i).encode() for i in range(1024)], np.ones(1024, bool), 'train', 'file')
    kept = bad_records.without_bad(batch, call).records
    assert [int(record) for record in kept] == sorted(set(range(1024)) - bad)
    assert len(calls) <= 1 + 2 * 10 * max(len(bad), 1)


def test_records_that_only_fail_together_stay():
    def call(part):
        if len(part.records) > 3:
            raise PrivacyInputError('too many')

    batch = RawBatch([b'a'] * 8, np.ones(8, bool), 'train', 'file')
    assert bad_records.without_bad(batch, call).records == batch.records
