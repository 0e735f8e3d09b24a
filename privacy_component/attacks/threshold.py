"""One signal, thresholded: the attack that needs nothing but the model's outputs."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.attacks.attack import AttackInfo
from privacy_component.observations.observations import MULTICLASS, Observations
from privacy_component.observations.signals import SIGNALS, towards_member

_FEWEST_OF_A_CLASS = 20


@dataclasses.dataclass(frozen=True)
class ThresholdAttack:
    """An example with a low loss was probably trained on (Yeom et al. 2018, arXiv 1709.01604, section 3)."""

    signal: str = 'loss'

    def fit(self, observations: Observations) -> ThresholdAttack:
        """Nothing to learn: every threshold is tried when the scores are counted."""
        return self

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The signal, (n,), higher = more likely a member."""
        return towards_member(self.signal, observations)


@dataclasses.dataclass(frozen=True, eq=False)
class PerClassThresholdAttack:
    """One signal with a threshold for each class (Song and Mittal 2021, arXiv 2003.10595, section 4).

    The signal is standardised by the median and the interquartile range of its class's non-members, so that one
    threshold on the score is a threshold per class, all at about the same false positive rate. Classes with fewer than
    20 non-members to learn from share those of all classes together.

    Attributes:
      signal: the signal's name.
      medians, spreads: (classes,), learnt.
    """

    signal: str = 'loss'
    medians: NDArray[np.float64] | None = None
    spreads: NDArray[np.float64] | None = None

    def fit(self, observations: Observations) -> PerClassThresholdAttack:
        """Learns medians and spreads from the non-members."""
        outside = observations.select(~observations.is_member)
        values = towards_member(self.signal, outside)
        low, median, high = class_quartiles(values, outside.labels, observations.outputs.shape[1])
        return dataclasses.replace(self, medians=median, spreads=_positive(high - low))

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The standardised signal, (n,), higher = more likely a member."""
        assert self.medians is not None and self.spreads is not None, 'fit comes before score'
        labels = observations.labels
        return (towards_member(self.signal, observations) - self.medians[labels]) / self.spreads[labels]


def class_quartiles(values: NDArray[np.float64], labels: NDArray[np.int64], num_classes: int) -> NDArray[np.float64]:
    """(3, classes) lower quartile, median and upper quartile of each class; of all values for a small class."""
    order = np.lexsort((values, labels))
    sizes = np.bincount(labels, minlength=num_classes)
    starts = np.cumsum(sizes) - sizes
    everything = np.sort(values)
    quartiles = np.empty((3, num_classes))
    for row, share in zip(quartiles, (0.25, 0.5, 0.75), strict=True):
        places = np.minimum(starts + (share * (sizes - 1)).astype(np.int64), len(values) - 1)
        overall = everything[int(share * (len(values) - 1))]
        row[:] = np.where(sizes >= _FEWEST_OF_A_CLASS, values[order][places], overall)
    return quartiles


def threshold_attack(signal: str) -> AttackInfo:
    """The registry's line for a threshold on `signal`."""
    return AttackInfo(
        make=lambda: ThresholdAttack(signal),
        needs=SIGNALS[signal].needs,
        cost='n log n, nothing to train',
        reference=SIGNALS[signal].reference,
        tasks=SIGNALS[signal].tasks,
    )


def per_class_threshold_attack(signal: str) -> AttackInfo:
    """The registry's line for a threshold per class on `signal`."""
    return AttackInfo(
        make=lambda: PerClassThresholdAttack(signal),
        needs=('labels', 'outputs'),
        cost='n log n, three quantiles per class',
        reference=SIGNALS[signal].reference,
        tasks=(MULTICLASS,),
        learns=True,
    )


def _positive(spreads: NDArray[np.float64]) -> NDArray[np.float64]:
    """A class whose non-members all have one value takes the typical spread."""
    typical = float(np.median(spreads[spreads > 0])) if (spreads > 0).any() else 1.0
    return np.where(spreads > 0, spreads, typical)
