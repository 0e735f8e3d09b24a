"""evaluate_attribute_inference: whether a model gives away a sensitive feature of the people it was trained on."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from privacy_component.arrays import present_rows
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.settings import OutputSettings
from privacy_component.errors import PrivacyInputError, did_you_mean
from privacy_component.evaluation.arguments import read_inputs
from privacy_component.evaluation.fitted import labels_for, outputs_of_model, pair_of
from privacy_component.evaluation.result import report_module
from privacy_component.metrics.confidence import clopper_pearson_lower, clopper_pearson_upper
from privacy_component.metrics.design_effect import design_effect
from privacy_component.observations.observations import MULTICLASS, Observations
from privacy_component.observations.signals import compute

KINDS = ('logits', 'probabilities', 'predictions')
MOST_VALUES = 32
FEWEST_ROWS = 10


@dataclasses.dataclass(frozen=True)
class Share:
    """A share, or a difference of two, with its two-sided interval."""

    value: float
    lower: float
    upper: float

    def __str__(self) -> str:
        return f'{self.value:.3f} [{self.lower:.3f}, {self.upper:.3f}]'


@dataclasses.dataclass(frozen=True, repr=False)
class AttributeInference:
    """How often the attacker guesses the sensitive feature, with the model and without it.

    Attributes:
      sensitive: the feature: a name, or the number of a column.
      members: the share of members whose value the attack finds, with a two-sided interval.
      non_members: the same of non-members, of whom the model was told nothing.
      advantage: members less non-members: what the training gave away. Above 0 is a leak.
      bound: upper limit of the advantage, one-sided, which decides.
      imputation: the share of members whose value a classifier finds that never asks the model.
      commonest: the share of members who have the members' commonest value.
      num_values: how many values the feature has.
      num_members, num_non_members: rows.
      num_groups: people, authors or devices; None where every row counts as one.
      design_effect: by how much rows of one group inflate variances.
      confidence_level: of the intervals and of the bound.
    """

    sensitive: str | int
    members: Share
    non_members: Share
    advantage: Share
    bound: float
    imputation: Share
    commonest: float
    num_values: int
    num_members: int
    num_non_members: int
    num_groups: int | None
    design_effect: float
    confidence_level: float

    def passes(self, limit: float) -> bool:
        """Whether the advantage is shown to be at most `limit`, in (0, 1); what is undecided does not pass.

        Raises:
          PrivacyInputError: the limit is none.
        """
        return self.bound <= _limit(limit)

    def reason(self, limit: float) -> str:
        """Why it passes or does not, in a sentence."""
        passes = self.passes(limit)
        figure = f"attribute_inference of '{self.sensitive}': members less non-members {self.advantage.value:.3f}"
        bound = f'upper limit at {100 * self.confidence_level:g} % {self.bound:.3f}'
        if passes:
            return f'{figure}, {bound}, at most {limit:g}.'
        if self.advantage.lower > limit:
            return f'{figure}, {bound}, above {limit:g}: a leak is shown.'
        return f'{figure}, {bound}, above {limit:g}: not decided; give more people of either side.'

    def rows(self) -> list[dict[str, Any]]:
        """One dict per figure: value, lower and upper of the two-sided interval, and the sizes."""
        sizes = {'num_members': self.num_members, 'num_non_members': self.num_non_members}
        return [
            {'sensitive': self.sensitive, 'figure': name, **dataclasses.asdict(getattr(self, name)), **sizes}
            for name in ('members', 'non_members', 'advantage', 'imputation')
        ]

    def to_frame(self) -> Any:
        """`rows` as a pandas DataFrame.

        Raises:
          PrivacyInputError: pandas is not installed.
        """
        return report_module('frame').frame_of(self.rows())

    def __repr__(self) -> str:
        """The figures in a few lines."""
        groups = '' if self.num_groups is None else f', {self.num_groups:,} groups'
        return '\n'.join(
            [
                f"attribute inference of '{self.sensitive}', {self.num_values} values "
                f'({self.num_members:,} members, {self.num_non_members:,} non-members{groups})',
                f'  members                  {self.members}',
                f'  non-members              {self.non_members}',
                f'  members less non-members {self.advantage}, upper limit {self.bound:.3f}',
                f'  without the model        {self.imputation}; the commonest value: {self.commonest:.3f}',
            ]
        )


def evaluate_attribute_inference(
    model: Any,
    members: tuple[Any, ArrayLike],
    non_members: tuple[Any, ArrayLike],
    sensitive: str | int,
    *,
    outputs: str | None = None,
    task: str = 'auto',
    group_ids: ArrayLike | None = None,
    confidence_level: float = 0.95,
) -> AttributeInference:
    """Guesses a sensitive feature from the model, the label and all other features, and counts the hits.

    The attacker tries every value of the feature and takes the one with which the model's loss is smallest; values that
    tie are guessed at random, and count as that guess would on average. What a value's hits show beyond what any model
    of these data would is the difference between people whom the model was trained on and others: an accuracy alone
    says nothing, for features that go together give the value away without a model, and so does a model that learned
    how they go together. Hence the imputation baseline, a classifier fitted on the non-members' features and labels.

    Args:
      model: fitted, as for evaluate_model; or a function from examples to outputs, whose kind `outputs` says.
      members: (x, y), what it was trained on. x is a DataFrame, a mapping name -> (n,) values or a matrix (n, features)
        that holds the sensitive feature in one column; where the model takes it in several (one-hot), give a function
        that encodes.
      non_members: (x, y), drawn alike, which the model has not seen.
      sensitive: the name of the feature; of a matrix the number of its column. At most 32 values.
      outputs: 'logits', 'probabilities' or 'predictions': what a function returns.
      task: 'multilabel' for several labels per example, else 'auto'.
      group_ids: (n,) of members and, below these, of non-members: whose row it is. Intervals are then by people.
      confidence_level: of each interval, and of the bound that decides, in (0.5, 1).

    Returns:
      Shares of hits with their intervals, and their difference, which `passes` compares with a limit.

    Raises:
      PrivacyInputError: an argument cannot be used, the model does not take the feature, or the feature has no value,
        one, or too many.

    Reference: Yeom et al. 2018, arXiv 1709.01604, section 5, for the attack and the difference; Jayaraman and Evans
    2022, arXiv 2209.01292, for the imputation baseline.
    """
    if not 0.5 < confidence_level < 1:
        raise PrivacyInputError(f'confidence_level is {confidence_level!r}: give a number in (0.5, 1), 0.95 say.')
    ask = _asked(model, outputs)
    sides = [pair_of(name, side) for name, side in (('members', members), ('non_members', non_members))]
    tables = [_table(name, x) for name, (x, _) in zip(('members', 'non_members'), sides, strict=True)]
    truths = [_column(table, sensitive) for table in tables]
    values = _values(truths, sensitive)
    ids = None if group_ids is None else np.asarray(group_ids)
    is_member = np.repeat([True, False], [len(truth) for truth in truths])
    losses: list[NDArray[np.float64]] = []
    takes_it, before = False, None
    for value in values:
        answers = [ask(_with_value(table, sensitive, value)) for table in tables]
        kind, given = answers[0][0], np.concatenate([answer for _, answer in answers])
        labels = [labels_for(model, kind, y) for _, y in sides]
        found = _observed(is_member, np.concatenate(labels), kind, given, ids, task)
        losses.append(_loss(found))
        takes_it |= before is not None and not np.array_equal(before, given)
        before = given
    if not takes_it:
        raise PrivacyInputError(
            f"the model gives the same outputs whatever '{sensitive}' is, so it does not take the feature, or takes it "
            'under another name: name a feature that the model is given.'
        )
    hits = _hits(np.column_stack(losses), np.searchsorted(values, np.concatenate(truths)))
    imputed = _imputed(tables, truths, labels, sensitive, values)
    groups = np.arange(len(hits)) if found.group_id is None else found.group_id
    num_groups = None if found.group_id is None else len(np.unique(groups))
    commonest = float(np.unique(truths[0], return_counts=True)[1].max() / len(truths[0]))
    return _measured(sensitive, hits, imputed, is_member, groups, num_groups, commonest, len(values), confidence_level)


def _asked(model: Any, kind: str | None) -> Callable[[Any], tuple[str, NDArray]]:
    """Who is asked for the kind of outputs and the outputs."""
    if any(hasattr(model, name) for name in ('predict_proba', 'decision_function', 'predict')):
        return lambda x: outputs_of_model(model, x)
    if not callable(model):
        raise PrivacyInputError(f'the model is a {type(model).__name__}: give a fitted model, or a function.')
    if kind not in KINDS:
        raise PrivacyInputError(f'outputs is {kind!r}: say what the function returns, one of {", ".join(KINDS)}.')
    return lambda x: (kind, np.asarray(model(x)))


def _table(name: str, x: Any) -> Any:
    """A DataFrame, a mapping of arrays, or a matrix."""
    if _is_frame(x):
        return x
    if isinstance(x, Mapping):
        return {str(key): np.asarray(column) for key, column in x.items()}
    matrix = np.asarray(x)
    if matrix.ndim != 2:
        raise PrivacyInputError(
            f'{name}: the examples have shape {matrix.shape}; give a DataFrame, a mapping name -> (n,) values, or a '
            'matrix (n, features).'
        )
    return matrix


def _is_frame(x: Any) -> bool:
    return hasattr(x, 'columns') and hasattr(x, 'iloc')


def _column(table: Any, sensitive: str | int) -> NDArray:
    """(n,) the true values of the feature."""
    if isinstance(table, np.ndarray):
        if not isinstance(sensitive, int | np.integer) or not 0 <= sensitive < table.shape[1]:
            raise PrivacyInputError(
                f'sensitive is {sensitive!r}, and the examples are a matrix of {table.shape[1]} columns: give the '
                'number of one, from 0, or examples as a DataFrame.'
            )
        return table[:, sensitive]
    if sensitive not in table:
        names = ', '.join(f"'{name}'" for name in list(table)[:12])
        raise PrivacyInputError(
            f"the model takes no feature '{sensitive}'{did_you_mean(sensitive, map(str, table))}; there are {names}."
        )
    column = np.asarray(table[sensitive])
    return column[:, 0] if column.ndim == 2 and column.shape[1] == 1 else column


def _values(truths: list[NDArray], sensitive: str | int) -> NDArray:
    """The values that are tried, ascending."""
    for side, column in zip(('members', 'non_members'), truths, strict=True):
        if column.ndim != 1:
            raise PrivacyInputError(f"{side}: '{sensitive}' has shape {column.shape}; one value per example is needed.")
        if len(column) < FEWEST_ROWS:
            raise PrivacyInputError(f'{side}: {len(column)} examples; {FEWEST_ROWS} or more are needed.')
        present = present_rows(column)
        if present is not None:
            raise PrivacyInputError(
                f"{side}: '{sensitive}' has no value (None or NaN) in {int(np.count_nonzero(~present)):,} of "
                f'{len(column):,} examples: leave these out, for there is no truth to compare a guess with.'
            )
    try:
        values = np.unique(np.concatenate(truths))
    except TypeError as error:
        raise PrivacyInputError(f"'{sensitive}' holds texts and numbers: give one type of values.") from error
    if len(values) == 1:
        raise PrivacyInputError(f"'{sensitive}' has one value only: there is nothing to guess.")
    if len(values) > MOST_VALUES:
        raise PrivacyInputError(
            f"'{sensitive}' has {len(values):,} values, and each costs a run of the model: at most {MOST_VALUES}. Give "
            'a function that takes ranges of it.'
        )
    return values


def _with_value(table: Any, sensitive: str | int, value: Any) -> Any:
    """The examples, all with one value of the feature."""
    if isinstance(table, Mapping):
        changed = table[str(sensitive)].copy()
        changed[...] = value
        return {**table, str(sensitive): changed}
    copied = table.copy()
    if isinstance(table, np.ndarray):
        copied[:, sensitive] = value
    else:
        column = table[sensitive]
        copied[sensitive] = type(column)([value] * len(column), index=column.index, dtype=column.dtype)
    return copied


def _observed(
    is_member: NDArray[np.bool_], labels: NDArray, kind: str, outputs: NDArray, ids: NDArray | None, task: str
) -> Observations:
    config = PrivacyConfig(outputs=OutputSettings(task=task))
    return read_inputs(is_member, labels, {kind: outputs}, None, ids, None, config).observations


def _loss(observations: Observations) -> NDArray[np.float64]:
    """(n,) the loss; for classes in its order but without its ceiling, at which bad values would tie."""
    if observations.task == MULTICLASS:
        return -compute('scaled_logit', observations)
    return compute('loss', observations)


def _hits(losses: NDArray[np.float64], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) 1 where the true value has the smallest loss, 1 / k where k values tie for it, else 0."""
    is_guess = losses == losses.min(axis=1, keepdims=True)
    return is_guess[np.arange(len(truth)), truth] / is_guess.sum(axis=1)


