"""What all trainers share: reading the transformed examples, the network, and its export."""

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tf_keras
from tfx_bsl.public import tfxio

from pipelines.taxi.configs import (
    CATEGORICAL_FEATURES,
    DENSE_FEATURES,
    LABEL,
    TIPS,
    transformed_name,
)

EXAMPLES_SPEC = tf.TensorSpec([None], tf.string, name='examples')
READ_BATCH_SIZE = 1024


def read_training_data(fn_args):
    """Reads the whole train split, which is small.

    Args:
      fn_args: what Trainer gives to run_fn.

    Returns:
      A dict of (n, 1) feature arrays, and the (n, 1) labels.
    """
    return read_examples(fn_args, fn_args.train_files)


def read_examples(fn_args, files):
    """Reads transformed examples, of which there are few.

    Args:
      fn_args: what Trainer gives to run_fn.
      files: patterns, fn_args.eval_files say.

    Returns:
      A dict of (n, 1) feature arrays, and the (n, 1) labels.
    """
    batches = fn_args.data_accessor.tf_dataset_factory(
        files,
        tfxio.TensorFlowDatasetOptions(READ_BATCH_SIZE, num_epochs=1, shuffle=False),
        _transform_output(fn_args).transformed_metadata.schema,
    )
    features = _concatenate(list(batches.as_numpy_iterator()))
    return features, features.pop(LABEL)


def build_classifier(fn_args, hidden_units):
    """Builds a network that returns the logit of a big tip.

    Args:
      fn_args: what Trainer gives to run_fn.
      hidden_units: width of each hidden layer.

    Returns:
      An uncompiled Keras model with a (batch, 1) output.
    """
    inputs, encoded = _encode(_transform_output(fn_args))
    hidden = tf_keras.layers.concatenate(encoded)
    for units in hidden_units:
        hidden = tf_keras.layers.Dense(units, activation='relu')(hidden)
    return tf_keras.Model(inputs, tf_keras.layers.Dense(1)(hidden))


def export(classifier, fn_args):
    """Writes the model with its two signatures, which read serialized raw examples.

    `serving_default` returns the probability of a big tip, (batch, 1) in float64: in float32 many
    confident predictions round to exactly 1 and an attacker can't rank them. `transform_features`
    returns what Transform makes of the example, the label too.
    """
    module = _TaxiModule(classifier, _transform_output(fn_args))
    tf.saved_model.save(
        module,
        fn_args.serving_model_dir,
        signatures={
            'serving_default': module.predict,
            'transform_features': module.transform_features,
        },
    )


class _TaxiModule(tf.Module):
    """A classifier with the Transform graph in front of it."""

    def __init__(self, classifier, transform_output):
        super().__init__()
        self._classifier = classifier
        self._transform = transform_output.transform_features_layer()
        self._raw_features = transform_output.raw_feature_spec()

    @tf.function(input_signature=[EXAMPLES_SPEC])
    def predict(self, examples):
        known = {key: spec for key, spec in self._raw_features.items() if key != TIPS}
        logits = self._classifier(self._transform(tf.io.parse_example(examples, known)))
        return {'probabilities': tf.sigmoid(tf.cast(logits, tf.float64))}

    @tf.function(input_signature=[EXAMPLES_SPEC])
    def transform_features(self, examples):
        return self._transform(tf.io.parse_example(examples, self._raw_features))


def _transform_output(fn_args):
    return tft.TFTransformOutput(fn_args.transform_graph_path)


def _concatenate(batches):
    return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}


def _encode(transform_output):
    """The network's inputs, and the same as numbers and one-hot vectors."""
    inputs, encoded = [], []
    for key in DENSE_FEATURES:
        inputs.append(_input(key, tf.float32))
        encoded.append(inputs[-1])
    for key in CATEGORICAL_FEATURES:
        inputs.append(_input(key, tf.int64))
        encoded.append(_one_hot(inputs[-1], transform_output.vocabulary_size_by_name(key)))
    return inputs, encoded


def _input(key, dtype):
    return tf_keras.Input(shape=(1,), name=transformed_name(key), dtype=dtype)


def _one_hot(indices, vocabulary_size):
    """One place more than the vocabulary has, for everything that isn't in it."""
    return tf_keras.layers.CategoryEncoding(vocabulary_size + 1, output_mode='one_hot')(indices)
