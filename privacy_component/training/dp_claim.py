"""What a differentially private training claims, and what the claim rests on."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from pathlib import Path

from scipy.optimize import brentq
from scipy.stats import norm

from privacy_component.config.audits import CLAIM_FILE
from privacy_component.errors import PrivacyInputError

_ASSUMPTION = (
    'Batches are Poisson-sampled; neighbouring data sets differ in one training example, added or removed. Not '
    'counted: preprocessing that looks at the data, the choice of settings, the figures shown while training, and what '
    'floating-point noise gives away.'
)
_OF_VOTES = (
    'Teachers learn from disjoint parts, and only the noisy labels and what is made of them is released; neighbouring '
    'data sets differ in one record, or in one person where group_ids were given. Not counted: preprocessing that '
    'looks at the private data, the choice of settings, and what floating-point noise gives away.'
)


@dataclasses.dataclass(frozen=True)
class DPClaim:
    """An (epsilon, delta) claim of one training with DP-SGD, or of the labels of PATE.

    Attributes:
      epsilon, delta: of the whole training.
      noise_multiplier: the standard deviation of the noise over the clipping norm.
      l2_norm_clip: the largest norm of one example's gradient.
      sampling_rate: how likely an example is to be in a batch.
      steps: batches.
      num_examples: size of the training data.
      mechanism: what was done.
      assumption: what the claim rests on.
    """

    epsilon: float
    delta: float
    noise_multiplier: float
    l2_norm_clip: float
    sampling_rate: float
    steps: int
    num_examples: int
    mechanism: str = 'dp_sgd'
    assumption: str = _ASSUMPTION

    def save(self, folder: str | Path) -> None:
        """Writes dp_claim.json into a folder, the model's say, which is made if need be."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        text = json.dumps(dataclasses.asdict(self), indent=2, allow_nan=False)
        Path(folder, CLAIM_FILE).write_text(text, encoding='utf-8')

    @classmethod
    def load(cls, folder: str | Path) -> DPClaim:
        """What `save` wrote.

        Raises:
          PrivacyInputError: the file is no such claim.
        """
        path = Path(folder, CLAIM_FILE)
        try:
            return cls(**json.loads(path.read_text(encoding='utf-8')))
        except (OSError, ValueError, TypeError) as error:
            raise PrivacyInputError(f'{path} is no claim of DP-SGD ({error}): write it with DPClaim.save.') from error


def claim_of(
    noise_multiplier: float, l2_norm_clip: float, num_examples: int, batch_size: int, steps: int, delta: float | None
) -> DPClaim:
    """Accounts for DP-SGD by privacy loss distributions.

    Args:
      noise_multiplier: above 0.
      l2_norm_clip: above 0; epsilon does not depend on it.
      num_examples: size of the training data.
      batch_size: the expected size of a batch, at most num_examples.
      steps: batches.
      delta: in (0, 1); None for 1 / (2 * num_examples).

    Raises:
      PrivacyInputError: a number is not of its range, or dp-accounting is not installed.
    """
    for name, value in (('noise_multiplier', noise_multiplier), ('l2_norm_clip', l2_norm_clip)):
        if not (isinstance(value, (int, float)) and 0 < value < math.inf):
            raise PrivacyInputError(f'{name} is {value!r}: give a number above 0; without noise there is no guarantee.')
    if not 0 < batch_size <= num_examples:
        raise PrivacyInputError(f'batch_size is {batch_size!r}: give 1 to num_examples, which is {num_examples}.')
    delta = 1 / (2 * num_examples) if delta is None else delta
    if not 0 < delta < 1:
        raise PrivacyInputError(f'delta is {delta!r}: give a number between 0 and 1, below 1 / num_examples.')
    rate = batch_size / num_examples
    epsilon = _epsilon(float(noise_multiplier), rate, steps, delta)
    return DPClaim(epsilon, delta, float(noise_multiplier), float(l2_norm_clip), rate, steps, num_examples)


def claim_of_votes(noise: float, num_queries: int, num_units: int, delta: float | None) -> DPClaim:
    """Accounts for Gaussian noisy votes, whatever the votes are.

    One record moves one teacher's vote from a class to another, two counts by 1 each: an L2 sensitivity of sqrt(2).

    Args:
      noise: standard deviation of the noise on each count; above 0.
      num_queries: votes.
      num_units: records, or people.
      delta: in (0, 1); None for 1 / (2 * num_units).

    Raises:
      PrivacyInputError: a number is not of its range.
    """
    if isinstance(noise, bool) or not (isinstance(noise, (int, float)) and 0 < noise < math.inf):
        raise PrivacyInputError(f'noise is {noise!r}: give a number above 0; without noise there is no guarantee.')
    delta = 1 / (2 * num_units) if delta is None else delta
    if not 0 < delta < 1:
        raise PrivacyInputError(f'delta is {delta!r}: give a number between 0 and 1, below 1 / {num_units}.')
    sensitivity = math.sqrt(2)
    multiplier = float(noise) / sensitivity
    epsilon = epsilon_of_gaussian(math.sqrt(num_queries) / multiplier, delta)
    return DPClaim(epsilon, delta, multiplier, sensitivity, 1.0, num_queries, num_units, 'pate', _OF_VOTES)


def epsilon_of_gaussian(mu: float, delta: float) -> float:
    """The smallest epsilon at delta of a Gaussian mechanism of sensitivity mu and noise 1.

    It is exact (Balle and Wang 2018, arXiv 1805.06530, theorem 8), and k mechanisms are one of sqrt(k) mu (Dong, Roth
    and Su 2019, arXiv 1905.02383, section 3.3).
    """

    def excess(epsilon: float) -> float:
        below, above = norm.logcdf(mu / 2 - epsilon / mu), norm.logcdf(-mu / 2 - epsilon / mu)
        return math.exp(below) - math.exp(epsilon + above) - delta

    if excess(0.0) <= 0:
        return 0.0
    return float(brentq(excess, 0.0, mu * mu / 2 + mu * (-norm.ppf(delta / 2)) + 1))


@functools.lru_cache
def _epsilon(noise_multiplier: float, rate: float, steps: int, delta: float) -> float:
    try:
        import dp_accounting
    except ModuleNotFoundError as error:
        raise PrivacyInputError(
            "DP-SGD needs dp-accounting, which is not installed: pip install 'privacy-component[training]'."
        ) from error
    step = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise_multiplier))
    return float(dp_accounting.pld.PLDAccountant().compose(step, steps).get_epsilon(delta))
