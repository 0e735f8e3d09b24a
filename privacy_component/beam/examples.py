"""A side branch of the job: what checks must know of the examples as they were read, model or no model."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue
from numpy.typing import NDArray
from tfx_bsl.coders import example_coder

from privacy_component.beam.decode import decode_batch, read_schema
from privacy_component.beam.inputs import inputs_of
from privacy_component.beam.owners import group_ids
from privacy_component.beam.plan import Plan
from privacy_component.beam.read import RawBatch
from privacy_component.beam.record_hashes import feature_hashes
from privacy_component.checks import BLIND, OF_EXAMPLES, is_on
from privacy_component.checks.distinct import NO_LIMIT, DistinctCounts, below, merge_counts
from privacy_component.checks.examples import MOST_COUNTED, ExampleSketch
from privacy_component.checks.features import FeatureSample, merge_samples
from privacy_component.errors import PrivacyInputError
from privacy_component.slicing import SliceKey

EXAMPLES_KEY: tuple[SliceKey, str] = ((), '@examples')
_ROWS_WAITING = 1 << 15
_NOTHING = (np.zeros(0, np.uint64), np.zeros(0, bool))


def looks_at_examples(plan: Plan) -> bool:
    """Whether a check that is on needs this branch."""
    return any(is_on(name, plan.config.checks) for name in OF_EXAMPLES)


class SketchExamples(beam.DoFn):
    """RawBatch -> (EXAMPLES_KEY, ExampleSketch), one for each bundle.

    All records are hashed; few are decoded: once enough examples with smaller hashes have been met, an example cannot
    be in the sample. That knowledge outlives a bundle, as every one of those examples is some bundle's to count.
    """

    def __init__(self, plan: Plan):
        self._plan = plan
        self._wants_features = is_on(BLIND, plan.config.checks)
        self._limits = (NO_LIMIT, NO_LIMIT)

    def setup(self) -> None:
        """Makes the decoder once per worker."""
        schema = read_schema(self._plan.schema_path)
        self._decoder = example_coder.ExamplesToRecordBatchDecoder(schema and schema.SerializeToString())

    def start_bundle(self) -> None:
        """Starts counting anew."""
        self._counts = DistinctCounts.of(*_NOTHING, MOST_COUNTED)
        self._waiting: list[tuple[NDArray[np.uint64], NDArray[np.bool_]]] = []
        self._samples: list[FeatureSample] = []
        self._lacks_groups = False

    def process(self, batch: RawBatch) -> None:
        """Takes a batch, without what is no tf.Example: that is counted, or an error, where the model is called."""
        hashes, readable = feature_hashes(batch.records)
        self._waiting.append((hashes[readable], np.full(int(readable.sum()), batch.is_member)))
        # Sorting what is there already must not cost more than sorting what is new.
        if sum(len(new) for new, _ in self._waiting) >= max(_ROWS_WAITING, len(self._counts.hashes)):
            self._count_waiting()
        wanted = np.flatnonzero(readable & below(hashes, self._limits[batch.is_member]))
        if self._wants_features and len(wanted):
            self._take_features(dataclasses.replace(batch, records=[batch.records[i] for i in wanted]), hashes[wanted])

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Emits the bundle's sketch."""
        self._count_waiting()
        sample = merge_samples(self._samples) if self._samples else None
        sketch = ExampleSketch(self._counts, sample, self._lacks_groups)
        window = GlobalWindow()
        yield WindowedValue((EXAMPLES_KEY, sketch), window.max_timestamp(), (window,))

    def _count_waiting(self) -> None:
        hashes, sides = (np.concatenate(parts) for parts in zip(_NOTHING, *self._waiting, strict=True))
        self._counts = merge_counts([self._counts, DistinctCounts.of(hashes, sides, MOST_COUNTED)], MOST_COUNTED)
        self._waiting = []

    def _take_features(self, batch: RawBatch, hashes: NDArray[np.uint64]) -> None:
        for features, rows in self._decoded(batch, 0):
            units, sides = self._units(features, hashes[rows]), np.full(features.num_rows, batch.is_member)
            self._samples.append(FeatureSample(hashes[rows], sides, units, inputs_of(features)))
        if sum(map(len, self._samples)) >= _ROWS_WAITING:
            self._samples = [merge_samples(self._samples)]
            low, high = (min(pair) for pair in zip(self._limits, self._samples[0].limits, strict=True))
            self._limits = (low, high)

    def _decoded(self, batch: RawBatch, first: int) -> Iterator[tuple[pa.RecordBatch, slice]]:
        """The features, and whose they are. Records of different types are decoded apart; what cannot be, is not."""
        num_rows = len(batch.records)
        try:
            yield decode_batch(self._decoder, batch), slice(first, first + num_rows)
        except PrivacyInputError:
            middle = num_rows // 2
            for part in (slice(0, middle), slice(middle, num_rows)) if middle else ():
                yield from self._decoded(dataclasses.replace(batch, records=batch.records[part]), first + part.start)

    def _units(self, features: pa.RecordBatch, hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
        key = self._plan.config.group_key
        columns = dict(zip(features.schema.names, features.columns, strict=True))
        self._lacks_groups |= bool(key) and key not in columns
        units = group_ids(key, [columns], len(hashes)) if key in columns else None
        return hashes if units is None else units
