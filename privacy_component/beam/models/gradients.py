"""Gradients of single examples through a signature of a SavedModel.

Weights are the signature's own `trainable_variables`, which every way to export a model fills; those of the loaded
object are missing for several. Examples go through one by one (`tf.map_fn`), which takes about twenty times as long as
a forward pass of a batch, in memory that does not grow with the batch, and works where the signature parses examples.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from privacy_component.beam.models.signature_inputs import as_input, fixed_batch
from privacy_component.errors import PrivacyInputError

Norms = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def gradient_norms(model: Any, signature: str, prediction_key: str) -> Norms:
    """A function (serialized (n,), d loss / d outputs (n, k)) -> (n,) norms over all weights together.

    Raises:
      PrivacyInputError: the signature has no weights, as in a frozen graph; or, when called, none that outputs follow.
    """
    call = model.signatures[signature]
    weights = call.trainable_variables
    if not weights:
        raise PrivacyInputError(
            f"the model's signature '{signature}' has no trainable variables (its graph is frozen, or all of them were "
            "exported as constants), so it has no gradients: leave 'gradient_norm' out of PrivacyConfig.attacks, or "
            'export the model with its variables.'
        )
    ((argument, spec),) = call.structured_input_signature[1].items()
    size = fixed_batch(spec) or 1

    def norm_of_one(example_and_gradient: tuple[tf.Tensor, tf.Tensor]) -> tf.Tensor:
        example, output_gradient = example_and_gradient
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            outputs = call(**{argument: as_input(tf.repeat(example, size), spec)})
            chosen = (outputs[prediction_key] if prediction_key else next(iter(outputs.values())))[:1]
        seed = tf.cast(tf.reshape(output_gradient, tf.shape(chosen)), chosen.dtype)
        return _norm(tape.gradient(chosen, weights, output_gradients=seed), signature)

    # Without autograph, whose wrapping would hide our own errors.
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string), tf.TensorSpec([None, None], tf.float32)], autograph=False
    )
    def norms(serialized: tf.Tensor, output_gradients: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(norm_of_one, (serialized, output_gradients), fn_output_signature=tf.float64)

    return norms


def _norm(gradients: Sequence[tf.Tensor | tf.IndexedSlices | None], signature: str) -> tf.Tensor:
    squares = [_sum_of_squares(one) for one in gradients if one is not None]
    if not squares:
        raise PrivacyInputError(
            f"no gradient reaches the weights of the model's signature '{signature}': leave 'gradient_norm' out of "
            'PrivacyConfig.attacks, or export outputs that can be differentiated (no argmax or rounding).'
        )
    return tf.sqrt(tf.add_n(squares))


def _sum_of_squares(gradient: tf.Tensor | tf.IndexedSlices) -> tf.Tensor:
    """Of an embedding, rows that the example looks up twice are added up before they are squared.

    In float64: in float32 the squares of what a confident model has, 1e-23 say, are 0.
    """
    if isinstance(gradient, tf.IndexedSlices):
        rows, position = tf.unique(gradient.indices)
        gradient = tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))
    return tf.reduce_sum(tf.square(tf.cast(gradient, tf.float64)))
