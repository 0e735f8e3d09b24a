"""Sketches are the same bits in every partition, order and bundle; their counts are exact, or unbiased."""

import dataclasses

import numpy as np
import pytest

from privacy_component import PrivacyConfig
from privacy_component.beam.examples import sketch_examples
from privacy_component.beam.examples.record_hashes import feature_hashes
from privacy_component.beam.plan import Plan
from privacy_component.checks import feature_sample
from privacy_component.checks.duplicates import measure_duplicates
from privacy_component.checks.feature_sample import MOST_INPUTS
from privacy_component.checks.sketches import DistinctCounts, merge_counts
from privacy_component.hashing import mix
from tests.checks.sketching import batches_of, sketch_batches, sketch_of
from tests.component.world import serialize


def some_hashes(rng, n):
    return mix(rng.integers(0, n, 2 * n).astype(np.uint64)), rng.random(2 * n) < 0.6


def same_counts(one, other):
    for field in dataclasses.fields(one):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


@pytest.mark.parametrize('most', [10, 500, 100_000])
def test_counts_are_those_of_a_dictionary_in_any_partition(most):
    rng = np.random.default_rng(most)
    hashes, sides = some_hashes(rng, 800)
    whole = DistinctCounts.of(hashes, sides, most)
    expected = sorted(set(hashes.tolist()))
    assert whole.hashes.tolist() == expected[:most]
    assert whole.members.tolist() == [int(np.sum(sides[hashes == h])) for h in whole.hashes]
    assert whole.num_members + int(whole.num_non_members) == 1600
    assert whole.is_exact == (len(expected) <= most)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(1600)
        parts = [DistinctCounts.of(hashes[part], sides[part], most) for part in np.array_split(order, 7)]
        same_counts(merge_counts([merge_counts(parts[:3], most), merge_counts(parts[3:], most)], most), whole)


def test_estimates_of_many_are_unbiased():
    """5,000 distinct examples, of which 100 of each side are kept; 40 % of the non-members stand on both sides."""
    ids = np.concatenate([np.arange(3000), np.arange(2200, 4200)])
    sides = np.arange(5000) < 3000
    found = []
    for seed in range(400):
        figures = measure_duplicates(DistinctCounts.of(mix(ids.astype(np.uint64), seed), sides, 200))
        assert not figures.is_exact
        found.append((figures.shared_non_members, figures.num_distinct))
    error = np.std(found, axis=0) / 20
    assert np.all(np.abs(np.mean(found, axis=0) - (800, 4200)) < 3.5 * error)


def rows_of(rng, n):
    """Rows of which some lack a feature, some have several values, and one feature is a number here and text there."""
    return [
        {
            'size': float(rng.normal()),
            'kind': str(rng.choice(['a', 'b', 'c' * 40])),
            'odd': int(rng.integers(5)) if rng.random() < 0.9 else 'text',
            **({'rare': rng.random(3).tolist()} if rng.random() < 0.05 else {}),
        }
        for _ in range(n)
    ]


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(sketch_examples, '_ROWS_WAITING', 100)
    monkeypatch.setattr(feature_sample.bounded_sample, '__defaults__', (60,))
    monkeypatch.setattr(feature_sample.merge_samples, '__defaults__', (60,))


def same_sketches(one, other):
    same_counts(one.counts, other.counts)
    assert one.sample.limits == other.sample.limits
    for name in ('hashes', 'is_member', 'units', 'lacks_unit'):
        np.testing.assert_array_equal(getattr(one.sample, name), getattr(other.sample, name))
    ours, theirs = one.sample.columns(), other.sample.columns()
    assert list(ours) == list(theirs)
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name])


def test_the_job_sketches_alike_in_every_partition(small_limits):
    rng = np.random.default_rng(0)
    members, others = ([serialize(row) for row in rows_of(rng, n)] for n in (700, 400))
    members += members[:30]
    whole = sketch_of(members, others)
    assert len(whole.sample) == 120
    for size, cut in ((1, 3), (37, 10), (256, 2)):
        batches = batches_of([members[i] for i in rng.permutation(len(members))], others[::-1], size)
        batches = [batches[i] for i in rng.permutation(len(batches))]
        same_sketches(sketch_batches(batches[:cut]).merge(sketch_batches(batches[cut:])), whole)


