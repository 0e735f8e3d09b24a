"""Records that are no tf.Examples, and features of varying lengths."""

import collections

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_serving.apis import input_pb2
from tfx.types import standard_artifacts

from privacy_component import PrivacyInputError
from privacy_component.beam.examples.feature_columns import as_column, dense_values
from privacy_component.component import executor
from tests.beam.arrays import load
from tests.beam.test_defaults import named
from tests.component import world as w


def features(**values):
    return tf.train.Example.FromString(w.serialize(values)).features


def sequence(i, context=True):
    """Three steps, with the label in the context, where a parser of tf.Examples finds it."""
    example = tf.train.SequenceExample()
    if context:
        example.context.CopyFrom(features(label=i % 3, color='red', logits=[0.5, 1.0, float(i)]))
    for step in range(3):
        example.feature_lists.feature_list['words'].feature.add().bytes_list.value.append(b'w%d' % (i * step))
    return example.SerializeToString()


def ranked_list(i):
    """The documents of a query, as TF-Ranking reads them."""
    ranked = input_pb2.ExampleListWithContext()
    for document in range(3):
        ranked.examples.add().features.CopyFrom(features(label=document, logits=[0.5, 1.0, float(i)]))
    ranked.context.features.CopyFrom(features(color='red'))
    return ranked.SerializeToString()


OTHERS = {
    'sequences': (sequence, 'is a tf.SequenceExample; only tf.Examples can be judged: write each sequence as one'),
    'sequences without a context': (lambda i: sequence(i, context=False), 'is a tf.SequenceExample; only'),
    'lists of TF-Ranking': (ranked_list, r'is a list of TF-Ranking \(ExampleListWithContext\); only tf.Examples'),
}


@pytest.mark.parametrize('name', OTHERS)
def test_records_of_other_kinds_are_refused_by_name(tmp_path, name):
    make, message = OTHERS[name]
    world = w.World(tmp_path).write(num_rows=8)
    for split in ('train', 'eval'):
        world.replace_rows(split, [])
        w.write_split(world.root / 'examples', split, [make(i + len(split)) for i in range(50)])
    with pytest.raises(PrivacyInputError, match=message):
        world.run()


def test_no_tf_example_is_taken_for_anything_else(tmp_path):
    """Names and values that have the bytes of other messages, and features without values."""
    world = w.World(tmp_path).write(num_rows=8)
    odd = {'\n\x00': 'x', '\n\x02\n\x00': b'\n\x04\n\x02\n\x00', 'x': b'\n\x06\n\x04\n\x00\x12\x00', 'y': None}
    for split, seed in (('train', 1), ('eval', 2)):
        world.replace_rows(split, [row | odd for row in w.make_rows(60, seed, leak=False)])
    assert load(world.run()).record.num_examples == {'train': 60, 'eval': 60}


TAGS = ['cash', 'night', 'airport']
SCHEMA = """
  feature { name: "color" type: BYTES presence { min_fraction: 1 } shape { dim { size: 1 } } }
  feature { name: "size" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
  feature { name: "label" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
  feature { name: "logits" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 3 } } }
  feature { name: "tags" type: BYTES }
  represent_variable_length_as_ragged: %s
"""


@pytest.fixture(scope='module')
def tagged(tmp_path_factory):
    """Examples with none to three tags, also twice the same."""
    world = w.World(tmp_path_factory.mktemp('tagged')).write(num_rows=8)
    rng = np.random.default_rng(0)
    for split, seed in (('train', 1), ('eval', 2)):
        rows = w.make_rows(200, seed, leak=False)
        for row in rows:
            row['tags'] = rng.choice(TAGS, rng.integers(4)).tolist()
        world.replace_rows(split, rows)
    return world


