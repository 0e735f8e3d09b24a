"""The columns that attacks and slices are made of, and what must be known of all of them together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy_component.beam.examples.feature_columns import columns_of, concatenate_columns, dense_values, first_of
from privacy_component.beam.examples.groups_and_weights import example_weights, group_ids
from privacy_component.beam.examples.read import RawBatch
from privacy_component.beam.models.eval_config import eval_config_from_json
from privacy_component.beam.plan import Plan
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.columns import Column
from privacy_component.observations.labels import class_numbers
from privacy_component.observations.needs import CANDIDATE
from privacy_component.observations.observations import MULTICLASS
from privacy_component.observations.outputs import check_same_number, labels_for


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """What one model says of n examples.

    Attributes:
      outputs: (n, classes) as the model gave them.
      columns: what else attacks asked for, by name, n rows each; see `models.sources`.
    """

    outputs: NDArray
    columns: Mapping[str, NDArray] = dataclasses.field(default_factory=dict)

    @classmethod
    def joined(cls, views: Sequence[View]) -> View:
        """What the model says of the examples of several batches."""
        for view in views:
            check_same_number(views[0].outputs.shape[1], view.outputs.shape[1])
        columns = {name: np.concatenate([view.columns[name] for view in views]) for name in views[0].columns}
        return cls(np.concatenate([view.outputs for view in views]), columns)


@dataclasses.dataclass(frozen=True, eq=False)
class Batch:
    """Columns of n examples, before it is known whether the outputs are logits.

    Attributes:
      is_member: (n,) bool.
      example_id: (n,) uint64, a hash of the example that does not depend on the order of its features.
      labels: as the task has them; see `observations.labels`.
      views: what the models of each role say.
      features: what slices are made of, by feature name.
      group_id: (n,) uint64, a hash of whose example it is; None if that is not asked for.
      weights: (n,) float64, the examples' weights; None if they have none.
      split: where the examples are from; '' if it is not known.
      columns: what attacks asked for that comes from several models, by name, n rows each; see `models.references`.
      nanoseconds: CPU time spent on it, by stage.
      changes: by role, how much its models' answers changed when asked again; {} if they were not. See
        `checks.stable_outputs`.
    """

    is_member: NDArray[np.bool_]
    example_id: NDArray[np.uint64]
    labels: NDArray
    views: Mapping[str, tuple[View, ...]]
    features: Mapping[str, Column]
    group_id: NDArray[np.uint64] | None = None
    weights: NDArray[np.float64] | None = None
    split: str = ''
    columns: Mapping[str, NDArray] = dataclasses.field(default_factory=dict)
    nanoseconds: dict[str, int] = dataclasses.field(default_factory=dict)
    changes: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def outputs(self) -> NDArray:
        """(n, classes) as the candidate gave them."""
        return self.views[CANDIDATE][0].outputs


def concatenate_batches(batches: Sequence[Batch]) -> Batch:
    """One batch of the rows of several; of their split and cost nothing is kept."""
    if len(batches) == 1:
        return batches[0]
    sizes = [len(batch.is_member) for batch in batches]
    known = ('is_member', 'example_id', 'labels', 'group_id', 'weights')
    names = [name for name in known if getattr(batches[0], name) is not None]
    arrays: dict[str, Any] = {name: np.concatenate([getattr(batch, name) for batch in batches]) for name in names}
    views = {
        role: tuple(map(View.joined, zip(*(batch.views[role] for batch in batches), strict=True)))
        for role in batches[0].views
    }
    features = {
        name: concatenate_columns([batch.features[name] for batch in batches], sizes) for name in batches[0].features
    }
    columns = {name: np.concatenate([batch.columns[name] for batch in batches]) for name in batches[0].columns}
    return Batch(**arrays, views=views, features=features, columns=columns)


class Observer:
    """Makes batches of what was read and predicted; one per worker."""

    def __init__(self, plan: Plan):
        self.eval_config = eval_config_from_json(plan.candidate.eval_config)
        self.model_spec = self.eval_config.model_specs[0]
        self._slice_features = plan.slice_features
        self._group_key = plan.config.people.group_key
        self._task = plan.task
        self._classes = plan.config.outputs.classes
        self._predictions_feature = plan.predictions_feature

    @property
    def features(self) -> tuple[str, ...]:
        """The features that are needed besides the model's own."""
        spec = self.model_spec
        keys = (spec.label_key, spec.example_weight_key, self._group_key, self._predictions_feature)
        return tuple(sorted({*filter(None, keys), *self._slice_features}))

    def labels(self, sources: Sequence[Mapping[str, Any]], num_rows: int, num_outputs: int) -> NDArray:
        """The labels of n examples, as the task has them.

        Args:
          sources: features by name, in the order in which they are looked up: transformed before raw.
          num_rows: n.
          num_outputs: how many outputs the model has.
        """
        name = f"label_key '{self.model_spec.label_key}'"
        known = {feature for source in sources for feature in source}
        labels = dense_values(first_of(self.model_spec.label_key, sources), name, known, num_rows)
        if self._classes:
            labels = class_numbers(labels, self._classes, num_outputs, name)
        return labels_for(self._task, labels, max(num_outputs, 2) if self._task == MULTICLASS else num_outputs, name)

    def predictions(self, sources: Sequence[Mapping[str, Any]], num_rows: int) -> NDArray:
        """(n, classes) predictions that the examples hold.

        Raises:
          PrivacyInputError: some lack them, have fewer than others, or have texts.
        """
        name = f"prediction_key '{self._predictions_feature}'"
        known = {feature for source in sources for feature in source}
        values = dense_values(first_of(self._predictions_feature, sources), name, known, num_rows)
        if values.dtype.kind not in 'biuf':
            raise PrivacyInputError(f'{name} of eval_config.model_specs holds texts: predictions are numbers.')
        return values.reshape(num_rows, -1)

    def observe(self, batch: RawBatch, sources: Sequence[Mapping[str, Any]], labels: NDArray, views: Any) -> Batch:
        """A batch of n examples, from what was read, and what models say."""
        num_rows = len(batch.records)
        return Batch(
            is_member=batch.is_member,
            example_id=batch.example_id,
            labels=labels,
            views=views,
            features=columns_of(self._slice_features, sources, num_rows),
            group_id=group_ids(self._group_key, sources, num_rows),
            weights=example_weights(self.model_spec.example_weight_key, sources, num_rows),
            split=batch.split,
        )
