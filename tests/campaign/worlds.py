"""The worlds that cases start from, each written once and copied."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format

from tests.campaign.case import Rig
from tests.component import world as w

NUM_ROWS = 200
NUM_SHARDS = 2
TRANSFORMED_LABEL = 'label_xf'


class Scaled(tf.Module):
    """Answers with the example's own `logits`, times a variable, so that there are variables to lose."""

    def __init__(self, respond=lambda logits: {'outputs': logits}, outputs: int = w.NUM_CLASSES):
        super().__init__()
        self._respond = respond
        self._spec = {'logits': tf.io.FixedLenFeature([outputs], tf.float32)}
        self._scale = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples):
        return self._respond(tf.io.parse_example(examples, self._spec)['logits'] * self._scale)


class ByName(tf.Module):
    """Takes `logits` by name, so that TFMA's extractors call it."""

    def __init__(self):
        super().__init__()
        self._scale = tf.Variable(1.0)

    @tf.function(input_signature=[tf.TensorSpec([None, w.NUM_CLASSES], tf.float32, name='logits')])
    def serve(self, logits):
        return {'outputs': logits * self._scale}


def make_rows(num_rows: int, seed: int, leak: float = 0.0, outputs: int = w.NUM_CLASSES) -> list[dict]:
    """Examples; the answer to each is surer of the label by `leak`."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(num_rows):
        label = int(rng.integers(outputs))
        logits = rng.standard_normal(outputs)
        logits[label] += 1 + leak
        color, size = str(rng.choice(['red', 'green', 'blue'])), int(rng.integers(2))
        rows.append({'logits': logits.tolist(), 'color': color, 'size': size, 'label': label})
    return rows


def member_rows(leak: float) -> list[dict]:
    return make_rows(NUM_ROWS, 1, leak)


def other_rows() -> list[dict]:
    return make_rows(NUM_ROWS, 2)


def write(root: Path, leak: float, model: tf.Module) -> Rig:
    rig = Rig(root)
    replace(rig, 'train', member_rows(leak))
    replace(rig, 'eval', other_rows())
    save(rig, model)
    return rig


def replace(rig: Rig, split: str, rows: list[dict]) -> None:
    """Other examples for a split: two shards of members, one of non-members."""
    replace_records(rig, split, [w.serialize(row) for row in rows])


def replace_records(rig: Rig, split: str, records: list[bytes]) -> None:
    shutil.rmtree(rig.root / 'examples' / f'Split-{split}', ignore_errors=True)
    w.write_split(rig.root / 'examples', split, records, shards=NUM_SHARDS if split == 'train' else 1)


def save(rig: Rig, model: tf.Module, **signatures) -> None:
    shutil.rmtree(rig.saved_model, ignore_errors=True)
    tf.saved_model.save(model, str(rig.saved_model), signatures=signatures or {'serving_default': model.serve})


def write_with_transform_graph(root: Path) -> Rig:
    """Raw examples, a model that takes them, and a graph whose label has a name of its own."""
    rig = write(root, leak=0.0, model=Scaled())
    features = {'label': tf.io.FixedLenFeature([], tf.int64), 'color': tf.io.FixedLenFeature([], tf.string)}
    metadata = tft.DatasetMetadata.from_feature_spec(features)
    rows = [{name: row[name] for name in features} for row in member_rows(0.0)[:10]]
    with tempfile.TemporaryDirectory() as scratch, tft_beam.Context(temp_dir=scratch):
        _, transform = (rows, metadata) | tft_beam.AnalyzeAndTransformDataset(
            lambda raw: {TRANSFORMED_LABEL: raw['label'], 'tone': raw['color']}
        )
        _ = transform | tft_beam.WriteTransformFn(str(root / 'transform_graph'))
    (root / 'transform_graph' / 'metadata').mkdir()
    (root / 'transform_graph' / 'metadata' / 'schema.pbtxt').write_text(text_format.MessageToString(metadata.schema))
    return rig


WORLDS: dict[str, Callable[[Path], Rig]] = {
    # Would be blessed as it is: whatever is wrong with it and goes unnoticed ends in a blessing.
    'tight': lambda root: write(root, leak=0.0, model=Scaled()),
    # Leaks in every slice: whatever hides that ends in a blessing.
    'leaky': lambda root: write(root, leak=3.0, model=Scaled()),
    'tight, with a transform_graph': write_with_transform_graph,
    'tight, called by TFMA': lambda root: write(root, leak=0.0, model=ByName()),
}


class Templates:
    """Writes each world once, into `folder`."""

    def __init__(self, folder: Path):
        self._folder = folder

    def copy(self, name: str, root: Path) -> Rig:
        """A world of one's own, in `root`."""
        template = self._folder / name
        if not template.exists():
            WORLDS[name](template)
        shutil.copytree(template, root, dirs_exist_ok=True)
        return Rig(root)
