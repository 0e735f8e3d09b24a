"""PrivacyConfig: what to attack with, on which splits, and what may not be exceeded."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from privacy_component.attacks import attack_named
from privacy_component.attacks.groups import AGGREGATIONS, NO_AGGREGATION
from privacy_component.errors import PrivacyInputError
from privacy_component.fields import from_mapping
from privacy_component.metrics.registry import metric_named
from privacy_component.observations import TASKS
from privacy_component.slicing import SlicingSpec

LEAK_SHOWN = 'leak_shown'
SAFETY_NOT_SHOWN = 'safety_not_shown'
OUTPUT_KINDS = ('auto', 'logits', 'probabilities')
MODEL_TASKS = ('auto', *TASKS)
GROUP_AGGREGATIONS = (NO_AGGREGATION, *AGGREGATIONS)


@dataclasses.dataclass(frozen=True)
class Threshold:
    """A limit that a leaky model exceeds.

    Attributes:
      metric: 'auc', 'advantage', 'tpr_at_fpr_0.01', ...
      upper_bound: the largest value that may be shipped.
      attacks: the attacks it holds for; empty for all.
      slicing_specs: the slices it holds for; empty for all. A slice named by its feature values must exist and be large
        enough to decide, or there is no blessing; one found through feature_keys that is too small is listed.
      block_if: 'leak_shown' blocks when the metric's lower confidence limit is above upper_bound; 'safety_not_shown'
        blocks unless the upper confidence limit is below it. Limits are corrected for the number of comparisons.
    """

    metric: str
    upper_bound: float
    attacks: tuple[str, ...] = ()
    slicing_specs: tuple[SlicingSpec, ...] = ()
    block_if: str = LEAK_SHOWN

    def __post_init__(self) -> None:
        metric = metric_named(self.metric)
        _check_number('Threshold.upper_bound', self.upper_bound, 0, metric.largest)
        _check_choice('Threshold.block_if', self.block_if, (LEAK_SHOWN, SAFETY_NOT_SHOWN))
        if self.block_if == SAFETY_NOT_SHOWN and metric.upper is None:
            raise PrivacyInputError(
                f"Threshold.block_if is '{SAFETY_NOT_SHOWN}' but '{self.metric}' has no upper confidence limit: "
                f"use block_if='{LEAK_SHOWN}' or another metric."
            )
        object.__setattr__(self, 'attacks', _names('Threshold.attacks', self.attacks))
        specs = _sequence('Threshold.slicing_specs', self.slicing_specs)
        object.__setattr__(self, 'slicing_specs', tuple(map(_as_slicing_spec, specs)))


@dataclasses.dataclass(frozen=True)
class PrivacyConfig:
    """Settings of a privacy evaluation; JSON both ways.

    Attributes:
      attacks: names from the attack registry.
      thresholds: limits; without any, no model is blessed.
      member_splits: splits of the examples that the model was trained on.
      non_member_splits: splits that it has never seen.
      slicing_specs: slices to look at besides the overall one and those of eval_config.
      slice_by_class: also look at every class of the label.
      slice_by_correctness: also look at what the model gets right and what it gets wrong.
      slice_by_loss_percentile: also look at every tenth of the examples by loss; diagnostic, such slices never gate.
      task: 'multiclass', 'multilabel' or 'regression'; 'auto' takes two or more labels per example for multilabel,
        predictions for regression, and all else for multiclass.
      output_kind: whether the model's outputs are 'logits' or 'probabilities'; 'auto' decides for the whole data set.
      confidence_level: of the intervals, and one minus the gate's error rate over all comparisons together.
      folds: attacks that learn are fitted on all folds but one and score that one.
      group_key: the feature that says whose example it is (a person, author or device); '' for none. For the component:
        evaluate_privacy takes group_ids. Attacks that learn then never score a person whom they have learnt from.
      group_aggregation: 'none', or how the scores of a group's examples become the group's: 'mean', 'max', 'logsumexp';
        then groups are what is counted. The component needs 'mean' or 'max' with group_key; its memory is some 60 bytes
        for each group, slice and attack.
      max_bad_record_share: of a split's records, how many the component may drop and count because they cannot be
        parsed; 0 fails at the first.
      num_most_vulnerable: how many members at the highest risk are named in the result, by id; costs a
        Beam job a second pass.
      min_examples: fewer members or non-members than this and a slice is inconclusive.
      max_slices: more slices than this are an error.
      max_distinct_scores: of each slice and attack; above it, scores are rounded, and the result says by how much
        the AUC can be off.
      seed: of everything that is random; combined with hashes of the examples.
    """

    attacks: tuple[str, ...] = ('loss_threshold', 'scaled_logit_threshold')
    thresholds: tuple[Threshold, ...] = ()
    member_splits: tuple[str, ...] = ('train',)
    non_member_splits: tuple[str, ...] = ('eval',)
    slicing_specs: tuple[SlicingSpec, ...] = ()
    slice_by_class: bool = True
    slice_by_correctness: bool = False
    slice_by_loss_percentile: bool = False
    task: str = 'auto'
    output_kind: str = 'auto'
    confidence_level: float = 0.95
    folds: int = 2
    group_key: str = ''
    group_aggregation: str = NO_AGGREGATION
    max_bad_record_share: float = 0.0
    num_most_vulnerable: int = 0
    min_examples: int = 30
    max_slices: int = 10_000
    max_distinct_scores: int = 100_000
    seed: int = 0

    def __post_init__(self) -> None:
        for field in ('attacks', 'member_splits', 'non_member_splits'):
            object.__setattr__(self, field, _names(f'PrivacyConfig.{field}', getattr(self, field), required=True))
        for name in self.attacks:
            attack_named(name)
        object.__setattr__(self, 'thresholds', tuple(map(_as_threshold, _sequence('thresholds', self.thresholds))))
        specs = _sequence('PrivacyConfig.slicing_specs', self.slicing_specs)
        object.__setattr__(self, 'slicing_specs', tuple(map(_as_slicing_spec, specs)))
        self._check_splits()
        self._check_threshold_attacks()
        _check_choice('PrivacyConfig.output_kind', self.output_kind, OUTPUT_KINDS)
        _check_number('PrivacyConfig.confidence_level', self.confidence_level, 0.5, 0.9999)
        _check_integer('PrivacyConfig.min_examples', self.min_examples, 2)
        _check_integer('PrivacyConfig.seed', self.seed, 0)
        _check_integer('PrivacyConfig.max_slices', self.max_slices, 1)
        _check_integer('PrivacyConfig.max_distinct_scores', self.max_distinct_scores, 1000)
        _check_number('PrivacyConfig.max_bad_record_share', self.max_bad_record_share, 0, 0.5)
        self._check_attack_settings()

    def to_json(self) -> str:
        """The config as JSON text; `from_json` reads it back to an equal config."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> PrivacyConfig:
        """The config that JSON text describes.

        Raises:
          PrivacyInputError: the text is not JSON, or a field is unknown or out of range; the message names it.
        """
        try:
            fields = json.loads(text)
        except (TypeError, ValueError) as error:
            raise PrivacyInputError(f'privacy_config is not JSON ({error}): {str(text)[:80]!r}') from error
        return from_mapping(cls, fields, 'privacy_config')

    def _check_attack_settings(self) -> None:
        _check_choice('PrivacyConfig.task', self.task, MODEL_TASKS)
        _check_choice('PrivacyConfig.group_aggregation', self.group_aggregation, GROUP_AGGREGATIONS)
        if not isinstance(self.group_key, str):
            raise PrivacyInputError(f"PrivacyConfig.group_key is {self.group_key!r}; write a feature's name, or ''.")
        _check_integer('PrivacyConfig.folds', self.folds, 2, 20)
        _check_integer('PrivacyConfig.num_most_vulnerable', self.num_most_vulnerable, 0)
        for field in ('slice_by_class', 'slice_by_correctness', 'slice_by_loss_percentile'):
            if not isinstance(getattr(self, field), bool):
                raise PrivacyInputError(f'PrivacyConfig.{field} is {getattr(self, field)!r}; write true or false.')

    def _check_splits(self) -> None:
        both = sorted(set(self.member_splits) & set(self.non_member_splits))
        if both:
            raise PrivacyInputError(
                f'split {both[0]!r} is in both PrivacyConfig.member_splits and non_member_splits: an example is either '
                'a member or not, so name it in one of them.'
            )

    def _check_threshold_attacks(self) -> None:
        for threshold in self.thresholds:
            for name in threshold.attacks:
                if name not in self.attacks:
                    raise PrivacyInputError(
                        f"Threshold.attacks names '{name}', which is not among PrivacyConfig.attacks "
                        f'({", ".join(self.attacks)}): add it there, or the limit could never be checked.'
                    )


