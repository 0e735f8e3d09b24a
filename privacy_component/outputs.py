"""From a model's outputs, whatever their kind, to logits that every signal understands."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.observations import MULTICLASS, Observations

_ROW_SUM_TOLERANCE = 1e-3


@dataclasses.dataclass(frozen=True)
class OutputEvidence:
    """What tells logits from probabilities, over a whole data set; merges like RocCounts do.

    Attributes:
      num_rows: rows seen.
      num_outputs: outputs of each row.
      smallest, largest: over all outputs.
      largest_row_sum_error: max |sum of a row - 1|; 0 for a single output.
      num_extreme: outputs that are exactly 0 or 1.
    """

    num_rows: int
    num_outputs: int
    smallest: float
    largest: float
    largest_row_sum_error: float
    num_extreme: int

    @classmethod
    def of(cls, outputs: NDArray) -> OutputEvidence:
        """The evidence in outputs of shape (n, classes) or (n,).

        Raises:
          PrivacyInputError: there is a NaN or an infinity.
        """
        rows = outputs.reshape(len(outputs), -1)
        bad = ~np.isfinite(rows).all(axis=1)
        if bad.any():
            first = int(np.argmax(bad))
            raise PrivacyInputError(
                f'the model outputs {rows[first].tolist()[:5]} for {int(bad.sum())} of {len(rows)} examples of a batch: '
                'outputs must be finite. Look for overflow or a division by zero in the model.'
            )
        row_sums = np.abs(rows.sum(axis=1, dtype=np.float64) - 1).max(initial=0.0) if rows.shape[1] > 1 else 0.0
        extreme = int(np.count_nonzero((rows == 0) | (rows == 1)))
        low, high = float(rows.min(initial=np.inf)), float(rows.max(initial=-np.inf))
        return cls(len(rows), rows.shape[1], low, high, float(row_sums), extreme)

    def merge(self, other: OutputEvidence) -> OutputEvidence:
        """The evidence of both parts together."""
        if self.num_outputs != other.num_outputs:
            raise PrivacyInputError(
                f'the model gives {self.num_outputs} outputs for some examples and {other.num_outputs} for others: '
                'every example must get the same number.'
            )
        return OutputEvidence(
            self.num_rows + other.num_rows,
            self.num_outputs,
            min(self.smallest, other.smallest),
            max(self.largest, other.largest),
            max(self.largest_row_sum_error, other.largest_row_sum_error),
            self.num_extreme + other.num_extreme,
        )

    def look_like_probabilities(self) -> bool:
        """True if every output lies in [0, 1] and, for several outputs, every row sums to 1."""
        return self.smallest >= 0 and self.largest <= 1 and self.largest_row_sum_error <= _ROW_SUM_TOLERANCE


def output_kind(evidence: OutputEvidence, configured: str = 'auto') -> str:
    """'logits' or 'probabilities', for the whole data set.

    Raises:
      PrivacyInputError: the outputs contradict what is configured.
    """
    found = 'probabilities' if evidence.look_like_probabilities() else 'logits'
    if configured == 'auto':
        return found
    if configured == 'probabilities' and found == 'logits':
        raise PrivacyInputError(
            f"PrivacyConfig.output_kind is 'probabilities' but the outputs range over [{evidence.smallest:g}, "
            f'{evidence.largest:g}] and rows miss a sum of 1 by up to {evidence.largest_row_sum_error:g}: set it to '
            "'logits', or name another output with model_specs.prediction_key."
        )
    return configured


def as_logits(outputs: NDArray[np.float64], kind: str) -> NDArray[np.float64]:
    """(n, classes) float64 logits of two classes or more, from logits or probabilities of shape (n, classes or 1)."""
    if outputs.shape[1] == 1:
        if kind == 'probabilities':
            outputs = np.hstack([1 - outputs, outputs])
        else:
            outputs = np.hstack([np.zeros_like(outputs), outputs])
    if kind == 'logits':
        return outputs
    smallest = np.finfo(np.float64).tiny
    return np.log(np.maximum(outputs, smallest))


def class_labels(labels: NDArray, num_classes: int, name: str = 'labels') -> NDArray[np.int64]:
    """(n,) int64 class numbers in [0, num_classes).

    Raises:
      PrivacyInputError: labels are text, fractions, missing, one-hot, or out of range; the message names the field.
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise PrivacyInputError(f'{name} has shape {labels.shape}; one class number per example is needed.')
    if labels.dtype.kind not in 'biuf':
        raise PrivacyInputError(
            f'{name} holds {str(labels[0])!r}, not class numbers: map the text to 0 ... {num_classes - 1}, for example '
            'in Transform, and name that feature as label_key.'
        )
    if labels.dtype.kind == 'f' and not np.all(labels == np.floor(labels)):
        odd = labels[labels != np.floor(labels)][0]
        raise PrivacyInputError(f'{name} holds {odd:g}; classes must be whole numbers from 0 to {num_classes - 1}.')
    if len(labels) and not (labels.min() >= 0 and labels.max() < num_classes):
        odd = labels.min() if labels.min() < 0 else labels.max()
        raise PrivacyInputError(
            f'{name} holds the class {odd:g}, but the model has {num_classes} classes (0 to {num_classes - 1}): '
            'check that labels and model outputs belong together.'
        )
    return labels.astype(np.int64)


def as_observations(
    *,
    is_member: NDArray[np.bool_],
    example_id: NDArray[np.uint64],
    labels: NDArray,
    outputs: NDArray,
    kind: str,
    label_name: str = 'labels',
) -> Observations:
    """Observations of a classifier.

    Args:
      is_member: (n,) bool.
      example_id: (n,) uint64.
      labels: (n,) class numbers.
      outputs: (n, classes), or (n,) or (n, 1) for one sigmoid output.
      kind: 'logits' or 'probabilities'.
      label_name: the label's name in messages.
    """
    logits = as_logits(np.asarray(outputs, np.float64).reshape(len(outputs), -1), kind)
    return Observations(
        is_member=is_member,
        example_id=example_id,
        labels=class_labels(labels, logits.shape[1], label_name),
        outputs=logits,
        task=MULTICLASS,
    )
