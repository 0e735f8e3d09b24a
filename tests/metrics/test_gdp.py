import numpy as np
import pytest
from scipy.special import ndtr

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.curve import summarize
from privacy_component.metrics.gdp import delta_of, epsilon_of, gdp_mu
from tests.metrics.simulate import counts_of, gaussian


@pytest.mark.parametrize('mu', [0.5, 1.0, 3.0])
def test_a_gaussian_shift_has_its_own_mu(mu):
    curve = summarize(counts_of(*gaussian(np.random.default_rng(1), 100_000, 100_000, mu)))
    assert 0.94 * mu - 0.02 < gdp_mu(curve, 0.05) < mu


@pytest.mark.parametrize('mu', [0.1, 1.0, 4.0])
@pytest.mark.parametrize('epsilon', [0.0, 0.5, 3.0])
def test_delta_is_the_closed_form(mu, epsilon):
    expected = ndtr(-epsilon / mu + mu / 2) - np.exp(epsilon) * ndtr(-epsilon / mu - mu / 2)
    assert delta_of(mu, epsilon) == pytest.approx(expected, abs=1e-12)


def test_delta_is_the_largest_gain_over_all_sets():
    # delta(eps) = max over thresholds t of P[N(mu) > t] - e^eps P[N(0) > t].
    thresholds = np.linspace(-10, 10, 200_001)
    gains = ndtr(1.5 - thresholds) - np.exp(2.0) * ndtr(-thresholds)
    assert delta_of(1.5, 2.0) == pytest.approx(gains.max(), abs=1e-8)


@pytest.mark.parametrize('mu', [0.01, 1.0, 20.0])
def test_epsilon_inverts_delta(mu):
    epsilon = epsilon_of(mu, 1e-5)
    assert delta_of(mu, epsilon) == pytest.approx(1e-5, rel=1e-6) or epsilon == 0
    assert delta_of(0.0, 1.0) == 0 and epsilon_of(0.0, 1e-5) == 0


@pytest.mark.parametrize('delta', [0.0, 1.0, float('nan')])
def test_bad_delta(delta):
    with pytest.raises(PrivacyInputError, match='between 0 and 1'):
        epsilon_of(1.0, delta)
