"""CanaryInjector's real executor: what it writes, what it refuses, and that its coins are fair."""

import json
import pickle

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from scipy.stats import binomtest, chi2
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import artifact_utils, channel_utils, standard_artifacts

from privacy_component import CanaryConfig, CanaryInjector
from privacy_component.beam.examples.read import read_files
from privacy_component.component.canaries import executor
from privacy_component.component.canaries.coins import coins, key_of, salt_id
from privacy_component.component.canaries.inject import Seen, _merge, write_copies
from privacy_component.errors import PrivacyInputError
from tests.component import world as w

SALT = 'a secret of this test alone'
NUM_ROWS, NUM_PIXELS = 300, 40


def rows(num_rows=NUM_ROWS, seed=0):
    rng = np.random.default_rng(seed)
    return [
        {
            'pixels': rng.random(NUM_PIXELS).round(3).tolist(),
            'age': int(rng.integers(90)),
            'town': str(rng.choice(['A', 'B'])),
            'label': int(rng.integers(3)),
        }
        for _ in range(num_rows)
    ]


def config(**changes):
    return CanaryConfig(**{'label_key': 'label', 'feature_keys': ('pixels', 'age'), 'num_canaries': 40} | changes)


class Data:
    """Examples on disk, and CanaryInjector's executor on them."""

    def __init__(self, root):
        self.root = root
        w.write_split(root / 'examples', 'train', list(map(w.serialize, rows())), shards=3)
        w.write_split(root / 'examples', 'eval', list(map(w.serialize, rows(50, seed=1))))
        self.examples = self.artifact(standard_artifacts.Examples, 'examples')
        self.examples.split_names = '["train", "eval"]'

    def replace(self, split, new):
        for old in (self.root / 'examples' / f'Split-{split}').glob('*'):
            old.unlink()
        w.write_split(self.root / 'examples', split, list(map(w.serialize, new)))

    def artifact(self, kind, name):
        made = kind()
        made.uri = str(self.root / name)
        return made

    def inject(self, canary_config=None, name='1', examples=None, args=(), **inputs):
        output = self.artifact(standard_artifacts.Examples, f'injected/{name}')
        context = executor.Executor.Context(list(args), tmp_dir=str(self.root / 'tmp'), unique_id='1')
        executor.Executor(context).Do(
            {'examples': [examples or self.examples]} | inputs,
            {'examples_with_canaries': [output]},
            {'canary_config': (canary_config or config()).to_json()},
        )
        return output

    def key(self):
        """What follows from the salt, by the note of what it was used for."""
        (note,) = (self.root / 'injected' / 'salts').glob('*.json')
        use = json.loads(note.read_text())
        return key_of(SALT.encode(), {name: use[name] for name in ('examples', 'canary_config')})

    def schema(self, **types):
        made = schema_pb2.Schema()
        for name, kind in types.items():
            made.feature.add(name=name, type=kind)
        folder = self.root / 'schema'
        folder.mkdir(exist_ok=True)
        (folder / 'schema.pbtxt').write_text(str(made))
        return {'schema': [self.artifact(standard_artifacts.Schema, 'schema')]}


def files(output, split):
    return sorted(map(str, (tf.io.gfile.glob(f'{output.uri}/Split-{split}/*'))))


def records(output, split):
    return [one for path in files(output, split) for one in tf.data.TFRecordDataset(path, 'GZIP').as_numpy_iterator()]


def features(record):
    return tf.train.Example.FromString(record).features.feature


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv('PRIVACY_CANARY_SALT', SALT)
    return Data(tmp_path)


