"""TensorFlow functions over serialized examples, called in batches of one fixed shape.

A model's outputs are only the same bits in every batching if every call has the same shape, so a short batch is padded,
and the padding cut off after the call.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2

from privacy_component.beam.examples.read import BATCH_SIZE
from privacy_component.beam.models.signature_inputs import as_input, fixed_batch, in_words
from privacy_component.beam.surfaced_errors import bad_call, changed_type, loading
from privacy_component.errors import PrivacyInputError

Call = Callable[['Serialized'], dict[str, Any]]

_DTYPES = {schema_pb2.INT: tf.int64, schema_pb2.FLOAT: tf.float32, schema_pb2.BYTES: tf.string}


class FeatureChangedError(PrivacyInputError):
    """A feature has another type than in the examples that were looked at first."""


class Serialized:
    """Serialized examples as a tensor of `size` strings, the last of them repeated where there are fewer.

    Attributes:
      records: as they are.
      num_rows: how many there are.
      size: how many a model is called with.
      tensor: (size,) tf.string.
    """

    def __init__(self, records: list[bytes], size: int = BATCH_SIZE):
        self.records, self.num_rows, self.size = records, len(records), size
        self.tensor = tf.constant(records + records[-1:] * (size - len(records)))

    @property
    def rows(self) -> tf.Tensor:
        """(num_rows,) tf.string, without what was added, for what is computed row by row."""
        return self.tensor[: self.num_rows]


def called_signature(wanted: str, known: Container[str]) -> str:
    """The signature to call of those that a model has: the one wanted, or, for '', the one that TFMA calls."""
    return wanted or ('predict' if 'predict' in known else 'serving_default')


def signature_call(model: Any, signature: str) -> Call:
    """A signature as a function from serialized examples to arrays by output name.

    It is called by keyword: a positional call with a short batch builds an error message first and throws it away.
    """
    call = model.signatures[signature]
    specs = call.structured_input_signature[1]
    ((argument, spec),) = specs.items()
    size = fixed_batch(spec)

    def called(serialized: tf.Tensor) -> Mapping[str, Any]:
        return call(**{argument: as_input(serialized, spec)})

    whole = called if size is None else lambda serialized: _in_batches(called, serialized, size)
    return _cut_and_named(whole, signature, in_words(specs))


def _in_batches(call: Callable[[tf.Tensor], Mapping[str, Any]], serialized: tf.Tensor, size: int) -> dict[str, Any]:
    """The outputs of a function that takes `size` examples and no other number; the last one is repeated to fill up."""
    num_rows = len(serialized)
    filled = tf.concat([serialized, tf.repeat(serialized[-1:], -num_rows % size)], 0)
    parts = [call(filled[start : start + size]) for start in range(0, num_rows, size)]
    return {name: _stacked([part[name] for part in parts], num_rows, size) for name in parts[0]}


def _stacked(parts: list[Any], num_rows: int, size: int) -> Any:
    """What has a row for each example, one batch below the other; what has none, as the first batch has it."""
    if isinstance(parts[0], tf.SparseTensor):
        parts = [tf.RaggedTensor.from_sparse(part) for part in parts]
    has_rows = parts[0].shape.rank and parts[0].shape[0] == size
    return tf.concat(parts, 0)[:num_rows] if has_rows else parts[0]


def transform_call(transform_path: str) -> Call:
    """A transform graph as a function from serialized raw examples to transformed features."""
    with loading('transform_graph', transform_path):
        output = tft.TFTransformOutput(transform_path)
        layer, spec = output.transform_features_layer(), output.raw_feature_spec()
    graph = tf.function(lambda serialized: layer(tf.io.parse_example(serialized, spec)))
    return _cut_and_named(graph, 'transform_graph')


def parse_call(
    feature_types: Sequence[tuple[str, int]], represented: Mapping[str, schema_pb2.TensorRepresentation]
) -> Call:
    """A function from serialized examples to the values of some features, given their TFMD types.

    Values are sparse, or dense where the schema represents a feature as dense with a default, which is then filled in.
    TensorFlow's parser steps over the other features, which makes it several times cheaper than decoding to Arrow.

    Raises, when called:
      PrivacyInputError: a record is no tf.Example, or a feature has another type or, if dense, another shape in it.
    """
    spec = {name: _parsed(_DTYPES[kind], represented.get(name)) for name, kind in feature_types}
    graph = tf.function(lambda serialized: tf.io.parse_example(serialized, spec))

    def parse(serialized: Serialized) -> dict[str, Any]:
        try:
            features = graph(serialized.tensor)
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            if other := changed_type(error):
                raise FeatureChangedError(other) from None
            why = '; '.join(f'{name} was {_DTYPES[kind].name} in the first examples' for name, kind in feature_types)
            raise PrivacyInputError(f'a feature has changed type or shape, or a record is none ({why})') from None
        return {name: _cut(tensor, serialized) for name, tensor in features.items()}

    return parse


def _parsed(dtype: tf.DType, representation: schema_pb2.TensorRepresentation | None) -> Any:
    if representation is None or not representation.dense_tensor.HasField('default_value'):
        return tf.io.VarLenFeature(dtype)
    dense = representation.dense_tensor
    shape = [dimension.size for dimension in dense.shape.dim]
    default = getattr(dense.default_value, dense.default_value.WhichOneof('kind'))
    return tf.io.FixedLenFeature(shape, dtype, np.full(shape, default).tolist())


def _cut_and_named(call: Callable[[tf.Tensor], Mapping[str, Any]], name: str, takes: str = '') -> Call:
    def cut(serialized: Serialized) -> dict[str, Any]:
        try:
            outputs = call(serialized.tensor)
        except (tf.errors.OpError, UnicodeDecodeError) as error:
            raise bad_call(name, error, takes) from None
        return {key: _cut(tensor, serialized) for key, tensor in outputs.items()}

    return cut


def _cut(tensor: Any, serialized: Serialized) -> Any:
    """The first rows of a tensor, as an array or a sparse value; all of one that has no row for each example."""
    num_rows = serialized.num_rows
    if isinstance(tensor, tf.RaggedTensor):
        tensor = tensor.to_sparse()
    if isinstance(tensor, tf.SparseTensor):
        indices, values = tensor.indices.numpy(), tensor.values.numpy()
        kept = np.searchsorted(indices[:, 0], num_rows)  # rows ascend
        return tf.compat.v1.SparseTensorValue(indices[:kept], values[:kept], (num_rows, *tensor.shape[1:]))
    array = tensor.numpy()
    return array[:num_rows] if array.ndim and len(array) == len(serialized.tensor) else array
