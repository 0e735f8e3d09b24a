"""The short way from records to a batch, for models whose signature takes serialized examples.

It decodes only what labels and slices need, calls the models itself, each on the very same batches, and computes of
them what the configured attacks need, nothing else.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics

from privacy_component.beam.examples.bad_records import BAD_RECORDS, without_bad
from privacy_component.beam.examples.decode import (
    decode_batch,
    example_decoder,
    feature_changed,
    not_an_example,
    tensor_representations,
)
from privacy_component.beam.examples.read import NAMESPACE, RawBatch
from privacy_component.beam.models.batch import Batch, Observer, View
from privacy_component.beam.models.compared import Asked
from privacy_component.beam.models.references import ServedReferences
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Call, FeatureChangedError, Serialized, parse_call, transform_call
from privacy_component.beam.models.snapshots import ServedSnapshots
from privacy_component.beam.models.sources import SOURCES
from privacy_component.beam.plan import Plan
from privacy_component.beam.surfaced_errors import is_parse_error
from privacy_component.checks import STABLE, is_on
from privacy_component.checks.stable_outputs import is_asked_again, largest_change, rows_asked_again
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.needs import CANDIDATE, SNAPSHOT_SIGNALS


class AskedAgain(NamedTuple):
    """By role, by how much answers changed at most; and whether all of them were the same to the bit."""

    changes: dict[str, float]
    are_equal: bool


class _Called(NamedTuple):
    """What a batch's records hold and what models say of them; and when (process time in ns) they were decoded."""

    serialized: Serialized
    raw: Mapping[str, Any]
    decoded: int
    transformed: Mapping[str, Any]
    outputs: Mapping[str, tuple[np.ndarray, ...]]