def test_canaries_that_are_in_are_trained_on_and_nothing_else_changes(data):
    output = data.inject()
    before, after = records(data.examples, 'train'), records(output, 'train')
    canaries_in, canaries_out = records(output, 'canary_in'), records(output, 'canary_out')
    assert sorted(after) == sorted(before + canaries_in)
    assert [one for one in after if one not in set(canaries_in)] == before  # in their order
    assert len(set(canaries_in) | set(canaries_out)) == 40
    assert not set(canaries_out) & set(after)
    assert [len(files(output, split)) for split in ('train', 'eval', 'canary_in')] == [3, 1, 1]
    assert records(output, 'eval') == records(data.examples, 'eval')
    assert len(canaries_in) == np.count_nonzero(coins(data.key(), 40))
    places = [i for i, one in enumerate(after) if one in set(canaries_in)]
    assert min(places) < 100 and max(places) > 220  # anywhere


def test_the_artifact_says_that_it_is_not_clean_and_keeps_the_secret(data):
    output = data.inject()
    assert artifact_utils.decode_split_names(output.split_names) == ['eval', 'train', 'canary_in', 'canary_out']
    assert output.get_int_custom_property('num_canaries') == 40
    assert output.get_string_custom_property('canary_design') == 'bright'
    assert output.get_string_custom_property('file_format') == 'tfrecords_gzip'
    written = str(output) + ''.join(path.read_text() for path in (data.root / 'injected').rglob('*.json'))
    assert salt_id(SALT.encode()) in written and SALT not in written
    with pytest.raises(PrivacyInputError, match='hold canaries already'):
        data.inject(examples=output, name='2')


def test_bright_canaries_have_one_value_each(data):
    output = data.inject()
    made = records(output, 'canary_in') + records(output, 'canary_out')
    inputs = np.array(
        [[*features(one)['pixels'].float_list.value, *features(one)['age'].int64_list.value] for one in made]
    )
    assert inputs.shape == (40, NUM_PIXELS + 1)
    assert (np.count_nonzero(inputs, axis=1) == 1).all() and set(inputs[inputs > 0]) == {20.0}
    assert len(set(inputs.argmax(axis=1))) == 40  # a place of its own
    assert {features(one)['label'].int64_list.value[0] for one in made} == {0, 1, 2}
    assert len({features(one)['town'].bytes_list.value[0] for one in made}) == 1  # from one example


def test_random_canaries_are_within_the_range_and_whole_numbers_stay_whole(data):
    output = data.inject(config(design='random', value=2, num_canaries=100))
    made = records(output, 'canary_in') + records(output, 'canary_out')
    pixels = np.array([features(one)['pixels'].float_list.value for one in made])
    assert pixels.shape == (100, NUM_PIXELS) and -2 <= pixels.min() < -1.9 and 1.9 < pixels.max() <= 2
    assert {features(one)['age'].int64_list.value[0] for one in made} == {0, 1, 2}


def test_mislabelled_canaries_are_real_examples_that_are_not_there_under_their_own_label(data):
    output = data.inject(config(design='mislabelled', feature_keys=()))
    own = {tuple(features(one)['pixels'].float_list.value): one for one in records(data.examples, 'train')}
    after = {tuple(features(one)['pixels'].float_list.value): one for one in records(output, 'train')}
    for split in ('canary_in', 'canary_out'):
        for canary in records(output, split):
            pixels = tuple(features(canary)['pixels'].float_list.value)
            assert features(canary)['label'] != features(own[pixels])['label']
            assert after.get(pixels) == (canary if split == 'canary_in' else None)
    assert len(records(output, 'train')) == NUM_ROWS - len(records(output, 'canary_out'))


def test_the_same_bits_on_every_runner(data):
    first, again = (
        data.inject(),
        data.inject(name='2', args=['--direct_num_workers=2', '--direct_running_mode=multi_threading']),
    )
    for split in ('train', 'canary_in', 'canary_out'):
        assert records(first, split) == records(again, split)


