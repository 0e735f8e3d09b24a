"""A bundle that is run again counts nothing twice, on runners of Beam's own.

BundleBasedDirectRunner tries a failed bundle four times, in the same process and with a new DoFn. FnApiRunner fails at
once, but can run each bundle several times with one DoFn and keep the last output only. What Flink does when a worker
dies is in tests/cluster.
"""

import collections

import pytest

from privacy_component.beam.models import predict
from privacy_component.beam.scores import count_scores, loss_percentiles
from tests.beam.arrays import load
from tests.component import world as w

RUNNER = '--runner=BundleBasedDirectRunner'
ATTEMPTS = 4


@pytest.fixture(scope='module')
def config():
    return w.config(
        attacks=('loss_threshold', 'quantile'),
        slices={'by_loss_percentile': True, 'missing': True},
        people={'num_most_vulnerable': 3},
        measurement={'batch_size': 300},
    )


@pytest.fixture(scope='module')
def small_world(tmp_path_factory):
    return w.World(tmp_path_factory.mktemp('retries')).write(num_rows=400)


@pytest.fixture(scope='module')
def expected(small_world, config):
    """Of a run in which nothing fails, on another runner."""
    return run(small_world, config, '--runner=FnApiRunner')


@pytest.fixture
def fails(monkeypatch):
    """Makes a function fail at some of its calls; what it returns counts the calls."""

    def make(owner, name, *calls):
        original, count = getattr(owner, name), collections.Counter()

        def failing(*args, **kwargs):
            count['calls'] += 1
            if count['calls'] in calls:
                count['failures'] += 1
                raise ConnectionError('the worker is lost')
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, failing)
        return count

    return make


def run(world, config, *args):
    return load(world.run(privacy_config=config, beam_args=[*(args or [RUNNER]), '--sdk_container_image=unused']))


def assert_same(found, expected):
    assert [r.row() for r in found.results] == [r.row() for r in expected.results]
    assert found.verdict == expected.verdict
    assert found.most_vulnerable == expected.most_vulnerable
    assert found.record.num_examples == expected.record.num_examples == {'train': 400, 'eval': 400}


def test_scores_counted_before_the_failure_do_not_count_again(small_world, config, expected, fails, monkeypatch):
    """Four batches in one bundle: the second fails when the first is counted, the third when two are."""
    monkeypatch.setattr(count_scores, '_BATCHES_AT_ONCE', 1)
    count = fails(count_scores.CountScores, 'process', 2, 5)
    assert_same(run(small_world, config), expected)
    assert count == {
        'calls': 2 + 3 + 2 * 4,
        'failures': 2,
    }  # two attempts in vain, then both CountScores


@pytest.mark.parametrize(
    ('owner', 'name', 'call'),
    [
        (count_scores.CountScores, 'finish_bundle', 1),
        (predict.ObserveDirectly, '_call', 6),  # four calls are the trial's, before the job
        (count_scores.Merge, 'merge_accumulators', 2),
        (loss_percentiles.roc, 'count_scores', 2),
    ],
)
def test_a_failure_anywhere(small_world, config, expected, fails, owner, name, call):
    count = fails(owner, name, call)
    assert_same(run(small_world, config), expected)
    assert count['failures'] == 1


def test_every_bundle_again_with_the_same_function(small_world, config, expected, fails):
    count = fails(count_scores.CountScores, 'process')
    assert_same(run(small_world, config, '--runner=FnApiRunner', '--direct_runner_bundle_repeat=2'), expected)
    assert count['calls'] == 4 * 2 * 3


def test_a_failure_that_stays_is_one(small_world, config, fails):
    count = fails(count_scores.CountScores, 'process', *range(1, 100))
    with pytest.raises(ConnectionError, match='the worker is lost'):
        run(small_world, config)
    assert count['failures'] == ATTEMPTS
