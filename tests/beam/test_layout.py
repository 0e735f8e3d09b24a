"""How examples are cut into batches: small splits in small ones, small files together, the same figures each time."""

import pytest

from privacy_component import PrivacyConfig, PrivacyInputError
from privacy_component.beam.examples.layout import laid_out
from privacy_component.beam.examples.read import read_files
from privacy_component.beam.models import served_model
from privacy_component.beam.plan import Plan, SplitFiles
from tests.beam.arrays import load
from tests.component import world as w

ROWS = 120


def plan_of(folder, sizes, batch_size=0):
    """A plan with a split for each list of numbers of records in its files."""
    splits = []
    for number, in_files in enumerate(sizes):
        paths = []
        for file, size in enumerate(in_files):
            records = [w.serialize(row) for row in w.make_rows(size, file, leak=False)] if size else []
            written = w.write_split(folder / f'{number}-{file}', 'one', records)
            paths += map(str, written)
        splits.append(SplitFiles(f'split{number}', number % 2 == 0, tuple(paths)))
    return Plan(PrivacyConfig(measurement={'batch_size': batch_size}), {}, tuple(splits), ())


@pytest.mark.parametrize(
    ('sizes', 'batch_size', 'expected'),
    [
        (([3] * 31, [7]), 0, 96),
        (([1], [2]), 0, 16),
        (([40, 20], [64]), 0, 64),
        (([600, 424], [10]), 0, 1024),
        (([2000], [10]), 0, 1024),
        (([2000], [10]), 50, 50),
        (([3], [10]), 2000, 2000),
    ],
)
def test_one_size_for_all_splits_that_fits_the_largest(tmp_path, sizes, batch_size, expected):
    assert laid_out(plan_of(tmp_path, sizes, batch_size)).batch_size == expected


def test_small_files_are_read_together_and_large_ones_alone(tmp_path):
    plan = laid_out(plan_of(tmp_path, ([5] * 40, [400, 400, 2, 2]), batch_size=16))
    small, large = plan.splits
    assert len(small.groups) <= 2
    assert large.groups[:2] == ((large.paths[0],), (large.paths[1],))
    for split in plan.splits:
        assert sum(split.groups, ()) == split.paths


def test_every_record_is_read_once_and_all_batches_but_the_last_are_full(tmp_path):
    (split,) = plan_of(tmp_path, ([5, 0, 33, 1, 16],)).splits
    together = list(read_files(split.paths, 'train', True, 'GZIP', 16))
    alone = [
        record
        for path in split.paths
        for batch in read_files([path], 'train', True, 'GZIP', 1)
        for record in batch.records
    ]
    assert [record for batch in together for record in batch.records] == alone
    assert [len(batch.records) for batch in together] == [16, 16, 16, 7]
    assert together[0].path == f'{split.paths[0]} or the 1 files up to {split.paths[2]}'


def test_a_damaged_file_among_many_is_named(tmp_path):
    (split,) = plan_of(tmp_path, ([5, 5, 5],)).splits
    with open(split.paths[1], 'r+b') as file:
        file.truncate(40)
    with pytest.raises(PrivacyInputError, match=split.paths[1]):
        list(read_files(split.paths, 'train', True, 'GZIP', 16))


def counted(world):
    """A run's result, and the shape of each call of the model."""
    calls, original = [], served_model.signature_call

    def signature_call(model, signature):
        call = original(model, signature)

        def called(serialized):
            calls.append(len(serialized.tensor))
            return call(serialized)

        return called

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served_model, 'signature_call', signature_call)
        return load(world.run()), calls


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
    """The same examples in one file and in 30, each with the number of calls of the model."""
    found = {}
    for shards in (1, 30):
        world = w.World(tmp_path_factory.mktemp(f'shards{shards}')).write(num_rows=ROWS)
        for split, seed in (('train', 1), ('eval', 2)):
            records = [w.serialize(row) for row in w.make_rows(ROWS, seed, leak=True)]
            for old in (world.root / 'examples' / f'Split-{split}').iterdir():
                old.unlink()
            w.write_split(world.root / 'examples', split, records, shards=shards)
        found[shards] = counted(world)
    return found


def test_thirty_files_give_the_figures_of_one(runs):
    one, thirty = (runs[shards][0] for shards in (1, 30))
    assert [r.row() for r in one.results] == [r.row() for r in thirty.results]
    assert one.verdict == thirty.verdict


def test_thirty_files_need_no_more_calls_and_no_more_padding(runs):
    one, thirty = (runs[shards][1] for shards in (1, 30))
    assert one == thirty


def test_a_model_is_asked_once_about_little_data_and_once_more_about_half_of_it(runs):
    splits, again = 2, 1
    assert runs[1][1] == [ROWS] * (splits + again)
