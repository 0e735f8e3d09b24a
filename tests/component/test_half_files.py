"""The files of one reference model: whole, disjoint, and transformed as Transform does where that is asked for."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io, schema_utils

from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.beam.plan import SplitFiles
from privacy_component.component.reference_models.half_files import Halving
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.reference_halves import halves
from tests.component import world as w

SPEC = {
    'size': tf.io.FixedLenFeature([], tf.float32),
    'color': tf.io.VarLenFeature(tf.string),
    'label': tf.io.FixedLenFeature([], tf.int64),
}


def rows(n, seed):
    rng = np.random.default_rng(seed)
    colors = [['red'], [], ['blue', 'red']]
    return [{'size': float(rng.normal()), 'color': colors[i % 3], 'label': int(rng.integers(3))} for i in range(n)]


def preprocessing_fn(inputs):
    return {
        'scaled': inputs['size'] * 2,
        'words': tf.sparse.map_values(tf.strings.upper, inputs['color']),
        'label': inputs['label'],
    }


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp('halves')
    for seed, split in enumerate(('train', 'eval')):
        w.write_split(root, split, [w.serialize(row) for row in rows(700, seed)], shards=2)
    schema = schema_utils.schema_from_feature_spec(SPEC)
    with tft_beam.Context(temp_dir=str(root / 'tmp')):
        data = [{'size': 1.0, 'color': ['red'], 'label': 1}]
        metadata = dataset_metadata.DatasetMetadata(schema)
        _, function = (data, metadata) | tft_beam.AnalyzeAndTransformDataset(preprocessing_fn)
        _ = function | tft_beam.WriteTransformFn(str(root / 'transform'))
    metadata_io.write_metadata(metadata, str(root / 'transform' / 'metadata'))  # as Transform does
    return root


def halving(root, **changes):
    splits = tuple(
        SplitFiles(split, split == 'train', tuple(sorted(map(str, (root / f'Split-{split}').iterdir()))))
        for split in ('train', 'eval')
    )
    return Halving(**{'splits': splits, 'compression': 'GZIP', 'num_models': 2, 'seed': 0} | changes)


def read(folder, split):
    files = sorted(map(str, (folder / f'Split-{split}').iterdir()))
    return list(tf.data.TFRecordDataset(files, 'GZIP').as_numpy_iterator())


def test_both_halves_are_all_examples_and_those_of_the_rule(root, tmp_path):
    half = halving(root).write(1, tmp_path / 'files')
    inside, outside = read(tmp_path / 'files', 'train'), read(tmp_path / 'files', 'eval')
    ids = example_hashes([w.serialize(row) for seed in (0, 1) for row in rows(700, seed)])[0]
    np.testing.assert_array_equal(np.sort(example_hashes(inside + outside)[0]), np.sort(ids))
    assert half.num_examples == len(inside)
    assert halves(example_hashes(inside)[0], 2)[:, 1].all() and not halves(example_hashes(outside)[0], 2)[:, 1].any()


def test_transformed_examples_are_those_of_the_same_raw_ones(root, tmp_path):
    half = halving(root, transform_path=str(root / 'transform')).write(0, tmp_path / 'files')
    spec = tft.TFTransformOutput(str(root / 'transform')).transformed_feature_spec()
    found = tf.io.parse_example(read(tmp_path / 'files', 'train'), spec)
    raw = [row for seed in (0, 1) for row in rows(700, seed)]
    is_in = halves(example_hashes([w.serialize(row) for row in raw])[0], 2)[:, 0]
    expected = [row for row, is_inside in zip(raw, is_in, strict=True) if is_inside]
    assert half.num_examples == len(expected)
    in_order = np.argsort([row['size'] for row in expected])
    ours = np.argsort(found['scaled'].numpy())
    np.testing.assert_allclose(
        found['scaled'].numpy()[ours] / 2, np.array([r['size'] for r in expected])[in_order], 1e-6
    )
    np.testing.assert_array_equal(found['label'].numpy()[ours], np.array([r['label'] for r in expected])[in_order])
    words = tf.sparse.to_dense(found['words'], '').numpy()[ours]
    assert [[w for w in row if w] for row in words.tolist()] == [
        [color.upper().encode() for color in expected[i]['color']] for i in in_order
    ]


def test_a_transform_graph_of_other_examples_is_named(root, tmp_path):
    w.write_split(tmp_path, 'train', [w.serialize({'size': 'large', 'label': 1})])
    w.write_split(tmp_path, 'eval', [w.serialize({'size': 'large', 'label': 1})])
    with pytest.raises(PrivacyInputError, match='cannot be applied to the examples: it was made for others'):
        halving(tmp_path, transform_path=str(root / 'transform')).write(0, tmp_path / 'files')
