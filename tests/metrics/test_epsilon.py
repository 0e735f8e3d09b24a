import numpy as np
import pytest
from scipy.special import betaincinv, ndtr
from scipy.stats import binom

from privacy_component.metrics.confidence import clopper_pearson_lower, clopper_pearson_upper
from privacy_component.metrics.curve import summarize
from privacy_component.metrics.epsilon import empirical_epsilon
from tests.metrics.simulate import counts_of, gaussian


def test_by_hand():
    # All 1000 members score 1, as do 10 of 1000 non-members; the other 990 score 0. Rank 10 of the non-members (0.01)
    # flags exactly those 10 and all members; rank 1 falls back to nobody, higher ranks to the 10, at half the level.
    # The other way, "score 0 means non-member", every rank of the members falls back to none of them: 990 of the
    # non-members are named, at no error, at half the level.
    scores = np.concatenate([np.ones(1000), np.ones(10), np.zeros(990)])
    curve = summarize(counts_of(scores, np.arange(2000) < 1000))

    def gap(named, errors, share_of_level):
        level = 0.05 / 16
        low, high = (
            clopper_pearson_lower(named, 1000, level),
            clopper_pearson_upper(errors, 1000, level * share_of_level),
        )
        tpr, fpr = clopper_pearson_lower(named, 1000, 0.5), clopper_pearson_upper(errors, 1000, 0.5 * share_of_level)
        return np.log(tpr / fpr) - np.hypot(np.log(tpr / low), np.log(high / fpr))

    assert gap(990, 0, 0.5) > gap(1000, 10, 1)
    assert empirical_epsilon(curve, 0.05) == pytest.approx(gap(990, 0, 0.5))


def exact_error(alpha, members, others, rank, epsilon):
    """P(more is 'shown') at one rank where TPR = e^epsilon FPR: the FPR is Beta, the number flagged binomial."""
    nodes = np.linspace(-8, 8, 161)
    weights = np.exp(-(nodes**2) / 2) / np.exp(-(nodes**2) / 2).sum()
    fpr = betaincinv(rank + 1, others - rank, ndtr(nodes))
    flagged = np.arange(1, members + 1)
    low, mid = (clopper_pearson_lower(flagged, members, a) for a in (alpha, 0.5))
    high, fpr_mid = (clopper_pearson_upper(rank, others, a) for a in (alpha, 0.5))
    limits = np.log(mid / fpr_mid) - np.hypot(np.log(mid / low), np.log(high / fpr_mid))
    first = np.argmax(limits > epsilon) + 1 if (limits > epsilon).any() else members + 1
    return float(weights @ binom.sf(first - 1, members, np.minimum(1, np.exp(epsilon) * fpr)))


@pytest.mark.parametrize('members', [30, 200, 1000])
@pytest.mark.parametrize('others', [30, 200, 5000])
@pytest.mark.parametrize(('alpha', 'allowance'), [(0.05, 1.03), (1e-3, 1.25), (1e-4, 16 / 12 + 0.1)])
def test_quadrature_is_nearly_exact_at_every_rank(members, others, alpha, allowance):
    errors = [
        exact_error(alpha, members, others, int(rate * others), epsilon)
        for rate in (0.001, 0.01, 0.05, 0.1, 0.25, 0.5)
        for epsilon in (0.0, 0.3, 1.5)
        if np.exp(epsilon) * (rate * others + 1) / (others + 1) < 0.97
    ]
    assert 0.3 * alpha < max(errors) <= allowance * alpha


def test_delta_costs():
    curve = summarize(counts_of(*gaussian(np.random.default_rng(0), 5000, 5000, 2.0)))
    epsilons = [empirical_epsilon(curve, 0.05, delta) for delta in (0.0, 1e-5, 0.01, 0.2, 0.999)]
    assert epsilons == sorted(epsilons, reverse=True)
    assert epsilons[0] > 1.5 and epsilons[-1] == 0


def test_randomised_response_stays_below_its_epsilon_and_comes_near():
    # Scores are a bit that is right with probability e / (1 + e): epsilon is 1 exactly.
    rng = np.random.default_rng(0)
    is_member = np.arange(200_000) < 100_000
    flips = rng.random(200_000) > np.e / (1 + np.e)
    curve = summarize(counts_of((is_member ^ flips).astype(float), is_member))
    assert 0.95 < empirical_epsilon(curve, 0.05) < 1.0


def test_both_orientations_count():
    curve = summarize(counts_of(*gaussian(np.random.default_rng(0), 300, 500, 1.0)))
    assert empirical_epsilon(curve, 0.05) == pytest.approx(empirical_epsilon(curve.mirrored(), 0.05))
