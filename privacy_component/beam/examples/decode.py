"""From serialized examples to Arrow, as TFXIO decodes them."""

from __future__ import annotations

import pyarrow as pa
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tensor_representation_util

from privacy_component.beam.examples.read import RawBatch
from privacy_component.beam.surfaced_errors import changed_type
from privacy_component.errors import PrivacyInputError

SCHEMA_FILE = 'schema.pbtxt'
KNOWN_TYPES = frozenset({schema_pb2.INT, schema_pb2.FLOAT, schema_pb2.BYTES})


def read_schema(schema_path: str) -> schema_pb2.Schema | None:
    """The schema in a directory; None for ''.

    Raises:
      PrivacyInputError: there is none, or it is no schema.
    """
    if not schema_path:
        return None
    path = f'{schema_path}/{SCHEMA_FILE}'
    try:
        with tf.io.gfile.GFile(path) as file:
            return text_format.Parse(file.read(), schema_pb2.Schema())
    except (tf.errors.OpError, text_format.ParseError, UnicodeDecodeError) as error:
        why = getattr(error, 'message', None) or str(error)
        raise PrivacyInputError(
            f'the schema {path} cannot be read ({why[:160]}): run the component that wrote it again.'
        ) from error


def example_decoder(schema_path: str) -> example_coder.ExamplesToRecordBatchDecoder:
    """Decodes the schema's features; all there are without a schema, or with one that does not know every type."""
    schema = read_schema(schema_path)
    if schema is None or not all(feature.type in KNOWN_TYPES for feature in schema.feature):
        return example_coder.ExamplesToRecordBatchDecoder()
    return example_coder.ExamplesToRecordBatchDecoder(schema.SerializeToString())


def tensor_representations(schema_path: str) -> dict[str, schema_pb2.TensorRepresentation]:
    """How each feature of the schema becomes a tensor, as TFXIO has it; {} without a schema."""
    schema = read_schema(schema_path)
    return {} if schema is None else dict(tensor_representation_util.InferTensorRepresentationsFromMixedSchema(schema))


def decode_batch(decoder: example_coder.ExamplesToRecordBatchDecoder, batch: RawBatch) -> pa.RecordBatch:
    """The batch's features; each column a list array."""
    try:
        return decoder.DecodeBatch(batch.records)
    except (ValueError, RuntimeError, TypeError) as error:
        if other := changed_type(error):
            raise feature_changed(batch.path, other) from None
        raise not_an_example(batch.path, str(error)[:300]) from None


def feature_changed(path: str, how: str) -> PrivacyInputError:
    """The error for a feature that has another type than in other examples; `how` is by `changed_type`."""
    return PrivacyInputError(f'in {path} {how}, and run the component that wrote it again.')


def not_an_example(path: str, why: str) -> PrivacyInputError:
    """The error for a record that is none, or not one of the expected types."""
    return PrivacyInputError(
        f'a record in {path} is not a tf.Example with the types of the others: {why}. Run the component that wrote it '
        'again.'
    )
