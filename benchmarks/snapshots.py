"""What someone finds who sees a model at several epochs: real trainings, SavedModels and gradients through these.

    python benchmarks/snapshots.py --seeds 3       # writes results/snapshots.json and results/snapshots.md

The task is that of default_attacks.py: in which of 229 census tracts a taxi trip ended, 4,000 members. Accuracy is the
largest share of right guesses over all thresholds, with as many members as others.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import tempfile
import time
from pathlib import Path

import default_attacks
import measured_at
import numpy as np

RESULTS = Path(__file__).parent / 'results'
ATTACKS = ('loss_threshold', 'logistic_regression', 'trajectory', 'alignment', 'trajectory_and_alignment')
RECIPES = {
    'regularised': default_attacks.Recipe(4000, (256,), 25, batch=64, l2=1e-4, dropout=0.5),
    'overfit': default_attacks.Recipe(4000, (256, 128), 60, batch=64),
}
# The epochs after which the attacker sees the model.
SEEN = {
    'regularised': (tuple(range(5, 26, 5)), tuple(range(1, 26))),
    'overfit': ((1, 2, 3, 4, 5), (2, 4, 6, 8, 10), (10, 20, 30, 40, 50), (20, 30, 40, 50, 60)),
}


@dataclasses.dataclass(frozen=True)
class Trained:
    """A training's examples, its snapshots by epoch, and what its last state says."""

    records: list[bytes]
    labels: np.ndarray
    is_member: np.ndarray
    directories: dict[int, str]
    logits: np.ndarray


def train(recipe: default_attacks.Recipe, seed: int, folder: str) -> Trained:
    import tensorflow as tf

    from privacy_component.training import SnapshotCallback

    task = default_attacks.TASKS['tract']
    inputs, labels = default_attacks.load('tract')
    rows, is_member = default_attacks.drawn(recipe.members, seed, np.arange(len(labels)))
    x, y = inputs[rows], labels[rows]
    model = default_attacks.network(task, recipe, seed, x, y)
    spec = {'x': tf.io.FixedLenFeature([x.shape[1]], tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {'logits': model(tf.io.parse_example(examples, spec)['x'])}

    callback = SnapshotCallback(folder, {'serving_default': serve})
    model.fit(
        x[is_member], y[is_member], batch_size=recipe.batch, epochs=recipe.epochs, verbose=0, callbacks=[callback]
    )
    feature = [tf.train.Feature(float_list=tf.train.FloatList(value=row)) for row in x]
    records = [tf.train.Example(features=tf.train.Features(feature={'x': f})).SerializeToString() for f in feature]
    directories = dict(enumerate(callback.written, 1))
    return Trained(records, y, is_member, directories, model.predict(x, batch_size=1024, verbose=0))


def columns(trained: Trained, epochs: tuple[int, ...]) -> dict[str, np.ndarray]:
    """What a worker of the job computes."""
    import tensorflow_model_analysis as tfma
    from google.protobuf import json_format

    from privacy_component.beam.models.compared import Asked
    from privacy_component.beam.models.signatures import Serialized
    from privacy_component.beam.models.snapshots import ServedSnapshots
    from privacy_component.beam.plan import ModelPlan, SnapshotPlan

    evaluation = json_format.MessageToJson(tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='y')]))
    plans = tuple(ModelPlan(trained.directories[epoch], evaluation, output_kind='logits') for epoch in epochs)
    served = ServedSnapshots(SnapshotPlan(plans, epochs, ('snapshot_alignment', 'snapshot_signals')))
    served.load()
    ids = np.arange(len(trained.labels), dtype=np.uint64)
    parts = []
    for start in range(0, len(ids), 1024):
        rows = slice(start, start + 1024)
        asked = Asked(
            Serialized(trained.records[rows]), ids[rows], trained.labels[rows], trained.logits.shape[1], 'multiclass'
        )
        parts.append(served.columns(asked))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def attacked(trained: Trained, signals: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """AUC, TPR at 1 % FPR and the largest accuracy of each attack."""
    from privacy_component import PrivacyConfig, evaluate_privacy

    config = PrivacyConfig(attacks=ATTACKS, slices={'by_class': False}, outputs={'kind': 'logits'})
    result = evaluate_privacy(
        is_member=trained.is_member, labels=trained.labels, logits=trained.logits, signals=signals, config=config
    )
    found = {}
    for row in result.results:
        curve = row.curve
        tpr = curve.true_positives_at(curve.num_non_members // 100) / curve.num_members
        accuracy = (1 + row.metrics['advantage'].value) / 2
        found[row.attack] = {'auc': row.metrics['auc'].value, 'tpr': tpr, 'accuracy': accuracy}
    return found


def page(found: dict[str, list[dict]], commit: str) -> str:
    """The means over seeds, and the smallest and largest AUC."""
    lines = [
        '# What is found by someone who sees a model at several epochs',
        '',
        'Made by `python benchmarks/snapshots.py`: census tracts of taxi trips, 229 classes, 4,000 members; means over '
        f'seeds. {measured_at.sentence([commit])}',
        '',
        '| model | seen after epochs | attack | accuracy | AUC (smallest to largest) | TPR at 1 % FPR |',
        '|---|---|---|--:|--:|--:|',
    ]
    for key, seeds in found.items():
        recipe, epochs = key.split(': ')
        for attack in ATTACKS:
            values = [one[attack] for one in seeds]
            mean = {name: statistics.mean(one[name] for one in values) for name in values[0]}
            low, high = min(one['auc'] for one in values), max(one['auc'] for one in values)
            lines.append(
                f'| {recipe} ({len(seeds)} seeds) | {epochs} | `{attack}` | {mean["accuracy"]:.3f} | '
                f'{mean["auc"]:.3f} ({low:.3f} to {high:.3f}) | {mean["tpr"]:.1%} |'
            )
    return '\n'.join([*lines, ''])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument('--seeds', type=int, default=1)
    seeds = parser.parse_args().seeds
    found: dict[str, list[dict]] = {}
    for recipe in RECIPES:
        for seed in range(seeds):
            started = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                trained = train(RECIPES[recipe], seed, folder)
                for epochs in SEEN[recipe]:
                    key = f'{recipe}: {", ".join(map(str, epochs)) if len(epochs) < 9 else f"1 to {epochs[-1]}"}'
                    found.setdefault(key, []).append(attacked(trained, columns(trained, epochs)))
            print(recipe, seed, f'{time.process_time() - started:.0f} CPU seconds', flush=True)
            (RESULTS / 'snapshots.json').write_text(json.dumps(found, indent=1) + '\n')
            (RESULTS / 'snapshots.md').write_text(page(found, measured_at.commit()))


if __name__ == '__main__':
    main()
