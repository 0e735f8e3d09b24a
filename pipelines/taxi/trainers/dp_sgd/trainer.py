"""Trainer module: the same network trained with DP-SGD, so no single member can matter much."""

import tf_keras

from pipelines.taxi.model import build_classifier, export, read_training_data
from privacy_component.training import dp_sgd

SEED = 0  # makes every run of the demo the same one; without a seed nobody can take the noise away again
HIDDEN_UNITS = (128, 128)
EPOCHS = 20
BATCH_SIZE = 100
LEARNING_RATE = 5e-3
L2_NORM_CLIP = 1.0
NOISE_MULTIPLIER = 1.5


def run_fn(fn_args):
    """Trains with clipped and noised gradients, and writes down what that guarantees.

    Args:
      fn_args: what Trainer gives: where the examples are and where the model goes.
    """
    tf_keras.utils.set_random_seed(SEED)
    features, labels = read_training_data(fn_args)
    classifier = build_classifier(fn_args, HIDDEN_UNITS)
    private = dp_sgd(
        classifier,
        noise_multiplier=NOISE_MULTIPLIER,
        l2_norm_clip=L2_NORM_CLIP,
        num_examples=len(labels),
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        seed=SEED,
    )
    private.compile(
        optimizer=tf_keras.optimizers.Adam(LEARNING_RATE), loss=tf_keras.losses.BinaryCrossentropy(from_logits=True)
    )
    private.fit(features, labels, verbose=2)
    export(classifier, fn_args)
    private.claim.save(fn_args.model_run_dir)
