"""What gradients add to answers, and what they cost: SavedModels through the code of a worker of the job.

    python benchmarks/white_box.py --seeds 3       # writes results/white_box.json and results/white_box.md

The models are those of default_attacks.py on Fashion-MNIST, tips and tracts. Cost is the time of the norms of all
examples' gradients by layer over that of their answers, both by the SavedModel, batch by batch, in turns in one run;
memory is the peak of a process on the examples, and of one on four times as many.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import tempfile
import time
from pathlib import Path

import default_attacks
import measured_at
import numpy as np

RESULTS = Path(__file__).parent / 'results'
BLACK_BOX = ('loss_threshold', 'logistic_regression', 'gradient_boosting', 'mlp', 'random_forest')
MODELS = tuple((task, recipe) for task in ('fashion', 'tips', 'tract') for recipe in ('overfit', 'regularised'))
BATCH, TURNS = 1024, 5


def train(task: str, recipe: str, seed: int, folder: str):
    """A SavedModel with a signature of serialized examples, and its examples, labels and sides."""
    import tensorflow as tf

    about = default_attacks.TASKS[task]
    inputs, labels = about.load()
    rows, is_member = default_attacks.drawn(about.recipes[recipe].members, seed, np.arange(len(labels)))
    x, y = inputs[rows], labels[rows]
    how = about.recipes[recipe]
    model = default_attacks.network(about, how, seed, x, y)
    model.fit(x[is_member], y[is_member], batch_size=how.batch, epochs=how.epochs, verbose=0)
    spec = {'x': tf.io.FixedLenFeature([x.shape[1]], tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {'logits': model(tf.io.parse_example(examples, spec)['x'])}

    tf.saved_model.save(model, folder, signatures={'serving_default': serve})
    feature = [tf.train.Feature(float_list=tf.train.FloatList(value=row)) for row in x]
    records = [tf.train.Example(features=tf.train.Features(feature={'x': f})).SerializeToString() for f in feature]
    return records, y, is_member


def served(folder: str):
    """The model as a worker of the job holds it."""
    import tensorflow_model_analysis as tfma
    from google.protobuf import json_format

    from privacy_component.beam.models.served_model import ServedModel
    from privacy_component.beam.plan import ModelPlan

    evaluation = json_format.MessageToJson(tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='y')]))
    model = ServedModel(ModelPlan(folder, evaluation, output_kind='logits'))
    model.load()
    return model


def answers(model, records: list[bytes]) -> np.ndarray:
    from privacy_component.beam.models.signatures import Serialized

    parts = [records[start : start + BATCH] for start in range(0, len(records), BATCH)]
    return np.concatenate([model.outputs(Serialized(part, BATCH)) for part in parts])


def norms(model, records: list[bytes], labels: np.ndarray, outputs: np.ndarray) -> np.ndarray:
    from privacy_component.beam.models.signatures import Serialized
    from privacy_component.beam.models.sources import gradient_norms_by_layer

    found = []
    for start in range(0, len(records), BATCH):
        rows = slice(start, start + BATCH)
        batch = Serialized(records[rows], BATCH)
        found.append(gradient_norms_by_layer(model, batch, labels[rows], outputs[rows], 'multiclass'))
    return np.concatenate(found)


def cost(model, records: list[bytes], labels: np.ndarray, outputs: np.ndarray) -> float:
    """How many passes for answers the norms of all gradients take; the median over turns."""
    ratios = []
    for _ in range(TURNS + 1):  # the first compiles
        started = time.perf_counter()
        answers(model, records)
        between = time.perf_counter()
        norms(model, records, labels, outputs)
        ratios.append((time.perf_counter() - between) / (between - started))
    return statistics.median(ratios[1:])


def peak(folder: str, times: int, found) -> None:
    """Puts the peak memory, in MB, of a process that takes the norms of that many examples."""
    records, labels = stored(folder)
    model = served(folder)
    for _ in range(times):
        norms(model, records, labels, answers(model, records))
    found.put(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def stored(folder: str) -> tuple[list[bytes], np.ndarray]:
    with np.load(Path(folder) / 'examples.npz', allow_pickle=False) as file:
        return [bytes(row) for row in file['records']], file['labels']


def memory(folder: str, records: list[bytes], labels: np.ndarray) -> tuple[float, float]:
    """Peaks on the examples and on four times as many."""
    np.savez(Path(folder) / 'examples.npz', records=np.array(records, np.void), labels=labels)
    context, peaks = multiprocessing.get_context('spawn'), []
    for times in (1, 4):
        found = context.Queue()
        process = context.Process(target=peak, args=(folder, times, found))
        process.start()
        peaks.append(found.get(timeout=300))
        process.join()
    return peaks[0], peaks[1]


def measured(task: str, recipe: str, seed: int) -> dict[str, float]:
    """AUCs, and with the first seed cost and memory."""
    from privacy_component import PrivacyConfig, evaluate_privacy

    with tempfile.TemporaryDirectory() as folder:
        records, labels, is_member = train(task, recipe, seed, folder)
        model = served(folder)
        outputs = answers(model, records)
        signals = {'gradient_norms_by_layer': norms(model, records, labels, outputs)}
        signals['gradient_norm'] = signals['gradient_norms_by_layer'][:, 0]
        attacks = (*BLACK_BOX, 'gradient_norm', 'white_box')
        config = PrivacyConfig(attacks=attacks, slices={'by_class': False}, outputs={'kind': 'logits'})
        result = evaluate_privacy(is_member=is_member, labels=labels, logits=outputs, signals=signals, config=config)
        found = {row.attack: row.metrics['auc'].value for row in result.results}
        if seed == 0:
            found['passes'] = cost(model, records, labels, outputs)
            found['mb'], found['mb_of_four'] = memory(folder, records, labels)
        return found


def page(found: dict[str, list[dict[str, float]]], commit: str) -> str:
    lines = [
        '# What gradients add to answers',
        '',
        f'Made by `python benchmarks/white_box.py`: mean AUC over {len(next(iter(found.values())))} seeds, and the '
        'cost of gradient norms by layer in passes for answers, with peaks of memory on the examples and on four times '
        f'as many. {commit}',
        '',
        f'| model | best of {len(BLACK_BOX)} on answers | `gradient_norm` | `white_box` | difference (smallest to '
        'largest) | cost, passes | MB | MB, four times |',
        '|---|--:|--:|--:|--:|--:|--:|--:|',
    ]
    for name, seeds in found.items():
        best = [max(one[attack] for attack in BLACK_BOX) for one in seeds]
        gains = [one['white_box'] - other for one, other in zip(seeds, best, strict=True)]
        means = [statistics.mean(one[attack] for one in seeds) for attack in ('gradient_norm', 'white_box')]
        first = seeds[0]
        lines.append(
            f'| {name} | {statistics.mean(best):.3f} | {means[0]:.3f} | {means[1]:.3f} | '
            f'{statistics.mean(gains):+.3f} ({min(gains):+.3f} to {max(gains):+.3f}) | {first["passes"]:.1f} | '
            f'{first["mb"]:.0f} | {first["mb_of_four"]:.0f} |'
        )
    return '\n'.join([*lines, ''])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--seeds', type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    found = {}
    for task, recipe in MODELS:
        found[f'{task}, {recipe}'] = [measured(task, recipe, seed) for seed in seeds]
        print(task, recipe, found[f'{task}, {recipe}'][0], flush=True)
    commit = measured_at.commit()
    RESULTS.joinpath('white_box.json').write_text(json.dumps({'commit': commit, 'models': found}, indent=1) + '\n')
    RESULTS.joinpath('white_box.md').write_text(page(found, measured_at.sentence([commit])))


if __name__ == '__main__':
    main()
