"""Softmax regression by DP-SGD in numpy, right and broken in known ways; and examples that it learns from."""

import dataclasses

import numpy as np
import tensorflow as tf

from privacy_component.training.dp_claim import claim_of

NUM_PIXELS, NUM_CLASSES = 400, 3
RIGHT = 'right'
NO_NOISE, BATCH_CLIPPING, WRONG_CLIP = BROKEN = ('no_noise', 'batch_clipping', 'wrong_clip')
SPEC = {
    'pixels': tf.io.FixedLenFeature([NUM_PIXELS], tf.float32),
    'label': tf.io.FixedLenFeature([], tf.int64),
}


def rows(num_rows, seed):
    """Examples with pixels in [0, 1] and a label that some pixels tell."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(NUM_CLASSES, size=num_rows)
    pixels = rng.random((num_rows, NUM_PIXELS))
    for label in range(NUM_CLASSES):
        pixels[labels == label, label * 20 : label * 20 + 20] += 0.3
    pixels = np.minimum(pixels, 1)
    return [
        {'pixels': row.astype(np.float32).tolist(), 'label': int(label)}
        for row, label in zip(pixels, labels, strict=True)
    ]


def read(files):
    """Pixels and labels of TFRecord files or patterns of such."""
    paths = sorted(path for pattern in files for path in tf.io.gfile.glob(pattern))
    records = list(tf.data.TFRecordDataset(paths, 'GZIP').as_numpy_iterator())
    parsed = tf.io.parse_example(records, SPEC)
    return parsed['pixels'].numpy().astype(np.float64), parsed['label'].numpy()


@dataclasses.dataclass
class Recipe:
    """How to train, and what is done wrong."""

    fault: str = RIGHT
    noise: float = 1.0
    clip: float = 1.0
    epochs: int = 20
    batch_size: int = 100
    learning_rate: float = 0.5
    seed: int = 0

    def claim(self, num_examples):
        """What the trainer says of itself, whatever it does."""
        steps = self.epochs * -(-num_examples // self.batch_size)
        return claim_of(self.noise, self.clip, num_examples, self.batch_size, steps, 1e-5)

    def train(self, x, y, see=None):
        """(NUM_PIXELS + 1, NUM_CLASSES) weights, the last row the intercepts; after each epoch `see(epoch, them)`."""
        rng, n = np.random.default_rng(self.seed), len(x)
        x = np.hstack([x, np.ones((n, 1))])
        weights, one_hot = np.zeros((x.shape[1], NUM_CLASSES)), np.eye(NUM_CLASSES)[y]
        steps = self.claim(n).steps
        for step in range(steps):
            batch = np.flatnonzero(rng.random(n) < self.batch_size / n)
            a, b = x[batch], one_hot[batch]
            z = a @ weights
            p = np.exp(z - z.max(axis=1, keepdims=True))
            errors = p / p.sum(axis=1, keepdims=True) - b
            total = a.T @ (errors * self._factors(a, errors)[:, None])
            if self.fault == BATCH_CLIPPING:
                total *= min(1.0, self.clip * self.batch_size / max(np.linalg.norm(total), 1e-12))
            if self.fault != NO_NOISE:
                total += self.noise * self.clip * rng.standard_normal(total.shape)
            weights -= self.learning_rate * total / self.batch_size
            if see and (step + 1) * self.epochs % steps < self.epochs:
                see((step + 1) * self.epochs // steps, weights)
        return weights

    def _factors(self, inputs, errors):
        """By how much each example's gradient is shortened; its norm is a product, as it has rank one."""
        if self.fault == BATCH_CLIPPING:
            return np.ones(len(inputs))
        clip = self.clip * (100 if self.fault == WRONG_CLIP else 1)
        norms = np.linalg.norm(inputs, axis=1) * np.linalg.norm(errors, axis=1)
        return np.minimum(1, clip / np.maximum(norms, 1e-12))


def scaled_logit(weights, x, y):
    """(m,) the log odds of the label."""
    z = np.hstack([x, np.ones((len(x), 1))]) @ weights
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    own = p[np.arange(len(y)), y]
    return np.log(np.maximum(own, 1e-300)) - np.log(np.maximum(1 - own, 1e-300))


class Regression(tf.Module):
    """Takes serialized examples, answers logits."""

    def __init__(self, weights):
        super().__init__()
        self.weights = tf.Variable(weights.astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples):
        pixels = tf.io.parse_example(examples, {'pixels': SPEC['pixels']})['pixels']
        return {'outputs': pixels @ self.weights[:-1] + self.weights[-1]}


def export(weights, folder):
    model = Regression(weights)
    tf.saved_model.save(model, str(folder), signatures={'serving_default': model.serve})


def run_fn(fn_args):
    """A TFX trainer: the fault and the noise come from custom_config; the claim is saved beside the model."""
    settings = fn_args.custom_config or {}
    recipe = Recipe(**settings)
    x, y = read(fn_args.train_files)
    export(recipe.train(x, y), fn_args.serving_model_dir)
    recipe.claim(len(x)).save(fn_args.serving_model_dir)
