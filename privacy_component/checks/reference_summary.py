"""How the audited model and the reference models do on what they know and do not know, as integers that merge."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.checks.evidence import ReferenceFigures
from privacy_component.metrics.counts.mergeable import Mergeable
from privacy_component.observations.needs import REFERENCE_IS_MEMBER, REFERENCE_SIGNALS
from privacy_component.observations.observations import Observations
from privacy_component.observations.reference_signals import main_signal

# Eight bins to each factor of two of the signal, from 2^-10 to 2^30 on either side of 0.
_EDGES = np.exp2(np.arange(-80, 241) / 8)
_ALL_EDGES = np.concatenate([-_EDGES[::-1], [0.0], _EDGES])
_NUM_BINS = len(_ALL_EDGES) + 1


@dataclasses.dataclass(frozen=True, eq=False)
class ReferenceSummary(Mergeable):
    """Histograms of signals, of each of K reference models and of the audited one.

    Attributes:
      known: (K, 2, bins) int64, of examples that the model was not trained on, and that it was: its signal less the
        mean of the other reference models', which leaves out how hard the example is.
      matched: (1 + K, 2, bins) int64, the audited model first: of the signals themselves, of non-members that the model
        was not trained on, and of members that it was.
      strangers: (K, 2, bins) int64, of non-members and of members that the model was not trained on: its signals.
      differs: (K, K) whether two models say anything different of any example.
    """

    known: NDArray[np.int64]
    matched: NDArray[np.int64]
    strangers: NDArray[np.int64]
    differs: NDArray[np.bool_]

    @classmethod
    def of(cls, observations: Observations) -> ReferenceSummary:
        """Of observations that have reference signals."""
        is_member = observations.is_member[:, np.newaxis]
        references, is_in = observations.columns[REFERENCE_SIGNALS], observations.columns[REFERENCE_IS_MEMBER]
        signals = np.column_stack([main_signal(observations), references])
        is_trained_on = np.column_stack([is_member, is_in])
        differs = np.stack([np.any(references != one[:, np.newaxis], axis=0) for one in references.T])
        everyone = np.ones(is_in.shape, bool)
        return cls(
            _histograms(_beside_others(references), is_in, everyone),
            _histograms(signals, is_trained_on, is_trained_on == is_member),
            _histograms(references, np.broadcast_to(is_member, is_in.shape), ~is_in),
            differs,
        )

    def merge(self, *others: ReferenceSummary) -> ReferenceSummary:
        """Of all parts together."""
        parts = (self, *others)
        known, matched, strangers = (
            np.sum([getattr(part, name) for part in parts], axis=0) for name in ('known', 'matched', 'strangers')
        )
        return ReferenceSummary(known, matched, strangers, np.any([part.differs for part in parts], axis=0))

    def figures(self) -> ReferenceFigures:
        """What checks look at."""
        sizes = self.matched.sum(axis=2)
        shares = self.matched / np.maximum(sizes, 1)[:, :, np.newaxis]
        is_compared = (sizes[0] > 0) & (sizes[1:].sum(axis=0) > 0)
        # What chance adds to a distance of two samples, at most, 99 times in 100.
        noise = 1.63 * np.sqrt((1 / np.maximum(sizes[0], 1)) + 1 / np.maximum(sizes[1:].sum(axis=0), 1))
        return ReferenceFigures(
            num_known=tuple(self.known[:, 1].sum(axis=1).tolist()),
            num_unknown=tuple(self.known[:, 0].sum(axis=1).tolist()),
            areas=tuple(map(_area, self.known)),
            strangers=tuple(map(_area, self.strangers)),
            repeated=_pairs(np.triu(~self.differs, 1)),
            distances=_pair(_distances(shares[0], shares[1:]) * is_compared),
            spreads=_pair(_spreads(shares[1:])),
            noise=_pair(noise),
        )


def _beside_others(signals: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, K) each signal less the mean of the others of its example."""
    num_others = signals.shape[1] - 1
    if not num_others:
        return signals
    return signals - (signals.sum(axis=1, keepdims=True) - signals) / num_others


def _histograms(values: NDArray[np.float64], side: NDArray[np.bool_], counted: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(models, 2, bins) of (n, models) values, by the side that each is on, of those that are counted."""
    bins = np.searchsorted(_ALL_EDGES, values, side='right')  # a value on an edge is in the bin above it
    num_models = values.shape[1]
    cells = (np.arange(num_models) * 2 + side) * _NUM_BINS + bins
    counts = np.bincount(cells[counted], minlength=2 * num_models * _NUM_BINS)
    return counts.reshape(num_models, 2, _NUM_BINS)


def _pairs(same: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    return tuple((int(one), int(other)) for one, other in np.argwhere(same))


def _pair(values: NDArray[np.float64]) -> tuple[float, float]:
    outside, inside = values.tolist()
    return outside, inside


def _area(counts: NDArray[np.int64]) -> float:
    """How probably a model does better on an example that it was trained on than on another; ties count half."""
    if not counts.any(axis=1).all():
        return 0.5
    outside, inside = (side / side.sum() for side in counts)
    return float(inside @ (np.cumsum(outside) - outside / 2))


def _distances(one: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) Kolmogorov-Smirnov distances of (2, bins) from the mean of (models, 2, bins)."""
    return np.abs(np.cumsum(one - others.mean(axis=0), axis=1)).max(axis=1)


def _spreads(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,) the largest distances of a reference model from the mean of the others; (models, 2, bins)."""
    if len(shares) == 1:
        return np.zeros(2)
    others = [np.delete(shares, model, axis=0) for model in range(len(shares))]
    return np.max([_distances(one, rest) for one, rest in zip(shares, others, strict=True)], axis=0)
