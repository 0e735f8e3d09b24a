"""Exposure of secrets: closed forms, its distribution where nothing was inserted, and losses that cannot be used."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm, skewnorm

from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.exposure import _bits, exposure


def test_bits_are_those_of_the_distribution_far_out_too():
    losses = np.array([-30.0, -5.0, 0.0, 3.0, 100.0])
    np.testing.assert_allclose(_bits(losses, 0, 0, 1), -norm.logcdf(losses) / np.log(2), rtol=1e-4, atol=1e-4)
    near = np.array([-2.0, 0.0, 1.0, 4.0])
    for shape in (-4.0, 3.0):
        expected = -np.log2(skewnorm.cdf(near, shape, 1, 2))
        np.testing.assert_allclose(_bits(near, shape, 1, 2), expected, rtol=1e-3, atol=1e-4)


def test_secrets_that_were_not_inserted_have_one_bit_as_often_as_they_should():
    """The probability of t bits or more is 2^-t, whatever the skew."""
    rng = np.random.default_rng(0)
    bits = []
    for shape in (-3, 0, 3):
        losses = skewnorm.rvs(shape, 30, 2, size=1500, random_state=rng)
        bits += exposure(losses[:500], losses[500:]).bits.tolist()
    for t in (1, 2, 4):
        found = int(np.count_nonzero(np.array(bits) >= t))
        assert binomtest(found, len(bits), 2.0**-t).pvalue > 1e-3, (t, found)


def test_an_inserted_secret_stands_out_and_by_rank_only_so_far():
    candidates = np.random.default_rng(1).normal(30, 2, 1000)
    found = exposure([30.0, 24.0, 15.0], candidates)
    assert found.bits == pytest.approx([1, -norm.logcdf(-3) / np.log(2), -norm.logcdf(-7.5) / np.log(2)], rel=0.25)
    assert found.by_rank[2] == pytest.approx(np.log2(1001)) and found.fit_p_value > 0.001


def test_what_is_not_skew_normal_is_not_extrapolated():
    rng = np.random.default_rng(2)
    two_kinds = np.concatenate([rng.normal(10, 1, 1000), rng.normal(30, 1, 1000)])
    with pytest.raises(PrivacyInputError, match=r'are not skew-normal .* By rank the secrets have 11\.0 bits'):
        exposure([5.0], two_kinds)


@pytest.mark.parametrize(
    ('secrets', 'candidates', 'words'),
    [
        ([1.0], np.zeros(10), 'candidate_losses has 10 entries; 200'),
        ([np.nan], np.zeros(300), r'secret_losses has the shape \(1,\); give one finite loss'),
        ([], np.zeros(300), 'secret_losses has the shape'),
        (['a'], np.zeros(300), 'secret_losses are not numbers'),
    ],
)
def test_bad_input_is_named(secrets, candidates, words):
    with pytest.raises(PrivacyInputError, match=words):
        exposure(secrets, candidates)
