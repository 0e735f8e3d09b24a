"""The audit of one training run: how many fair coins a model gives away, and whether a claimed epsilon allows that.

Valid where each canary was in the training data by an independent fair coin, the number of guesses was fixed before the
scores were seen, and the scores are of one training run. The theorem is for (epsilon, delta)-differential privacy where
neighbours differ in one example, added or removed.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom, chi2

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.one_run import one_run_epsilon, one_run_mu
from privacy_component.metrics.score_histogram import NUM_BINS, ScoreHistogram

LOSS, ALIGNMENT = CANARY_SCORES = ('loss', 'alignment')  # what canaries are ranked by
REFUTED, NOT_REFUTED, UNTESTABLE = 'refuted', 'not_refuted', 'cannot_be_tested'

FEWEST_CANARIES = 20
GUESS_SHARE = 0.5  # of m; see docs/canaries.md
_UNFAIR = 1e-4
_TAIL = 0.005

_epsilon = functools.lru_cache(one_run_epsilon)  # of 100,000 canaries it takes a second


@dataclasses.dataclass(frozen=True)
class CanaryAudit:
    """What one audit found.

    Attributes:
      claimed_epsilon, delta: the claim.
      claimed_by: where the claim is from, in words.
      num_canaries, num_in: m, and how many of them are in the training data.
      num_guesses, num_correct: r and v of theorem 5.2.
      confidence_level: the probability that a true claim is not refuted is at least this.
      histogram: scores of canaries that are in, as members, and of those that are not.
      score: what the scores are, of CANARY_SCORES.
    """

    claimed_epsilon: float
    delta: float
    claimed_by: str
    num_canaries: int
    num_in: int
    num_guesses: int
    num_correct: int
    confidence_level: float
    histogram: ScoreHistogram
    score: str = LOSS

    def __post_init__(self) -> None:
        _check_claim(self.claimed_epsilon, self.delta, self.confidence_level)

    @functools.cached_property
    def lower_bound(self) -> float:
        """The epsilon that the guesses show at `confidence_level`; 0 if none."""
        return self._bound(self.num_correct)

    @functools.cached_property
    def ceiling(self) -> float:
        """What it would be if every guess were right: a claim from here on cannot be refuted."""
        return self._bound(self.num_guesses)

    @functools.cached_property
    def mu_lower_bound(self) -> float:
        """The mu of Gaussian differential privacy that the guesses show; for a mechanism that is known to be Gaussian.

        No claim is refuted by it: DP-SGD is only nearly so. 0 if none.
        """
        alpha = 1 - self.confidence_level
        return one_run_mu(self.num_canaries, self.num_guesses, self.num_correct, alpha)

    @property
    def outcome(self) -> str:
        """REFUTED, NOT_REFUTED, which is no proof of the claim, or UNTESTABLE."""
        if self.ceiling <= self.claimed_epsilon:
            return UNTESTABLE
        return REFUTED if self.lower_bound > self.claimed_epsilon else NOT_REFUTED

    def to_json_fields(self) -> dict[str, Any]:
        """JSON values, with what follows from them for a reader."""
        follows = {
            'lower_bound': self.lower_bound,
            'ceiling': self.ceiling,
            'mu_lower_bound': self.mu_lower_bound,
            'outcome': self.outcome,
        }
        return {**dataclasses.asdict(self), **follows}

    @classmethod
    def from_json_fields(cls, fields: Any) -> CanaryAudit:
        """The audit that `to_json_fields` made the fields of.

        Raises:
          PrivacyInputError: the recorded outcome does not follow from the recorded numbers.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        given = {name: value for name, value in fields.items() if name in names}
        sides = {side: tuple(given['histogram'][side]) for side in ('members', 'non_members')}
        audit = cls(**given | {'histogram': ScoreHistogram(**given['histogram'] | sides)})
        same = math.isclose(audit.lower_bound, fields['lower_bound'], rel_tol=1e-6, abs_tol=1e-9)
        if not same or audit.outcome != fields['outcome']:
            raise PrivacyInputError(
                f'an audit of canaries says {fields["outcome"]!r} at {fields["lower_bound"]!r}, and its numbers say '
                f'{audit.outcome!r} at {audit.lower_bound:.6g}: the file was changed. Restore it, or evaluate again.'
            )
        return audit

    def _bound(self, num_correct: int) -> float:
        alpha = 1 - self.confidence_level
        return _epsilon(self.num_canaries, self.num_guesses, num_correct, alpha, self.delta)


