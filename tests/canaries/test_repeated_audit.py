"""Audits over repeated runs: their bound holds its error rate, and finds what is there."""

import numpy as np
import pytest
from scipy.stats import binom

from privacy_component import PrivacyInputError, audit_runs
from privacy_component.metrics.gdp import epsilon_of
from privacy_component.metrics.one_run import one_run_mu


def runs(num_runs, shift, seed):
    """Scores of a Gaussian mechanism of sensitivity `shift` and noise 1, by a coin of each run."""
    rng = np.random.default_rng(seed)
    has_canary = np.arange(num_runs) % 2 == 0
    return rng.standard_normal(num_runs) + shift * has_canary, has_canary


@pytest.mark.parametrize('mu', [0.0, 0.5, 2.0])
def test_a_bound_is_above_the_truth_in_at_most_one_of_twenty_audits(mu):
    delta, audits = 1e-5, 300
    truth = epsilon_of(mu, delta) if mu else 0.0
    bounds = [audit_runs(*runs(200, mu, seed), delta=delta).lower_bound for seed in range(audits)]
    wrong = sum(bound > truth for bound in bounds)
    assert wrong <= binom.ppf(0.999, audits, 0.05)


def test_randomised_response_is_held_to_its_epsilon_and_found():
    """The tightest mechanism there is: a bound that does not hold would show here first."""
    epsilon, audits = 2.0, 300
    bounds = []
    for seed in range(audits):
        rng = np.random.default_rng(seed)
        has_canary = np.arange(400) % 2 == 0
        tells = rng.random(400) < np.exp(epsilon) / (1 + np.exp(epsilon))
        bounds.append(audit_runs(np.where(tells, has_canary, ~has_canary), has_canary, delta=0.0).lower_bound)
    assert sum(bound > epsilon for bound in bounds) <= binom.ppf(0.999, audits, 0.05)
    assert np.mean(bounds) > 1.2


def test_what_no_noise_hides_is_shown_up_to_the_ceiling():
    found = audit_runs(*runs(1000, 50.0, 0), delta=1e-5)
    assert (
        found.lower_bound
        == found.ceiling
        == pytest.approx(np.log(0.025 ** (1 / 250) / (1 - 0.025 ** (1 / 250))), abs=1e-3)
    )
    assert (found.num_with, found.num_without, found.caught, found.wrongly_caught) == (250, 250, 250, 0)


def test_runs_without_the_canary_can_give_it_away_too():
    rng = np.random.default_rng(0)
    has_canary = np.arange(800) % 2 == 0
    scores = np.where(has_canary, rng.normal(3, 1, 800), np.where(rng.random(800) < 0.4, -20, rng.normal(3, 1, 800)))
    found = audit_runs(scores, has_canary, delta=0.0)
    assert found.lower_bound > 2.5 and found.caught == 199  # of 200: the rare error is to say that there was none


@pytest.mark.parametrize(
    ('scores', 'has_canary', 'delta', 'said'),
    [
        (np.zeros(30), np.arange(30) < 15, 0.0, 'there are 15 runs of one kind; 20 or more'),
        (np.full(60, np.nan), np.arange(60) < 30, 0.0, 'give one finite number'),
        (np.zeros(60), np.arange(60) % 2, 0.0, 'one of True and False for each run'),
        (np.zeros(60), np.arange(60) < 30, 1.0, 'delta is 1.0'),
        (['a'] * 60, np.arange(60) < 30, 0.0, 'are not numbers'),
    ],
)
def test_what_cannot_be_used_is_said(scores, has_canary, delta, said):
    with pytest.raises(PrivacyInputError, match=said):
        audit_runs(scores, has_canary, delta=delta)


@pytest.mark.parametrize('mu', [0.5, 2.0])
def test_the_bound_of_mu_from_one_run_holds_for_a_gaussian_mechanism(mu):
    audits, m, half = 60, 500, 125
    bounds = []
    for seed in range(audits):
        rng = np.random.default_rng(seed)
        is_in = rng.random(m) < 0.5
        order = np.argsort(rng.standard_normal(m) + mu * is_in)
        correct = np.count_nonzero(is_in[order[-half:]]) + np.count_nonzero(~is_in[order[:half]])
        bounds.append(one_run_mu(m, 2 * half, int(correct), 0.05))
    assert sum(bound > mu for bound in bounds) <= binom.ppf(0.999, audits, 0.05)
    assert np.mean(bounds) > 0.2 * mu


def test_without_right_guesses_there_is_no_mu():
    assert one_run_mu(500, 250, 125, 0.05) == 0.0
    assert one_run_mu(500, 250, 250, 0.05) > 0.9
