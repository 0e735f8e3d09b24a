"""Trainer with a defence, by custom_config={'defence': ...}: each of them in a few lines of a run_fn.

For scikit-learn's digits as the references pipeline has them (`pixel_0` ... and `digit`). Besides the split that is
trained on, `adversarial` and `pate` take a split `reference`, and `early_stopping` a split `watched`: examples that are
neither trained on nor judged by. ExampleGen makes as many splits as its output_config names.
"""

import keras
import numpy as np
import tensorflow as tf

from privacy_component.training import (
    adversarial_regularization,
    dp_sgd,
    early_stopping_on_privacy,
    pate_labels,
)

NUM_PIXELS, NUM_CLASSES, BATCH_SIZE, SEED = 64, 10, 50, 1


def run_fn(fn_args):
    """Trains with the defence that is asked for, and writes the model and what the training claims, if anything."""
    settings = fn_args.custom_config or {}
    keras.utils.set_random_seed(SEED)
    model, claim = DEFENCES[settings.get('defence', 'none')](fn_args, int(settings.get('epochs', 40)))
    export(model, fn_args.serving_model_dir)
    if claim is not None:
        claim.save(fn_args.serving_model_dir)  # where OneRunAudit of PrivacyEvaluator looks for it


def undefended(fn_args, epochs):
    """By heart."""
    model = network()
    compiled(model).fit(*read(fn_args, 'train'), epochs=epochs, batch_size=BATCH_SIZE, verbose=0)
    return model, None


def early_stopping(fn_args, epochs):
    """Keeps the last epoch at which the loss gives members away with an AUC of at most 0.6."""
    members, watched = read(fn_args, 'train'), read(fn_args, 'watched')
    model = network()
    stop = early_stopping_on_privacy(members, watched, 0.6, attacks=('loss_threshold',))
    compiled(model).fit(*members, epochs=epochs, batch_size=BATCH_SIZE, verbose=0, callbacks=[stop])
    return model, None


def adversarial(fn_args, epochs, weight=3.0):
    """Trains against an attacker that tells the members from the reference split."""
    model = network()
    wrapped = compiled(adversarial_regularization(model, read(fn_args, 'reference'), weight))
    wrapped.fit(*read(fn_args, 'train'), epochs=epochs, batch_size=BATCH_SIZE, verbose=0)
    return model, None


def private(fn_args, epochs, noise=1.0):
    """Clips every example's gradient and adds noise; whoever ships the model leaves the seed out."""
    pixels, digits = read(fn_args, 'train')
    model = network()
    wrapped = dp_sgd(
        model, noise_multiplier=noise, num_examples=len(digits), batch_size=BATCH_SIZE, epochs=epochs, seed=SEED
    )
    compiled(wrapped).fit(pixels, digits, verbose=0)
    return model, wrapped.claim


def pate(fn_args, epochs, teachers=15, noise=4.0):
    """Teachers on disjoint parts of the members label the reference split; the student sees nothing else."""
    reference, _ = read(fn_args, 'reference')

    def teacher(pixels, digits):
        one = network()
        compiled(one).fit(pixels, digits, epochs=epochs, batch_size=5, verbose=0)
        return lambda queries: one.predict(queries, verbose=0)

    labels = pate_labels(
        teacher, read(fn_args, 'train'), reference, num_classes=NUM_CLASSES, num_teachers=teachers, noise=noise,
        min_records=10, seed=SEED,
    )  # fmt: skip
    student = network()
    compiled(student).fit(reference, labels.labels, epochs=epochs, batch_size=BATCH_SIZE, verbose=0)
    return student, labels.claim


DEFENCES = {
    'none': undefended,
    'early_stopping': early_stopping,
    'adversarial': adversarial,
    'dp_sgd': private,
    'pate': pate,
}


def network():
    """Untrained."""
    layers = [keras.layers.Dense(128, 'relu'), keras.layers.Dense(NUM_CLASSES)]
    return keras.Sequential([keras.layers.Input([NUM_PIXELS]), *layers])


def compiled(model):
    """The model, ready to be fitted."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=loss)
    return model


def read(fn_args, split):
    """Pixels (n, 64) in [0, 1] and labels (n,) of a split, which lies beside the one that Trainer names."""
    patterns = [pattern.replace('Split-train', f'Split-{split}') for pattern in fn_args.train_files]
    files = sorted(path for pattern in patterns for path in tf.io.gfile.glob(pattern))
    if not files:
        raise FileNotFoundError(f'the examples have no split {split!r}: name it in the output_config of ExampleGen.')
    records = list(tf.data.TFRecordDataset(files, 'GZIP').as_numpy_iterator())
    pixels, digits = parse(tf.constant(records))
    return pixels.numpy(), digits.numpy().astype(np.int64)


def parse(examples):
    """Serialized tf.Examples as pixels and labels."""
    spec = {f'pixel_{i}': tf.io.FixedLenFeature([], tf.int64) for i in range(NUM_PIXELS)}
    parsed = tf.io.parse_example(examples, spec | {'digit': tf.io.FixedLenFeature([], tf.int64)})
    pixels = tf.stack([parsed[f'pixel_{i}'] for i in range(NUM_PIXELS)], axis=1)
    return tf.cast(pixels, tf.float32) / 16, parsed['digit']


def export(model, folder):
    """Writes the model with a signature of serialized examples, by which all attacks can call it."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples):
        return {'logits': model(parse(examples)[0])}

    tf.saved_model.save(model, folder, signatures={'serving_default': serve})
