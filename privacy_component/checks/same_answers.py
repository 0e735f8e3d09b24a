"""Whether other outputs say what the judged ones say: attacks rank examples, so what ranks them alike tells no more."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_expit, log_softmax

from privacy_component.observations.observations import MULTICLASS, MULTILABEL
from privacy_component.observations.outputs import LOGITS, PROBABILITIES, OutputEvidence, as_logits

TOLERANCE = 1e-3  # of a log-probability, and of the middle half of what a column ranges over
_ROUNDING = 1e-5
_ULPS = 4
_ROWS_PER_CLASS = 8
_HUGE = 1e100

Floats = NDArray[np.float64]


def why_not_compared(judged: NDArray, other: NDArray) -> str:
    """Why other outputs are no answer to compare with the judged ones (n, k); '' if they are one.

    Class numbers say less than any score; rows of another width that are no probabilities are features or embeddings.
    """
    if other.dtype.kind not in 'biuf':
        return 'no numbers'
    if other.ndim not in (1, 2) or len(other) != len(judged) or not other.size:
        return f'of shape {other.shape}'
    rows = other.reshape(len(other), -1)
    num_classes = max(judged.shape[1], 2)
    if rows.dtype.kind in 'biu' and rows.min() >= 0 and rows.max() < num_classes:
        return 'class numbers'
    is_answer = rows.shape[1] in (1, judged.shape[1]) or (judged.shape[1] == 1 and rows.shape[1] == 2)
    return '' if is_answer or _evidence(rows).look_like_probabilities() else f'of shape {other.shape}'


def tell_the_same(judged: NDArray, kind: str, other: NDArray, task: str) -> bool:
    """Whether other outputs are a transformation of the judged ones that attacks cannot tell from them.

    That is the same log-probabilities within TOLERANCE, or columns that ascend or descend with the judged model's: with
    its outputs, log-probabilities, these less their mean (another temperature), or the largest of them; or what follows
    from its class alone, as an argmax does.

    Args:
      judged: (n, k) outputs.
      kind: 'logits' or 'probabilities', which they are.
      other: (n,), (n, 1), (n, k) or (n, d).
      task: the judged model's.
    """
    rows = np.nan_to_num(other.reshape(len(other), -1).astype(np.float64), posinf=_HUGE, neginf=-_HUGE)
    if task in (MULTICLASS, MULTILABEL) and _same_probabilities(judged, kind, other, rows, task):
        return True
    if _follows_class(judged, rows):
        return True
    ours, theirs = list(_forms(judged.astype(np.float64), kind, task)), list(_forms_of_unknown(rows, task))
    return any(_ranks_alike(x, y) for x in ours for y in theirs)


def _same_probabilities(judged: NDArray, kind: str, other: NDArray, rows: Floats, task: str) -> bool:
    ours = _log_probabilities(judged, kind, task)
    for other_kind in _kinds(rows, task):
        theirs = _log_probabilities(rows, other_kind, task)
        rounding = max(_rounding(judged, kind), _rounding(other, other_kind))
        if ours.shape == theirs.shape and _are_close(ours, theirs, rounding):
            return True
    return False


def _are_close(ours: Floats, theirs: Floats, rounding: float) -> bool:
    """Log-probabilities of tiny probabilities are not told apart where the probabilities cannot be."""
    close = np.isclose(ours, theirs, rtol=_ROUNDING, atol=TOLERANCE)
    close |= np.abs(np.exp(ours) - np.exp(theirs)) <= _ULPS * rounding
    return bool(close.all())


def _rounding(outputs: NDArray, kind: str) -> float:
    """Of probabilities near 1, whose complement counts."""
    return float(np.finfo(outputs.dtype).eps) if kind == PROBABILITIES and outputs.dtype.kind == 'f' else 0.0


def _kinds(rows: Floats, task: str) -> list[str]:
    seen = _evidence(rows)
    fits = seen.lie_in_unit_interval() if task == MULTILABEL else seen.look_like_probabilities()
    return [LOGITS, PROBABILITIES] if fits else [LOGITS]


def _evidence(rows: NDArray) -> OutputEvidence:
    return OutputEvidence.of(np.nan_to_num(rows.astype(np.float64), posinf=_HUGE, neginf=-_HUGE))


def _log_probabilities(outputs: NDArray, kind: str, task: str) -> Floats:
    """(n, classes), or for a multi-label model (n, 2 k) of having each label and of not having it."""
    logits = as_logits(outputs, kind, task).astype(np.float64)
    if task == MULTILABEL:
        return np.hstack([log_expit(logits), log_expit(-logits)])
    return log_softmax(logits, axis=1)


def _forms(outputs: Floats, kind: str, task: str) -> Iterator[Floats]:
    yield outputs
    if task == MULTICLASS:
        log_p = _log_probabilities(outputs, kind, task)
        yield from (log_p, log_p - log_p.mean(axis=1, keepdims=True), np.sort(log_p, axis=1)[:, ::-1])


def _forms_of_unknown(rows: Floats, task: str) -> Iterator[Floats]:
    yield rows
    if task == MULTICLASS and rows.shape[1] > 1:
        for kind in _kinds(rows, task):
            log_p = _log_probabilities(rows, kind, task)
            yield from (log_p, log_p - log_p.mean(axis=1, keepdims=True))


def _ranks_alike(x: Floats, y: Floats) -> bool:
    """Whether each column of y (n, d) ascends or descends with that of x (n, k), or one alone with any of them."""
    if y.shape[1] == 1:
        return bool(_is_monotone(x, y).any())
    return x.shape == y.shape and bool(_is_monotone(x, y).all())


def _is_monotone(x: Floats, y: Floats) -> NDArray[np.bool_]:
    """(k,) whether columns of y (n, k or 1) are functions of those of x (n, k) that only ascend or only descend."""
    y = np.broadcast_to(y, x.shape)
    low, high = np.percentile(y, (25, 75), axis=0)
    allowed = TOLERANCE * (high - low) + _ROUNDING * np.abs(y).max(axis=0)
    return _ascends(x, y, allowed) | _ascends(x, -y, allowed)


def _ascends(x: Floats, y: Floats, allowed: Floats) -> NDArray[np.bool_]:
    order = np.lexsort((-y, x), axis=0)  # where x ties, a y that does not descends
    sorted_y = np.take_along_axis(y, order, axis=0)
    return np.all(np.maximum.accumulate(sorted_y, axis=0) - sorted_y <= allowed, axis=0)


def _follows_class(judged: NDArray, rows: Floats) -> bool:
    """Whether rows are the same wherever the judged class is; with few rows for each class that shows nothing."""
    if judged.shape[1] == 1:
        return False  # then what follows from the class ascends or descends
    classes = judged.argmax(axis=1)
    if np.array_equal(rows, classes[:, np.newaxis]) or np.array_equal(rows, np.eye(judged.shape[1])[classes]):
        return True
    _, first, number = np.unique(classes, return_index=True, return_inverse=True)
    return len(first) * _ROWS_PER_CLASS <= len(rows) and bool(np.array_equal(rows, rows[first][number]))
