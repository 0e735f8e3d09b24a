"""The arguments of evaluate_privacy that are more than the model's own outputs: other models, and signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError, prefixed_errors
from privacy_component.evaluation.arguments import array_of, check_evidence_of, one_of_kinds, outputs_of, wrong_kind
from privacy_component.observations.needs import (
    NEEDS,
    REFERENCE_IS_MEMBER,
    REFERENCE_SIGNALS,
    SNAPSHOT_ALIGNMENT,
    SNAPSHOT_SIGNALS,
    Need,
    need_of,
)
from privacy_component.observations.observations import REGRESSION, Observations
from privacy_component.observations.outputs import LOGITS, as_observations
from privacy_component.observations.reference_signals import main_signal
from privacy_component.observations.signals import SIGNALS

Kinds = Mapping[str, ArrayLike | None]


def read_baseline(outputs: Kinds, candidate: Observations, config: PrivacyConfig) -> Observations | None:
    """What a baseline model says of the candidate's examples; None if no outputs of one are given.

    Args:
      outputs: by kind: 'logits', 'probabilities' and 'predictions'.
      candidate: the examples.
      config: says how the outputs of either model are to be read.

    Raises:
      PrivacyInputError: the outputs cannot be used; the message says that they are the baseline's.
    """
    if all(values is None for values in outputs.values()):
        return None
    with prefixed_errors('the baseline model'):
        kind, rows = _one_kind('baseline', outputs, candidate)
        return _seen_by(kind, outputs_of(f'baseline_{kind}', rows, len(candidate)), candidate, config)


def read_columns(
    signals: Mapping[str, ArrayLike] | None,
    references: Kinds,
    reference_is_member: ArrayLike | None,
    snapshots: Kinds,
    candidate: Observations,
    config: PrivacyConfig,
) -> dict[str, NDArray]:
    """The columns of Observations that attacks may ask for besides labels and outputs; {} if none are given.

    Args:
      signals: name -> (n,) numbers, or (n, k) of a column that has several.
      references, snapshots: outputs of K models by kind, (K, n, classes) or (K, n).
      reference_is_member: (K, n) True where the reference model was trained on the example.
      candidate: the examples.
      config: says how outputs are to be read.

    Raises:
      PrivacyInputError: an argument cannot be used; the message names it.
    """
    columns: dict[str, NDArray] = {}
    for name, values in (signals or {}).items():
        columns[name] = _signal(name, values, len(candidate))
    if are_given(references):
        signals_of = [main_signal(seen) for seen in _of_models('reference', references, candidate, config)]
        columns[REFERENCE_SIGNALS] = np.stack(signals_of, axis=1)
    if are_given(snapshots):
        if SNAPSHOT_SIGNALS in columns:
            raise PrivacyInputError(f"signals has '{SNAPSHOT_SIGNALS}', which follows from snapshot_logits: give one.")
        seen_by = _of_models('snapshot', snapshots, candidate, config)
        columns[SNAPSHOT_SIGNALS] = np.stack([main_signal(seen) for seen in seen_by], axis=1)
    if reference_is_member is not None:
        columns[REFERENCE_IS_MEMBER] = _memberships(reference_is_member, columns.get(REFERENCE_SIGNALS))
    _check_snapshots(columns)
    return columns


def _check_snapshots(columns: Mapping[str, NDArray]) -> None:
    signals, alignment = columns.get(SNAPSHOT_SIGNALS), columns.get(SNAPSHOT_ALIGNMENT)
    if signals is not None and signals.shape[1] < 2:
        raise PrivacyInputError(
            'there is one snapshot, and a trajectory has two or more, in the order of training: give more, or none.'
        )
    if signals is not None and alignment is not None and alignment.shape[1] != signals.shape[1] - 1:
        raise PrivacyInputError(
            f"signals['{SNAPSHOT_ALIGNMENT}'] has {alignment.shape[1]} columns, and there are {signals.shape[1]} "
            'snapshots: give one column for each snapshot but the last.'
        )


def _signal(name: Any, values: ArrayLike, n: int) -> NDArray[np.float64]:
    known = [column for column, need in NEEDS.items() if not need.is_signal]
    if not isinstance(name, str) or not name or name in SIGNALS or name in known:
        raise PrivacyInputError(
            f'signals has the name {name!r}; choose a text that is none of what follows from other arguments: '
            f'{", ".join([*SIGNALS, *known])}.'
        )
    column = array_of(f"signals['{name}']", values, n)
    need = need_of(name)
    if column.ndim != 1 + need.is_wide or 0 in column.shape or column.dtype.kind not in 'biuf':
        wanted = f'numbers of shape {need.shape} are' if need.is_wide else 'one number per example is'
        raise PrivacyInputError(f"signals['{name}'] has shape {column.shape} and type {column.dtype}; {wanted} needed.")
    missing = int(np.count_nonzero(~np.isfinite(column.reshape(n, -1)).all(axis=1)))
    if missing:
        raise PrivacyInputError(
            f"signals['{name}'] is NaN or infinite in {missing} of {n} examples: give a finite number for every one."
        )
    _check_range(f"signals['{name}']", column, need)
    return column.astype(np.float64)


def _check_range(title: str, column: NDArray, need: Need) -> None:
    beyond = int(np.count_nonzero((column < need.lowest) | (column > need.highest)))
    if beyond:
        limits = [
            f'below {need.lowest:g}' * (need.lowest > -np.inf),
            f'above {need.highest:g}' * (need.highest < np.inf),
        ]
        raise PrivacyInputError(
            f'{title} has {beyond:,} numbers {" or ".join(filter(None, limits))}, which it never is: give what its '
            'attack is said to compare, see docs/attacks.md.'
        )


def are_given(outputs: Kinds) -> bool:
    """Whether outputs of any kind are given."""
    return any(values is not None for values in outputs.values())


def _of_models(role: str, outputs: Kinds, candidate: Observations, config: PrivacyConfig) -> Iterator[Observations]:
    """The candidate's examples as each of K models sees them, one at a time."""
    kind, given = _one_kind(role, outputs, candidate)
    models = array_of(f'{role}_{kind}', given, None)
    if models.ndim not in (2, 3) or models.shape[1] != len(candidate) or not len(models):
        raise PrivacyInputError(
            f'{role}_{kind} has shape {models.shape}; (models, n, classes) or (models, n) with n = {len(candidate)} is '
            'needed.'
        )
    for number, rows in enumerate(models):
        with prefixed_errors(f'{role} model {number}'):
            yield _seen_by(kind, rows, candidate, config)


