"""Transform module: scaled numbers, vocabulary indices and the label."""

import tensorflow as tf
import tensorflow_transform as tft

from pipelines.taxi.configs import (
    BIG_TIP,
    CATEGORICAL_FEATURES,
    DENSE_FEATURES,
    LABEL,
    TIPS,
    transformed_name,
)


def preprocessing_fn(inputs):
    """Turns raw trips into model features.

    Args:
      inputs: raw feature name -> dense or sparse tensor, one value or none per trip.

    Returns:
      Transformed feature name -> (batch, 1) tensor, the label among them.
    """
    outputs = {transformed_name(key): _scaled(inputs[key]) for key in DENSE_FEATURES}
    for key in CATEGORICAL_FEATURES:
        outputs[transformed_name(key)] = _indexed(inputs[key], vocabulary=key)
    outputs[LABEL] = _is_big_tip(inputs[TIPS], inputs['fare'])
    return outputs


def _scaled(values):
    return tft.scale_to_z_score(_dense(values))


def _indexed(values, vocabulary):
    """Index in the vocabulary of the train split; one index more for what is not in it."""
    return tft.compute_and_apply_vocabulary(_dense(values), num_oov_buckets=1, vocab_filename=vocabulary)


def _is_big_tip(tips, fare):
    return tf.cast(_dense(tips) > BIG_TIP * _dense(fare), tf.int64)


def _dense(values):
    """A (batch, 1) tensor with a zero or an empty string where the value is missing."""
    if isinstance(values, tf.sparse.SparseTensor):
        one_column = tf.sparse.SparseTensor(values.indices, values.values, [values.dense_shape[0], 1])
        values = tf.sparse.to_dense(one_column)
    return tf.reshape(values, [-1, 1])
