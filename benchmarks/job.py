"""CPU cost of the Beam job beside TFMA's Evaluator job and beside tf.data with numpy, measured in one run.

    python benchmarks/job.py                       # all cases; writes results/job.json and results/job.md
    python benchmarks/job.py ours tfma             # some

20 floats and 2 strings an example, 10 classes, an MLP of 3 x 256, 126 slices. Every figure is from a process of its own
on one core; the marginal cost is the slope between two sizes, the fixed cost what is left, imports apart.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measured_at import commit, sentence

RESULTS = Path(__file__).parent / 'results'
DATA = Path(tempfile.gettempdir()) / 'privacy_component_benchmark'
SIZES = (20_000, 200_000)
LARGE = 2_000_000
BIG = 10_000_000
CASES = ('ours', 'default', 'bare', 'tfma', 'floor')
FLOATS, CLASSES, SHARDS = 20, 10, 4
CITIES, COLORS = 20, 5  # with their crosses and the overall slice: 126


def make_data(num_rows: int) -> Path:
    """Examples of both splits as ExampleGen lays them out; half are members. Made once."""
    import tensorflow as tf

    root = DATA / str(num_rows)
    if (root / 'done').exists():
        return root
    for split in ('train', 'eval'):
        folder = root / f'Split-{split}'
        folder.mkdir(parents=True, exist_ok=True)
        for shard in range(SHARDS):
            path = str(folder / f'data_tfrecord-{shard:05d}-of-{SHARDS:05d}.gz')
            with tf.io.TFRecordWriter(path, 'GZIP') as writer:
                for record in _records(num_rows // 2 // SHARDS, seed=shard + 100 * (split == 'train')):
                    writer.write(record)
    (root / 'done').write_text('')
    return root


def _records(num_rows: int, seed: int) -> list[bytes]:
    import numpy as np
    import pyarrow as pa
    from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

    rng = np.random.default_rng(seed)
    floats = {f'x{i}': rng.standard_normal(num_rows).astype(np.float32) for i in range(FLOATS)}
    strings = {
        'city': np.char.add('city ', rng.integers(0, CITIES, num_rows).astype(str)),
        'color': np.char.add('color ', rng.integers(0, COLORS, num_rows).astype(str)),
    }
    offsets = pa.array(np.arange(num_rows + 1), pa.int64())
    values = [pa.array(column, pa.float32()) for column in floats.values()]
    values += [pa.array([value.encode() for value in column], pa.large_binary()) for column in strings.values()]
    values.append(pa.array(rng.integers(0, CLASSES, num_rows), pa.int64()))
    lists = [pa.LargeListArray.from_arrays(offsets, column) for column in values]
    return RecordBatchToExamplesEncoder().encode(pa.RecordBatch.from_arrays(lists, [*floats, *strings, 'label']))


def make_model() -> Path:
    """An untrained MLP with a signature for serialized examples. Made once."""
    import tensorflow as tf

    path = DATA / 'model' / 'Format-Serving'
    if path.exists():
        return path.parent
    tf.random.set_seed(0)
    sizes = [FLOATS, 256, 256, 256, CLASSES]
    module = tf.Module()
    module.weights = [tf.Variable(tf.random.normal(pair) / pair[0] ** 0.5) for pair in itertools.pairwise(sizes)]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(examples):
        spec = {f'x{i}': tf.io.FixedLenFeature([], tf.float32) for i in range(FLOATS)}
        parsed = tf.io.parse_example(examples, spec)
        layer = tf.stack([parsed[f'x{i}'] for i in range(FLOATS)], axis=1)
        for weights in module.weights[:-1]:
            layer = tf.nn.relu(layer @ weights)
        return {'logits': layer @ module.weights[-1]}

    tf.saved_model.save(module, str(path), signatures={'serving_default': serve})
    return path.parent


def eval_config() -> Any:
    """126 slices, two metrics."""
    import tensorflow_model_analysis as tfma

    keys = ([], ['city'], ['color'], ['city', 'color'])
    metrics = [tfma.MetricConfig(class_name=name) for name in ('SparseCategoricalAccuracy', 'ExampleCount')]
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(label_key='label')],
        slicing_specs=[tfma.SlicingSpec(feature_keys=names) for names in keys],
        metrics_specs=[tfma.MetricsSpec(metrics=metrics)],
    )


def run_bare(num_rows: int, beam_args: list[str]) -> Callable[[], None]:
    """The same as `run_ours` without the checks that look at the examples, which neither of the others does."""
    from privacy_component.checks import OF_EXAMPLES

    return run_ours(num_rows, beam_args, checks=dict.fromkeys(OF_EXAMPLES, 'off'))


def run_default(num_rows: int, beam_args: list[str]) -> Callable[[], None]:
    """The same as `run_ours` with the attacks that run by default, one of which learns and takes a second pass."""
    return run_ours(num_rows, beam_args, attacks=())


def run_ours(
    num_rows: int,
    beam_args: list[str],
    attacks: tuple[str, ...] = ('loss_threshold', 'modified_entropy_threshold'),
    checks: dict[str, str] | None = None,
) -> Callable[[], None]:
    """The whole execution of PrivacyEvaluator: two threshold attacks, all metrics."""
    from google.protobuf import json_format
    from tfx.types import artifact_utils, standard_artifacts

    from privacy_component import PrivacyConfig, PrivacyMetrics, Threshold
    from privacy_component.component.executor import Executor

    examples, model = standard_artifacts.Examples(), standard_artifacts.Model()
    examples.uri, model.uri = str(make_data(num_rows)), str(make_model())
    examples.split_names = artifact_utils.encode_split_names(['train', 'eval'])
    metrics, blessing = PrivacyMetrics(), standard_artifacts.ModelBlessing()
    metrics.uri, blessing.uri = tempfile.mkdtemp(), tempfile.mkdtemp()
    config = PrivacyConfig(
        attacks=attacks,
        thresholds=(Threshold('auc', 0.6),),
        slices={'by_class': False},
        checks=checks or {},
    )
    context = Executor.Context(
        beam_pipeline_args=['--sdk_container_image=unused', *beam_args], tmp_dir=tempfile.mkdtemp()
    )
    properties = {'eval_config': json_format.MessageToJson(eval_config()), 'privacy_config': config.to_json()}
    inputs = {'examples': [examples], 'model': [model]}
    outputs = {'privacy_metrics': [metrics], 'blessing': [blessing]}
    return lambda: Executor(context).Do(inputs, outputs, properties)


def run_tfma(num_rows: int, beam_args: list[str]) -> Callable[[], None]:
    """What Evaluator's executor does with the same splits, slices and two metrics."""
    import apache_beam as beam
    import tensorflow_model_analysis as tfma
    from tfx_bsl.public import tfxio

    config = tfma.utils.update_eval_config_with_defaults(eval_config())
    model = tfma.default_eval_shared_model(str(make_model() / 'Format-Serving'), eval_config=config)
    pattern = str(make_data(num_rows) / '*' / '*.gz')
    source = tfxio.TFExampleRecord([pattern], raw_record_column_name=tfma.ARROW_INPUT_COLUMN)

    def work() -> None:
        with beam.Pipeline(argv=beam_args) as pipeline:
            _ = (
                pipeline
                | source.BeamSource()
                | tfma.ExtractEvaluateAndWriteResults(
                    eval_config=config, eval_shared_model=model, output_path=tempfile.mkdtemp()
                )
            )

    return work


