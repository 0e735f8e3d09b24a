"""Trainer module: the same network, stopped when an attack finds too much. Trainer's eval split is what is watched."""

import tf_keras

from pipelines.taxi.model import build_classifier, export, read_examples, read_training_data
from privacy_component.training import early_stopping_on_privacy

SEED = 0
HIDDEN_UNITS = (128, 128)
EPOCHS = 60
BATCH_SIZE = 64
LEARNING_RATE = 1e-3
MOST_AUC = 0.53


def run_fn(fn_args):
    """Trains until the loss tells members with a larger AUC than is allowed, and goes back to before that.

    Args:
      fn_args: what Trainer gives. Its eval files must hold a split by which the model is not judged afterwards.
    """
    tf_keras.utils.set_random_seed(SEED)
    features, labels = read_training_data(fn_args)
    classifier = build_classifier(fn_args, HIDDEN_UNITS)
    watched = read_examples(fn_args, fn_args.eval_files)
    stop = early_stopping_on_privacy((features, labels), watched, MOST_AUC, attacks=('loss_threshold',))
    classifier.compile(
        optimizer=tf_keras.optimizers.Adam(LEARNING_RATE), loss=tf_keras.losses.BinaryCrossentropy(from_logits=True)
    )
    classifier.fit(features, labels, BATCH_SIZE, EPOCHS, verbose=2, callbacks=[stop])
    export(classifier, fn_args)
