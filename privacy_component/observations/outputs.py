"""From a model's outputs, whatever their kind, to logits that every signal understands."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.labels import class_labels, multilabel_labels, regression_labels
from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION, TASKS, Observations

LOGITS = 'logits'
PROBABILITIES = 'probabilities'

_ROW_SUM_TOLERANCE = 1e-3
_ROUNDING = 1e-3
# By so much each output may be rounded of what somebody says are probabilities: one decimal.
_COARSEST_ROUNDING = 0.05
# Squares and differences of anything smaller stay finite.
_LARGEST_OUTPUT = 1e150
_VALUES_PER_BLOCK = 1 << 17


@dataclasses.dataclass(frozen=True)
class OutputEvidence:
    """What tells logits from probabilities, over a whole data set; merges like RocCounts do.

    Attributes:
      num_rows: rows seen.
      num_outputs: outputs of each row.
      smallest, largest: over all outputs.
      largest_row_sum_error: max |sum of a row - 1|; 0 for a single output.
      num_at_smallest, num_at_largest: outputs that equal the smallest and the largest.
    """

    num_rows: int
    num_outputs: int
    smallest: float
    largest: float
    largest_row_sum_error: float
    num_at_smallest: int = 0
    num_at_largest: int = 0

    @classmethod
    def of(cls, outputs: NDArray) -> OutputEvidence:
        """The evidence in outputs of shape (n, classes) or (n,).

        Raises:
          PrivacyInputError: there is a NaN or an infinity.
        """
        rows = outputs.reshape(len(outputs), -1)
        _check_finite(rows)
        step = max(_VALUES_PER_BLOCK // max(rows.shape[1], 1), 1)
        starts = range(0, max(len(rows), 1), step)
        return functools.reduce(cls.merge, (cls._of_block(rows[start : start + step]) for start in starts))

    @classmethod
    def _of_block(cls, rows: NDArray) -> OutputEvidence:
        columns = np.array(rows.T, np.float64, order='C')  # sums over a short last axis are slow
        low, high = float(columns.min(initial=np.inf)), float(columns.max(initial=-np.inf))
        row_sum_error = float(np.abs(columns.sum(axis=0) - 1).max(initial=0.0)) if len(columns) > 1 else 0.0
        at_ends = (int(np.count_nonzero(columns == end)) for end in (low, high))
        return cls(len(rows), len(columns), low, high, row_sum_error, *at_ends)

    def rounded(self) -> OutputEvidence:
        """Its figures to two digits, as they are written down: to the last digit an extreme tells of one person."""
        return dataclasses.replace(
            self,
            smallest=_two_digits(self.smallest),
            largest=_two_digits(self.largest),
            largest_row_sum_error=_two_digits(self.largest_row_sum_error),
        )

    def merge(self, other: OutputEvidence) -> OutputEvidence:
        """The evidence of both parts together."""
        check_same_number(self.num_outputs, other.num_outputs)
        both = (self, other)
        low, high = min(part.smallest for part in both), max(part.largest for part in both)
        return OutputEvidence(
            num_rows=self.num_rows + other.num_rows,
            num_outputs=self.num_outputs,
            smallest=low,
            largest=high,
            largest_row_sum_error=max(part.largest_row_sum_error for part in both),
            num_at_smallest=sum(part.num_at_smallest for part in both if part.smallest == low),
            num_at_largest=sum(part.num_at_largest for part in both if part.largest == high),
        )

    def look_like_probabilities(self) -> bool:
        """True if every output lies in [0, 1] and, for several outputs, every row sums to 1."""
        return self.lie_in_unit_interval() and self.largest_row_sum_error <= _ROW_SUM_TOLERANCE

    def lie_in_unit_interval(self) -> bool:
        """True if every output lies in [0, 1], give or take rounding."""
        return self.smallest >= -_ROUNDING and self.largest <= 1 + _ROUNDING

    def may_be_rounded_probabilities(self) -> bool:
        """True if a softmax that was rounded to one decimal or finer can look so, as float16 and bfloat16 do."""
        most = max(_ROW_SUM_TOLERANCE, _COARSEST_ROUNDING * self.num_outputs)
        return self.lie_in_unit_interval() and self.largest_row_sum_error <= min(most, 0.5)

    def rounding_warning(self, kind: str, task: str) -> list[str]:
        """What is to be said of probabilities that do not sum to 1; nothing of others."""
        if kind != PROBABILITIES or task != MULTICLASS or self.look_like_probabilities():
            return []
        return [
            f'Rows of the probabilities miss a sum of 1 by up to {self.largest_row_sum_error:.2g}: they were rounded, '
            'which hides a part of what an attacker could read of the model itself. Figures are of what was given; '
            'give logits or unrounded probabilities where the model has them.'
        ]

    def in_words(self) -> str:
        """What was seen, for a report."""
        sums = f', rows sum to 1 within {self.largest_row_sum_error:.2g}' if self.num_outputs > 1 else ''
        plural = 's' if self.num_outputs != 1 else ''
        return f'{self.num_outputs} output{plural} per example in [{self.smallest:.6g}, {self.largest:.6g}]{sums}'


def _two_digits(figure: float) -> float:
    return float(f'{figure:.2g}')


def check_same_number(one: int, other: int) -> None:
    """Raises PrivacyInputError if two examples got different numbers of outputs."""
    if one != other:
        raise PrivacyInputError(
            f'the model gives {one} outputs for some examples and {other} for others: every example must get the same '
            'number.'
        )


def output_kind(evidence: OutputEvidence, configured: str = 'auto', task: str = MULTICLASS) -> str:
    """'logits' or 'probabilities', for the whole data set; regression outputs are predictions and pass as logits.

    Raises:
      PrivacyInputError: the outputs contradict what is configured.
    """
    if task == REGRESSION:
        return LOGITS
    fits = evidence.lie_in_unit_interval() if task == MULTILABEL else evidence.look_like_probabilities()
    found = PROBABILITIES if fits else LOGITS
    if configured == 'auto':
        _check_unambiguous(evidence, found)
        return found
    if configured == PROBABILITIES and not can_be_probabilities(evidence, task):
        raise PrivacyInputError(
            f"PrivacyConfig.outputs.kind is 'probabilities' but the outputs range over [{evidence.smallest:.2g}, "
            f'{evidence.largest:.2g}] and rows miss a sum of 1 by up to {evidence.largest_row_sum_error:.2g}: '
            f'{_way_out(evidence)}.'
        )
    return configured


def can_be_probabilities(evidence: OutputEvidence, task: str) -> bool:
    """Whether outputs can be what somebody says they are: probabilities, rounded ones included."""
    return evidence.lie_in_unit_interval() if task == MULTILABEL else evidence.may_be_rounded_probabilities()


def _way_out(evidence: OutputEvidence) -> str:
    """Values in [0, 1] are hardly logits: taken for them, they would hide a leak."""
    if evidence.lie_in_unit_interval():
        return (
            "if labels do not exclude one another, set PrivacyConfig.outputs.task to 'multilabel'; else name the "
            'output that holds the softmax with model_specs.prediction_key'
        )
    return "set it to 'logits', or name another output with model_specs.prediction_key"


def _check_unambiguous(evidence: OutputEvidence, found: str) -> None:
    """Rounded probabilities taken for logits would hide a leak, so whatever could be either is not guessed."""
    if found == LOGITS and evidence.lie_in_unit_interval():
        raise PrivacyInputError(
            f'the model gives {evidence.rounded().in_words()}: logits hardly look so, and probabilities of labels '
            'that exclude one another sum to 1. If they were rounded, set PrivacyConfig.outputs.kind to '
            "'probabilities'; for several labels per example set PrivacyConfig.outputs.task to 'multilabel'."
        )


def as_logits(outputs: NDArray, kind: str, task: str = MULTICLASS) -> NDArray:
    """(n, classes) floating-point logits, from logits or probabilities of shape (n, classes or 1).

    One sigmoid output of a multi-class model becomes two classes. Logits of two classes or more are passed on as they
    are, without a copy; signals compute on them in float64.
    """
    if outputs.dtype.kind != 'f' or outputs.dtype.itemsize < 4:
        outputs = outputs.astype(np.float64)
    if task == MULTILABEL:
        return outputs if kind == LOGITS else _log(outputs) - _log(1 - outputs.astype(np.float64))
    if outputs.shape[1] == 1:
        wide = outputs.astype(np.float64)
        outputs = np.hstack([np.zeros_like(wide) if kind == LOGITS else 1 - wide, wide])
    return outputs if kind == LOGITS else _log(outputs)


def as_observations(
    *,
    is_member: NDArray[np.bool_],
    example_id: NDArray[np.uint64],
    labels: NDArray,
    outputs: NDArray,
    kind: str,
    label_name: str = 'labels',
    task: str = MULTICLASS,
    group_id: NDArray[np.uint64] | None = None,
) -> Observations:
    """Observations of a model.

    Args:
      is_member: (n,) bool.
      example_id: (n,) uint64.
      labels: (n,) class numbers; (n, classes) of 0 and 1 for multi-label; (n,) numbers for regression.
      outputs: (n, classes), or (n,) or (n, 1) for one sigmoid output or one prediction; for regression also (n, 2),
        mean and variance.
      kind: 'logits' or 'probabilities'.
      label_name: the label's name in messages.
      task: 'multiclass', 'multilabel' or 'regression'.
      group_id: (n,) uint64, whose example it is.

    Raises:
      PrivacyInputError: labels and outputs do not fit the task or each other.
    """
    if task not in TASKS:
        raise PrivacyInputError(f'task is {task!r}; choose one of {", ".join(TASKS)}.')
    rows = np.asarray(outputs).reshape(len(outputs), -1)
    logits = _predictions(rows) if task == REGRESSION else as_logits(rows, kind, task)
    return Observations(
        is_member=is_member,
        example_id=example_id,
        labels=labels_for(task, labels, logits.shape[1], label_name),
        outputs=logits,
        task=task,
        group_id=group_id,
    )


def labels_for(task: str, labels: NDArray, num_outputs: int, name: str) -> NDArray:
    """Labels in the form of a task; see `privacy_component.observations.labels`."""
    if task == REGRESSION:
        return regression_labels(labels, name)
    return (multilabel_labels if task == MULTILABEL else class_labels)(labels, num_outputs, name)


def _predictions(rows: NDArray) -> NDArray[np.float64]:
    if rows.shape[1] > 2:
        raise PrivacyInputError(
            f'the model gives {rows.shape[1]} outputs per example; regression needs one prediction, or a mean and a '
            'variance.'
        )
    if rows.shape[1] == 2 and not (rows[:, 1] > 0).all():
        raise PrivacyInputError(
            f'the second output, the predicted variance, is 0 or less for {int((rows[:, 1] <= 0).sum()):,} of '
            f'{len(rows):,} examples: it must be positive.'
        )
    return rows.astype(np.float64)


def _check_finite(rows: NDArray) -> None:
    if rows.dtype.kind not in 'biuf':
        raise PrivacyInputError(
            f'the model outputs are of type {rows.dtype}, not numbers to compute with: cast them to float32 in the '
            'signature.'
        )
    # min and max need no temporary array; a NaN makes both of them NaN.
    if not rows.size or max(abs(float(rows.min())), abs(float(rows.max()))) < _LARGEST_OUTPUT:
        return
    bad = ~(np.abs(rows) < np.float64(_LARGEST_OUTPUT)).all(axis=1)  # NumPy 2 would make a float32 of a plain number
    first = int(np.argmax(bad))
    raise PrivacyInputError(
        f'the model outputs {rows[first].tolist()[:5]} for {int(bad.sum())} of {len(rows)} examples of a batch: '
        'outputs must be finite. Look for overflow or a division by zero in the model.'
    )


def _log(probabilities: NDArray) -> NDArray[np.float64]:
    return np.log(np.maximum(probabilities, np.finfo(np.float64).tiny, dtype=np.float64))
