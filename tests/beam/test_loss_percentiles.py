"""Slices by loss percentile in the job are those of evaluate_privacy, to the last bit."""

import numpy as np
import pytest

from privacy_component import SlicingSpec
from privacy_component.beam.scores import count_scores, loss_percentiles
from tests.beam.arrays import assert_same_figures, evaluated, load
from tests.component import world as w

ATTACKS = ('loss_threshold', 'quantile', 'logistic_regression')
TENTHS = 10


def loss_world(root, decimals=None, num_rows=600, **model):
    """A world whose losses tie, on edges too, if logits have few decimals."""
    world = w.World(root).write(num_rows=8, **model)
    for split, seed, leak in (('train', 1, True), ('eval', 2, False)):
        rows = w.make_rows(num_rows, seed, leak)
        if decimals is not None:
            rows = [row | {'logits': np.round(row['logits'], decimals).tolist()} for row in rows]
        world.replace_rows(split, rows)
    return world


def config(**changes):
    attacks = ('loss_threshold', 'margin_threshold')
    return w.config(**{'slices': {'by_loss_percentile': True}, 'attacks': attacks} | changes)


@pytest.fixture
def small_parts(monkeypatch):
    """Every batch is sliced on its own, so that edges of its own would show."""
    monkeypatch.setattr(count_scores, '_BATCHES_AT_ONCE', 1)


def tenths(result):
    return [one for one in result.results if one.slice_key and one.slice_key[0][0] == '@loss_percentile']


@pytest.mark.usefixtures('small_parts')
@pytest.mark.parametrize('decimals', [None, 0])
def test_they_are_those_on_arrays(tmp_path, decimals):
    world, chosen = loss_world(tmp_path, decimals), config(attacks=ATTACKS)
    found, expected = load(world.run(privacy_config=chosen)), evaluated(world, chosen)
    assert_same_figures(found, expected, at_least=len(ATTACKS) * (1 + 3 + w.NUM_CLASSES + TENTHS))
    assert len(tenths(found)) == len(tenths(expected)) == len(ATTACKS) * TENTHS
    sizes = sum(one.num_members + one.num_non_members for one in tenths(found) if one.attack == ATTACKS[0])
    assert (sizes > 1200) == (decimals == 0)  # a loss on an edge is in both slices
    assert not found.record.warnings
    assert not any('loss_percentile' in c.slice for c in found.verdict.comparisons)


def test_shards_and_workers_do_not_matter(tmp_path):
    chosen = config(attacks=ATTACKS)
    world = loss_world(tmp_path / 'one', decimals=1)
    expected = load(world.run(privacy_config=chosen))
    other = loss_world(tmp_path / 'other', decimals=1)
    for split in ('train', 'eval'):
        records = world.records(split)
        (other.root / 'examples' / f'Split-{split}').rename(tmp_path / f'old {split}')
        order = np.random.default_rng(0).permutation(len(records))
        w.write_split(other.root / 'examples', split, [records[i] for i in order], shards=4)
    args = ['--runner=FnApiRunner', '--direct_running_mode=multi_processing', '--direct_num_workers=2']
    found = load(other.run(privacy_config=chosen, beam_args=[*args, '--sdk_container_image=unused']))
    assert [one.row() for one in found.results] == [one.row() for one in expected.results]


@pytest.mark.usefixtures('small_parts')
def test_a_spec_may_cross_them_with_a_feature(tmp_path):
    world = loss_world(tmp_path)
    spec = SlicingSpec(('@loss_percentile', 'color'))
    chosen = w.config(attacks=('margin_threshold',), slicing_specs=(spec,), people={'min_reported_examples': 0})
    assert_same_figures(load(world.run(privacy_config=chosen)), evaluated(world, chosen), at_least=3 * TENTHS)


def test_outputs_whose_kind_is_found_out_in_the_job(tmp_path, monkeypatch):
    """The edges then wait for the totals of all outputs."""
    world, chosen = loss_world(tmp_path), config()
    expected = load(world.run(privacy_config=chosen))
    monkeypatch.setattr('privacy_component.component.preflight.try_out', lambda plan, samples: plan)
    assert [one.row() for one in load(world.run(privacy_config=chosen)).results] == [
        one.row() for one in expected.results
    ]


def test_edges_that_had_to_be_rounded_are_said(tmp_path):
    world = loss_world(tmp_path, num_rows=1500)
    found = load(world.run(privacy_config=config(measurement={'max_distinct_scores': 1000})))
    (warning,) = found.record.warnings
    assert 'The losses take more than 1,000 values' in warning
    assert 'raise PrivacyConfig.measurement.max_distinct_scores' in warning
    sizes = [one.num_members + one.num_non_members for one in tenths(found) if one.attack == 'loss_threshold']
    assert len(sizes) == TENTHS
    assert all(270 <= size <= 330 for size in sizes)


def test_no_pass_is_made_unasked(tmp_path, monkeypatch):
    def unasked(*args):
        raise AssertionError('losses were counted')

    monkeypatch.setattr(loss_percentiles, 'count_losses', unasked)
    assert not tenths(load(w.World(tmp_path).write().run()))
