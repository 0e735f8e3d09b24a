"""The arguments of evaluate_privacy, checked and brought into one form."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.arrays import all_rows
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.task_fit import check_fits
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import hash_ids
from privacy_component.observations.columns import Column, plain_value
from privacy_component.observations.labels import class_numbers
from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION, Observations
from privacy_component.observations.outputs import (
    LOGITS,
    PROBABILITIES,
    OutputEvidence,
    as_observations,
    can_be_probabilities,
)

_MOST_VALUES = 10_000
_FEW_VALUES, _ROWS_OF_A_VALUE = 50, 20
_KIND_HINT = 'regression goes with predictions, classification with logits or probabilities'
_TASK_HINT = "for several labels per example set PrivacyConfig.outputs.task to 'multilabel'"


@dataclasses.dataclass(frozen=True, eq=False)
class Inputs:
    """What evaluate_privacy was given.

    Attributes:
      observations: the examples.
      columns: the features to slice by.
      example_ids: (n,) as they were given, to name examples by; the row numbers if none were.
      evidence: what the outputs look like.
      outputs: (n, classes) as they were given.
      kind: 'logits', 'probabilities' or 'predictions'.
      has_ids: whether example_ids were given.
      warnings: what should be known about the outputs; sentences.
    """

    observations: Observations
    columns: Mapping[str, Column]
    example_ids: NDArray
    evidence: OutputEvidence
    outputs: NDArray
    kind: str
    has_ids: bool
    warnings: tuple[str, ...]


def read_inputs(
    is_member: ArrayLike,
    labels: ArrayLike | None,
    outputs: Mapping[str, ArrayLike | None],
    features: Mapping[str, ArrayLike] | None,
    group_ids: ArrayLike | None,
    example_ids: ArrayLike | None,
    config: PrivacyConfig,
    classes: Any = None,
) -> Inputs:
    """The arguments, checked.

    Args:
      is_member, labels, outputs, features, group_ids, example_ids, config: as evaluate_privacy's.
      classes: what labels call the classes where they are no texts; see `classes_in`.

    Raises:
      PrivacyInputError: an argument cannot be used; the message names it.
    """
    members = memberships(is_member)
    n = len(members)
    if config.people.group_key and group_ids is None:
        raise PrivacyInputError(
            f"PrivacyConfig.people.group_key is '{config.people.group_key}': give its values as group_ids."
        )
    kind, values = one_of_kinds(outputs)
    rows = outputs_of(kind, values, n)
    label_array = array_of('labels', labels, n)
    task = _task(config, kind, label_array)
    if classes is not None:
        if task != MULTICLASS:
            raise PrivacyInputError(f'classes names those of a {MULTICLASS} model, but this is a {task} one.')
        label_array = positions_in(classes, label_array, rows.reshape(n, -1).shape[1])
    elif config.outputs.classes:
        check_fits(config, task)
        label_array = class_numbers(label_array, config.outputs.classes, rows.reshape(n, -1).shape[1])
    evidence = check_evidence_of(kind, rows, task, config)
    ids = all_rows(n) if example_ids is None else _ids('example_ids', example_ids, n)
    observations = as_observations(
        is_member=members,
        example_id=hash_ids(ids),
        labels=label_array,
        outputs=rows,
        kind=LOGITS if task == REGRESSION else kind,
        task=task,
        group_id=None if group_ids is None else hash_ids(_ids('group_ids', group_ids, n)),
    )
    columns = {name: _column(name, values, n) for name, values in _named(features).items()}
    warnings = (*_warnings(kind, evidence, task), *_continuous(columns, n))
    return Inputs(observations, columns, ids, evidence, rows, kind, example_ids is not None, warnings)


def classes_in(config: PrivacyConfig, classes: Any) -> tuple[PrivacyConfig, NDArray | None]:
    """What labels call the classes, as the config says it; or beside the config, where they are no texts.

    Args:
      config: of the evaluation.
      classes: names or numbers in the order of the model's outputs, or something fitted that has them as classes_.

    Raises:
      PrivacyInputError: these are no such names, or the config names others.
    """
    if classes is None:
        return config, None
    array = array_of('classes', getattr(classes, 'classes_', classes), None)
    if array.ndim != 1 or array.dtype.kind not in 'biufSUO':
        raise PrivacyInputError(
            f'classes has shape {array.shape} and type {array.dtype}; give one name or number for each class, in the '
            "order of the model's outputs, or an encoder that was fitted to the labels."
        )
    if array.dtype.kind in 'biuf':
        if len(np.unique(array)) < len(array):
            raise PrivacyInputError('classes names one number twice: name every class once.')
        return config, array
    names: tuple[Any, ...] = tuple(map(plain_value, array.tolist()))
    if config.outputs.classes not in ((), names):
        raise PrivacyInputError('classes and PrivacyConfig.outputs.classes name other classes: give one of them.')
    return dataclasses.replace(config, outputs=dataclasses.replace(config.outputs, classes=names)), None


def positions_in(classes: NDArray, labels: NDArray, num_outputs: int) -> NDArray[np.int64]:
    """(n,) the position of each label among the classes; numbers, and all different.

    Raises:
      PrivacyInputError: labels are no numbers, some are none of the classes, or the model has more or fewer classes.
    """
    if len(classes) != max(num_outputs, 2):
        raise PrivacyInputError(
            f'classes names {len(classes)} classes, but the model has {max(num_outputs, 2)}: name all of them, in the '
            'order of its outputs.'
        )
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or labels.dtype.kind not in 'biuf':
        raise PrivacyInputError(
            f'labels has shape {labels.shape} and type {labels.dtype}, but classes holds numbers: one number per '
            'example is needed.'
        )
    order = np.argsort(classes, kind='stable')
    places = np.minimum(np.searchsorted(classes[order], labels), len(classes) - 1)
    known = classes[order][places] == labels
    if not known.all():
        raise PrivacyInputError(
            f'{int(np.count_nonzero(~known)):,} of {len(labels):,} labels are none of the {len(classes)} classes: '
            'leave these examples out.'
        )
    return order[places]


def memberships(is_member: ArrayLike) -> NDArray[np.bool_]:
    """(n,) True for members.

    Raises:
      PrivacyInputError: it is not one True or False for each example.
    """
    members = array_of('is_member', is_member, None)
    if members.ndim != 1 or members.dtype.kind not in 'biuf' or not np.isin(members, (0, 1)).all():
        raise PrivacyInputError(
            f'is_member has shape {members.shape} and type {members.dtype}; it must be one True or False per example.'
        )
    if not len(members):
        raise PrivacyInputError('is_member is empty: there is no example to evaluate.')
    return members.astype(bool)


def one_of_kinds(outputs: Mapping[str, ArrayLike | None]) -> tuple[str, ArrayLike]:
    """The one entry that is given.

    Raises:
      PrivacyInputError: none is, or several are.
    """
    given = [(name, values) for name, values in outputs.items() if values is not None]
    if len(given) != 1:
        found = ' and '.join(name for name, _ in given) or 'none of them'
        raise PrivacyInputError(f'give exactly one of {", ".join(outputs)}; {found} was given.')
    return given[0]


def outputs_of(name: str, values: ArrayLike, n: int) -> NDArray:
    """(n, classes) or (n,) numbers.

    Raises:
      PrivacyInputError: another shape or type; the message names it.
    """
    rows = array_of(name, values, n)
    if rows.ndim not in (1, 2) or 0 in rows.shape or rows.dtype.kind not in 'biuf':
        raise PrivacyInputError(
            f'{name} has shape {rows.shape} and type {rows.dtype}; numbers of shape (n, classes), (n, 1) or (n,) '
            'are needed.'
        )
    return rows


def wrong_kind(name: str, task: str) -> PrivacyInputError:
    """The error for outputs of a kind that does not go with the task."""
    return PrivacyInputError(f'{name} were given for a {task} model: {_KIND_HINT}.')


def _task(config: PrivacyConfig, kind: str, labels: NDArray) -> str:
    if kind == 'predictions' or config.outputs.task == REGRESSION:
        if config.outputs.task not in ('auto', REGRESSION) or kind != 'predictions':
            raise PrivacyInputError(
                f"PrivacyConfig.outputs.task is '{config.outputs.task}' but {kind} were given: {_KIND_HINT}."
            )
        return REGRESSION
    if config.outputs.task != 'auto':
        return config.outputs.task
    if labels.ndim != 2 or labels.shape[1] == 1:
        return MULTICLASS
    is_multi_hot = labels.dtype.kind in 'biuf' and np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) != 1).any()
    if not is_multi_hot:
        raise PrivacyInputError(
            f'labels has shape {labels.shape}; one class number per example is needed. Turn one-hot rows into class '
            f'numbers with labels.argmax(axis=1); {_TASK_HINT}.'
        )
    return MULTILABEL


def check_evidence_of(kind: str, rows: NDArray, task: str, config: PrivacyConfig) -> OutputEvidence:
    """What outputs look like, if that is what they are said to be.

    Raises:
      PrivacyInputError: they are not, or the config says otherwise.
    """
    evidence = OutputEvidence.of(rows)
    if kind == PROBABILITIES and not can_be_probabilities(evidence, task):
        is_logits = '' if evidence.lie_in_unit_interval() else 'hand them in as logits if that is what they are; '
        raise PrivacyInputError(
            f'probabilities: {evidence.rounded().in_words()}. They must lie in [0, 1] and rows of several classes sum '
            f'to 1: {is_logits}{_TASK_HINT}.'
        )
    if kind in (LOGITS, PROBABILITIES) and config.outputs.kind not in ('auto', kind):
        raise PrivacyInputError(f"PrivacyConfig.outputs.kind is '{config.outputs.kind}' but {kind} were given.")
    return evidence


def _warnings(kind: str, evidence: OutputEvidence, task: str) -> list[str]:
    warnings = evidence.rounding_warning(kind, task)
    if kind == LOGITS and task == MULTICLASS and evidence.num_outputs > 1 and evidence.look_like_probabilities():
        warnings.append(
            f'What was given as logits looks like probabilities ({evidence.in_words()}): hand it in as probabilities= '
            'if it is.'
        )
    return warnings


def _named(features: Any) -> Mapping[str, ArrayLike]:
    if hasattr(features, 'columns') and hasattr(features, 'iloc'):  # a DataFrame
        return {str(name): features[name] for name in features}
    if features is not None and not isinstance(features, Mapping):
        raise PrivacyInputError(f'features is a {type(features).__name__}; give a dict from name to (n,) values.')
    return features or {}


def _column(name: str, values: ArrayLike, n: int) -> Column:
    where = f"feature '{name}'"
    if not isinstance(name, str) or not name or name.startswith('@'):
        raise PrivacyInputError(f'{where}: a name must be text that does not start with @.')
    array = array_of(where, _without_na(values), n)
    if array.dtype.kind in 'mM':
        raise PrivacyInputError(
            f'{where} holds dates or times, each of which would be a slice: give the month, weekday or hour as text or '
            'number.'
        )
    if array.ndim != 1 or array.dtype.kind not in 'biufSUO':
        raise PrivacyInputError(
            f'{where} has shape {array.shape} and type {array.dtype}; one value per example is needed.'
        )
    try:
        column = Column.from_values(array)
    except (TypeError, ValueError) as error:
        raise PrivacyInputError(
            f'{where} holds values that cannot be told apart ({error}): give text or numbers, and None where there is '
            'no value.'
        ) from error
    if len(column.vocabulary) > _MOST_VALUES:
        raise PrivacyInputError(
            f'{where} takes {len(column.vocabulary):,} values, and each is a slice: group them into at most '
            f'{_MOST_VALUES:,}.'
        )
    return column


def _without_na(values: Any) -> Any:
    """A pandas column of any kind as values with None where there is none."""
    if not (hasattr(values, 'isna') and hasattr(values, 'astype')):
        return values
    if isinstance(values.dtype, np.dtype) and values.dtype.kind != 'O':
        return values
    objects = np.array(values.astype(object))
    objects[np.asarray(values.isna())] = None
    return objects


def _continuous(columns: Mapping[str, Column], n: int) -> list[str]:
    """A word on features with so many values that next to no slice can be judged."""
    return [
        f"The feature '{name}' takes {len(column.vocabulary):,} values in {n:,} examples, and each is a slice, most of "
        'them too small to judge: cut it into ranges, with pandas.cut for example.'
        for name, column in columns.items()
        if len(column.vocabulary) > max(_FEW_VALUES, n // _ROWS_OF_A_VALUE)
    ]


def _ids(name: str, values: ArrayLike, n: int) -> NDArray:
    ids = array_of(name, values, n)
    if ids.dtype.kind == 'O' and set(map(type, ids.tolist())) == {str}:
        ids = ids.astype(np.str_)
    if ids.ndim != 1 or ids.dtype.kind not in 'biuSU':
        raise PrivacyInputError(
            f'{name} has shape {ids.shape} and type {ids.dtype}; one whole number or text per example is needed.'
        )
    return ids.astype(np.str_) if ids.dtype.kind == 'S' else ids


def array_of(name: str, values: Any, n: int | None) -> NDArray:
    """An array with n rows; with any number of them for None.

    Raises:
      PrivacyInputError: it is none, or of another length; the message names it.
    """
    if values is None:
        raise PrivacyInputError(f'{name} is missing.')
    try:
        array = _as_array(name, values)
    except ValueError as error:
        if isinstance(error, PrivacyInputError):
            raise
        raise PrivacyInputError(f'{name} is not a regular array: {error}') from error
    if array.ndim == 0 or (n is not None and len(array) != n):
        raise PrivacyInputError(
            f'{name} has shape {array.shape} but is_member has {n} entries: all describe the same examples.'
            if n is not None
            else f'{name} has shape {array.shape}; one entry per example is needed.'
        )
    return array


def _as_array(name: str, values: Any) -> NDArray:
    """What is handed in as numpy has it, whichever library it is of."""
    if hasattr(values, 'detach'):  # a tensor of torch, which may be on another device
        return np.asarray(values.detach().cpu())
    if hasattr(values, 'dtypes') and hasattr(values, 'iloc') and hasattr(values, 'columns'):  # a DataFrame
        return np.column_stack([_as_array(name, values.iloc[:, i]) for i in range(values.shape[1])])
    if hasattr(values, 'isna') and not isinstance(getattr(values, 'dtype', None), np.dtype):
        return _of_extension(name, values)
    if hasattr(values, '__dlpack__') and not hasattr(values, '__array__'):
        try:
            return np.from_dlpack(values)
        except (BufferError, RuntimeError, TypeError) as error:
            raise PrivacyInputError(f'{name} cannot be read where it lies ({error}): copy it to the CPU.') from error
    return np.asarray(values)


def _of_extension(name: str, values: Any) -> NDArray:
    """A nullable or categorical column of pandas, whose values are of one type.

    Raises:
      PrivacyInputError: it lacks some.
    """
    num_missing = int(np.count_nonzero(values.isna()))
    if num_missing:
        raise PrivacyInputError(
            f'{name} has no value in {num_missing:,} of {len(values):,} examples: leave these examples out.'
        )
    plain = values.tolist()
    return np.array(plain, None if len(set(map(type, plain))) == 1 else object)
