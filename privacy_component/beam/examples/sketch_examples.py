"""A side branch of the job: what checks must know of the examples as they were read, model or no model."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue
from numpy.typing import NDArray

from privacy_component.beam.examples.blind_inputs import inputs_of
from privacy_component.beam.examples.decode import decode_batch, example_decoder
from privacy_component.beam.examples.groups_and_weights import group_ids
from privacy_component.beam.examples.read import RawBatch
from privacy_component.beam.plan import Plan
from privacy_component.checks import BLIND, OF_EXAMPLES, is_on
from privacy_component.checks.example_sketch import MOST_COUNTED, ExampleSketch
from privacy_component.checks.feature_sample import FeatureSample, merge_samples
from privacy_component.checks.sketches import NO_LIMIT, DistinctCounts, below, merge_counts
from privacy_component.errors import PrivacyInputError

Sides = tuple[NDArray[np.uint64], NDArray[np.bool_]]  # hashes of examples, and whether they are members

_ROWS_WAITING = 1 << 12
_BYTES_WAITING = 1 << 24
_NOTHING = (np.zeros(0, np.uint64), np.zeros(0, bool))


def looks_at_examples(plan: Plan) -> bool:
    """Whether a check that is on needs this branch."""
    return any(is_on(name, plan.config.checks) for name in OF_EXAMPLES)


class SketchExamples(beam.DoFn):
    """RawBatch -> ExampleSketch, one for each bundle.

    All records are hashed; few are decoded: once enough examples with smaller hashes have been met, an example cannot
    be in the sample. That knowledge outlives a bundle, as every one of those examples is some bundle's to count.
    """

    def __init__(self, plan: Plan):
        self._plan = plan
        self._wants_features = is_on(BLIND, plan.config.checks)
        self._limits = (NO_LIMIT, NO_LIMIT)

    def setup(self) -> None:
        """Makes the decoder once per worker."""
        self._decoder = example_decoder(self._plan.schema_path)

    def start_bundle(self) -> None:
        """Starts counting anew."""
        self._counts = DistinctCounts.of(*_NOTHING, MOST_COUNTED)
        self._waiting: list[Sides] = []
        self._sample: FeatureSample | None = None
        self._records: list[bytes] = []
        self._whose: list[Sides] = []

    def process(self, batch: RawBatch) -> None:
        """Takes a batch, without what is no tf.Example: that is counted, or an error, where the model is called."""
        hashes, readable = batch.hashes
        self._waiting.append((hashes[readable], batch.is_member[readable]))
        # Sorting what is there already must not cost more than sorting what is new.
        if _length(self._waiting) >= max(_ROWS_WAITING, len(self._counts.hashes)):
            self._count_waiting()
        if self._wants_features:
            among = [below(hashes, limit) for limit in self._limits]
            wanted = np.flatnonzero(readable & np.where(batch.is_member, among[True], among[False]))
            self._records += [batch.records[i] for i in wanted]
            self._whose.append((hashes[wanted], batch.is_member[wanted]))
            if len(self._records) >= _ROWS_WAITING or sum(map(len, self._records)) >= _BYTES_WAITING:
                self._take_features()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Emits the bundle's sketch."""
        self._count_waiting()
        self._take_features()
        sketch = ExampleSketch(self._counts, self._sample)
        window = GlobalWindow()
        yield WindowedValue(sketch, window.max_timestamp(), (window,))

    def _count_waiting(self) -> None:
        new = DistinctCounts.of(*_joined(self._waiting), MOST_COUNTED)
        self._counts = merge_counts([self._counts, new], MOST_COUNTED)
        self._waiting = []

    def _take_features(self) -> None:
        """Decodes what has gathered; from the sample then follows what need not be decoded any more."""
        hashes, sides = _joined(self._whose)
        parts = [] if self._sample is None else [self._sample]
        for features, rows in self._decoded(self._records, 0):
            units = self._units(features, hashes[rows])
            inputs = inputs_of(features, self._plan.predictions_feature)
            parts.append(FeatureSample(hashes[rows], sides[rows], *units, inputs))
        self._records, self._whose = [], []
        if parts:
            self._sample = merge_samples(parts)
            low, high = (min(pair) for pair in zip(self._limits, self._sample.limits, strict=True))
            self._limits = (low, high)

    def _decoded(self, records: list[bytes], first: int) -> Iterator[tuple[pa.RecordBatch, slice]]:
        """The features, and whose they are. Records of different types are decoded apart; what cannot be, is not."""
        middle, end = len(records) // 2, len(records)
        try:
            if records:
                nobody = np.zeros(end, bool)
                yield decode_batch(self._decoder, RawBatch(records, nobody, '', '')), slice(first, first + end)
        except PrivacyInputError:
            for part in (slice(0, middle), slice(middle, end)) if middle else ():
                yield from self._decoded(records[part], first + part.start)

    def _units(
        self, features: pa.RecordBatch, hashes: NDArray[np.uint64]
    ) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
        """(n,) whose each example is, and whether it does not say: the schema may have a default that Arrow lacks."""
        key = self._plan.config.people.group_key
        units, lacks = hashes.copy(), np.full(len(hashes), bool(key))
        lists = dict(zip(features.schema.names, features.columns, strict=True)).get(key)
        if lists is None or pa.types.is_null(lists.type):
            return units, lacks
        rows = np.flatnonzero(np.nan_to_num(lists.value_lengths().to_numpy(zero_copy_only=False)) == 1)
        try:
            units[rows] = group_ids(key, [{key: lists.take(pa.array(rows))}], len(rows))
        except PrivacyInputError:  # none has a value, or none that is a group; the observation says if that is an error
            return units, lacks
        lacks[rows] = False
        return units, lacks


def _joined(parts: list[Sides]) -> Sides:
    hashes, sides = (np.concatenate(columns) for columns in zip(_NOTHING, *parts, strict=True))
    return hashes, sides


def _length(parts: list[Sides]) -> int:
    return sum(len(hashes) for hashes, _ in parts)