def _imputed(
    tables: list[Any], truths: list[NDArray], labels: list[NDArray], sensitive: str | int, values: NDArray
) -> NDArray[np.float64]:
    """(members,) 1 where a classifier fitted on the non-members finds the value without the model."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    members, others = _known(tables, labels, sensitive)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        if len(np.unique(truths[1])) == 1:
            return (truths[0] == truths[1][0]).astype(np.float64)
        classifier = HistGradientBoostingClassifier(max_iter=100, early_stopping=False, random_state=0)
        guess = classifier.fit(others, np.searchsorted(values, truths[1])).predict(members)
    return (guess == np.searchsorted(values, truths[0])).astype(np.float64)


def _known(tables: list[Any], labels: list[NDArray], sensitive: str | int) -> tuple[NDArray, NDArray]:
    """(n, inputs) of either side: all other features, texts as codes, and the labels."""
    if isinstance(tables[0], np.ndarray):
        parts = [np.concatenate([np.delete(table, int(sensitive), axis=1) for table in tables])]
    else:
        names = [name for name in tables[0] if name != sensitive]
        parts = [np.concatenate([np.asarray(table[name]) for table in tables]) for name in names]
    parts.append(np.concatenate(labels))
    columns = [column for part in parts for column in part.reshape(len(part), -1).T]
    matrix = np.column_stack([_numbers(column) for column in columns])
    return matrix[: len(labels[0])], matrix[len(labels[0]) :]


def _numbers(column: NDArray) -> NDArray[np.float64]:
    if column.dtype.kind in 'biuf':
        return column.astype(np.float64)
    return np.unique(column.astype(np.str_), return_inverse=True)[1].astype(np.float64)


def _measured(
    sensitive: str | int,
    hits: NDArray[np.float64],
    imputed: NDArray[np.float64],
    is_member: NDArray[np.bool_],
    groups: NDArray,
    num_groups: int | None,
    commonest: float,
    num_values: int,
    level: float,
) -> AttributeInference:
    effect = design_effect(hits, is_member, groups)
    found = hits[is_member], hits[~is_member]
    return AttributeInference(
        sensitive=sensitive,
        members=_share(found[0], effect, level),
        non_members=_share(found[1], effect, level),
        advantage=difference(*found, effect, level),
        bound=difference(*found, effect, 2 * level - 1).upper,
        imputation=_share(imputed, _effect_on_a_share(imputed, groups[is_member]), level),
        commonest=commonest,
        num_values=num_values,
        num_members=len(found[0]),
        num_non_members=len(found[1]),
        num_groups=num_groups,
        design_effect=effect,
        confidence_level=level,
    )


def _effect_on_a_share(hits: NDArray[np.float64], groups: NDArray) -> float:
    """By how much groups inflate the variance of a share; at least 1 (Kish 1965, Survey Sampling)."""
    centred = hits - hits.mean()
    totals = np.bincount(np.unique(groups, return_inverse=True)[1], weights=centred)
    if len(totals) == 1 or not centred.any():
        return 1.0
    return max(1.0, float(totals @ totals / (centred @ centred)) * len(totals) / (len(totals) - 1))


def _share(hits: NDArray[np.float64], effect: float, level: float) -> Share:
    """A share with its two-sided interval, for len(hits) / effect independent rows."""
    successes, trials, alpha = hits.sum() / effect, len(hits) / effect, (1 - level) / 2
    lower = float(clopper_pearson_lower(successes, trials, alpha))
    return Share(float(hits.mean()), lower, float(clopper_pearson_upper(successes, trials, alpha)))


def difference(members: NDArray[np.float64], others: NDArray[np.float64], effect: float, level: float) -> Share:
    """Members' share less the others', with a two-sided interval.

    The limits of either share are combined in quadrature (Newcombe 1998, Statistics in Medicine 17, method 10, there
    with Wilson limits).

    Args:
      members, others: hits in [0, 1], one per row.
      effect: by how much rows of one group inflate variances.
      level: of the interval.
    """
    ours, theirs = _share(members, effect, level), _share(others, effect, level)
    value = ours.value - theirs.value
    below = np.hypot(ours.value - ours.lower, theirs.upper - theirs.value)
    above = np.hypot(ours.upper - ours.value, theirs.value - theirs.lower)
    return Share(value, float(value - below), float(value + above))


def _limit(limit: float) -> float:
    if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 < limit < 1:
        raise PrivacyInputError(f'limit is {limit!r}: give the largest difference that is allowed, in (0, 1); 0.1 say.')
    return limit
