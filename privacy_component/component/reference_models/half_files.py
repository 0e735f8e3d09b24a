"""The examples of one reference model as Trainer expects them: its half as the split `train`, the other as `eval`."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tensor_to_arrow

from privacy_component.beam.examples.read import RawBatch, read_files
from privacy_component.beam.plan import SplitFiles
from privacy_component.beam.surfaced_errors import loading
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import fingerprint
from privacy_component.observations.reference_halves import halves

TRAIN, EVAL = 'train', 'eval'
_FILE = 'data_tfrecord-00000-of-00001'

Encode = Callable[[list[bytes]], list[bytes]]


@dataclasses.dataclass(frozen=True)
class Half:
    """What a reference model is trained on.

    Attributes:
      num_examples: how many.
      fingerprint: of them, as `hashing.fingerprint` makes it.
    """

    num_examples: int
    fingerprint: int


@dataclasses.dataclass(frozen=True)
class Halving:
    """How examples are divided.

    Attributes:
      splits: the files of all splits, members' and non-members'.
      compression: 'GZIP' or ''.
      num_models, seed: of `observations.reference_halves`.
      transform_path: directory of a transform_graph to apply, for modules that read transformed examples; '' for none.
    """

    splits: tuple[SplitFiles, ...]
    compression: str
    num_models: int
    seed: int
    transform_path: str = ''

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Halving:
        """What `dataclasses.asdict` made the fields of."""
        splits = [SplitFiles(one['split'], one['is_member'], tuple(one['paths'])) for one in fields['splits']]
        return cls(**{**fields, 'splits': tuple(splits)})

    def batches(self) -> Iterator[RawBatch]:
        """All examples, in the order of the splits and of their files' names."""
        for split in self.splits:
            yield from read_files(split.paths, split.split, split.is_member, self.compression)

    def write(self, model: int, folder: Path) -> Half:
        """Writes the files of a model, `Split-train` and `Split-eval` under `folder`; memory does not grow with them.

        Raises:
          PrivacyInputError: an example file or the transform_graph cannot be read.
        """
        encode = _transformer(self.transform_path) if self.transform_path else _as_it_is
        num_examples, total = 0, 0
        with contextlib.ExitStack() as files:
            writers = {split: files.enter_context(self._writer(folder, split)) for split in (TRAIN, EVAL)}
            for batch in self.batches():
                is_in = halves(batch.example_id, self.num_models, self.seed)[:, model]
                for is_inside, record in zip(is_in.tolist(), encode(batch.records), strict=True):
                    writers[TRAIN if is_inside else EVAL].write(record)
                num_examples += int(np.count_nonzero(is_in))
                total += fingerprint(batch.example_id[is_in])
        return Half(num_examples, total % 2**64)

    def _writer(self, folder: Path, split: str) -> tf.io.TFRecordWriter:
        directory = folder / f'Split-{split}'
        directory.mkdir(parents=True)
        name = f'{_FILE}.gz' if self.compression == 'GZIP' else _FILE
        return tf.io.TFRecordWriter(str(directory / name), self.compression)


def _as_it_is(records: list[bytes]) -> list[bytes]:
    return records


def _transformer(path: str) -> Encode:
    """Serialized raw examples to serialized transformed ones, as Transform writes them."""
    with loading('transform_graph', path):
        output = tft.TFTransformOutput(path)
        layer, spec = output.transform_features_layer(), output.raw_feature_spec()
    graph = tf.function(lambda serialized: layer(tf.io.parse_example(serialized, spec)))
    made = graph.get_concrete_function(tf.TensorSpec([None], tf.string))
    types = {name: tf.type_spec_from_value(tensor) for name, tensor in made.structured_outputs.items()}
    to_arrow = tensor_to_arrow.TensorsToRecordBatchConverter(types)
    encoder = example_coder.RecordBatchToExamplesEncoder(output.transformed_metadata.schema)

    def encode(records: list[bytes]) -> list[bytes]:
        try:
            return list(encoder.encode(to_arrow.convert(made(tf.constant(records)))))
        except (tf.errors.OpError, ValueError):  # whose text can quote a whole example
            raise PrivacyInputError(
                f'the transform_graph in {path} cannot be applied to the examples: it was made for others. Give that '
                'of the Transform that reads these examples.'
            ) from None

    return encode
