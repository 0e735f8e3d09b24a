"""From extracts to the columns that attacks and slices are made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import pandas as pd
import tensorflow_model_analysis as tfma
from numpy.typing import NDArray

from privacy_component.beam.decode import IS_MEMBER_KEY
from privacy_component.beam.plan import Plan
from privacy_component.beam.predict import TRANSFORMED_FEATURES_KEY, read_eval_config
from privacy_component.errors import PrivacyInputError
from privacy_component.labels import class_labels
from privacy_component.outputs import OutputEvidence
from privacy_component.slicing import Column


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """Columns of n examples, before it is known whether the outputs are logits.

    Attributes:
      is_member: (n,) bool.
      example_id: (n,) uint64, a hash of the serialized example.
      labels: (n,) int64 class numbers.
      outputs: (n, classes) as the model gave them.
      columns: what slices are made of, by feature name.
    """

    is_member: NDArray[np.bool_]
    example_id: NDArray[np.uint64]
    labels: NDArray
    outputs: NDArray
    columns: Mapping[str, Column]

    @property
    def evidence(self) -> Evidence:
        """What must be known of all batches before any can be scored."""
        return Evidence(OutputEvidence.of(self.outputs), float(self.labels.min()), float(self.labels.max()))


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What a whole data set tells of its outputs and labels; merges.

    Attributes:
      outputs: whether they are logits or probabilities.
      smallest_label, largest_label: over all examples.
    """

    outputs: OutputEvidence
    smallest_label: float
    largest_label: float

    def merge(self, other: Evidence) -> Evidence:
        """The evidence of both parts together."""
        return Evidence(
            self.outputs.merge(other.outputs),
            min(self.smallest_label, other.smallest_label),
            max(self.largest_label, other.largest_label),
        )


class Observe(beam.DoFn):
    """tfma.Extracts -> Batch."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._features = tuple(sorted({name for spec in plan.slicing_specs for name in spec.features}))

    def setup(self) -> None:
        """Reads the names of label and output once per worker."""
        spec = read_eval_config(self._plan.eval_config).model_specs[0]
        self._label_key, self._prediction_key = spec.label_key, spec.prediction_key

    def process(self, extracts: dict[str, Any]) -> Iterator[Batch]:
        """Observes a batch."""
        records = np.asarray(extracts[tfma.INPUT_KEY]).flatten()
        features = {**extracts[tfma.FEATURES_KEY], **(extracts.get(TRANSFORMED_FEATURES_KEY) or {})}
        num_rows = len(records)
        outputs = chosen_output(extracts[tfma.PREDICTIONS_KEY], self._prediction_key, num_rows)
        labels = dense_labels(extracts[tfma.LABELS_KEY], self._label_key, features, num_rows)
        yield Batch(
            is_member=np.asarray(extracts[IS_MEMBER_KEY]).reshape(num_rows),
            example_id=example_ids(records),
            labels=class_labels(labels, max(outputs.shape[1], 2), f"label_key '{self._label_key}'"),
            outputs=outputs,
            columns={name: as_column(features.get(name), num_rows) for name in self._features if name[0] != '@'},
        )


def example_ids(records: NDArray) -> NDArray[np.uint64]:
    """(n,) hashes of serialized examples, the same on every machine; (n,) bytes objects."""
    return pd.util.hash_array(records.astype(object), categorize=False)


def dense_labels(labels: Any, label_key: str, features: Mapping[str, Any], num_rows: int) -> NDArray:
    """(n,) labels, one for every example.

    Raises:
      PrivacyInputError: the label is absent, or missing for some examples.
    """
    if labels is None:
        raise PrivacyInputError(
            f"label_key '{label_key}' of eval_config.model_specs is not among the features "
            f'{", ".join(sorted(features)[:20])}: correct its name, or, if the model or transform_graph makes it, name '
            "the model's signature in preprocessing_function_names or pass transform_graph."
        )
    if hasattr(labels, 'dense_shape') or hasattr(labels, 'values'):
        missing = num_rows - len(np.unique(np.asarray(labels.indices)[:, 0])) if hasattr(labels, 'indices') else '?'
        raise _missing_labels(label_key, missing, num_rows)
    labels = np.asarray(labels)
    absent = pd.isna(labels.reshape(num_rows, -1)).any(axis=1)
    if absent.any():
        raise _missing_labels(label_key, int(absent.sum()), num_rows)
    return labels


def chosen_output(predictions: Any, prediction_key: str, num_rows: int) -> NDArray:
    """(n, classes) of the model's outputs.

    Raises:
      PrivacyInputError: there are several outputs and none, or an unknown one, is named; or the shape is no classifier's.
    """
    if isinstance(predictions, Mapping):
        if prediction_key not in predictions:
            raise PrivacyInputError(
                f"prediction_key is '{prediction_key}' but the model's outputs are {', '.join(sorted(predictions))}: set "
                'eval_config.model_specs[0].prediction_key to one of them.'
            )
        predictions = predictions[prediction_key]
    outputs = np.asarray(predictions)
    if outputs.ndim not in (1, 2) or len(outputs) != num_rows:
        raise PrivacyInputError(
            f'the model gives outputs of shape {outputs.shape} for {num_rows} examples; (n, classes) or (n, 1) is needed.'
        )
    return outputs.reshape(num_rows, -1)


def as_column(value: Any, num_rows: int) -> Column:
    """A feature, dense or sparse, as a column; an absent one has no values."""
    if value is None:
        return Column.from_entries(np.zeros(0, np.int64), np.zeros(0, np.int64), ())
    if hasattr(value, 'indices'):
        rows, values = np.asarray(value.indices)[:, 0], np.asarray(value.values)
    else:
        dense = np.asarray(value).reshape(num_rows, -1)
        rows, values = np.repeat(np.arange(num_rows), dense.shape[1]), dense.reshape(-1)
    present = ~pd.isna(values)
    codes, vocabulary = pd.factorize(values[present])
    return Column.from_entries(rows[present], codes, list(vocabulary))


def _missing_labels(label_key: str, missing: int | str, num_rows: int) -> PrivacyInputError:
    return PrivacyInputError(
        f"label_key '{label_key}' has no single value in {missing} of {num_rows} examples of a batch: every example needs "
        'one label. Fill it in or drop those examples before training.'
    )
