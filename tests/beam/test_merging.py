"""Totals and counts merge to the same total in any partition and order, and a retried bundle counts nothing twice."""

import collections
import dataclasses
import functools
import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy_component import PrivacyConfig, SlicingSpec
from privacy_component.beam.models.batch import Batch, View
from privacy_component.beam.models.totals import Totals
from privacy_component.beam.plan import ModelPlan, Plan
from privacy_component.beam.scores import count_scores, merge
from privacy_component.beam.scores.job_keys import AnswersKey, TotalsKey, WeightKey
from privacy_component.beam.scores.two_models import FoldCounts, as_counts
from privacy_component.beam.scores.weights import WeightSums, weigh
from privacy_component.metrics.counts import fixed_point, roc
from privacy_component.metrics.counts.groups import GroupTotals, aggregate, totals_by_slice
from privacy_component.observations.columns import Column
from privacy_component.observations.slicing import slice_rows

SCORES = st.one_of(st.sampled_from([0.0, -0.0, 1.0, 1e300, -1e-30, 1e-9]), st.floats(-1e6, 1e6))
ROWS = st.lists(st.tuples(SCORES, st.booleans(), st.integers(0, 5)), min_size=1, max_size=40)


@st.composite
def partitions(draw):
    """Rows, and the same in another order and cut into parts."""
    rows = draw(ROWS)
    shuffled = draw(st.permutations(rows))
    cuts = sorted(draw(st.sets(st.integers(1, len(rows)), max_size=8)) | {0, len(rows)})
    return rows, [shuffled[a:b] for a, b in itertools.pairwise(cuts)]


def batch_of(rows, split='train'):
    scores, members, groups = (np.array(column) for column in zip(*rows, strict=True))
    outputs = np.column_stack([np.zeros(len(scores)), scores.clip(-1e100, 1e100)])
    return Batch(
        is_member=members,
        example_id=np.abs(scores).view(np.uint64) ^ groups.astype(np.uint64),
        labels=members.astype(np.int64),
        views={'candidate': (View(outputs),)},
        features={'group': Column.from_values(groups)},
        group_id=groups.astype(np.uint64),
        weights=np.abs(scores).clip(0, 1e9),
        split=split,
    )


def weighed(batch):
    specs = [SlicingSpec(), SlicingSpec(('group',))]
    return weigh(batch, [slice_rows(spec, batch.features, len(batch.is_member)) for spec in specs])


def totals_of(how, rows):
    batch = batch_of(rows)
    scores = batch.outputs[:, 1]
    if how == 'none':
        return FoldCounts((roc.count_scores(roc.score_keys(scores), batch.is_member),))
    return FoldCounts(tuple(totals_by_slice(scores, batch.is_member, np.zeros(len(rows), int), batch.group_id, 1, how)))


def same(one, other):
    """Equal dataclasses, arrays to the bit."""
    assert type(one) is type(other)
    for field in dataclasses.fields(one):
        assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name


def merged_as_a_runner_does(parts, max_keys=1_000_000):
    """Some parts added one by one, others merged first."""
    combine = merge.Merge(max_keys)
    half = len(parts) // 2
    added = functools.reduce(combine.add_input, parts[:half], combine.create_accumulator())
    others = [combine.compact(combine.add_input(combine.create_accumulator(), part)) for part in parts[half:]]
    return combine.extract_output(combine.merge_accumulators([combine.create_accumulator(), *others, added]))


@settings(max_examples=150, deadline=None)
@given(partitions())
def test_tallies(partition):
    rows, parts = partition
    whole = merged_as_a_runner_does([Totals.of(batch_of(rows), {'decode': 1})])
    found = merged_as_a_runner_does([Totals.of(batch_of(part), {}) for part in parts])
    assert dataclasses.replace(found, nanoseconds={}) == dataclasses.replace(whole, nanoseconds={})
    assert found.num_examples == {'train': len(rows)}


@settings(max_examples=100, deadline=None)
@given(partitions(), st.sampled_from(['none', 'mean', 'max']))
def test_counts(partition, how):
    rows, parts = partition
    (whole,) = merged_as_a_runner_does([totals_of(how, rows)]).folds
    (found,) = merged_as_a_runner_does([totals_of(how, part) for part in parts]).folds
    same(found, whole)
    same(as_counts(found, 1000), as_counts(whole, 1000))


