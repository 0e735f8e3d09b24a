"""What an evaluation of little data costs beside Evaluator's, with a cheap model and with a slow one, in one run.

    python benchmarks/small.py          # writes results/small.json and results/small.md

100 examples a split in 31 files; an LSTM of 1,000 steps, and a model of one layer. Every figure is from a process of
its own; CPU seconds count the component's work, not the imports of TensorFlow, TFX and TFMA; medians.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import job
from measured_at import sentence

RESULTS = job.RESULTS
DATA = Path(tempfile.gettempdir()) / 'privacy_component_benchmark_small'
ROWS, FILES, STEPS, UNITS = 100, 31, 1000, 256
MODELS = ('lstm', 'one_layer')
CASES = ('ours', 'tfma', 'plain')


def make_data() -> Path:
    """Both splits, in as many files as a parallel writer leaves. Made once."""
    import tensorflow as tf

    if (DATA / 'done').exists():
        return DATA
    for split in ('train', 'eval'):
        records = job._records(ROWS, seed=split == 'train')
        folder = DATA / f'Split-{split}'
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(FILES):
            with tf.io.TFRecordWriter(str(folder / f'data-{number:05d}-of-{FILES:05d}.gz'), 'GZIP') as writer:
                for record in records[number::FILES]:
                    writer.write(record)
    (DATA / 'done').write_text('')
    return DATA


def make_model(name: str) -> Path:
    """The folder of a model with a signature for serialized examples. Made once."""
    import tensorflow as tf

    path = DATA / name / 'Format-Serving'
    if path.exists():
        return path.parent
    tf.random.set_seed(0)
    module = tf.Module()
    module.dense = tf.Variable(tf.random.normal([job.FLOATS, job.CLASSES]))
    module.gates = tf.Variable(tf.random.normal([1 + UNITS, 4 * UNITS]) / UNITS**0.5)
    module.top = tf.Variable(tf.random.normal([UNITS, job.CLASSES]))

    def lstm(features: tf.Tensor) -> tf.Tensor:
        state = tf.zeros([tf.shape(features)[0], UNITS])
        cell = state
        for step in tf.range(STEPS):
            seen = tf.gather(features, [step % job.FLOATS], axis=1)
            forget, write, show, value = tf.split(tf.concat([seen, state], 1) @ module.gates, 4, axis=1)
            cell = tf.sigmoid(forget) * cell + tf.sigmoid(write) * tf.tanh(value)
            state = tf.sigmoid(show) * tf.tanh(cell)
        return state @ module.top

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        spec = {f'x{i}': tf.io.FixedLenFeature([], tf.float32) for i in range(job.FLOATS)}
        parsed = tf.io.parse_example(examples, spec)
        features = tf.stack([parsed[f'x{i}'] for i in range(job.FLOATS)], axis=1)
        return {'logits': lstm(features) if name == 'lstm' else features @ module.dense}

    tf.saved_model.save(module, str(path), signatures={'serving_default': serve})
    return path.parent


def plain_pass(model: Path) -> Callable[[], None]:
    """Loading the model and one call of it for each split, and nothing else."""
    import tensorflow as tf

    def work() -> None:
        call = tf.saved_model.load(str(model / 'Format-Serving')).signatures['serving_default']
        for split in ('train', 'eval'):
            files = tf.io.gfile.glob(str(make_data() / f'Split-{split}' / '*'))
            for records in tf.data.TFRecordDataset(files, 'GZIP').batch(128):
                call(examples=records)['logits'].numpy()

    return work


def child(case: str, name: str) -> dict[str, float]:
    """One run, in this process."""
    data, model = make_data(), make_model(name)
    job.make_data, job.make_model = lambda _: data, lambda: model
    args = ['--runner=FnApiRunner']
    if case == 'plain':
        work = plain_pass(model)
    elif case == 'ours':
        work = job.run_default(0, args)
    else:
        work = job.run_tfma(0, args)
    before = job._cpu()
    work()
    return {'cpu': job._cpu() - before}


def table(figures: dict[str, dict]) -> str:
    """The figures as Markdown."""
    names = {'ours': 'PrivacyEvaluator, whole execution', 'tfma': "TFMA's Evaluator job", 'plain': 'one plain pass'}
    lines = [
        f'# Little data: {ROWS} examples a split in {FILES} files',
        '',
        'Made by `python benchmarks/small.py`; CPU seconds, medians. '
        + sentence(f['commit'] for f in figures.values()),
        '',
        f'| | a model of one layer | an LSTM of {STEPS:,} steps | what the LSTM adds, in plain passes |',
        '|---|--:|--:|--:|',
    ]
    added = {case: figures[f'{case} lstm']['cpu'] - figures[f'{case} one_layer']['cpu'] for case in CASES}
    for case in CASES:
        cheap, slow = (figures[f'{case} {name}']['cpu'] for name in ('one_layer', 'lstm'))
        lines.append(f'| {names[case]} | {cheap:.2f} | {slow:.2f} | {added[case] / added["plain"]:.2f} |')
    return '\n'.join([*lines, ''])


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--child', nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(child(*options.child)))
        return
    make_data()
    figures = {}
    for name in MODELS:
        make_model(name)
        for case in CASES:
            figures[f'{case} {name}'] = job.measure_command([__file__, '--child', case, name], options.repeats)
            print(case, name, figures[f'{case} {name}'], flush=True)
    (RESULTS / 'small.json').write_text(json.dumps(figures, indent=1))
    (RESULTS / 'small.md').write_text(table(figures))


if __name__ == '__main__':
    main()
