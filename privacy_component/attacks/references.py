"""What attacks with reference models look at: the signal of the audited model beside those of K others.

A reference model was trained as the audited one was, on some of the same examples; which is known. Signals are those of
`observations.reference_signals`.

What is pooled over examples is summed in ascending order, so that it is the same for any order of the examples.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.needs import LABELS, OUTPUTS, REFERENCE_IS_MEMBER, REFERENCE_SIGNALS
from privacy_component.observations.observations import Observations
from privacy_component.observations.reference_signals import main_signal

REFERENCE_NEEDS = (LABELS, OUTPUTS, REFERENCE_SIGNALS, REFERENCE_IS_MEMBER)

_SMALLEST_VARIANCE = 1e-12


@dataclasses.dataclass(frozen=True, eq=False)
class ReferenceSignals:
    """The signal of n examples under the audited model and K reference models.

    Attributes:
      target: (n,) float64 under the audited model.
      references: (n, K) float64 under the reference models.
      is_in: (n, K) bool, whether the reference model was trained on the example.
    """

    target: NDArray[np.float64]
    references: NDArray[np.float64]
    is_in: NDArray[np.bool_]

    @property
    def num_models(self) -> int:
        """K."""
        return self.is_in.shape[1]

    @property
    def is_online(self) -> bool:
        """Whether any reference model was trained on any of the examples."""
        return bool(self.is_in.any())

    def side(self, is_in: bool) -> Side:
        """What the models say that were trained on an example, or that were not."""
        chosen = self.is_in == is_in
        count = np.count_nonzero(chosen, axis=1)
        mean = np.where(chosen, self.references, 0.0).sum(axis=1) / np.maximum(count, 1)
        residuals = np.where(chosen, self.references - mean[:, None], 0.0)
        return Side(count, mean, np.square(residuals).sum(axis=1))


@dataclasses.dataclass(frozen=True, eq=False)
class Side:
    """Moments of each example's signal over the reference models of one side.

    Attributes:
      count: (n,) how many models.
      mean: (n,) float64.
      squares: (n,) float64, the sum of squared residuals about the mean.
    """

    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @property
    def degrees(self) -> NDArray[np.int64]:
        """(n,) degrees of freedom of the variance."""
        return np.maximum(self.count - 1, 0)

    @property
    def variance(self) -> NDArray[np.float64]:
        """(n,) of each example by itself; the smallest there is where one model leaves it open."""
        return np.maximum(self.squares / np.maximum(self.degrees, 1), _SMALLEST_VARIANCE)

    @property
    def pooled_variance(self) -> float:
        """One variance of all examples' residuals, each about its own mean."""
        return max(ordered_sum(self.squares) / max(int(self.degrees.sum()), 1), _SMALLEST_VARIANCE)


def reference_signals(observations: Observations) -> ReferenceSignals:
    """The task's signal under all models."""
    columns = observations.columns
    is_in = np.ascontiguousarray(columns[REFERENCE_IS_MEMBER])
    return ReferenceSignals(main_signal(observations), columns[REFERENCE_SIGNALS], is_in)


def check_online(attack: str, signals: ReferenceSignals, fewest: int) -> None:
    """Checks that reference models tell of each example what a model says that knows it, and one that does not.

    Args:
      attack: its name.
      signals: of all examples.
      fewest: models that the attack needs.

    Raises:
      PrivacyInputError: there are too few models, an odd number, or an example that all or none were trained on; or
        four models are needed, for a variance, and no example has two that know it and two that do not.
    """
    if signals.num_models < fewest or signals.num_models % 2:
        raise PrivacyInputError(
            f"attack '{attack}' is given {signals.num_models} reference models; it needs an even number of them, at "
            f'least {fewest}: train them in pairs, one on either half of the examples.'
        )
    known = np.count_nonzero(signals.is_in, axis=1)
    one_sided = int(np.count_nonzero((known == 0) | (known == signals.num_models)))
    if one_sided:
        raise PrivacyInputError(
            f"attack '{attack}' is given {one_sided} of {len(known)} examples that reference_is_member has in for all "
            f'or for none of the {signals.num_models} reference models; some that know an example and some that do '
            'not are needed: train them in pairs, one on either half of the examples.'
        )
    if fewest >= 4 and min(known.max(), signals.num_models - known.min()) < 2:
        raise PrivacyInputError(
            f"attack '{attack}' needs two reference models that know an example, and two that do not, to see how they "
            'differ; by reference_is_member there is no such example: train them in pairs, one on either half of the '
            'examples.'
        )


def check_offline(attack: str, signals: ReferenceSignals, fewest: int) -> None:
    """Raises PrivacyInputError where reference models that know none of the examples are fewer than needed."""
    if signals.num_models < fewest:
        raise PrivacyInputError(
            f"attack '{attack}' is given {signals.num_models} reference models; it needs at least {fewest}: train more."
        )


def ordered_sum(values: NDArray[np.float64]) -> float:
    """The sum of (n,), with the same bits in any order."""
    return float(np.sort(values).sum())


def ordered_mean(values: NDArray[np.float64]) -> float:
    """The mean of (n,), with the same bits in any order; 0 of none."""
    return ordered_sum(values) / max(len(values), 1)
