"""Trainer module: the same network trained against an attacker. Trainer's eval split is the reference set."""

import tf_keras

from pipelines.taxi.model import build_classifier, export, read_examples, read_training_data
from privacy_component.training import adversarial_regularization

SEED = 0
HIDDEN_UNITS = (128, 128)
EPOCHS = 20
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
WEIGHT = 1.0


def run_fn(fn_args):
    """Trains a classifier that its attacker cannot tell members by.

    Args:
      fn_args: what Trainer gives. Its eval files must hold a split by which the model is not judged afterwards.
    """
    tf_keras.utils.set_random_seed(SEED)
    features, labels = read_training_data(fn_args)
    classifier = build_classifier(fn_args, HIDDEN_UNITS)
    defended = adversarial_regularization(classifier, read_examples(fn_args, fn_args.eval_files), WEIGHT, seed=SEED)
    defended.compile(
        optimizer=tf_keras.optimizers.Adam(LEARNING_RATE), loss=tf_keras.losses.BinaryCrossentropy(from_logits=True)
    )
    defended.fit(features, labels, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=2)
    export(classifier, fn_args)
