"""Trainer module: the same network trained with DP-SGD, so no single member can matter much."""

import tf_keras

from pipelines.taxi.dp_sgd import DPAdam, compute_guarantee
from pipelines.taxi.model import build_classifier, export, read_training_data

SEED = 0
HIDDEN_UNITS = (128, 128)
EPOCHS = 20
BATCH_SIZE = 100
LEARNING_RATE = 5e-3
L2_NORM_CLIP = 1.0
NOISE_MULTIPLIER = 1.5


def run_fn(fn_args):
    """Trains with clipped and noised gradients, and writes down the guarantee.

    Args:
      fn_args: what Trainer gives: where the examples are and where the model goes.
    """
    tf_keras.utils.set_random_seed(SEED)
    features, labels = read_training_data(fn_args)
    classifier = build_classifier(fn_args, HIDDEN_UNITS)
    classifier.compile(
        optimizer=DPAdam(L2_NORM_CLIP, NOISE_MULTIPLIER, learning_rate=LEARNING_RATE),
        loss=tf_keras.losses.BinaryCrossentropy(from_logits=True, reduction=tf_keras.losses.Reduction.NONE),
    )
    classifier.fit(features, labels, BATCH_SIZE, EPOCHS, verbose=2)
    export(classifier, fn_args)
    compute_guarantee(len(labels), BATCH_SIZE, EPOCHS, NOISE_MULTIPLIER).save(fn_args.model_run_dir)
