"""How much more a model's labels tell of its members than whether they are right.

    python benchmarks/label_stability.py             # three seeds, writes benchmarks/results/label_stability.md
    python benchmarks/label_stability.py --seeds 1

Small networks are trained on half of a draw of scikit-learn's digits, on which the noise was chosen, and of
Fashion-MNIST and the taxi trips, on which it was not. Every model is exported with a signature that takes serialized
examples, and asked about noisy copies of all of them by the code of the Beam job.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from typing import Any

import numpy as np
from default_attacks import RESULTS, Recipe, drawn, fashion, tips

MODELS = {
    'digits, 200 members (chosen on)': ('digits', Recipe(200, (64,), 60)),
    'Fashion-MNIST, 1,000 members, overfit': ('fashion', Recipe(1000, (256, 128), 40)),
    'Fashion-MNIST, 1,000 members, regularised': ('fashion', Recipe(1000, (64,), 15, l2=1e-3, dropout=0.5)),
    'large tip of a taxi trip, 2,000 members, overfit': ('tips', Recipe(2000, (128, 64), 60)),
}


def digits() -> tuple[np.ndarray, ...]:
    """Handwritten digits of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    return (images / 16).astype(np.float32), labels.astype(np.int64)


LOADERS = {'digits': digits, 'fashion': fashion, 'tips': tips}


def trained(recipe: Recipe, seed: int, x: np.ndarray, labels: np.ndarray, is_member: np.ndarray) -> Any:
    """A Keras model that was trained on the members."""
    import keras

    keras.utils.set_random_seed(seed)
    decay = keras.regularizers.L2(recipe.l2) if recipe.l2 else None
    layers: list[Any] = [keras.Input((x.shape[1],))]
    for units in recipe.units:
        layers.append(keras.layers.Dense(units, activation='relu', kernel_regularizer=decay))
        layers.append(keras.layers.Dropout(recipe.dropout))
    model = keras.Sequential([*layers, keras.layers.Dense(int(labels.max()) + 1)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(recipe.rate), loss=loss)
    model.fit(x[is_member], labels[is_member], batch_size=recipe.batch, epochs=recipe.epochs, verbose=0)
    return model


def served(model: Any, width: int, num_inputs: int, records: list[bytes], num_queries: int) -> Any:
    """The model as a worker has it. A table has a feature for each input, an image one for all pixels."""
    import tensorflow as tf
    import tensorflow_model_analysis as tfma
    from google.protobuf import json_format

    from privacy_component.beam.models.noisy_copies import input_noise
    from privacy_component.beam.models.served_model import ServedModel
    from privacy_component.beam.plan import ModelPlan

    names = [f'x{i}' for i in range(num_inputs // width)]
    spec = {name: tf.io.FixedLenFeature([width], tf.float32) for name in names}

    class Serving(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = [tf.Variable(weight) for weight in model.get_weights()]

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = tf.io.parse_example(examples, spec)
            z = tf.concat([parsed[name] for name in names], axis=1)
            for kernel, bias in zip(self.weights[::2], self.weights[1::2], strict=True):
                z = z @ kernel + bias
                z = z if kernel is self.weights[-2] else tf.nn.relu(z)
            return {'outputs': z}

    serving = Serving()
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(serving, folder, signatures={'serving_default': serving.serve})
        config = tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='label', signature_name='serving_default')])
        noise = input_noise([records[:1024]], ('label',), num_queries, seed=0)
        found = ServedModel(ModelPlan(folder, json_format.MessageToJson(config), 'logits', noise=noise))
        found.load()
    return found


def serialized(x: np.ndarray, width: int) -> list[bytes]:
    """The examples."""
    import tensorflow as tf

    records = []
    for row in x:
        example = tf.train.Example()
        for place, start in enumerate(range(0, len(row), width)):
            example.features.feature[f'x{place}'].float_list.value.extend(row[start : start + width].tolist())
        records.append(example.SerializeToString())
    return records


def figures(name: str, recipe: Recipe, seed: int, num_queries: int) -> dict[str, float]:
    """AUC of each signal on one model, and how many times as long as one answer all queries take."""
    from privacy_component import PrivacyConfig, evaluate_privacy
    from privacy_component.beam.models.signatures import Serialized
    from privacy_component.beam.models.sources import label_stability

    inputs, labels = LOADERS[name]()
    rows, is_member = drawn(recipe.members, seed, np.arange(len(labels)))
    x, y = inputs[rows], labels[rows]
    width = 1 if name == 'tips' else x.shape[1]
    records = serialized(x, width)
    model = served(trained(recipe, seed, x, y, is_member), width, x.shape[1], records, num_queries)
    parts = [slice(start, start + 1024) for start in range(0, len(y), 1024)]
    batches = [Serialized(records[part]) for part in parts]
    model.outputs(batches[0])
    started = time.process_time()
    outputs = [model.outputs(batch) for batch in batches]
    once = time.process_time() - started
    started = time.process_time()
    stability = [
        label_stability(model, batch, y[part], seen, 'multiclass')
        for batch, part, seen in zip(batches, parts, outputs, strict=True)
    ]
    times = (time.process_time() - started) / max(once, 1e-6)
    attacks = ('correctness_threshold', 'label_stability', 'loss_threshold')
    result = evaluate_privacy(
        is_member=is_member,
        labels=y,
        logits=np.concatenate(outputs),
        signals={'label_stability': np.concatenate(stability)},
        config=PrivacyConfig(attacks=attacks, slices={'by_class': False}, outputs={'kind': 'logits'}),
    )
    return {r.attack: r.metrics['auc'].value for r in result.results} | {'times': times}


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--num-queries', type=int, default=32)
    options = parser.parse_args()
    os.environ.update({'TF_CPP_MIN_LOG_LEVEL': '3', 'CUDA_VISIBLE_DEVICES': ''})
    lines = [
        '# What labels alone tell',
        '',
        f'Made by `python benchmarks/label_stability.py`; {options.num_queries} noisy copies, means over '
        f'{options.seeds} seeds and, in brackets, the lowest and highest difference.',
        '',
        '| model | gap attack | `label_stability` | difference | loss | cost in forward passes |',
        '|---|--:|--:|--:|--:|--:|',
    ]
    for title, (name, recipe) in MODELS.items():
        found = [figures(name, recipe, seed, options.num_queries) for seed in range(options.seeds)]
        mean = {key: statistics.mean(one[key] for one in found) for key in found[0]}
        more = [one['label_stability'] - one['correctness_threshold'] for one in found]
        lines.append(
            f'| {title} | {mean["correctness_threshold"]:.3f} | {mean["label_stability"]:.3f} | '
            f'{statistics.mean(more):+.3f} ({min(more):+.3f} to {max(more):+.3f}) | {mean["loss_threshold"]:.3f} | '
            f'{mean["times"]:.0f} |'
        )
        print(lines[-1], flush=True)
    (RESULTS / 'label_stability.md').write_text('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
