"""Whether a model that takes features by name can be fed with these examples; known before the job."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder

from privacy_component.beam.examples.decode import decode_batch, read_schema, tensor_representations
from privacy_component.beam.examples.read import RawBatch
from privacy_component.beam.models.signature_inputs import Specs, feature_for, fixed_batch, in_words, kind_of
from privacy_component.errors import PrivacyInputError, did_you_mean

_MOST_NAMED = 20
_TYPES = {schema_pb2.INT: tf.int64, schema_pb2.FLOAT: tf.float32, schema_pb2.BYTES: tf.string}
_NAMES = {tf.int64: 'int64', tf.float32: 'float', tf.string: 'text'}


@dataclasses.dataclass(frozen=True)
class Fed:
    """A feature as TFMA feeds it.

    Attributes:
      dtype: tf.int64, tf.float32 or tf.string; None if no example told.
      fewest, most: how many values an example has.
      is_sparse: whether the schema says that there may be any number.
    """

    dtype: tf.DType | None
    fewest: int
    most: int
    is_sparse: bool = False

    def merge(self, other: Fed) -> Fed:
        """The feature in both parts."""
        return Fed(self.dtype or other.dtype, min(self.fewest, other.fewest), max(self.most, other.most))


def fed_features(samples: Sequence[RawBatch], schema_path: str, transform_path: str) -> dict[str, Fed]:
    """The features by name: as the first examples have them and the schema represents them, and transformed ones."""
    parts = [_features_in(sample) for sample in samples]
    names = sorted({name for part in parts for name in part})
    absent = Fed(None, 0, 0)
    seen = {name: functools.reduce(Fed.merge, (part.get(name, absent) for part in parts)) for name in names}
    made = f'{transform_path}/transformed_metadata' if transform_path else ''
    return seen | _by_schema(schema_path) | _by_schema(made)


def _features_in(sample: RawBatch) -> dict[str, Fed]:
    batch = decode_batch(example_coder.ExamplesToRecordBatchDecoder(), sample)
    return {name: _fed(column) for name, column in zip(batch.schema.names, batch.columns, strict=True)}


def _fed(lists: pa.Array) -> Fed:
    if pa.types.is_null(lists.type):
        return Fed(None, 0, 0)
    numbers = np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False)).astype(np.int64)
    kind = lists.type.value_type
    dtype = tf.int64 if pa.types.is_integer(kind) else tf.float32 if pa.types.is_floating(kind) else tf.string
    return Fed(dtype, int(numbers.min()), int(numbers.max()))


def _by_schema(path: str) -> dict[str, Fed]:
    schema = read_schema(path)
    types = {feature.name: _TYPES.get(feature.type) for feature in schema.feature} if schema else {}
    return {
        name: _represented(types[name], one)
        for name, one in tensor_representations(path).items()
        if types.get(name) is not None
    }


def _represented(dtype: tf.DType, representation: schema_pb2.TensorRepresentation) -> Fed:
    if not representation.HasField('dense_tensor'):
        return Fed(dtype, 0, 0, is_sparse=True)
    number = math.prod(dimension.size for dimension in representation.dense_tensor.shape.dim)
    return Fed(dtype, number, number)


def casts_needed(signature: str, specs: Specs, features: Mapping[str, Fed]) -> tuple[tuple[str, str], ...]:
    """Which features have to be cast, and to what, so that a signature takes them: integers to fractions, say.

    Raises:
      PrivacyInputError: it does not take them even so; the message lists its inputs and says what does not fit.
    """
    faults = [fault for name, spec in specs.items() for fault in _faults(name, spec, features)]
    if faults:
        raise PrivacyInputError(
            f"the model's signature '{signature}' takes {in_words(specs)}, but {'; '.join(faults)}. Name another in "
            'eval_config.model_specs[0].signature_name: one whose inputs are named, typed and shaped as the features '
            'are, or one that takes serialized tf.Examples and parses them.'
        )
    fed = [(feature_for(name, features), spec.dtype) for name, spec in specs.items()]
    return tuple((name, dtype.name) for name, dtype in fed if name and features[name].dtype not in (dtype, None))


def _faults(name: str, spec: tf.TypeSpec, features: Mapping[str, Fed]) -> Iterator[str]:
    feature = feature_for(name, features)
    if feature is None:
        known = ', '.join(sorted(features)[:_MOST_NAMED])
        guess = did_you_mean(name, features) or '; pass transform_graph if a Transform makes it'
        yield f"'{name}' is no feature of the examples ({known}){guess}"
        return
    fed = features[feature]
    if fixed_batch(spec):
        yield f"'{name}' takes one size of a batch, not any (None), as features by name need it"
    if fed.dtype and not _can_be_cast(fed.dtype, spec.dtype):
        yield f"'{feature}' is {_NAMES[fed.dtype]} in the examples"
    if why := _wrong_number(fed, spec):
        yield f"'{feature}' has {why}"


def _can_be_cast(fed: tf.DType, wanted: tf.DType) -> bool:
    """Whether nothing but digits is lost."""
    return fed == wanted or (wanted.is_floating and fed != tf.string) or (wanted.is_integer and fed == tf.int64)


def _wrong_number(fed: Fed, spec: tf.TypeSpec) -> str:
    """What is wrong with how many values there are; '' if nothing is."""
    if kind_of(spec) or spec.shape.rank is None:
        return ''
    if fed.is_sparse:
        return 'any number of values by the schema, which gives it no shape'
    if fed.fewest != fed.most:
        return f'between {fed.fewest} and {fed.most} values in an example: pass a schema with its shape and a default'
    wanted = spec.shape.as_list()[1:]
    known = math.prod(size for size in wanted if size is not None)
    if wanted.count(None) > 1:
        return f'{fed.most} values in each example, which do not tell which of the shapes they are of'
    fits = fed.most == known if None not in wanted else fed.most % max(known, 1) == 0
    return '' if fits else f'{fed.most} values in each example'
