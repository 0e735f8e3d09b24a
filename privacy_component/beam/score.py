"""From batches to counts: every attack's scores, counted slice by slice, merged by adding integers."""

from __future__ import annotations

import collections
import functools
from collections.abc import Iterable, Iterator

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from privacy_component.attacks import attack_named
from privacy_component.beam.observe import Batch, Evidence
from privacy_component.beam.plan import Plan
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluate import slice_counts, with_derived_columns
from privacy_component.metrics import roc
from privacy_component.outputs import as_observations, output_kind
from privacy_component.slicing import SliceKey, slice_rows

CountKey = tuple[SliceKey, str]

_PARTS_KEPT = 16


class CountScores(beam.DoFn):
    """Batch -> ((slice key, attack), RocCounts), one of each per bundle."""

    def __init__(self, plan: Plan, label_key: str):
        self._plan = plan
        self._label_key = label_key

    def start_bundle(self) -> None:
        """Starts counting anew, so that a retried bundle counts nothing twice."""
        self._parts: dict[CountKey, list[roc.RocCounts]] = collections.defaultdict(list)

    def process(self, batch: Batch, evidence: Evidence) -> None:
        """Counts a batch's scores."""
        _check_several_classes(evidence, self._label_key)
        kind = output_kind(evidence.outputs, self._plan.config.output_kind)
        observations = as_observations(
            is_member=batch.is_member,
            example_id=batch.example_id,
            labels=batch.labels,
            outputs=batch.outputs,
            kind=kind,
            label_name=f"label_key '{self._label_key}'",
        )
        columns = with_derived_columns(batch.columns, observations)
        slices = [slice_rows(spec, columns, len(observations)) for spec in self._plan.slicing_specs]
        for attack in self._plan.config.attacks:
            keys = roc.score_keys(attack_named(attack).make().score(observations))
            for rows in slices:
                for key, counts in slice_counts(keys, observations.is_member, rows).items():
                    self._parts[key, attack].append(counts)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Emits the bundle's counts."""
        window = GlobalWindow()
        for key, parts in self._parts.items():
            yield WindowedValue((key, roc.merge(parts)), window.max_timestamp(), [window])


def _check_several_classes(evidence: Evidence, label_key: str) -> None:
    if evidence.smallest_label == evidence.largest_label:
        raise PrivacyInputError(
            f"every label_key '{label_key}' is {evidence.smallest_label:g}: a model cannot be judged on one class. Check "
            'the label, and that the splits hold all classes.'
        )


class MergeCounts(beam.CombineFn):
    """RocCounts -> RocCounts; associative, commutative and exact."""

    def create_accumulator(self) -> list[roc.RocCounts]:
        """Nothing counted yet."""
        return []

    def add_input(self, accumulator: list[roc.RocCounts], counts: roc.RocCounts) -> list[roc.RocCounts]:
        """Adds one part."""
        parts = [*accumulator, counts]
        return parts if len(parts) < _PARTS_KEPT else self.compact(parts)

    def merge_accumulators(self, accumulators: Iterable[list[roc.RocCounts]]) -> list[roc.RocCounts]:
        """Adds all parts."""
        return self.compact([part for parts in accumulators for part in parts])

    def compact(self, accumulator: list[roc.RocCounts]) -> list[roc.RocCounts]:
        """One part in the place of many."""
        return [roc.merge(accumulator)] if accumulator else []

    def extract_output(self, accumulator: list[roc.RocCounts]) -> roc.RocCounts:
        """The total."""
        return roc.merge(accumulator)


class MergeEvidence(beam.CombineFn):
    """Evidence -> Evidence over the whole data set; None without any data."""

    def create_accumulator(self) -> Evidence | None:
        """Nothing seen yet."""
        return None

    def add_input(self, accumulator: Evidence | None, evidence: Evidence) -> Evidence:
        """Adds one batch's evidence."""
        return evidence if accumulator is None else accumulator.merge(evidence)

    def merge_accumulators(self, accumulators: Iterable[Evidence | None]) -> Evidence | None:
        """Adds all of it."""
        return functools.reduce(self.add_input, filter(None, accumulators), None)

    def extract_output(self, accumulator: Evidence | None) -> Evidence | None:
        """The total."""
        return accumulator