def _memberships(values: ArrayLike, signals: NDArray | None) -> NDArray[np.bool_]:
    members = array_of('reference_is_member', values, None)
    if signals is None or members.shape != signals.shape[::-1] or not np.isin(members, (0, 1)).all():
        wanted = 'reference_logits beside it' if signals is None else f'shape {signals.shape[::-1]}'
        raise PrivacyInputError(
            f'reference_is_member has shape {members.shape}; it must be True or False for each model and example, with '
            f'{wanted}.'
        )
    return members.T.astype(bool)


def _one_kind(role: str, outputs: Kinds, candidate: Observations) -> tuple[str, Any]:
    """The one kind of outputs that is given, if it is that of the candidate's task, and its values."""
    name, values = one_of_kinds({f'{role}_{kind}': given for kind, given in outputs.items()})
    kind = name.removeprefix(f'{role}_')
    if (kind == 'predictions') != (candidate.task == REGRESSION):
        raise wrong_kind(name, candidate.task)
    return kind, values


def _seen_by(kind: str, rows: NDArray, candidate: Observations, config: PrivacyConfig) -> Observations:
    """The candidate's examples with the outputs of another model."""
    check_evidence_of(kind, rows, candidate.task, config)
    seen = as_observations(
        is_member=candidate.is_member,
        example_id=candidate.example_id,
        labels=candidate.labels,
        outputs=rows,
        kind=LOGITS if candidate.task == REGRESSION else kind,
        task=candidate.task,
        group_id=candidate.group_id,
    )
    if seen.outputs.shape[1] != candidate.outputs.shape[1]:
        raise PrivacyInputError(
            f'it gives {seen.outputs.shape[1]} outputs per example and the candidate {candidate.outputs.shape[1]}: '
            'models are compared that were trained for the same labels.'
        )
    return seen