def _as_threshold(value: Any) -> Threshold:
    return value if isinstance(value, Threshold) else from_mapping(Threshold, value, 'threshold')


def _as_slicing_spec(value: Any) -> SlicingSpec:
    return value if isinstance(value, SlicingSpec) else from_mapping(SlicingSpec, value, 'slicing_spec')


def _sequence(field: str, value: Any) -> Sequence[Any]:
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise PrivacyInputError(f'{field} is {value!r}; write it as a list.')
    return value


def _names(field: str, value: Any, required: bool = False) -> tuple[str, ...]:
    names = tuple(_sequence(field, value))
    for name in names:
        if not isinstance(name, str) or not name:
            raise PrivacyInputError(f'{field} has the entry {name!r}; write names as text.')
    repeated = [name for name in names if names.count(name) > 1]
    if repeated:
        raise PrivacyInputError(f'{field} names {repeated[0]!r} twice.')
    if required and not names:
        raise PrivacyInputError(f'{field} is empty; name at least one.')
    return names


def _check_choice(field: str, value: Any, choices: Sequence[str]) -> None:
    if value not in choices:
        raise PrivacyInputError(f'{field} is {value!r}; choose one of {", ".join(choices)}.')


def _check_number(field: str, value: Any, low: float, high: float | None) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # NaN compares false, so it is refused here too.
    if not is_number or not (low <= value <= (float('inf') if high is None else high)) or value == float('inf'):
        allowed = f'at least {low:g}' if high is None else f'in [{low:g}, {high:g}]'
        raise PrivacyInputError(f'{field} is {value!r}; it must be a number {allowed}.')


def _check_integer(field: str, value: Any, low: int, high: int | None = None) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < low or (high is not None and value > high):
        allowed = f'of at least {low}' if high is None else f'from {low} to {high}'
        raise PrivacyInputError(f'{field} is {value!r}; it must be a whole number {allowed}.')
