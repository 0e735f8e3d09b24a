"""PrivacyConfig: what to attack with, on which splits, and what may not be exceeded."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from privacy_component.attacks import attack_name, check_attack_name
from privacy_component.checks import checked_actions
from privacy_component.config.overturn import Overturn
from privacy_component.config.thresholds import Threshold, as_slicing_spec
from privacy_component.config.validation import (
    check_choice,
    check_flag,
    check_integer,
    check_number,
    from_mapping,
    names,
    sequence,
)
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.counts.groups import AGGREGATIONS, NO_AGGREGATION
from privacy_component.observations.observations import TASKS
from privacy_component.observations.slicing import SlicingSpec

BLOCK = 'block'
IGNORE = 'ignore'
WARN = 'warn'
OUTPUT_KINDS = ('auto', 'logits', 'probabilities')
MODEL_TASKS = ('auto', *TASKS)
GROUP_AGGREGATIONS = (NO_AGGREGATION, *AGGREGATIONS)


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
        Costs a Beam job a first pass.
      slice_missing: what has no value of a feature is a slice, '<missing>'; else it is in none by it, as with TFMA.
      task: 'multiclass', 'multilabel' or 'regression'; 'auto' takes two or more labels per example for multilabel,
        predictions for regression, and all else for multiclass.
      output_kind: whether the model's outputs are 'logits' or 'probabilities'; 'auto' decides for the whole data set. A
        baseline model's are what is named here too, and decided on their own by 'auto'.
      confidence_level: of the intervals, and one minus the gate's error rate over all comparisons together.
      without_baseline: what thresholds on a change do where there is no baseline model: 'block', or 'ignore', which
        leaves the decision to the others (there must be some), as Evaluator does. A pipeline whose baseline is the
        model that it blessed last needs 'ignore' for its first run.
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
      min_reported_examples: fewer members or non-members than this and a slice is counted, not named; 0 names all.
      small_slices: whether slices found through feature_keys that are too small to decide 'warn' or 'block'; those
        named by feature values always block.
      report_only: measure and report, judge nothing, bless nothing; without thresholds.
      max_slices: more slices than this are an error.
      max_distinct_scores: of each slice and attack; above it, scores are rounded, and the result says by how much
        the AUC can be off.
      checks: what becomes of a finding of a check of the measurement itself, by the check's name: 'warn', 'refuse' (no
        blessing) or 'off'. Others do as by default; see docs/checks.md.
      seed: of everything that is random; combined with hashes of the examples.
      overturns: models that may be blessed although an earlier evaluation refused them, each with the reason.
    """

    attacks: tuple[str, ...] = ('loss_threshold', 'scaled_logit_threshold')
    thresholds: tuple[Threshold, ...] = ()
    member_splits: tuple[str, ...] = ('train',)
    non_member_splits: tuple[str, ...] = ('eval',)
    slicing_specs: tuple[SlicingSpec, ...] = ()
    slice_by_class: bool = True
    slice_by_correctness: bool = False
    slice_by_loss_percentile: bool = False
    slice_missing: bool = False
    task: str = 'auto'
    output_kind: str = 'auto'
    confidence_level: float = 0.95
    without_baseline: str = BLOCK
    folds: int = 2
    group_key: str = ''
    group_aggregation: str = NO_AGGREGATION
    max_bad_record_share: float = 0.0
    num_most_vulnerable: int = 0
    min_examples: int = 30
    min_reported_examples: int = 10
    small_slices: str = WARN
    report_only: bool = False
    max_slices: int = 10_000
    max_distinct_scores: int = 50_000
    checks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    seed: int = 0
    overturns: tuple[Overturn, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, 'attacks', tuple(map(attack_name, sequence('PrivacyConfig.attacks', self.attacks))))
        for field in ('attacks', 'member_splits', 'non_member_splits'):
            object.__setattr__(self, field, names(f'PrivacyConfig.{field}', getattr(self, field), required=True))
        for name in self.attacks:
            check_attack_name(name)
        object.__setattr__(self, 'thresholds', tuple(map(_as_threshold, sequence('thresholds', self.thresholds))))
        specs = sequence('PrivacyConfig.slicing_specs', self.slicing_specs)
        object.__setattr__(self, 'slicing_specs', tuple(map(as_slicing_spec, specs)))
        object.__setattr__(self, 'overturns', tuple(map(_as_overturn, sequence('overturns', self.overturns))))
        self._check_splits()
        self._check_threshold_attacks()
        self._check_baseline()
        check_choice('PrivacyConfig.output_kind', self.output_kind, OUTPUT_KINDS)
        check_number('PrivacyConfig.confidence_level', self.confidence_level, 0.5, 0.9999)
        check_integer('PrivacyConfig.min_examples', self.min_examples, 2)
        check_integer('PrivacyConfig.seed', self.seed, 0)
        check_integer('PrivacyConfig.max_slices', self.max_slices, 1)
        check_integer('PrivacyConfig.max_distinct_scores', self.max_distinct_scores, 1000)
        check_number('PrivacyConfig.max_bad_record_share', self.max_bad_record_share, 0, 0.5)
        object.__setattr__(self, 'checks', checked_actions(self.checks))
        self._check_attack_settings()
        self._check_gate_settings()

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
        check_choice('PrivacyConfig.task', self.task, MODEL_TASKS)
        check_choice('PrivacyConfig.group_aggregation', self.group_aggregation, GROUP_AGGREGATIONS)
        if not isinstance(self.group_key, str):
            raise PrivacyInputError(f"PrivacyConfig.group_key is {self.group_key!r}; write a feature's name, or ''.")
        check_integer('PrivacyConfig.folds', self.folds, 2, 20)
        check_integer('PrivacyConfig.num_most_vulnerable', self.num_most_vulnerable, 0)
        for field in ('slice_by_class', 'slice_by_correctness', 'slice_by_loss_percentile', 'slice_missing'):
            check_flag(f'PrivacyConfig.{field}', getattr(self, field))

    def _check_gate_settings(self) -> None:
        check_choice('PrivacyConfig.small_slices', self.small_slices, (WARN, BLOCK))
        check_integer('PrivacyConfig.min_reported_examples', self.min_reported_examples, 0)
        if self.min_reported_examples > self.min_examples:
            raise PrivacyInputError(
                f'PrivacyConfig.min_reported_examples is {self.min_reported_examples} and min_examples only '
                f'{self.min_examples}: a slice could block without being named, so lower the first or raise the second.'
            )
        check_flag('PrivacyConfig.report_only', self.report_only)
        if self.report_only and self.thresholds:
            raise PrivacyInputError(
                'PrivacyConfig.report_only is true and would leave the thresholds unjudged: remove one or the other.'
            )

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

    def _check_baseline(self) -> None:
        check_choice('PrivacyConfig.without_baseline', self.without_baseline, (BLOCK, IGNORE))
        if self.without_baseline == IGNORE and self.thresholds and all(one.is_change for one in self.thresholds):
            raise PrivacyInputError(
                f"PrivacyConfig.without_baseline is '{IGNORE}' but every threshold limits a change, so without a "
                "baseline nothing would be checked: add a threshold with upper_bound, or set it to 'block'."
            )


def _as_threshold(value: Any) -> Threshold:
    return value if isinstance(value, Threshold) else from_mapping(Threshold, value, 'threshold')


def _as_overturn(value: Any) -> Overturn:
    return value if isinstance(value, Overturn) else from_mapping(Overturn, value, 'overturn')
