"""Whose the ids of the most vulnerable are can be told by who has the salt, and by nobody else."""

import os
from pathlib import Path

import pytest

from privacy_component import PrivacyInputError, PrivacyResult
from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.component.example_ids import SALT, SALT_FILE, WITHOUT_SALT, printed_id, secret_salt
from tests.component import world as w

CONFIG = w.config(people={'num_most_vulnerable': 3})


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    return w.World(tmp_path_factory.mktemp('ids')).write(num_rows=300)


def evaluated(world):
    outputs = world.run(privacy_config=CONFIG)
    return PrivacyResult.load(Path(outputs['privacy_metrics'].uri) / 'privacy_metrics.json')


def ids(result):
    return [member['example_id'] for member in result.most_vulnerable]


def test_with_a_salt_of_ones_own_they_are_found_and_stay_the_same(world, monkeypatch, tmp_path):
    (tmp_path / 'salt').write_text('0123456789abcdef' * 4 + '\n')
    monkeypatch.setenv(SALT_FILE, str(tmp_path / 'salt'))
    first, second = evaluated(world), evaluated(world)
    assert ids(first) == ids(second)
    known = {printed_id(one, b'0123456789abcdef' * 4) for one in example_hashes(world.records('train'))[0].tolist()}
    assert set(ids(first)) <= known
    assert WITHOUT_SALT not in first.record.warnings
    assert '0123456789abcdef0123' not in first.to_json()


def test_without_one_nobody_can_look_them_up_and_the_result_says_so(world, monkeypatch):
    monkeypatch.delenv(SALT)
    first, second = evaluated(world), evaluated(world)
    assert len(ids(first)) == 3 and not set(ids(first)) & set(ids(second))
    assert [m['risk'] for m in first.most_vulnerable] == [m['risk'] for m in second.most_vulnerable]
    assert WITHOUT_SALT in first.record.warnings
    plain = {str(one) for one in example_hashes(world.records('train'))[0].tolist()}
    assert not plain & set(map(str, ids(first)))


@pytest.mark.parametrize(
    ('salt', 'said'), [(b'short', '5 bytes and can be guessed'), (b'\n', 'is empty'), (None, 'cannot be read')]
)
def test_a_salt_that_is_none_is_refused_before_anything_is_read(monkeypatch, tmp_path, salt, said):
    path = tmp_path / 'salt'
    if salt is not None:
        path.write_bytes(salt)
    monkeypatch.setenv(SALT_FILE, str(path))
    with pytest.raises(PrivacyInputError, match=said):
        secret_salt()


@pytest.mark.parametrize(
    'place', ['examples/Split-eval/data_tfrecord-00000-of-00001.gz', 'model/Format-Serving/assets/pipe']
)
def test_a_pipe_among_the_inputs_is_refused_and_not_waited_for(tmp_path, place):
    world = w.World(tmp_path).write(num_rows=50)
    path = world.root / place
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    with pytest.raises(PrivacyInputError, match=f'{path.name} is no regular file'):
        world.run(privacy_config=CONFIG)