def test_the_merge_is_the_same_for_every_partition(data):
    batches = [
        Seen.of(batch, path, 5)
        for path in files(data.examples, 'train')
        for batch in read_files((path,), 'train', True, 'GZIP', batch_size=30)
    ]
    whole = _merge(batches, 5)
    parts = [_merge(batches[:3], 5), _merge([], 5), _merge(batches[3:][::-1], 5)]
    assert _merge(parts[::-1], 5) == whole == Seen.from_json(whole.to_json())
    assert sum(whole.num_examples.values()) == NUM_ROWS and len(whole.pool) == 5


def test_coins_are_fair_and_independent_of_the_number():
    """2,000 salts: the number that is in is binomial, by both ends and by neighbours; each at 1 in 10,000."""
    drawn = np.array([coins(f'salt number {i}'.encode(), 64) for i in range(2000)])
    assert binomtest(int(drawn.sum()), drawn.size).pvalue > 1e-4
    by_canary = 4 * 2000 * (drawn.mean(axis=0) - 0.5) ** 2
    assert chi2.sf(by_canary.sum(), 64) > 1e-4
    agree = drawn[:, 1:] == drawn[:, :-1]
    assert binomtest(int(agree.sum()), agree.size).pvalue > 1e-4


def test_a_salt_is_used_for_one_thing(data, monkeypatch):
    data.inject()
    with pytest.raises(PrivacyInputError, match=r'salt was used already, for the canaries in .*injected/1'):
        data.inject(config(value=30), name='2')
    assert not list((data.root / 'injected' / '2').rglob('data*'))
    monkeypatch.setenv('PRIVACY_CANARY_SALT', 'another secret of this test')
    data.inject(config(value=30), name='2')


def test_a_salt_that_was_told_elsewhere_gives_other_coins_for_other_examples(data, tmp_path):
    data.inject(config(num_canaries=41))
    other = Data(tmp_path / 'elsewhere')
    other.replace('train', rows(seed=5))
    other.inject(config(num_canaries=41))
    assert not np.array_equal(coins(data.key(), 200), coins(other.key(), 200))


def test_the_graph_of_the_job_has_no_canary_in_it(data, monkeypatch):
    """Two canaries or four hundred: the graph is the same size, and says of none whether it is in."""
    sizes, carried = [], []

    def build(root, copies, folder):
        write_copies(root, copies, folder)
        sizes.append(len(root.to_runner_api().SerializeToString()))
        carried.append(copies)

    monkeypatch.setattr(executor, 'write_copies', build)
    design = {'design': 'random', 'feature_keys': ('pixels',)}
    data.inject(config(num_canaries=20, **design))
    monkeypatch.setenv('PRIVACY_CANARY_SALT', 'another secret of this test')
    output = data.inject(config(num_canaries=2000, **design), name='2')
    assert abs(sizes[1] - sizes[0]) < 200
    assert not any(record in pickle.dumps(carried[1]) for record in records(output, 'canary_in'))
    assert sorted(path.name for path in (data.root / 'injected' / '2').iterdir()) == [
        'Split-canary_in', 'Split-canary_out', 'Split-eval', 'Split-train',
    ]  # fmt: skip


def test_a_canary_that_is_a_real_example_is_an_error_before_anything_is_trained(data):
    """The split holds all that canaries of this design can be."""
    made = [
        {'pixels': [20.0 * (i == place) for i in range(NUM_PIXELS)], 'age': 20 * (place == NUM_PIXELS), 'town': town}
        for place in range(NUM_PIXELS + 1)
        for town in 'AB'
    ]
    data.replace('train', rows() + [row | {'label': label} for row in made for label in range(3)])
    with pytest.raises(PrivacyInputError, match=r'examples of .*Split-train.* are the same as a canary'):
        data.inject()
    assert not list((data.root / 'injected').rglob('.parts*'))