@settings(max_examples=100, deadline=None)
@given(partitions(), st.sampled_from(['mean', 'max']))
def test_merged_groups_are_those_of_the_arrays(partition, how):
    rows, parts = partition
    batch = batch_of(rows)
    one_slice = np.zeros(len(rows), int)
    (expected,) = aggregate(batch.outputs[:, 1], batch.is_member, one_slice, batch.group_id, 1, how)
    (found,) = merged_as_a_runner_does([totals_of(how, part) for part in parts]).folds
    assert isinstance(found, GroupTotals)
    same(found.scored, expected)


def test_however_many_bundles_there_are_few_parts_are_held_at_a_time(monkeypatch):
    sizes = []
    monkeypatch.setattr(merge, 'merged', lambda parts: sizes.append(len(parts)) or parts[0])
    combine = merge.Merge(1000)
    total = combine.merge_accumulators([totals_of('none', [(float(i), True, 0)])] for i in range(1000))
    assert len(total) == 1
    assert max(sizes) == merge.PARTS_KEPT


@settings(max_examples=100, deadline=None)
@given(partitions())
def test_weights_by_slice(partition):
    rows, parts = partition
    expected: dict[tuple, list[Fraction]] = collections.defaultdict(lambda: [Fraction(0), Fraction(0)])
    for score_, is_member, group in rows:
        for key in ((), (('group', group),)):
            expected[key][not is_member] += Fraction(int(Fraction(min(abs(score_), 1e9)) * 2**96), 2**96)
    found: dict[tuple, WeightSums] = {}
    for part in parts:
        for key, sums in weighed(batch_of(part)):
            found[key] = found[key].merge(sums) if key in found else sums
    assert {key: list(sums.as_floats().values()) for key, sums in found.items()} == {
        key: [float(total) for total in sums] for key, sums in expected.items()
    }


@pytest.mark.parametrize('how', ['mean', 'max'])
def test_no_rows_are_no_groups(how):
    nothing = np.zeros(0)
    parts = totals_by_slice(nothing, nothing > 0, nothing.astype(int), nothing.astype(np.uint64), 2, how)
    assert [len(part.scored.scores) for part in parts] == [0, 0]


@given(st.lists(st.floats(-1e15, 1e15).filter(lambda x: x == 0 or abs(x) > 2.0**-44)))
def test_fixed_point_is_exact_where_it_says_so(numbers):
    values = np.array(numbers, np.float64)
    assert np.array_equal(fixed_point.as_floats(fixed_point.digits(values)), values)
    assert fixed_point.from_units(fixed_point.exact_sum(values)) == float(sum(map(Fraction, numbers), Fraction(0)))


@pytest.mark.parametrize('how', ['none', 'mean'])
@pytest.mark.parametrize('num_abandoned', [1, 7, 13])
def test_a_retried_bundle_counts_nothing_twice(monkeypatch, how, num_abandoned):
    """The bundle dies between two batches; the runner starts it again in the same process, with the same DoFn."""
    monkeypatch.setattr(count_scores, '_BATCHES_AT_ONCE', 3)
    rng = np.random.default_rng(0)
    batches = [
        batch_of([(x, bool(x > rng.random()), int(rng.integers(5))) for x in rng.standard_normal(20)])
        for _ in range(14)
    ]
    config = PrivacyConfig(people={'group_aggregation': how, 'group_key': '' if how == 'none' else 'group'})
    specs = (SlicingSpec(), SlicingSpec(('group',)), SlicingSpec(('@class',)))
    plan = Plan(config, {'candidate': (ModelPlan('', '{}', 'logits'),)}, (), specs)

    def count(*bundles):
        do_fn = count_scores.CountScores(plan, config.attacks, with_totals=True)
        for bundle in bundles:
            do_fn.start_bundle()
            for batch in bundle:
                do_fn.process(batch)
        return {value.value[0]: value.value[1] for value in do_fn.finish_bundle()}

    found, expected = count(batches[:num_abandoned], batches), count(batches)
    assert list(found) == list(expected)
    for key, parts in expected.items():
        if key == TotalsKey():
            assert dataclasses.replace(found[key], nanoseconds={}) == dataclasses.replace(parts, nanoseconds={})
        elif isinstance(key, WeightKey):
            assert found[key] == parts
        elif key == AnswersKey():
            assert found[key].figures() == parts.figures()
        else:
            for one, other in zip(found[key].folds, parts.folds, strict=True):
                same(one, other)
