import numpy as np
import pytest

from privacy_component.metrics.counts import keys, roc


@pytest.mark.parametrize('n', [0, 1, 2, 3, 1000, 70_000])
@pytest.mark.parametrize('kind', ['spread', 'close', 'tied', 'equal', 'infinite'])
def test_sorts_as_argsort_does(n, kind):
    rng = np.random.default_rng(n)
    scores = {
        'spread': rng.standard_normal(n),
        'close': 1 + rng.integers(0, 1 << 20, n) * 2.0**-52,  # alike in all leading bits
        'tied': rng.integers(0, 5, n) * (1 + rng.integers(0, 3, n) * 2.0**-52),
        'equal': np.ones(n),
        'infinite': rng.choice([-np.inf, np.inf, 0.0], n),
    }[kind]
    unsorted = keys.score_keys(scores)
    before = unsorted.copy()
    order, ordered = keys.sort_keys(unsorted)
    assert np.array_equal(unsorted, before)
    assert np.array_equal(ordered, np.sort(unsorted))
    assert np.array_equal(unsorted[order], ordered)
    assert np.array_equal(np.sort(order), np.arange(n))


def test_slices_without_rows_are_counted_too():
    ordered = roc.SortedScores.of(keys.score_keys(np.arange(4.0)), np.arange(4) < 2)
    empty = np.zeros(0, np.int64)
    assert [len(counts.keys) for counts in ordered.count(empty, empty, 3)] == [0, 0, 0]
    assert ordered.count(empty, empty, 0) == []
