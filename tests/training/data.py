"""Small real data, scikit-learn's digits, and small networks of either Keras."""

import functools
import gzip
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


@functools.cache
def digits():
    """Inputs (1797, 64) in [0, 1] and labels, in a fixed random order."""
    found = load_digits()
    rows = np.random.default_rng(0).permutation(len(found.target))
    return (found.data[rows] / 16).astype(np.float32), found.target[rows].astype(np.int64)


def sides(num_members, num_non_members, seed=0):
    """Members and non-members as pairs (inputs, labels)."""
    inputs, labels = digits()
    rows = np.random.default_rng(seed).permutation(len(labels))
    inside, outside = rows[:num_members], rows[num_members : num_members + num_non_members]
    return (inputs[inside], labels[inside]), (inputs[outside], labels[outside])


def classifier(keras, num_inputs=64, units=64, learning_rate=3e-3):
    """A compiled network with one hidden layer that returns ten logits; the same weights in every run."""
    keras.utils.set_random_seed(1)
    layers = [keras.Input((num_inputs,)), keras.layers.Dense(units, activation='relu'), keras.layers.Dense(10)]
    model = keras.Sequential(layers)
    compile_for_classes(keras, model, learning_rate)
    return model


def compile_for_classes(keras, model, learning_rate=3e-3):
    """Adam and the cross-entropy of logits."""
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=['accuracy'],
    )


FASHION = Path('/usr/share/datasets/fashion-mnist')


@functools.cache
def fashion():
    """The first 6,000 pictures of Fashion-MNIST, from the Debian package dataset-fashion-mnist, and their labels."""
    with gzip.open(FASHION / 'train-images-idx3-ubyte.gz') as images:
        pixels = np.frombuffer(images.read(16 + 6000 * 784), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(FASHION / 'train-labels-idx1-ubyte.gz') as labels:
        return pixels / np.float32(255), np.frombuffer(labels.read(8 + 6000), np.uint8, offset=8).astype(np.int64)
