"""A default that the schema gives a dense feature is honoured on either way, as Evaluator honours it."""

import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import standard_artifacts

from privacy_component import PrivacyInputError
from privacy_component.component import executor
from tests.beam.arrays import load
from tests.beam.test_missing_values import gappy_world, sizes
from tests.component import world as w

SCHEMA = """
  feature { name: "color" type: BYTES }
  feature { name: "size" type: INT }
  feature { name: "label" type: INT }
  feature { name: "logits" type: FLOAT }
  tensor_representation_group { key: "" value {
    tensor_representation { key: "color" value { dense_tensor {
      column_name: "color" shape {} default_value { bytes_value: "unknown" } } } }
    tensor_representation { key: "label" value { dense_tensor {
      column_name: "label" shape {} default_value { int_value: 2 } } } }
    tensor_representation { key: "size" value { varlen_sparse_tensor { column_name: "size" } } }
    tensor_representation { key: "logits" value { dense_tensor { column_name: "logits" shape { dim { size: 3 } } } } }
  } }
"""


class ByName(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None, w.NUM_CLASSES], tf.float32, name='logits')])
    def serve(self, logits):
        return {'outputs': tf.identity(logits)}


def run(world, **rest):
    schema = standard_artifacts.Schema()
    schema.uri = str(world.root / 'schema')
    (world.root / 'schema').mkdir(exist_ok=True)
    text = text_format.MessageToString(text_format.Parse(SCHEMA, schema_pb2.Schema()))
    (world.root / 'schema' / 'schema.pbtxt').write_text(text)
    return load(world.run(inputs=world.inputs() | {executor.SCHEMA_KEY: [schema]}, **rest))


def named(world):
    """The same world with a model that TFMA's extractors call."""
    model = ByName()
    path = str(world.root / 'model' / 'Format-Serving')
    tf.saved_model.save(model, path, signatures={'serving_default': model.serve})
    return world


def test_both_ways_fill_in_the_default(tmp_path):
    world = gappy_world(
        tmp_path,
        lambda i, row: {
            'color': None if i % 3 == 0 else row['color'],
            'size': None if i % 4 == 0 else row['size'],
            'label': None if row['label'] == 2 else row['label'],
        },
    )
    directly = run(world, privacy_config=w.config(slices={'missing': True}))
    by_extractors = run(named(world), privacy_config=w.config(slices={'missing': True}))
    assert directly.record.model_called == 'directly'
    assert by_extractors.record.model_called == "by TFMA's extractors"
    found = sizes(directly)
    assert found[(('color', 'unknown'),)] == (200, 200)
    assert (('color', '<missing>'),) not in found
    assert sum(found[(('color', 'red'), ('size', '<missing>'))]) > 0
    assert (('@class', 2),) in found
    assert [r.row() for r in directly.results] == [r.row() for r in by_extractors.results]


def test_a_label_without_a_default_is_an_error_as_before(tmp_path):
    world = gappy_world(tmp_path, lambda i, row: {'label': None if i % 3 == 0 else row['label']})
    with pytest.raises(PrivacyInputError, match="label_key 'label' has no single value in 200 of 600 examples"):
        world.run()