def run_floor(num_rows: int, beam_args: list[str]) -> Callable[[], None]:
    """tf.data and numpy without Beam: read, parse, predict, one signal, one count per slice."""
    import numpy as np
    import tensorflow as tf

    model = tf.saved_model.load(str(make_model() / 'Format-Serving'))
    call = model.signatures['serving_default']
    files = tf.io.gfile.glob(str(make_data(num_rows) / '*' / '*.gz'))
    spec = {'city': tf.io.FixedLenFeature([], tf.string), 'color': tf.io.FixedLenFeature([], tf.string)}
    spec['label'] = tf.io.FixedLenFeature([], tf.int64)

    def work() -> None:
        for records in tf.data.TFRecordDataset(files, 'GZIP').batch(1024):
            parsed = tf.io.parse_example(records, spec)
            logits = call(examples=records)['logits'].numpy().astype(np.float64)
            true = logits[np.arange(len(logits)), parsed['label'].numpy()]
            loss = np.log(np.exp(logits).sum(axis=1)) - true
            slices = np.char.add(parsed['city'].numpy().astype(str), parsed['color'].numpy().astype(str))
            np.lexsort((loss, np.unique(slices, return_inverse=True)[1]))

    return work


def child(case: str, num_rows: int, workers: int) -> dict[str, float]:
    """One run, in this process: CPU seconds, children included, wall seconds and peak memory."""
    if workers == 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    args = ['--runner=FnApiRunner']
    if workers > 1:
        args += ['--direct_running_mode=multi_processing', f'--direct_num_workers={workers}']
    work = {'ours': run_ours, 'default': run_default, 'bare': run_bare, 'tfma': run_tfma, 'floor': run_floor}[case](
        num_rows, args
    )
    before, started = _cpu(), time.time()
    work()
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {'cpu': _cpu() - before, 'wall': time.time() - started, 'peak_mb': max(peaks) / 1024}


