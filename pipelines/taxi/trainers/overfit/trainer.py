"""Trainer module: many epochs and no regularisation, so the model memorises its members."""

import tf_keras

from pipelines.taxi.model import build_classifier, export, read_training_data

SEED = 0
HIDDEN_UNITS = (128, 128)
EPOCHS = 60
BATCH_SIZE = 64
LEARNING_RATE = 1e-3


def run_fn(fn_args):
    """Trains until nothing is left to learn but the examples themselves.

    Args:
      fn_args: what Trainer gives: where the examples are and where the model goes.
    """
    tf_keras.utils.set_random_seed(SEED)
    features, labels = read_training_data(fn_args)
    classifier = build_classifier(fn_args, HIDDEN_UNITS)
    classifier.compile(
        optimizer=tf_keras.optimizers.Adam(LEARNING_RATE),
        loss=tf_keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[tf_keras.metrics.BinaryAccuracy(threshold=0.0)],
    )
    classifier.fit(features, labels, BATCH_SIZE, EPOCHS, verbose=2)
    export(classifier, fn_args)
