"""What a running job shows: Beam's counters, and lines in the log."""

import collections
import logging

import pytest
from absl import logging as absl_logging

from privacy_component.beam.examples import read
from privacy_component.component.executor import Executor
from tests.beam.arrays import load
from tests.beam.test_bad_records import GARBAGE
from tests.component import world as w


@pytest.fixture
def counters(monkeypatch):
    """A function that gives the counters of the job that was run last."""
    pipelines = []
    make = Executor._make_beam_pipeline

    def remember(self):
        pipelines.append(make(self))
        return pipelines[-1]

    monkeypatch.setattr(Executor, '_make_beam_pipeline', remember)

    def query():
        found = pipelines[-1].result.metrics().query()['counters']
        total = collections.Counter()
        for one in (c for c in found if c.key.metric.namespace == 'privacy_component'):
            total[one.key.metric.name] += one.result  # the same counter in two steps is two of them
        return total

    return query


def test_counters(tmp_path, counters):
    world = w.World(tmp_path).write()
    path = next((tmp_path / 'examples' / 'Split-eval').glob('*'))
    records = [*world.records('eval'), GARBAGE, GARBAGE]
    path.unlink()
    w.write_split(tmp_path / 'examples', 'eval', records)
    config = w.config(
        attacks=('loss_threshold', 'margin_threshold', 'quantile'), measurement={'max_bad_record_share': 0.1}
    )
    result = load(world.run(privacy_config=config))
    assert counters() == {
        'examples_read_train': 600,
        'examples_read_eval': 602,
        'bad_records': 2,
        'examples_scored': 2 * 1200,  # a second time by the attacks that learn
        'slices': len({r.slice_key for r in result.results}),
        'attacks': 3,
    }


def test_every_file_and_every_so_many_examples_are_logged(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(read, '_TOLD_EVERY', 1000)
    world = w.World(tmp_path).write(num_rows=8)
    world.replace_rows('train', w.make_rows(2500, 1, leak=False))
    before = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.INFO)
    try:
        with caplog.at_level(logging.INFO):
            world.run()
    finally:
        absl_logging.set_verbosity(before)
    lines = [r.getMessage() for r in caplog.records if 'Split-train' in r.getMessage() and 'Read' in r.getMessage()]
    assert [line.split(' of ')[0] for line in lines] == [
        'Read 1024 examples', 'Read 2048 examples', 'Read all 2500 examples'
    ]  # fmt: skip
