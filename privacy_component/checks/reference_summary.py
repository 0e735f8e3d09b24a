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
    """Histograms of signals.

    Attributes:
      counts: (models, 2, 2, bins) int64, the audited model first: of the examples that the model was trained on or not,
        by whether they are members (of the audited model).
      differs: (models,) whether a reference model says anything of any example that the model before it does not.
    """

    counts: NDArray[np.int64]
    differs: NDArray[np.bool_]

    @classmethod
    def of(cls, observations: Observations) -> ReferenceSummary:
        """Of observations that have reference signals."""
        is_member = observations.is_member
        signals = np.column_stack([main_signal(observations), observations.columns[REFERENCE_SIGNALS]])
        is_in = np.column_stack([is_member, observations.columns[REFERENCE_IS_MEMBER]])
        # A signal on an edge is in the bin above it.
        bins = np.searchsorted(_ALL_EDGES, signals, side='right')
        num_models = signals.shape[1]
        histogram = (np.arange(num_models) * 2 + is_in) * 2 + is_member[:, np.newaxis]
        counts = np.bincount((histogram * _NUM_BINS + bins).ravel(), minlength=4 * num_models * _NUM_BINS)
        differs = np.any(signals != np.roll(signals, 1, axis=1), axis=0)
        return cls(counts.reshape(num_models, 2, 2, _NUM_BINS), differs)

    def merge(self, *others: ReferenceSummary) -> ReferenceSummary:
        """Of all parts together."""
        parts = (self, *others)
        counts = np.sum([part.counts for part in parts], axis=0)
        return ReferenceSummary(counts, np.any([part.differs for part in parts], axis=0))

    def figures(self) -> ReferenceFigures:
        """What checks look at."""
        known = self.counts[1:].sum(axis=2)
        # As the audited model stands to its members and non-members: these very examples, by who has seen them too.
        matched = self.counts[:, [0, 1], [0, 1]]
        sizes = matched.sum(axis=2)
        shares = matched / np.maximum(sizes, 1)[:, :, np.newaxis]
        is_compared = (sizes[0] > 0) & (sizes[1:].sum(axis=0) > 0)
        distances, spreads = _distances(shares[0], shares[1:]) * is_compared, _spreads(shares[1:])
        # What chance adds to a distance of two samples, at most, 99 times in 100.
        noise = 1.63 * np.sqrt((1 / np.maximum(sizes[0], 1)) + 1 / np.maximum(sizes[1:].sum(axis=0), 1))
        return ReferenceFigures(
            num_known=tuple(known[:, 1].sum(axis=1).tolist()),
            num_unknown=tuple(known[:, 0].sum(axis=1).tolist()),
            areas=tuple(map(_area, known)),
            repeated=tuple(np.flatnonzero(~self.differs[2:]).tolist()),
            distances=_pair(distances),
            spreads=_pair(spreads),
            noise=_pair(noise),
        )


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
