"""The short way from records to a batch: decode what slices need, call the model in batches of one fixed shape.

For models whose signature takes serialized examples. A model's outputs are only the same bits in every batching if
every call has the same shape, so the last batch of a file is padded, and the padding cut off after the call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
from numpy.typing import NDArray
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from privacy_component.beam.decode import decode_batch, read_schema
from privacy_component.beam.errors import bad_call
from privacy_component.beam.observe import Batch, Observer
from privacy_component.beam.plan import Plan
from privacy_component.beam.read import BATCH_SIZE, RawBatch

Call = Callable[[list[bytes]], dict[str, NDArray]]


class ObserveDirectly(beam.DoFn):
    """RawBatch -> Batch."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._observer = Observer(plan)
        spec = self._observer.model_spec
        # Holds one loaded model per process, shared by all instances.
        self._loader = tfma.default_eval_shared_model(
            plan.model_path, eval_config=self._observer.eval_config
        ).model_loader
        self._signature = spec.signature_name
        self._transforms = tuple(spec.preprocessing_function_names)

    def setup(self) -> None:
        """Loads model, transform graph and decoder once per worker."""
        self._model = self._loader.load()
        self._predict = signature_call(self._model, self._signature or default_signature(self._model))
        self._transform = self._make_transform()
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(_needed_schema(self._plan))

    def process(self, batch: RawBatch) -> Iterator[Batch]:
        """Observes a batch."""
        started = time.process_time_ns()
        record_batch = decode_batch(self._decoder, batch)
        raw = dict(zip(record_batch.schema.names, record_batch.columns, strict=True))
        decoded = time.process_time_ns()
        transformed = self._transform(batch.records)
        predictions = self._predict(batch.records)
        predicted = time.process_time_ns()
        yield self._observer.observe(
            batch.records,
            np.full(len(batch.records), batch.is_member),
            (transformed, raw),
            predictions,
            split=batch.split,
            nanoseconds={'decode': decoded - started, 'predict': predicted - decoded},
        )

    def transformed_names(self, sample: RawBatch) -> set[str]:
        """The names of the features that are made of raw ones."""
        return set(self._transform(sample.records[:1]))

    def _make_transform(self) -> Call:
        if self._transforms:
            calls = [signature_call(self._model, name) for name in self._transforms]
            return lambda records: {name: value for call in calls for name, value in call(records).items()}
        if self._plan.transform_path:
            return transform_call(self._plan.transform_path)
        return lambda records: {}


def _needed_schema(plan: Plan) -> bytes | None:
    """A schema of what slices and labels need, so that nothing else is decoded; None decodes everything."""
    schema = read_schema(plan.schema_path)
    if plan.feature_types:
        schema = schema_pb2.Schema()
        for name, kind in plan.feature_types:
            schema.feature.add(name=name, type=kind)
    return schema and schema.SerializeToString()


def default_signature(model: Any) -> str:
    """The signature that TFMA calls when none is named."""
    return 'predict' if 'predict' in model.signatures else 'serving_default'


def signature_call(model: Any, signature: str) -> Call:
    """A signature as a function from serialized examples to arrays by output name.

    It is called by keyword: a positional call with a short batch builds an error message first and throws it away.
    """
    call = model.signatures[signature]
    (argument,) = call.structured_input_signature[1]
    return _padded(lambda records: call(**{argument: tf.constant(records)}), signature)


def transform_call(transform_path: str) -> Call:
    """A transform graph as a function from serialized raw examples to transformed features."""
    output = tft.TFTransformOutput(transform_path)
    layer, spec = output.transform_features_layer(), output.raw_feature_spec()
    graph = tf.function(lambda records: layer(tf.io.parse_example(records, spec)))
    return _padded(lambda records: graph(tf.constant(records)), 'transform_graph')


def _padded(call: Callable[[list[bytes]], Mapping[str, Any]], name: str) -> Call:
    def padded(records: list[bytes]) -> dict[str, Any]:
        full = records + records[-1:] * (BATCH_SIZE - len(records))
        try:
            outputs = call(full)
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise bad_call(name, error) from error
        return {key: _cut(tensor, len(records)) for key, tensor in outputs.items()}

    return padded


def _cut(tensor: Any, num_rows: int) -> Any:
    if isinstance(tensor, tf.RaggedTensor):
        tensor = tensor.to_sparse()
    if isinstance(tensor, tf.SparseTensor):
        kept = np.asarray(tensor.indices)[:, 0] < num_rows
        indices, values = np.asarray(tensor.indices)[kept], np.asarray(tensor.values)[kept]
        return tf.compat.v1.SparseTensorValue(indices, values, (num_rows, *tensor.shape[1:]))
    return tensor.numpy()[:num_rows]
