"""Trainer of the digits pipeline: raw examples, no Transform, ten classes, and every chance to overfit."""

import keras
import tensorflow as tf

NUM_PIXELS, NUM_CLASSES = 64, 10


def _parse(examples):
    spec = {f'pixel_{i}': tf.io.FixedLenFeature([], tf.int64) for i in range(NUM_PIXELS)}
    parsed = tf.io.parse_example(examples, spec | {'digit': tf.io.FixedLenFeature([], tf.int64)})
    pixels = tf.stack([parsed[f'pixel_{i}'] for i in range(NUM_PIXELS)], axis=1)
    return tf.cast(pixels, tf.float32) / 16, parsed['digit']


def run_fn(fn_args):
    """Trains until the train split is known by heart."""
    keras.utils.set_random_seed(1)
    files = tf.io.gfile.glob(fn_args.train_files)
    records = list(tf.data.TFRecordDataset(files, 'GZIP').as_numpy_iterator())
    pixels, digits = _parse(tf.constant(records))
    layers = [keras.layers.Dense(256, 'relu'), keras.layers.Dense(NUM_CLASSES)]
    model = keras.Sequential([keras.layers.Input([NUM_PIXELS]), *layers])
    model.compile('adam', keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(pixels, digits, epochs=fn_args.custom_config['epochs'], batch_size=32, verbose=0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples):
        return {'logits': model(_parse(examples)[0])}

    tf.saved_model.save(model, fn_args.serving_model_dir, signatures={'serving_default': serve})