def audit_canaries(
    scores: ArrayLike,
    is_in: ArrayLike,
    *,
    claimed_epsilon: float,
    delta: float,
    confidence_level: float = 0.95,
    guess_share: float = GUESS_SHARE,
    groups: ArrayLike | None = None,
    claimed_by: str = '',
    score: str = LOSS,
) -> CanaryAudit:
    """Audits a training run by its canaries (Steinke, Nasr and Jagielski 2023, arXiv 2305.08846, algorithm 1).

        audit = audit_canaries(-loss_of_canaries, is_in, claimed_epsilon=3, delta=1e-5)
        audit.outcome, audit.lower_bound, audit.ceiling

    Args:
      scores: (m,) finite, higher = more likely in the training data; of one model. The negative loss, say.
      is_in: (m,) bool, what the coins said.
      claimed_epsilon: above 0.
      delta: in [0, 1).
      confidence_level: one minus the probability of refuting a true claim.
      guess_share: the share of canaries that are guessed, half of them "in" by the highest scores and half "out" by the
        lowest. Fix it before scores are seen: the best of several is no bound.
      groups: (m,) of any values that fair coins do not depend on, labels or blocks of canaries; they are tested for
        that.
      claimed_by: where the claim is from.
      score: what the scores are, for the report: 'loss' or 'alignment'.

    Raises:
      PrivacyInputError: an argument cannot be used, or the coins are not fair.
    """
    values, inside = _columns(scores, is_in)
    if score not in CANARY_SCORES:
        raise PrivacyInputError(f'score is {score!r}; write one of {", ".join(CANARY_SCORES)}.')
    _check_claim(claimed_epsilon, delta, confidence_level)
    if not (_is_number(guess_share) and 0 < guess_share <= 1):
        raise PrivacyInputError(f'guess_share is {guess_share!r}; give a number above 0, and 1 at most.')
    check_coins(inside, groups)
    m = len(values)
    half = max(int(guess_share * m / 2), 1)
    # Equal scores must not be told apart by their order, which may know the coins.
    order = np.lexsort((np.random.default_rng(0).permutation(m), values))
    correct = np.count_nonzero(inside[order[-half:]]) + np.count_nonzero(~inside[order[:half]])
    if binom.cdf(correct, 2 * half, 0.5) < _UNFAIR:
        raise PrivacyInputError(
            f'only {correct:,} of {2 * half:,} guesses about canaries are right, which chance gives once in 10,000 '
            'audits: scores are upside down. Give higher ones to what is likelier in the training data, the negative '
            'loss say.'
        )
    return CanaryAudit(
        claimed_epsilon=float(claimed_epsilon),
        delta=float(delta),
        claimed_by=claimed_by,
        num_canaries=m,
        num_in=int(np.count_nonzero(inside)),
        num_guesses=2 * half,
        num_correct=int(correct),
        confidence_level=float(confidence_level),
        histogram=_histogram(values, inside),
        score=score,
    )


def check_coins(is_in: NDArray[np.bool_], groups: ArrayLike | None = None) -> None:
    """Raises PrivacyInputError if coins are hardly fair: a chi-square test over groups, at 1 in 10,000.

    Args:
      is_in: (m,) bool.
      groups: (m,); all of them one group if not given.
    """
    keys = np.zeros(len(is_in), int) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(keys) != len(is_in):
        raise PrivacyInputError(f'groups has {len(keys):,} entries, and there are {len(is_in):,} canaries.')
    sizes = np.bincount(keys)
    inside = np.bincount(keys, weights=is_in)
    # Either test alone would miss what the other finds: many groups that lean a little, and one that leans a lot.
    statistics = [(np.sum(4 * (inside - sizes / 2) ** 2 / sizes), len(sizes))]
    statistics += [(4 * (inside.sum() - sizes.sum() / 2) ** 2 / sizes.sum(), 1)]
    p_value = min(float(chi2.sf(*one)) for one in statistics)
    if p_value < _UNFAIR:
        raise PrivacyInputError(
            f'{int(inside.sum()):,} of {len(is_in):,} canaries are in the training data, in {len(sizes):,} groups; '
            f'fair coins give such numbers once in {1 / max(p_value, 1e-300):,.0f} audits (chi-square). The audit '
            'needs an independent fair coin for each: make them with CanaryInjector, and lose none on the way.'
        )


def _columns(scores: ArrayLike, is_in: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    try:
        score, inside = np.asarray(scores, np.float64), np.asarray(is_in)
    except (TypeError, ValueError) as error:
        raise PrivacyInputError('scores of canaries are not numbers: give one for each canary.') from error
    if score.ndim != 1 or inside.shape != score.shape:
        raise PrivacyInputError(
            f'scores and is_in of canaries have the shapes {score.shape} and {inside.shape}: give both for each canary.'
        )
    if inside.dtype != bool:
        raise PrivacyInputError(f'is_in of canaries is of the type {inside.dtype}; give True and False.')
    if len(score) < FEWEST_CANARIES:
        raise PrivacyInputError(f'there are {len(score)} canaries; an audit needs {FEWEST_CANARIES} or more.')
    if not np.isfinite(score).all():
        raise PrivacyInputError(
            f'{np.count_nonzero(~np.isfinite(score)):,} of {len(score):,} scores of canaries are NaN or infinite.'
        )
    return score, inside


def _check_claim(epsilon: Any, delta: Any, confidence_level: Any) -> None:
    if not (_is_number(epsilon) and epsilon > 0):
        raise PrivacyInputError(f'claimed_epsilon is {epsilon!r}; a claim is a number above 0.')
    if not (_is_number(delta) and 0 <= delta < 1):
        raise PrivacyInputError(f'delta is {delta!r}; give that of the claim, a number from 0 and below 1.')
    if not (_is_number(confidence_level) and 0.5 < confidence_level < 1):
        raise PrivacyInputError(f'confidence_level is {confidence_level!r}; give a number between 0.5 and 1.')


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def _histogram(scores: NDArray[np.float64], is_in: NDArray[np.bool_]) -> ScoreHistogram:
    low, high = np.quantile(scores, [_TAIL, 1 - _TAIL])
    high = high if high > low else low + 1.0
    clipped = np.clip(scores, low, high)
    counts = [np.histogram(clipped[side], NUM_BINS, (low, high))[0] for side in (is_in, ~is_in)]
    return ScoreHistogram(float(low), float(high), *(tuple(one.tolist()) for one in counts))