def _cpu() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def measure(case: str, num_rows: int, repeats: int, workers: int = 1) -> dict[str, Any]:
    """Medians over runs in fresh processes."""
    return measure_command([__file__, '--child', case, str(num_rows), str(workers)], repeats)


def measure_command(arguments: list[str], repeats: int) -> dict[str, Any]:
    """Medians of what a Python program prints as JSON, each time in a fresh process; and the commit."""
    environment = os.environ | {'TF_CPP_MIN_LOG_LEVEL': '3'}
    runs = []
    for _ in range(repeats):
        command = [sys.executable, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]} | {'commit': commit()}


def slopes(case: str, figures: dict[str, dict[str, float]]) -> tuple[float, float]:
    """Marginal microseconds an example, and fixed seconds."""
    small, large = (figures[f'{case} {size}']['cpu'] for size in SIZES)
    marginal = (large - small) / (SIZES[1] - SIZES[0])
    return marginal * 1e6, small - marginal * SIZES[0]


def table(figures: dict[str, dict[str, float]]) -> str:
    """The figures as Markdown."""
    lines = ['| job | marginal, us an example | fixed, CPU s | CPU s at 20k / 200k | MB |', '|---|--:|--:|--:|--:|']
    names = {
        'ours': 'PrivacyEvaluator, whole execution',
        'default': 'the same with the default attacks, one that learns',
        'bare': 'the same, checks of the examples off',
        'tfma': "TFMA's Evaluator job",
        'floor': 'tf.data + numpy',
    }
    for case in CASES:
        marginal, fixed = slopes(case, figures)
        small, large = (figures[f'{case} {size}'] for size in SIZES)
        lines.append(
            f'| {names[case]} | {marginal:.0f} | {fixed:.1f} | {small["cpu"]:.1f} / {large["cpu"]:.1f} '
            f'| {large["peak_mb"]:.0f} |'
        )
    for name, one in figures.items():
        if name.endswith('workers'):
            lines.append(f'| {name} | | | {one["cpu"]:.1f} CPU s, {one["wall"]:.1f} s wall | {one["peak_mb"]:.0f} |')
    whole, marginal = speed_up(figures)
    workers = f'Two workers: {marginal:.2f} times as fast, {whole:.2f} times with their start.'
    return '\n'.join([*lines, '', workers, '', sentence(one['commit'] for one in figures.values())])


def speed_up(figures: dict[str, dict[str, float]]) -> tuple[float, float]:
    """Of two worker processes over one in wall time: at LARGE examples with the start of the workers, and without."""
    small, large = ([figures[f'ours {size} {n} workers']['wall'] for n in (1, 2)] for size in (SIZES[1], LARGE))
    return large[0] / large[1], (large[0] - small[0]) / (large[1] - small[1])


def main() -> None:
    """Measures and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('cases', nargs='*', help=f'of {", ".join(CASES)}, large, big')
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--child', nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        case, num_rows, workers = options.child
        print(json.dumps(child(case, int(num_rows), int(workers))))
        return
    path = RESULTS / 'job.json'
    figures = json.loads(path.read_text()) if path.exists() else {}
    for case in options.cases or (*CASES, 'large'):
        if case in CASES:
            figures |= {f'{case} {size}': measure(case, size, options.repeats) for size in SIZES}
        elif case == 'large':
            sizes = itertools.product((SIZES[1], LARGE), (1, 2))
            figures |= {f'ours {size} {n} workers': measure('ours', size, options.repeats, n) for size, n in sizes}
        else:
            figures[f'ours {BIG} 1 workers'] = measure('ours', BIG, 1)
        print(case, 'done', flush=True)
    path.write_text(json.dumps(figures, indent=1))
    (RESULTS / 'job.md').write_text(table(figures) + '\n')
    print(table(figures))


if __name__ == '__main__':
    main()
