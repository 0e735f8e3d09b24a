"""What was read stays what it was, or the evaluation is an error."""

import os

import pytest

from privacy_component import PrivacyInputError
from privacy_component.beam.plan import SplitFiles
from privacy_component.component import provenance
from privacy_component.component.example_files import splits_of
from tests.component import world as w


def test_files_that_change_are_named(tmp_path):
    path, other = tmp_path / 'a', tmp_path / 'b'
    for one in (path, other):
        one.write_bytes(b'abc')
    splits = [SplitFiles('train', True, (str(path), str(other)))]
    before = provenance.example_files_state(splits)
    provenance.check_files_unchanged(before, provenance.example_files_state(splits))
    os.utime(other, ns=(1, 1))
    with pytest.raises(PrivacyInputError, match=f'the example file {other} was changed'):
        provenance.check_files_unchanged(before, provenance.example_files_state(splits))
    other.unlink()
    with pytest.raises(PrivacyInputError, match='was changed while it was evaluated'):
        provenance.check_files_unchanged(before, provenance.example_files_state(splits))


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / 'model').mkdir()
    (tmp_path / 'model' / 'saved_model.pb').symlink_to(tmp_path / 'nowhere')
    with pytest.raises(PrivacyInputError, match=r'the input in .*model cannot be read'):
        provenance.directory_fingerprint(str(tmp_path / 'model'))


@pytest.mark.parametrize('compression', ['GZIP', ''])
def test_equal_files_without_a_record_are_no_copies(tmp_path, compression):
    world = w.World(tmp_path).write(num_rows=40)
    w.write_split(tmp_path / 'examples', 'train', [w.serialize(row) for row in w.make_rows(2, 1, leak=False)], shards=5)
    for path in (tmp_path / 'examples' / 'Split-train').glob('*-of-00002.gz'):
        path.unlink()
    (examples,) = world.inputs()['examples']
    train, _ = splits_of([examples], ('train',), ('eval',))
    assert len(train.paths) == 5
