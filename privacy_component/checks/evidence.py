"""What the checks look at: a few numbers, gathered from arrays or by a job."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from privacy_component.observations.columns import SliceValue
from privacy_component.observations.outputs import OutputEvidence


@dataclasses.dataclass(frozen=True)
class LabelFigures:
    """The labels, beside the answers.

    Attributes:
      is_constant: whether every example has the same.
      accuracy: the share of the members' labels that are answered rightly; 0 for regression, as the next two.
      chance: the share that would be if labels and answers had nothing to do with one another.
      claimed: the mean of the probabilities that the model gives to its answers to members.
      mix_distance: total variation between the classes of members and of non-members; 0 where there are no classes.
      mix_p_value: of the hypothesis that both sides have the same classes.
    """

    is_constant: bool
    accuracy: float
    chance: float
    claimed: float
    mix_distance: float
    mix_p_value: float


@dataclasses.dataclass(frozen=True)
class NearFigures:
    """Examples on different sides with equal answers and labels.

    Attributes:
      share: of the non-members, how many share theirs with a member beyond chance; an estimate.
      p_value: at most so probable is such a sharing by chance.
      num_alike: answers that several examples get, and that were looked at.
    """

    share: float
    p_value: float
    num_alike: int


@dataclasses.dataclass(frozen=True)
class AnswerFigures:
    """What the model answered.

    Attributes:
      num_examples: how many were answered.
      num_distinct: distinct answers; where `is_exact` is False, at least so many.
      is_exact: whether all distinct answers were counted.
      num_commonest: how many examples got the commonest answer; an estimate where `is_exact` is False.
      decimals: every output is a multiple of 10^-decimals; `answers.MORE_DECIMALS` for none of those looked at.
      num_members, num_non_members: how many there are.
      right_members, right_non_members: how many of them the model answers right; 0 for regression.
      labels: the labels beside the answers.
      tied_pairs: the share of all pairs of a member and a non-member whose losses are the same.
      near: non-members that are answered as a member is.
    """

    num_examples: int
    num_distinct: int
    is_exact: bool
    num_commonest: int
    decimals: int
    num_members: int
    num_non_members: int
    right_members: int
    right_non_members: int
    labels: LabelFigures
    tied_pairs: float
    near: NearFigures


@dataclasses.dataclass(frozen=True)
class DuplicateFigures:
    """How many examples are alike; estimates where `is_exact` is False.

    Attributes:
      num_members, num_non_members: of all examples.
      num_distinct: distinct examples.
      is_exact: False if counts are estimated from `num_looked_at` distinct examples.
      num_looked_at: distinct examples that were counted.
      shared_non_members: non-members that stand among the members too.
      copied_members, copied_non_members: members that are like another member, and the same of non-members.
      sum_of_squares, sum_of_squares_outside: over the distinct examples, of how often each stands among the members,
        and among the non-members.
    """

    num_members: int
    num_non_members: int
    num_distinct: float
    is_exact: bool
    num_looked_at: int
    shared_non_members: float
    copied_members: float
    sum_of_squares: float
    copied_non_members: float = 0
    sum_of_squares_outside: float = 0


@dataclasses.dataclass(frozen=True)
class BlindFigures:
    """How well members and non-members can be told apart without the model.

    Attributes:
      auc: of a classifier on features alone, out of fold.
      lower, upper: its lower confidence limit at `blind_baseline.ALPHA`, and its upper one at ALPHA_BELOW.
      num_members, num_non_members: distinct examples that it was fitted on and scored.
      num_inputs: the classifier's inputs.
      features: those on which the two sides differ most, the most first.
    """

    auc: float
    lower: float
    upper: float
    num_members: int
    num_non_members: int
    num_inputs: int
    features: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ValueFigures:
    """A value of a slicing feature that many examples of one side have, and hardly any of the other.

    Attributes:
      feature, value: which.
      num_rows: how many examples of the side have it.
      is_of_members: which side that is.
      fewer_than: above how many of the other side have it; no closer than PrivacyConfig.min_reported_examples.
    """

    feature: str
    value: SliceValue
    num_rows: int
    is_of_members: bool
    fewer_than: int


@dataclasses.dataclass(frozen=True)
class StableFigures:
    """What models answered when they were asked again.

    Attributes:
      largest: role of a model -> the largest change of an answer, in standard deviations of its outputs.
      num_asked: how many examples they were asked about again.
    """

    largest: Mapping[str, float]
    num_asked: int


@dataclasses.dataclass(frozen=True)
class OtherAnswers:
    """The model's answers besides those that are judged.

    Attributes:
      signature, output: the one that is judged.
      num_examples: examples that all were asked about.
      different: other signatures and outputs that do not tell the same.
      alike: those that do.
      left_out: those that were not compared, and why.
    """

    signature: str
    output: str
    num_examples: int
    different: tuple[str, ...]
    alike: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class ReferenceFigures:
    """K reference models beside the audited one; pairs are of examples not trained on, and trained on.

    Attributes:
      num_known, num_unknown: (K,) how many examples each was trained on, and how many not.
      areas: (K,) how probably each does better on one that it was trained on than on another.
      strangers: (K,) how probably each does better on a member than on a non-member that it was not trained on.
      repeated: pairs of numbers, from 0, of models that say the same to the last bit.
      distances: of the audited model's signals from those of all reference models, from 0 to 1.
      spreads: the largest distance of a reference model from the others.
      noise: what chance adds to a distance.
    """

    num_known: tuple[int, ...]
    num_unknown: tuple[int, ...]
    areas: tuple[float, ...]
    strangers: tuple[float, ...]
    repeated: tuple[tuple[int, int], ...]
    distances: tuple[float, float]
    spreads: tuple[float, float]
    noise: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class ColumnFigures:
    """What attacks compare besides labels and outputs.

    Attributes:
      num_columns: how many such columns there are.
      constant: names of those that are the same for every example.
    """

    num_columns: int
    constant: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Evidence:
    """Everything that checks look at.

    Attributes:
      task: the observations' task.
      kind: 'logits', 'probabilities' or 'predictions'.
      outputs: range and ends of the outputs.
      answers: what the model answered.
      duplicates: how many examples are alike; text says why that is not known.
      blind: the classifier without the model; text says why there is none.
      values: of slicing features, those that hardly stand on one side; text says why they are not known.
      stability: what models answered when they were asked again; text says why they were not.
      other_answers: what else the model answers; text says why that is not known.
      references: the reference models; text says why there are none.
      columns: what attacks compare besides labels and outputs; text says why there is none.
      are_sequences: whether the examples are sequences of tokens, which have no labels besides these.
    """

    task: str
    kind: str
    outputs: OutputEvidence
    answers: AnswerFigures
    duplicates: DuplicateFigures | str
    blind: BlindFigures | str
    values: tuple[ValueFigures, ...] | str = 'The slices were not looked at.'
    stability: StableFigures | str = 'The model was not asked again.'
    other_answers: OtherAnswers | str = 'Other answers were not looked at.'
    references: ReferenceFigures | str = 'There are no reference models.'
    columns: ColumnFigures | str = 'Nothing but labels and outputs was looked at.'
    are_sequences: bool = False