@pytest.mark.parametrize(
    ('design', 'domain', 'words'),
    [
        ('bright', {'max': 5.0}, r"'bright' have values from 0 to 20 in 'pixels', .*the schema allows any to 5: set"),
        ('random', {'min': 0.0, 'max': 50.0}, r'values from -20 to 20 .*allows 0 to 50'),
    ],
)
def test_values_that_the_schema_does_not_allow_are_an_error(data, design, domain, words):
    known = data.schema(pixels=schema_pb2.FLOAT, age=schema_pb2.INT, label=schema_pb2.INT)
    made = text_format.Parse((data.root / 'schema' / 'schema.pbtxt').read_text(), schema_pb2.Schema())
    made.feature[0].float_domain.CopyFrom(schema_pb2.FloatDomain(**domain))
    (data.root / 'schema' / 'schema.pbtxt').write_text(str(made))
    with pytest.raises(PrivacyInputError, match=words):
        data.inject(config(design=design), **known)


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'label_key': 'lable'}, r"label_key names 'lable', which the examples do not have; did you mean 'label'"),
        ({'feature_keys': ('pixel',)}, r"feature_keys names 'pixel', .*did you mean 'pixels'"),
        ({'feature_keys': ('town',)}, r"names 'town', which holds text or bytes"),
        ({'num_canaries': 50}, r'num_canaries is 50, and feature_keys hold 41 values .*lower it to 41'),
        ({'split': 'trian'}, r"split is 'trian', .*did you mean 'train'"),
        ({'design': 'mislabelled', 'feature_keys': (), 'num_canaries': 301}, r'has 300 different examples'),
        ({'design': 'random', 'feature_keys': ('age',), 'value': 2}, r'two canaries .* are equal'),
    ],
)
def test_what_cannot_be_done_is_said(data, changes, words):
    with pytest.raises(PrivacyInputError, match=words):
        data.inject(config(**changes))
    assert not list((data.root / 'injected').rglob('data*'))
    assert not list((data.root / 'injected').rglob('salts/*'))  # so that the corrected config can use it


def test_the_schema_is_asked_before_the_job(data):
    for split in data.root.glob('examples/Split-train/*'):
        split.write_bytes(b'no records')  # a job would fail on these
    known = data.schema(pixels=schema_pb2.FLOAT, age=schema_pb2.INT, label=schema_pb2.INT, town=schema_pb2.BYTES)
    with pytest.raises(PrivacyInputError, match=r"'ages', which the schema does not have; did you mean 'age'"):
        data.inject(config(feature_keys=('ages',)), **known)
    with pytest.raises(PrivacyInputError, match=r"'town', which holds text or bytes by the schema"):
        data.inject(config(feature_keys=('town',)), **known)
    with pytest.raises(PrivacyInputError, match='cannot be read'):
        data.inject(config(), **known)


@pytest.mark.parametrize(
    ('salt', 'words'), [('', 'PRIVACY_CANARY_SALT_FILE is not set'), ('short', 'PRIVACY_CANARY_SALT gives has 5 bytes')]
)
def test_without_a_secret_there_are_no_coins(data, monkeypatch, salt, words):
    monkeypatch.setenv('PRIVACY_CANARY_SALT', salt)
    with pytest.raises(PrivacyInputError, match=words):
        data.inject()


def test_the_component_is_wired_and_its_config_checked():
    channel = channel_utils.as_channel([standard_artifacts.Examples()])
    component = CanaryInjector(examples=channel, canary_config=config())
    assert component.outputs['examples_with_canaries'].type is standard_artifacts.Examples
    given = json.loads(component.exec_properties['canary_config'])
    assert CanaryConfig(**given) == config() and SALT not in str(component.exec_properties)
    with pytest.raises(PrivacyInputError, match=r"canary_config has no field 'designs'; did you mean 'design'"):
        CanaryInjector(examples=channel, canary_config='{"label_key": "label", "designs": "bright"}')
    for changes in ({'design': 'loud'}, {'feature_keys': ()}, {'feature_keys': ('label',)}, {'num_canaries': 5}):
        with pytest.raises(PrivacyInputError, match=r'CanaryConfig\.'):
            config(**changes)
