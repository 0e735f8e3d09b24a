"""Percentiles from counts are numpy.percentile's, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_component.metrics.counts import roc
from privacy_component.metrics.counts.keys import score_keys, scores_of
from privacy_component.metrics.counts.percentiles import percentiles

TENTHS = np.arange(0, 101, 10)
SCORES = st.one_of(st.floats(-1e300, 1e300), st.sampled_from([0.0, -0.0, 0.1, 0.3, 5e-324]))


def counts_of(scores, shift=0):
    return roc.count_scores(score_keys(scores), (np.arange(len(scores)) + shift) % 3 == 0)


@settings(max_examples=300, deadline=None)
@given(st.lists(SCORES, min_size=1, max_size=60))
def test_any_scores(values):
    scores = np.array(values)
    assert np.array_equal(percentiles(counts_of(scores), TENTHS), np.percentile(scores, TENTHS))


@pytest.mark.parametrize('n', [1, 2, 9, 10, 11, 12, 101, 4999, 70_001])
@pytest.mark.parametrize('draw', [lambda rng, n: rng.exponential(size=n), lambda rng, n: rng.integers(0, 25, n) / 7.0])
def test_any_number_of_them_in_any_parts(draw, n):
    scores = draw(np.random.default_rng(n), n)
    parts = [counts_of(part, shift) for shift, part in enumerate(np.array_split(scores, min(n, 7)))]
    assert np.array_equal(percentiles(roc.merge(parts), TENTHS), np.percentile(scores, TENTHS))


def test_fewer_bits_round_down_by_at_most_the_last_bit_kept():
    scores = np.random.default_rng(3).exponential(size=50_000)
    counts = roc.bounded(counts_of(scores), 2000)
    exact, found = np.percentile(scores, TENTHS), percentiles(counts, TENTHS)
    assert 12 < counts.bits < 64
    assert np.all(found <= exact)
    assert np.all(found >= exact * (1 - 2.0 ** (12 - counts.bits)))
    assert np.any(found < exact)


@given(st.lists(st.one_of(SCORES, st.sampled_from([np.inf, -np.inf])), max_size=30))
def test_keys_give_scores_back(values):
    scores = np.array(values)
    assert np.array_equal(scores_of(score_keys(scores)), scores)
