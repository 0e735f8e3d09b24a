"""Exposure: how far a secret that was put into the training text stands out among all that it might have been.

A figure for one model and its secrets, no bound of an epsilon: compare it with that of secrets which were not inserted.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logsumexp
from scipy.stats import kstest, norm, skewnorm

from privacy_component.errors import PrivacyInputError

FEWEST_CANDIDATES = 200
_MOST_FITTED = 5000
_BAD_FIT = 0.001
_MOST_SKEWED = 20.0  # of the shape: beyond it the fit is of a half of a normal, whose tail says nothing
_STEPS = 4000
_WIDTH = 24.0  # in scales, from half of it above the middle: beyond it there is nothing that counts


@dataclasses.dataclass(frozen=True, eq=False)
class Exposure:
    """The exposure of k secrets.

    Attributes:
      bits: (k,) -log2 of the share of candidates that the model finds as likely, by a skew-normal distribution of their
        losses; 0 is nothing, 1 what half of all candidates have.
      by_rank: (k,) the same by rank; at most log2 of the number of candidates plus one.
      fit_p_value: of a Kolmogorov-Smirnov test of the distribution, on candidates that it was not fitted to.
    """

    bits: NDArray[np.float64]
    by_rank: NDArray[np.float64]
    fit_p_value: float


def exposure(secret_losses: ArrayLike, candidate_losses: ArrayLike, seed: int = 0) -> Exposure:
    """Exposure by extrapolation (Carlini et al. 2019, arXiv 1802.08232, sections 4.2 and 4.4).

    Args:
      secret_losses: (k,) the model's loss (the log perplexity) of each secret.
      candidate_losses: (n,) that of secrets which could have been drawn just as well and were not inserted; 200 or
        more.
      seed: of the choice of candidates that are fitted to; the others test the fit.

    Raises:
      PrivacyInputError: too few candidates, a loss that is no number, or losses that are not skew-normal, so that
        nothing can be extrapolated; the exposure by rank is all there is then.

    >>> candidates = np.random.default_rng(0).normal(30, 2, 1000)
    >>> exposure([30.0, 20.0], candidates).bits.round().tolist()
    [1.0, 24.0]
    """
    secrets, candidates = _losses('secret_losses', secret_losses), _losses('candidate_losses', candidate_losses)
    if len(candidates) < FEWEST_CANDIDATES:
        raise PrivacyInputError(
            f'candidate_losses has {len(candidates)} entries; {FEWEST_CANDIDATES} or more are needed to extrapolate.'
        )
    ranks = 1 + np.count_nonzero(candidates[None] <= secrets[:, None], axis=1)
    by_rank = np.log2(len(candidates) + 1) - np.log2(ranks)
    shuffled = np.random.default_rng(seed).permutation(np.sort(candidates))[: 2 * _MOST_FITTED]
    fitted, others = np.array_split(shuffled, 2)
    shape, location, scale = skewnorm.fit(fitted, *_start(fitted))
    p_value = float(kstest(others, skewnorm(shape, location, scale).cdf).pvalue)
    if not p_value >= _BAD_FIT or abs(shape) > _MOST_SKEWED:
        raise PrivacyInputError(
            f'the losses of {len(candidates):,} candidates are not skew-normal (Kolmogorov-Smirnov, p = '
            f'{p_value:.2g}), so exposure cannot be extrapolated. By rank the secrets have '
            f'{", ".join(f"{one:.1f}" for one in by_rank[:10])} bits, and no more could be seen than '
            f'{np.log2(len(candidates) + 1):.1f}: take candidates of one kind and length.'
        )
    return Exposure(_bits(secrets, shape, location, scale), by_rank, p_value)


def _losses(name: str, losses: ArrayLike) -> NDArray[np.float64]:
    try:
        values = np.asarray(losses, np.float64)
    except (TypeError, ValueError) as error:
        raise PrivacyInputError(f'{name} are not numbers: give the loss of each.') from error
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise PrivacyInputError(f'{name} has the shape {values.shape}; give one finite loss for each, at least one.')
    return values


def _start(losses: NDArray[np.float64]) -> tuple[float]:
    """Where the fit of the shape begins: on the side that the losses lean to."""
    centred = losses - losses.mean()
    return (2.0 * float(np.sign(np.mean(centred**3)) or 1.0),)


def _bits(losses: NDArray[np.float64], shape: float, location: float, scale: float) -> NDArray[np.float64]:
    """-log2 of the distribution function, summed in logarithms: scipy's own is 0, or below, far out."""
    below = _WIDTH * np.linspace(0, 1, _STEPS) ** 3  # dense where the density falls fast
    weights = np.diff(below, prepend=0, append=_WIDTH)
    weights = (weights[:-1] + weights[1:]) / 2  # the trapezoid rule
    z = np.minimum((losses - location) / scale, _WIDTH / 2)[:, None] - below
    logs = np.log(2) + norm.logpdf(z) + norm.logcdf(shape * z)
    return np.maximum(-logsumexp(logs, b=weights, axis=1) / np.log(2), 0)
