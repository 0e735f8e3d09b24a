"""The groups of settings in a PrivacyConfig, by what they are about."""

from __future__ import annotations

from dataclasses import dataclass, field

from privacy_component.config.declared import declare, settle
from privacy_component.config.refusal_override import RefusalOverride
from privacy_component.config.rules import Choice, Each, Flag, Integer, Names, Number, Text
from privacy_component.metrics.counts.groups import AGGREGATIONS, NO_AGGREGATION
from privacy_component.observations.observations import TASKS

AUTO = 'auto'
BLOCK = 'block'
IGNORE = 'ignore'
WARN = 'warn'


@dataclass(frozen=True)
class SliceSettings:
    """Which slices are looked at besides those of slicing specs, and how.

    Attributes:
      by_class: also look at every class of the label.
      by_correctness: also look at what the model gets right and what it gets wrong.
      by_loss_percentile: also look at every tenth of the examples by loss; diagnostic, such slices never gate. Costs a
        Beam job a first pass.
      missing: what has no value of a feature is a slice, '<missing>'; else it is in none by it, as with TFMA.
      max_slices: more slices than this are an error.
    """

    by_class: bool = field(default=True, metadata=declare(Flag()))
    by_correctness: bool = field(default=False, metadata=declare(Flag()))
    by_loss_percentile: bool = field(default=False, metadata=declare(Flag()))
    missing: bool = field(default=False, metadata=declare(Flag()))
    max_slices: int = field(default=10_000, metadata=declare(Integer(1)))

    def __post_init__(self) -> None:
        settle(self, 'PrivacyConfig.slices')


@dataclass(frozen=True)
class PeopleSettings:
    """Whose the examples are, and when they may be told apart in what is written.

    Attributes:
      group_key: the feature that says whose example it is (a person, author or device); '' for none. For the component:
        evaluate_privacy takes group_ids. Attacks that learn then never score a person whom they have learnt from.
      group_aggregation: 'none', or how the scores of a group's examples become the group's: 'mean', 'max', 'logsumexp';
        then groups are what is counted, each compared with those of as many examples. Groups on both sides are left
        out, and more than 5 % of them are an error: split by group. The component needs 'mean' or 'max' with
        group_key; its memory is some 60 bytes for each group, slice and attack.
      num_most_vulnerable: how many members at the highest risk are named in the result, by id; costs a Beam job a
        second pass. The component's ids are hashes that a secret salt goes into; see SECURITY.md.
      min_reported_examples: fewer members or non-members than this and a slice is counted, not named; 0 names all. At
        most decision.min_examples.
    """

    group_key: str = field(default='', metadata=declare(Text("write a feature's name, or ''")))
    group_aggregation: str = field(default=NO_AGGREGATION, metadata=declare(Choice((NO_AGGREGATION, *AGGREGATIONS))))
    num_most_vulnerable: int = field(default=0, metadata=declare(Integer(0)))
    min_reported_examples: int = field(default=10, metadata=declare(Integer(0)))

    def __post_init__(self) -> None:
        settle(self, 'PrivacyConfig.people')


@dataclass(frozen=True)
class OutputSettings:
    """What the model's outputs are.

    Attributes:
      task: 'multiclass', 'multilabel' or 'regression'; 'auto' takes two or more labels per example for multilabel,
        predictions for regression, and all else for multiclass.
      kind: whether they are 'logits' or 'probabilities'; 'auto' decides for the whole data set. A baseline model's are
        what is named here too, and decided on their own by 'auto'.
      classes: what labels call the classes, in the order of the outputs, where they are text and not numbers.
    """

    task: str = field(default=AUTO, metadata=declare(Choice((AUTO, *TASKS))))
    kind: str = field(default=AUTO, metadata=declare(Choice((AUTO, 'logits', 'probabilities'))))
    classes: tuple[str, ...] = field(default=(), metadata=declare(Names()))

    def __post_init__(self) -> None:
        settle(self, 'PrivacyConfig.outputs')


@dataclass(frozen=True)
class MeasurementSettings:
    """How exactly is measured.

    Attributes:
      folds: attacks that learn are fitted on all folds but one and score that one.
      seed: of everything that is random; combined with hashes of the examples.
      max_distinct_scores: of each slice and attack; above it, scores are rounded. What that may hide is in every limit,
        and a comparison that it leaves open blocks.
      max_bad_record_share: of a split's records, how many the component may drop and count because they cannot be
        parsed; 0 fails at the first.
      batch_size: how many examples the component calls a model with; 0 for 1024, or fewer where no split has as many.
      time_limit_seconds: how long the component may take, a day by default, and 0 for ever; then it fails, and names
        what has not ended.
      num_queries: how many noisy copies of each example the component asks the model about for `label_stability`, each
        at the cost of one more answer.
    """

    folds: int = field(default=2, metadata=declare(Integer(2, 20)))
    seed: int = field(default=0, metadata=declare(Integer(0)))
    max_distinct_scores: int = field(default=50_000, metadata=declare(Integer(1000)))
    max_bad_record_share: float = field(default=0.0, metadata=declare(Number(0, 0.5)))
    batch_size: int = field(default=0, metadata=declare(Integer(0, 65_536)))
    time_limit_seconds: int = field(default=86_400, metadata=declare(Integer(0, 31_536_000)))
    num_queries: int = field(default=32, metadata=declare(Integer(1, 1000)))

    def __post_init__(self) -> None:
        settle(self, 'PrivacyConfig.measurement')


@dataclass(frozen=True)
class DecisionSettings:
    """How the thresholds are judged. A replay may change all of it.

    Attributes:
      confidence_level: of the intervals, and one minus the gate's error rate over all comparisons together.
      min_examples: fewer members or non-members than this and a slice is inconclusive.
      small_slices: whether slices found through feature_keys that are too small to decide 'warn' or 'block'; those
        named by feature values always block.
      without_baseline: what thresholds on a change do where there is no baseline model: 'block', or 'ignore', which
        leaves the decision to the others (there must be some), as Evaluator does. A pipeline whose baseline is the
        model that it blessed last needs 'ignore' for its first run.
      refusal_overrides: models that may be blessed although an earlier evaluation refused them, each with the reason.
    """

    confidence_level: float = field(
        default=0.95, metadata=declare(Number(0.5, 0.9999, is_low_excluded=True), replayable=True)
    )
    min_examples: int = field(default=30, metadata=declare(Integer(2), replayable=True))
    small_slices: str = field(default=WARN, metadata=declare(Choice((WARN, BLOCK)), replayable=True))
    without_baseline: str = field(default=BLOCK, metadata=declare(Choice((BLOCK, IGNORE)), replayable=True))
    refusal_overrides: tuple[RefusalOverride, ...] = field(
        default=(), metadata=declare(Each(RefusalOverride), replayable=True)
    )

    def __post_init__(self) -> None:
        settle(self, 'PrivacyConfig.decision')
