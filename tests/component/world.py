"""A small TFX world on disk: example splits, a SavedModel that knows its members, and the artifacts around them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tfx.types import artifact_utils, standard_artifacts

from privacy_component import PrivacyConfig, PrivacyMetrics, Threshold
from privacy_component.component import executor
from privacy_component.component.executor import Executor

NUM_CLASSES = 3
LEAKY_COLOR = 'red'
ATTACKS = ('loss_threshold', 'scaled_logit_threshold')  # which need no second pass


def make_rows(num_rows: int, seed: int, leak: bool) -> list[dict]:
    """Examples whose feature `logits` is what the model will say; members of LEAKY_COLOR get a confident answer."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(num_rows):
        label, color = int(rng.integers(NUM_CLASSES)), str(rng.choice(['red', 'green', 'blue']))
        logits = rng.standard_normal(NUM_CLASSES)
        logits[label] += 1 + (2.5 if leak and color == LEAKY_COLOR else 0)
        rows.append({'logits': logits.tolist(), 'color': color, 'size': int(rng.integers(2)), 'label': label})
    return rows


def serialize(row: dict) -> bytes:
    """A row as a tf.Example; None and [] leave a feature out."""
    example = tf.train.Example()
    for name, value in row.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        feature = example.features.feature[name]
        if not values:
            continue
        if isinstance(values[0], str | bytes):
            feature.bytes_list.value.extend(v.encode() if isinstance(v, str) else v for v in values)
        elif isinstance(values[0], float):
            feature.float_list.value.extend(values)
        else:
            feature.int64_list.value.extend(values)
    return example.SerializeToString()


def write_split(root: Path, split: str, records: list[bytes], shards: int = 1) -> list[Path]:
    """The split's TFRecord files, as ExampleGen lays them out."""
    folder = root / f'Split-{split}'
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f'data_tfrecord-{i:05d}-of-{shards:05d}.gz' for i in range(shards)]
    for i, path in enumerate(paths):
        with tf.io.TFRecordWriter(str(path), 'GZIP') as writer:
            for record in records[i::shards]:
                writer.write(record)
    return paths


class EchoModel(tf.Module):
    """Answers with the example's own `logits`, transformed by `respond`."""

    def __init__(self, respond, outputs: int = NUM_CLASSES):
        super().__init__()
        self._respond = respond
        self._spec = {'logits': tf.io.FixedLenFeature([outputs], tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples):
        return self._respond(tf.io.parse_example(examples, self._spec)['logits'])


def save_model(path: Path, respond=lambda logits: {'outputs': logits}, outputs: int = NUM_CLASSES, **extra) -> None:
    """A SavedModel under `path`/Format-Serving, where Trainer puts it."""
    model = EchoModel(respond, outputs)
    signatures = extra.pop('signatures', None) or {'serving_default': model.serve}
    tf.saved_model.save(model, str(path / 'Format-Serving'), signatures=signatures)


def config(**changes) -> PrivacyConfig:
    """Blocks on a shown AUC above 0.6."""
    return PrivacyConfig(**{'attacks': ATTACKS, 'thresholds': (Threshold('auc', 0.6),)} | changes)


def eval_config(**changes) -> tfma.EvalConfig:
    """Label `label`; slices by color and by color x size."""
    return tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(**{'label_key': 'label'} | changes)],
        slicing_specs=[
            tfma.SlicingSpec(),
            tfma.SlicingSpec(feature_keys=['color']),
            tfma.SlicingSpec(feature_keys=['color', 'size']),
        ],
    )


@dataclasses.dataclass
class World:
    """One execution's inputs on disk; `run` executes PrivacyEvaluator's real executor on them."""

    root: Path
    splits: tuple[str, ...] = ('train', 'eval')

    def write(self, leak: bool = True, num_rows: int = 600, **model) -> World:
        write_split(self.root / 'examples', 'train', [serialize(r) for r in make_rows(num_rows, 1, leak)], shards=2)
        write_split(self.root / 'examples', 'eval', [serialize(r) for r in make_rows(num_rows, 2, False)])
        save_model(self.root / 'model', **model)
        return self

    def replace_rows(self, split: str, rows: list[dict]) -> None:
        for old in (self.root / 'examples' / f'Split-{split}').glob('*'):
            old.unlink()
        write_split(self.root / 'examples', split, [serialize(row) for row in rows])

    def records(self, split: str) -> list[bytes]:
        files = sorted(map(str, (self.root / 'examples' / f'Split-{split}').glob('*')))
        return list(tf.data.TFRecordDataset(files, 'GZIP').as_numpy_iterator())

    def inputs(self) -> dict:
        examples = standard_artifacts.Examples()
        examples.uri = str(self.root / 'examples')
        examples.split_names = artifact_utils.encode_split_names(list(self.splits))
        model = standard_artifacts.Model()
        model.uri, model.id = str(self.root / 'model'), 17
        return {executor.EXAMPLES_KEY: [examples], executor.MODEL_KEY: [model]}

    def with_baseline(self, **model) -> dict:
        """The inputs with a baseline model; arguments as for `save_model`."""
        save_model(self.root / 'baseline', **model)
        baseline = standard_artifacts.Model()
        baseline.uri, baseline.id = str(self.root / 'baseline'), 16
        return self.inputs() | {executor.BASELINE_MODEL_KEY: [baseline]}

    def outputs(self, name: str = 'out') -> dict:
        metrics, blessing = PrivacyMetrics(), standard_artifacts.ModelBlessing()
        metrics.uri, blessing.uri = str(self.root / name / 'metrics'), str(self.root / name / 'blessing')
        for artifact in (metrics, blessing):
            Path(artifact.uri).mkdir(parents=True, exist_ok=True)
        return {executor.PRIVACY_METRICS_KEY: [metrics], executor.BLESSING_KEY: [blessing]}

    def run(self, privacy_config=None, evaluation=None, inputs=None, beam_args=None, **properties) -> dict:
        context = Executor.Context(beam_pipeline_args=beam_args, tmp_dir=str(self.root / 'tmp'), unique_id='1')
        outputs = self.outputs()
        chosen = config() if privacy_config is None else privacy_config
        properties = {
            executor.EVAL_CONFIG_KEY: json_format.MessageToJson(evaluation or eval_config()),
            executor.PRIVACY_CONFIG_KEY: chosen if isinstance(chosen, str) else chosen.to_json(),
        } | properties
        Executor(context).Do(inputs or self.inputs(), outputs, properties)
        return {name: artifacts[0] for name, artifacts in outputs.items()}