def test_a_second_bundle_drops_nothing_that_counts(small_limits):
    """What one worker has learnt from one bundle it may use in the next."""
    rng = np.random.default_rng(3)
    members, others = ([serialize(row) for row in rows_of(rng, 900)] for _ in range(2))
    batches = batches_of(members, others, 64)
    do_fn = sketch_examples.SketchExamples(Plan(PrivacyConfig(), {}, (), ()))
    do_fn.setup()
    parts = []
    for bundle in (batches[:10], batches[10:]):
        do_fn.start_bundle()
        for batch in bundle:
            do_fn.process(batch)
        parts += [one.value for one in do_fn.finish_bundle()]
    same_sketches(parts[0].merge(*parts[1:]), sketch_of(members, others))


def test_examples_with_many_values_are_bounded():
    rng = np.random.default_rng(0)
    sides = [[serialize({'pixels': rng.random(10_000).tolist(), 'n': i}) for i in range(150)] for _ in range(2)]
    sample = sketch_of(*sides).sample
    assert len(sample.columns()) == MOST_INPUTS
    assert {name.feature for name in sample.columns()} == {'pixels', 'n'}
    assert np.bincount(sample.entries.rows).tolist() == [MOST_INPUTS] * 300
    found = sketch_of(*sides).figures(is_grouped=False, seed=0)['blind']
    assert found.num_inputs <= MOST_INPUTS and found.lower <= 0.5


def test_equal_rows_on_both_sides_are_counted_whatever_their_order():
    rows = rows_of(np.random.default_rng(5), 300)
    turned = [dict(reversed(row.items())) for row in rows[:40]]
    sketch = sketch_of([serialize(row) for row in rows], [serialize(row) for row in turned])
    assert measure_duplicates(sketch.counts).shared_non_members == 40


def token_lists(rng, n):
    return [serialize({'tokens': rng.random(rng.integers(50, 190)).tolist()}) for _ in range(n)]


@pytest.mark.parametrize('rank', [0, 25, -1])
def test_one_long_example_changes_nothing_in_any_order(monkeypatch, rank):
    """Whether it stays in the sample, drops out of it late, or is never wanted; batches forward, reversed and cut."""
    rng = np.random.default_rng(0)
    members, others = token_lists(rng, 1500), token_lists(rng, 1500)
    monkeypatch.setattr(sketch_examples, '_ROWS_WAITING', 64)
    monkeypatch.setattr(feature_sample.bounded_sample, '__defaults__', (200,))
    monkeypatch.setattr(feature_sample.merge_samples, '__defaults__', (200,))
    short = sketch_of(members, others).figures(is_grouped=False, seed=0)['blind']
    long = [serialize({'tokens': rng.random(900).tolist()}) for _ in range(400)]
    members[0] = long[np.argsort(feature_hashes(long)[0])[rank]]
    batches = batches_of(members, others, 50)
    whole = sketch_batches(batches)
    figures = whole.figures(is_grouped=False, seed=0)
    assert figures['blind'].num_inputs > 180 and short.num_inputs > 180
    for order in (batches[::-1], batches[30:] + batches[:30]):
        for cut in (0, 1, 7, 33):
            parts = [sketch_batches(part) for part in (order[:cut], order[cut:]) if part]
            merged = parts[0].merge(*parts[1:])
            same_sketches(merged, whole)
            assert merged.figures(is_grouped=False, seed=0) == figures


def test_many_rare_features_take_no_more_than_their_values():
    """A column for each would be 2,700 times as much."""
    sides = [[serialize({f'{side}{i} {j}': 1.0 for j in range(9)}) for i in range(150)] for side in 'ab']
    sample = sketch_of(*sides).sample
    assert len(sample.entries.values) == 300 * 9
    assert len(sample.columns()) == MOST_INPUTS


@pytest.mark.parametrize('person', [None, [], [1, 2], 0.5])
def test_an_example_without_a_group_counts_where_it_is_in_the_sample(small_limits, person):
    rng = np.random.default_rng(0)
    members, others = ([row | {'person': i} for i, row in enumerate(rows_of(rng, 400))] for _ in range(2))
    records = [[serialize(row) for row in side] for side in (members, others)]
    odd = [serialize(row | {'person': person}) for row in members]
    order = np.argsort(feature_hashes(odd)[0])
    for i, lacks in ((order[0], True), (order[-1], False)):
        for one_first in (True, False):
            given = [odd[i], *records[0]] if one_first else [*records[0], odd[i]]
            sketch = sketch_of(given, records[1], people={'group_key': 'person', 'group_aggregation': 'mean'})
            found = sketch.figures(is_grouped=True, seed=0)['blind']
            assert ('group_key has no single value in 1 of the 120 examples' in str(found)) == lacks
