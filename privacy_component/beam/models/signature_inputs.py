"""What a signature takes and gives: serialized examples, or features by name; and how messages say so."""

from __future__ import annotations

from collections.abc import Container, Mapping

import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import TensorInfo

Specs = Mapping[str, tf.TypeSpec]

_KERAS_SUFFIX = '_input'  # that some Keras models put behind the names of their inputs; TFMA looks without it, too


def specs_of(tensors: Mapping[str, TensorInfo]) -> Specs:
    """The inputs or outputs of a signature by name, from the file of a SavedModel."""
    return {name: _spec_of(info) for name, info in sorted(tensors.items())}


def _spec_of(info: TensorInfo) -> tf.TypeSpec:
    shape, encoding = tf.TensorShape(info.tensor_shape), info.WhichOneof('encoding')
    if encoding == 'coo_sparse':
        return tf.SparseTensorSpec(shape, tf.as_dtype(info.dtype))
    if encoding == 'composite_tensor':
        return tf.RaggedTensorSpec(None, tf.as_dtype(info.composite_tensor.components[0].dtype), ragged_rank=1)
    return tf.TensorSpec(shape, tf.as_dtype(info.dtype))


def kind_of(spec: tf.TypeSpec) -> str:
    """'sparse', 'ragged', or '' for a dense tensor."""
    return {tf.SparseTensorSpec: 'sparse', tf.RaggedTensorSpec: 'ragged'}.get(type(spec), '')


def in_words(specs: Specs) -> str:
    """Names, types and shapes."""
    return ', '.join(f"'{name}' ({_in_words(spec)})" for name, spec in specs.items()) or 'nothing'


def _in_words(spec: tf.TypeSpec) -> str:
    kind, size = kind_of(spec), fixed_batch(spec)
    if kind:
        return f'{kind} {spec.dtype.name}'
    shape = 'any shape' if spec.shape.rank is None else f'shape {tuple(spec.shape.as_list())}'
    return f'{spec.dtype.name}, {shape}{f": a batch of {size} and no other" if size else ""}'


def fixed_batch(spec: tf.TypeSpec) -> int | None:
    """How many rows a dense input takes at once; None for any number."""
    return spec.shape[0] if not kind_of(spec) and spec.shape.rank else None


def feature_for(name: str, features: Container[str]) -> str | None:
    """The feature that TFMA feeds to an input; None if there is none."""
    return next((one for one in (name, name.removesuffix(_KERAS_SUFFIX)) if one in features), None)


def takes_serialized_examples(specs: Specs, features: Container[str] = ()) -> bool:
    """Whether a signature takes one string for each example that is none of the features, as TFMA tells."""
    if len(specs) != 1:
        return False
    ((name, spec),) = specs.items()
    is_column = not kind_of(spec) and (spec.shape.rank in (None, 1) or spec.shape.as_list()[1:] == [1])
    return is_column and spec.dtype == tf.string and feature_for(name, features) is None


def as_input(serialized: tf.Tensor, spec: tf.TypeSpec) -> tf.Tensor:
    """(n,) strings in the shape in which an input takes them: (n,) or (n, 1)."""
    return serialized[:, tf.newaxis] if spec.shape.rank == 2 else serialized
