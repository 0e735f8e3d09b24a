"""From serialized examples to Arrow, as TFXIO decodes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tensor_representation_util

from privacy_component.beam.read import RawBatch
from privacy_component.errors import PrivacyInputError

IS_MEMBER_KEY = 'is_member'
SCHEMA_FILE = 'schema.pbtxt'


class DecodeExamples(beam.DoFn):
    """RawBatch -> tfma.Extracts with an Arrow record batch, the serialized examples and a column of memberships."""

    def __init__(self, schema_path: str):
        self._schema_path = schema_path

    def setup(self) -> None:
        """Makes the decoder once per worker."""
        schema = read_schema(self._schema_path)
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(schema and schema.SerializeToString())

    def process(self, batch: RawBatch) -> Iterator[dict[str, Any]]:
        """Decodes a batch."""
        record_batch = _decode(self._decoder, batch)
        raw = pa.array([[record] for record in batch.records], pa.large_list(pa.large_binary()))
        yield {
            tfma.ARROW_RECORD_BATCH_KEY: pa.RecordBatch.from_arrays(
                [*record_batch.columns, raw], [*record_batch.schema.names, tfma.ARROW_INPUT_COLUMN]
            ),
            IS_MEMBER_KEY: np.full(len(batch.records), batch.is_member),
        }


def read_schema(schema_path: str) -> schema_pb2.Schema | None:
    """The schema in a directory; None for ''."""
    if not schema_path:
        return None
    with tf.io.gfile.GFile(f'{schema_path}/{SCHEMA_FILE}') as file:
        return text_format.Parse(file.read(), schema_pb2.Schema())


def tensor_representations(schema_path: str) -> dict[str, schema_pb2.TensorRepresentation]:
    """How each feature of the schema becomes a tensor, as TFXIO has it; {} without a schema."""
    schema = read_schema(schema_path)
    return {} if schema is None else dict(tensor_representation_util.InferTensorRepresentationsFromMixedSchema(schema))


def _decode(decoder: example_coder.ExamplesToRecordBatchDecoder, batch: RawBatch) -> pa.RecordBatch:
    try:
        return decoder.DecodeBatch(batch.records)
    except (ValueError, RuntimeError, TypeError) as error:
        raise PrivacyInputError(
            f'a record in {batch.path} is not a tf.Example that the schema describes: {str(error)[:300]}'
        ) from error
