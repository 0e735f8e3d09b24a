"""The columns that attacks and slices are made of, and what must be known of all of them together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from numpy.typing import NDArray

from privacy_component.beam.examples.feature_columns import columns_of, concatenate_columns, dense_values, first_of
from privacy_component.beam.examples.groups_and_weights import example_weights, group_ids
from privacy_component.beam.plan import Plan
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.columns import Column
from privacy_component.observations.observations import MULTICLASS
from privacy_component.observations.outputs import check_same_number, labels_for


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """Columns of n examples, before it is known whether the outputs are logits.

    Attributes:
      is_member: (n,) bool.
      example_id: (n,) uint64, a hash of the serialized example.
      labels: as the task has them; see `privacy_component.observations.labels`.
      outputs: (n, classes) as the model gave them.
      columns: what slices are made of, by feature name.
      group_id: (n,) uint64, a hash of whose example it is; None if that is not asked for.
      weights: (n,) float64, the examples' weights; None if they have none.
      baseline_outputs: (n, classes) as the baseline model gave them; None where there is none.
      split: where the examples are from; '' if it is not known.
      nanoseconds: CPU time spent on it, by stage.
    """

    is_member: NDArray[np.bool_]
    example_id: NDArray[np.uint64]
    labels: NDArray
    outputs: NDArray
    columns: Mapping[str, Column]
    group_id: NDArray[np.uint64] | None = None
    weights: NDArray[np.float64] | None = None
    baseline_outputs: NDArray | None = None
    split: str = ''
    nanoseconds: dict[str, int] = dataclasses.field(default_factory=dict)


def concatenate_batches(batches: Sequence[Batch]) -> Batch:
    """One batch of the rows of several; of their split and cost nothing is kept."""
    if len(batches) == 1:
        return batches[0]
    for batch in batches:
        check_same_number(batches[0].outputs.shape[1], batch.outputs.shape[1])
    sizes = [len(batch.is_member) for batch in batches]
    known = ('is_member', 'example_id', 'labels', 'outputs', 'group_id', 'weights', 'baseline_outputs')
    names = [name for name in known if getattr(batches[0], name) is not None]
    arrays = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in names}
    columns = {
        name: concatenate_columns([batch.columns[name] for batch in batches], sizes) for name in batches[0].columns
    }
    return Batch(**arrays, columns=columns)


class Observer:
    """Makes batches of what was read and predicted; one per worker."""

    def __init__(self, plan: Plan):
        self.eval_config = json_format.Parse(plan.eval_config, tfma.EvalConfig())
        self.model_spec = self.eval_config.model_specs[0]
        self._slice_features = plan.slice_features
        self._group_key = plan.config.group_key
        self._task = plan.task

    @property
    def features(self) -> tuple[str, ...]:
        """The features that are needed besides the model's own."""
        keys = (self.model_spec.label_key, self.model_spec.example_weight_key, self._group_key)
        return tuple(sorted({*filter(None, keys), *self._slice_features}))

    def observe(
        self,
        records: Sequence[bytes],
        is_member: NDArray[np.bool_],
        sources: Sequence[Mapping[str, Any]],
        predictions: Any,
        **rest: Any,
    ) -> Batch:
        """A batch of n examples.

        Args:
          records: n serialized examples.
          is_member: (n,) bool.
          sources: features by name, in the order in which they are looked up: transformed before raw.
          predictions: the model's output, or outputs by name.
          **rest: further fields of Batch.
        """
        num_rows = len(records)
        outputs = chosen_output(predictions, self.model_spec.prediction_key, num_rows)
        name = f"label_key '{self.model_spec.label_key}'"
        known = {feature for source in sources for feature in source}
        labels = dense_values(first_of(self.model_spec.label_key, sources), name, known, num_rows)
        return Batch(
            is_member=is_member,
            example_id=example_ids(records),
            labels=labels_for(self._task, labels, self._num_labels(outputs), name),
            outputs=outputs,
            columns=columns_of(self._slice_features, sources, num_rows),
            group_id=group_ids(self._group_key, sources, num_rows),
            weights=example_weights(self.model_spec.example_weight_key, sources, num_rows),
            **rest,
        )

    def _num_labels(self, outputs: NDArray) -> int:
        return max(outputs.shape[1], 2) if self._task == MULTICLASS else outputs.shape[1]


def example_ids(records: Sequence[bytes]) -> NDArray[np.uint64]:
    """(n,) hashes of serialized examples, the same on every machine."""
    objects = np.empty(len(records), object)
    objects[:] = records
    return pd.util.hash_array(objects, categorize=False)


def chosen_output(predictions: Any, prediction_key: str, num_rows: int) -> NDArray:
    """(n, classes) of the model's outputs.

    Raises:
      PrivacyInputError: there are several outputs and none, or an unknown one, is named; or the shape is none of a
        classifier's.
    """
    if isinstance(predictions, Mapping) and len(predictions) == 1 and not prediction_key:
        predictions = next(iter(predictions.values()))
    if isinstance(predictions, Mapping):
        if prediction_key not in predictions:
            raise PrivacyInputError(
                f"prediction_key is '{prediction_key}' but the model's outputs are {', '.join(sorted(predictions))}: "
                'set eval_config.model_specs[0].prediction_key to one of them.'
            )
        predictions = predictions[prediction_key]
    outputs = np.asarray(predictions)
    if outputs.ndim not in (1, 2) or len(outputs) != num_rows:
        raise PrivacyInputError(
            f'the model gives outputs of shape {outputs.shape} for {num_rows} examples; (n, classes) or (n, 1) is '
            'needed.'
        )
    return outputs.reshape(num_rows, -1)
