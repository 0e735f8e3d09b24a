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
from privacy_component.beam.models.references import ServedReferences
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signatures import Call, FeatureChangedError, Serialized, parse_call, transform_call
from privacy_component.beam.models.sources import SOURCES
from privacy_component.beam.plan import Plan
from privacy_component.beam.surfaced_errors import is_parse_error
from privacy_component.checks import STABLE, is_on
from privacy_component.checks.stable_outputs import is_asked_again, largest_change, rows_asked_again
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.needs import CANDIDATE


class _Called(NamedTuple):
    """What a batch's records hold and what models say of them; and when (process time in ns) they were decoded."""

    serialized: Serialized
    raw: Mapping[str, Any]
    decoded: int
    transformed: Mapping[str, Any]
    outputs: Mapping[str, tuple[np.ndarray, ...]]


class ObserveDirectly(beam.DoFn):
    """RawBatch -> Batch; with a share of bad records allowed, also (split, number) of those dropped, tagged."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._observer = Observer(plan)
        self._models = {
            role: tuple(ServedModel(model, role) for model in models) for role, models in plan.models.items()
        }
        self._references = ServedReferences(plan.references, plan.task) if plan.references else None
        self._transforms = tuple(self._observer.model_spec.preprocessing_function_names)
        self._drops_bad_records = plan.config.measurement.max_bad_record_share > 0
        self._num_bad = Metrics.counter(NAMESPACE, 'bad_records')

    def setup(self) -> None:
        """Loads models, transform graph and decoder once per worker."""
        for models in self._models.values():
            for model in models:
                model.load()
        if self._references:
            self._references.load()
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
        for role, models in plan.models.items():
            for model, settled in zip(self._models[role], models, strict=True):
                model.output_kind = settled.output_kind

    def transformed_names(self, sample: RawBatch) -> set[str]:
        """The names of the features that are made of raw ones."""
        if self._drops_bad_records:
            sample = without_bad(sample, lambda part: self._transform(self._serialized(part.records)))
        return set(self._transform(self._serialized(sample.records[:1])))

    def readable(self, sample: RawBatch) -> RawBatch:
        """The records of a sample that the models can be called with."""
        return self._call_readable(sample)[0] if self._drops_bad_records else sample

    @property
    def candidate(self) -> ServedModel:
        """The model that is judged."""
        return self._models[CANDIDATE][0]

    def _serialized(self, records: list[bytes]) -> Serialized:
        return Serialized(records, self._plan.batch_size)

    def _call(self, batch: RawBatch) -> _Called:
        serialized = self._serialized(batch.records)
        raw = self._features.read(batch, serialized)
        decoded = time.process_time_ns()
        outputs = {role: tuple(one.outputs(serialized) for one in models) for role, models in self._models.items()}
        return _Called(serialized, raw, decoded, self._transform(serialized), outputs)

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
        views = {role: self._views(role, called, labels) for role in self._models}
        viewed = time.process_time_ns()
        columns = {}
        if self._references:
            columns = self._references.columns(called.serialized, batch.example_id, labels, num_outputs)
        compared = time.process_time_ns()
        observed = self._observer.observe(batch, sources, labels, views)
        spent = {'decode': called.decoded - started, 'predict': predicted - called.decoded}
        observed.nanoseconds.update(spent, columns=time.process_time_ns() - compared)
        if self._plan.columns:
            observed.nanoseconds['signals'] = viewed - predicted
        if self._references:
            observed.nanoseconds['reference models'] = compared - viewed
        return dataclasses.replace(observed, columns=columns, changes=changes)

    def _changes(self, batch: RawBatch, called: _Called) -> dict[str, float]:
        """How much answers change when they are asked for again; for a small sample of the batches."""
        is_wanted = is_on(STABLE, self._plan.config.checks) and is_asked_again(batch.example_id)
        return self.ask_again(batch, called.outputs) if is_wanted else {}

    def ask_again(self, batch: RawBatch, outputs: Mapping[str, Sequence[np.ndarray]]) -> dict[str, float]:
        """By role, by how much the models' answers to a batch change when its examples stand in another one."""
        rows = rows_asked_again(len(batch.records))
        serialized = self._serialized([batch.records[row] for row in rows])
        return {
            role: max(
                largest_change(first, model.outputs(serialized), rows)
                for model, first in zip(self._models[role], outputs[role], strict=True)
            )
            for role in self._models
        }

    def _views(self, role: str, called: _Called, labels: np.ndarray) -> tuple[View, ...]:
        """What the models of a role say, with the columns that attacks need of them."""
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