def run(world, represent_as_ragged=False):
    schema = standard_artifacts.Schema()
    schema.uri = str(world.root)
    parsed = text_format.Parse(SCHEMA % str(represent_as_ragged).lower(), schema_pb2.Schema())
    (world.root / 'schema.pbtxt').write_text(text_format.MessageToString(parsed))
    evaluation = w.eval_config()
    evaluation.slicing_specs.add(feature_keys=['tags'])
    evaluation.slicing_specs.add(feature_keys=['tags', 'color'])
    config = w.config(checks={'blind_baseline': 'off'})
    return load(world.run(config, evaluation, inputs=world.inputs() | {executor.SCHEMA_KEY: [schema]}))


@pytest.fixture(scope='module')
def directly(tagged):
    return run(tagged)


def sizes_by_tfma(world, names):
    """TFMA's own rule for which slices an example is in."""
    found = collections.Counter()
    spec = slicer_lib.SingleSliceSpec(columns=names)
    for side, split in enumerate(('train', 'eval')):
        for record in world.records(split):
            values = tf.train.Example.FromString(record).features.feature
            row = {name: np.array(values[name].bytes_list.value) for name in names}
            for key in slicer_lib.get_slices_for_features_dicts([row], None, [spec]):
                found[frozenset(key), side] += 1
    return found


@pytest.mark.parametrize('names', [('tags',), ('tags', 'color')])
def test_an_example_is_in_the_slices_of_all_its_values_as_with_tfma(tagged, directly, names):
    expected = sizes_by_tfma(tagged, names)
    found = collections.Counter()
    for one in directly.results:
        if one.attack == 'loss_threshold' and {name for name, _ in one.slice_key} == set(names):
            for side, number in enumerate((one.num_members, one.num_non_members)):
                found[frozenset(one.slice_key), side] = number
    assert len(expected) == 2 * (3 if len(names) == 1 else 9)
    assert found == expected


@pytest.mark.parametrize('as_ragged', [False, True])
def test_by_tfmas_extractors_it_is_in_the_same(tagged, directly, as_ragged):
    found = run(named(tagged), as_ragged)
    assert found.record.model_called == "by TFMA's extractors"
    assert [one.row() for one in found.results] == [one.row() for one in directly.results]


def test_a_signature_that_takes_them_by_name_is_refused_with_the_way_out(tagged):
    """TensorFlow gives a signature one input for each part of a ragged tensor, for which there is no feature."""
    tags = tf.RaggedTensorSpec([None, None], tf.string, ragged_rank=1)
    model = tf.Module()
    model.serve = tf.function(lambda tags: {'outputs': tf.cast(tags.row_lengths(), tf.float32)}, [tags])
    path = str(tagged.root / 'model' / 'Format-Serving')
    tf.saved_model.save(model, path, signatures={'serving_default': model.serve})
    with pytest.raises(PrivacyInputError, match=r"'tags_1' is no feature .* or one that takes serialized tf\.Examples"):
        run(tagged)


def ragged_value(ragged):
    return tfma.types.RaggedTensorValue(ragged.flat_values.numpy(), [one.numpy() for one in ragged.nested_row_splits])


@pytest.mark.parametrize('of_each', [[[[1, 2], []], [], [[3], [4]]], [[1, 2], [], [3, 4]]], ids=['nested', 'flat'])
def test_a_ragged_value_is_a_column_of_all_that_each_example_has(of_each):
    column = as_column(ragged_value(tf.ragged.constant(of_each)), 3)
    assert [(row, column.vocabulary[code]) for row, code in zip(column.rows, column.codes, strict=True)] == [
        (0, 1), (0, 2), (2, 3), (2, 4)
    ]  # fmt: skip


def test_a_ragged_label_is_one_where_every_example_has_as_many():
    whole = ragged_value(tf.ragged.constant([[1], [0], [2]]))
    assert dense_values(whole, 'label_key', (), 3).tolist() == [[1], [0], [2]]
    with pytest.raises(PrivacyInputError, match='label_key has no single value in 1 of 3 examples'):
        dense_values(ragged_value(tf.ragged.constant([[1], [], [2]])), 'label_key', (), 3)
