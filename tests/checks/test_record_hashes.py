"""Hashes of serialized examples: equal for equal maps in whatever order, different for everything else."""

import numpy as np
import pytest
import tensorflow as tf

from privacy_component.beam.examples.record_hashes import example_hashes, feature_hashes
from tests.component.world import serialize


def varint(number):
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])


def field(content):
    return b'\x0a' + varint(len(content)) + content


def entries_of(row):
    """The map entries of a row's tf.Example, each as bytes."""
    for name, value in row.items():
        record = serialize({name: value})
        yield tf.train.Example.FromString(record).features.SerializeToString()


def in_order(row, order):
    entries = list(entries_of(row))
    return field(b''.join(entries[i] for i in order))


def random_row(rng):
    row = {
        'a': float(rng.integers(3)),
        'b': [int(x) for x in rng.integers(0, 3, rng.integers(0, 4))],
        'c': str(rng.choice(['x', 'y' * 20, 'z' * 300])),
        'd': [str(x) for x in rng.integers(0, 2, 2)],
        'e': rng.random(3).round(0).tolist(),
    }
    return {name: value for name, value in row.items() if value != []}


def test_the_order_of_features_does_not_matter():
    rng = np.random.default_rng(0)
    rows = [random_row(rng) for _ in range(200)]
    shuffled = [in_order(row, rng.permutation(len(row))) for row in rows]
    assert all(tf.train.Example.FromString(r) == tf.train.Example.FromString(serialize(row))
               for r, row in zip(shuffled, rows, strict=True))  # fmt: skip
    found, readable = feature_hashes(shuffled)
    assert readable.all()
    np.testing.assert_array_equal(found, feature_hashes([serialize(row) for row in rows])[0])


def test_hashes_are_equal_exactly_where_rows_are():
    rng = np.random.default_rng(1)
    rows = [random_row(rng) for _ in range(3000)]
    found, _ = feature_hashes([serialize(row) for row in rows])
    names = np.array([repr(sorted(row.items())) for row in rows])
    assert len(set(names)) < 3000
    assert len(set(zip(names, found.tolist(), strict=True))) == len(set(names)) == len(set(found.tolist()))


@pytest.mark.parametrize(
    'other',
    [
        {'a': 1.0, 'b': [2, 1]},
        {'a': 1.0, 'b': [1, 2, 0]},
        {'a': 1.0, 'b': [1, 2], 'c': 'x'},
        {'a': 1.0},
        {'b': 1.0, 'a': [1, 2]},
        {'a': 1, 'b': [1, 2]},
        {'a': '1.0', 'b': [1, 2]},
        {'a': 1.0, 'b': ['1', '2']},
    ],
)
def test_any_other_value_is_another_example(other):
    records = [serialize({'a': 1.0, 'b': [1, 2]}), serialize(other)]
    found, readable = feature_hashes(records)
    assert readable.all()
    assert found[0] != found[1]


def test_a_hash_does_not_depend_on_its_neighbours():
    rng = np.random.default_rng(2)
    records = [serialize(random_row(rng)) for _ in range(50)] + [serialize({'wide': rng.random(90_000).tolist()})]
    found, _ = feature_hashes(records)
    alone = np.concatenate([feature_hashes([record])[0] for record in records])
    np.testing.assert_array_equal(found, alone)


def test_records_that_are_none_are_told():
    good = serialize({'a': 1.0, 'b': 'text'})
    bad = [b'\xff\xfe nothing of the kind', good[:-1], good + b'\x00', b'\x0a\xff\xff\xff\xff\xff\xff\xff', b'\x0a']
    found, readable = feature_hashes([good, *bad, good, b''])
    assert readable.tolist() == [True] + [False] * len(bad) + [True, True]
    assert found[0] == found[-2]


UNKNOWN = b'\x12\x03abc'  # a field 2, which no tf.Example has


def test_unknown_fields_do_not_matter():
    """TensorFlow parses such records, so they are scored."""
    rows = [random_row(np.random.default_rng(i)) for i in range(40)]
    records = [serialize(row) for row in rows]
    expected, _ = example_hashes(records)
    others = [r + UNKNOWN if i % 3 else UNKNOWN + r if i % 2 else r for i, r in enumerate(records)]
    assert tf.io.parse_example(others, {'a': tf.io.FixedLenFeature([], tf.float32)})['a'].shape == 40
    found, readable = example_hashes(others)
    assert readable.all()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings('default')  # as outside of tests: what follows a zero is then ignored with a warning
def test_what_is_no_example_is_told_among_those_written_anew():
    good = serialize({'a': 1.0})
    bad = [good[:-1], b'\xff\xfe', good + b'\x00', b'\x00', b'\x0c nothing of the kind']
    found, readable = example_hashes([good, *bad, good + UNKNOWN])
    assert readable.tolist() == [True, *[False] * len(bad), True]
    assert found[0] == found[-1]