class ObserveDirectly(beam.DoFn):
    """RawBatch -> Batch; with a share of bad records allowed, also (split, number) of those dropped, tagged."""

    def __init__(self, plan: Plan, is_trial: bool = False):
        self._plan = plan
        self._is_trial = is_trial
        self._observer = Observer(plan)
        self._models = {
            role: tuple(ServedModel(model, role) for model in models)
            for role, models in plan.models.items()
            if not plan.predictions_feature
        }
        self._others = served_beside(plan)
        self._transforms = tuple(self._observer.model_spec.preprocessing_function_names)
        self._drops_bad_records = plan.config.measurement.max_bad_record_share > 0
        self._num_bad = Metrics.counter(NAMESPACE, 'bad_records')

    def setup(self) -> None:
        """Loads models, transform graph and decoder once per worker."""
        for models in self._models.values():
            for model in models:
                model.load()
        for others in self._others:
            others.load()
        self._transform = self._make_transform()
        self._features = FeatureReader(self._plan)

    def process(self, batch: RawBatch) -> Iterator[Batch | beam.pvalue.TaggedOutput]:
        """Observes a batch."""
        started = time.process_time_ns()
        readable, called = self._call_readable(batch) if self._drops_bad_records else (batch, self._call(batch))
        num_bad = len(batch.records) - len(readable.records)
        if num_bad:
            self._num_bad.inc(num_bad)
            yield beam.pvalue.TaggedOutput(BAD_RECORDS, (batch.split, num_bad))
        if called is not None:
            yield self._observe(readable, called, started)

    def observe(self, batch: RawBatch) -> Batch:
        """A batch of which every record is needed.

        Raises:
          PrivacyInputError: one cannot be read, or the examples cannot be used.
        """
        return self._observe(batch, self._call(batch), time.process_time_ns())

    def follow(self, plan: Plan) -> None:
        """Takes what a plan settles: features and their types, kinds of outputs, columns to compute."""
        self._plan = plan
        self._features = FeatureReader(plan)
        for role, models in self._models.items():
            for model, settled in zip(models, plan.models[role], strict=True):
                model.output_kind = settled.output_kind

    def transformed_names(self, sample: RawBatch) -> set[str]:
        """The names of the features that are made of raw ones."""
        if self._drops_bad_records:
            sample = without_bad(sample, lambda part: self._transform(self._serialized(part.records)))
        return set(self._transform(self._serialized(sample.records[:1])))

    def readable(self, sample: RawBatch) -> RawBatch:
        """The records of a sample that the models can be called with."""
        return self._call_readable(sample)[0] if self._drops_bad_records else sample

    def candidate(self) -> ServedModel:  # no property: Beam looks at those before there are models
        """The model that is judged."""
        return self._models[CANDIDATE][0]

    def compare_snapshots(self, observed: Batch) -> tuple[str, ...]:
        """Warnings of snapshots beside the candidate, by a batch that was observed; see `models.snapshots`.

        Raises:
          PrivacyInputError: they are of different models, or of the very same.
        """
        signals = observed.columns.get(SNAPSHOT_SIGNALS)
        of_snapshots = (others for others in self._others if isinstance(others, ServedSnapshots))
        return tuple(word for others in of_snapshots for word in others.compare(self.candidate(), signals))

    def _serialized(self, records: list[bytes]) -> Serialized:
        return Serialized(records, self._plan.batch_size)

    def _call(self, batch: RawBatch) -> _Called:
        serialized = self._serialized(batch.records)
        raw = self._features.read(batch, serialized)
        decoded = time.process_time_ns()
        outputs = {
            role: tuple(one.outputs(serialized, keep=self._is_trial) for one in models)
            for role, models in self._models.items()
        }
        transformed = self._transform(serialized)
        if self._plan.predictions_feature:
            outputs[CANDIDATE] = (self._observer.predictions((transformed, raw), len(batch.records)),)
        return _Called(serialized, raw, decoded, transformed, outputs)

    def _call_readable(self, batch: RawBatch) -> tuple[RawBatch, _Called | None]:
        """The records that can be read, and what they give; None if there are none."""
        try:
            return batch, self._call(batch)
        except PrivacyInputError:
            # The cheap way first: only what the model's own call cannot take needs calls of it.
            batch = without_bad(batch, lambda part: self._features.read(part, self._serialized(part.records)))
            batch = without_bad(batch, self._call, is_parse_error)
        return batch, self._call(batch) if batch.records else None

    def _observe(self, batch: RawBatch, called: _Called, started: int) -> Batch:
        changes = self._changes(batch, called)
        predicted = time.process_time_ns()
        sources = (called.transformed, called.raw)
        num_outputs = called.outputs[CANDIDATE][0].shape[1]
        labels = self._observer.labels(sources, len(batch.records), num_outputs)
        views = {role: self._views(role, called, labels) for role in called.outputs}
        viewed = time.process_time_ns()
        asked = Asked(called.serialized, batch.example_id, labels, num_outputs, self._plan.task)
        columns, compared = self._ask_others(asked)
        made = time.process_time_ns()
        observed = self._observer.observe(batch, sources, labels, views)
        spent = {'decode': called.decoded - started, 'predict': predicted - called.decoded}
        observed.nanoseconds.update(spent, columns=time.process_time_ns() - made)
        if self._plan.columns:
            observed.nanoseconds['signals'] = viewed - predicted
        observed.nanoseconds.update(compared)
        return dataclasses.replace(observed, columns=columns, changes=changes)

    def _ask_others(self, asked: Asked) -> tuple[dict[str, np.ndarray], dict[str, int]]:
        """The columns that come from reference models and snapshots, and what each took, in ns."""
        columns, spent = {}, {}
        for others in self._others:
            started = time.process_time_ns()
            columns.update(others.columns(asked))
            spent[others.stage] = time.process_time_ns() - started
        return columns, spent

    def _changes(self, batch: RawBatch, called: _Called) -> dict[str, float]:
        """How much answers change when they are asked for again; for a small sample of the batches."""
        is_wanted = bool(self._models) and is_on(STABLE, self._plan.config.checks) and is_asked_again(batch.example_id)
        return self.ask_again(batch.records, called.outputs).changes if is_wanted else {}

    def ask_again(self, records: Sequence[bytes], outputs: Mapping[str, Sequence[np.ndarray]]) -> AskedAgain:
        """Whether the models' answers to n examples, each (n, k), change when these stand in another batch."""
        rows = rows_asked_again(len(records))
        serialized = self._serialized([records[row] for row in rows])
        changes, are_equal = {}, True
        for role, models in self._models.items():
            pairs = [
                (first, model.outputs_anew(serialized)) for model, first in zip(models, outputs[role], strict=True)
            ]
            changes[role] = max(largest_change(first, again, rows) for first, again in pairs)
            are_equal &= all(np.array_equal(first[np.asarray(rows)], again) for first, again in pairs)
        return AskedAgain(changes, are_equal)

    def _views(self, role: str, called: _Called, labels: np.ndarray) -> tuple[View, ...]:
        """What the models of a role say, with the columns that attacks need of them."""
        if role not in self._models:
            return tuple(map(View, called.outputs[role]))
        views = []
        for model, outputs in zip(self._models[role], called.outputs[role], strict=True):
            columns = {
                name: SOURCES[name](model, called.serialized, labels, outputs, self._plan.task)
                for name in self._plan.columns
            }
            views.append(View(outputs, columns))
        return tuple(views)

    def _make_transform(self) -> Call:
        if self._transforms:
            (model,) = self._models[CANDIDATE]
            calls = [model.function(name) for name in self._transforms]
            return lambda serialized: {name: value for call in calls for name, value in call(serialized).items()}
        if self._plan.transform_path:
            return transform_call(self._plan.transform_path)
        return lambda serialized: {}


def served_beside(plan: Plan) -> list[ServedReferences | ServedSnapshots]:
    """The models that attacks compare the candidate with."""
    references = [ServedReferences(plan.references)] if plan.references else []
    return [*references, *([ServedSnapshots(plan.snapshots)] if plan.snapshots else [])]


class FeatureReader:
    """Reads the features that labels and slices need; all of them, by Arrow, where their types are not known."""

    def __init__(self, plan: Plan):
        self._parse = None
        if plan.feature_types:
            self._parse = parse_call(plan.feature_types, tensor_representations(plan.schema_path))
        else:
            self._decoder = example_decoder(plan.schema_path)

    def read(self, batch: RawBatch, serialized: Serialized) -> Mapping[str, Any]:
        """Features by name, as sparse or dense values or Arrow list arrays."""
        if self._parse is None:
            record_batch = decode_batch(self._decoder, batch)
            return dict(zip(record_batch.schema.names, record_batch.columns, strict=True))
        try:
            return self._parse(serialized)
        except FeatureChangedError as error:
            raise feature_changed(batch.path, str(error)) from None
        except PrivacyInputError as error:
            raise not_an_example(batch.path, str(error)) from None
