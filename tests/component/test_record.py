"""decision.json and the properties of the artifacts: which inputs led to the verdict, through the real executor."""

import json
import shutil
from pathlib import Path

import pytest
import tensorflow_model_analysis as tfma
from tfx.types import standard_artifacts

from privacy_component import SlicingSpec, Threshold
from privacy_component.cli import main
from privacy_component.component import executor, provenance, publish
from privacy_component.evaluation import decision
from tests.component import world as w


@pytest.fixture(scope='module')
def leaky(tmp_path_factory):
    """A leaky world and what its evaluation wrote."""
    world = w.World(tmp_path_factory.mktemp('leaky')).write()
    return world, world.run()


def record_of(outputs) -> dict:
    return json.loads((Path(outputs['privacy_metrics'].uri) / 'decision.json').read_text())


def text_of(artifact, name) -> str:
    return artifact.get_string_custom_property(name)


def fingerprints(outputs) -> dict:
    return {split: one['fingerprint'] for split, one in record_of(outputs)['examples'].items()}


def test_record_names_what_was_evaluated(leaky):
    world, outputs = leaky
    record = record_of(outputs)
    assert record['artifacts']['model'] == [{'id': 17, 'uri': str(world.root / 'model')}]
    assert record['artifacts']['examples'] == [{'id': 0, 'uri': str(world.root / 'examples')}]
    assert {split: (one['side'], one['num_examples']) for split, one in record['examples'].items()} == {
        'train': ('members', 600),
        'eval': ('non_members', 600),
    }
    assert record['model']['fingerprint'] == provenance.directory_fingerprint(record['model']['uri'])
    assert record['versions']['tensorflow'] and record['versions']['scipy']
    assert record['eval_config']['modelSpecs'] == [{'labelKey': 'label'}]
    assert record['thresholds'] == record['config']['thresholds']
    assert record['earlier_evaluations'] is None, 'nothing is known of the past'


def test_record_carries_no_feature_values_but_slice_names(leaky):
    text = (Path(leaky[1]['privacy_metrics'].uri) / 'decision.json').read_text()
    assert str(w.make_rows(1, 1, leak=True)[0]['logits'][0])[:8] not in text


def test_blessing_leads_to_the_record_and_the_record_to_the_metrics(leaky):
    _, outputs = leaky
    folder, blessing = Path(outputs['privacy_metrics'].uri), outputs['blessing']
    assert text_of(blessing, 'decision_sha256') == decision.sha256((folder / 'decision.json').read_text())
    record = record_of(outputs)
    assert record['sha256']['privacy_metrics'] == decision.sha256((folder / 'privacy_metrics.json').read_text())
    assert text_of(blessing, 'config_sha256') == record['sha256']['config'] == decision.sha256_of_json(record['config'])
    assert text_of(blessing, 'model_fingerprint') == record['model']['fingerprint']
    assert text_of(blessing, 'outcome') == 'refused'
    assert blessing.get_int_custom_property('num_comparisons') == len(record['comparisons'])
    assert text_of(blessing, 'blessing_message').startswith('color = red')
    for name in ('thresholds', 'seed', 'examples', 'artifacts'):
        assert json.loads(text_of(blessing, name)) == record[name]
    assert json.loads(text_of(blessing, 'package_versions')) == record['versions']


UPSTREAM = standard_artifacts.ModelBlessing()
UPSTREAM.set_int_custom_property('blessed', 0)
GOLD = tfma.EvalConfig(
    model_specs=[tfma.ModelSpec(label_key='label')],
    slicing_specs=[tfma.SlicingSpec(), tfma.SlicingSpec(feature_values={'color': 'gold'})],
)


@pytest.mark.parametrize(
    ('config', 'inputs', 'evaluation', 'reason'),
    [
        (w.config(attacks=('loss_threshold', 'logistic_regression')), {}, None, 'a leak is shown'),
        (w.config(thresholds=(Threshold('tpr_at_fpr_0.07', 0.5, block_if='safety_not_shown'),)), {}, None, 'is not'),
        (w.config(), {executor.MODEL_BLESSING_KEY: [UPSTREAM]}, None, 'The upstream model_blessing'),
        (w.config(), {executor.MODEL_BLESSING_KEY: []}, None, 'The upstream model_blessing'),
        (w.config(slicing_specs=(SlicingSpec(('size',)),)), {}, GOLD, "'color = gold' has no examples"),
        (w.config(decision={'min_examples': 500}), {}, None, 'a leak is shown'),
        (w.config(people={'group_key': 'person', 'group_aggregation': 'mean'}), {}, None, 'a leak is shown'),
    ],
)
def test_command_line_agrees_with_the_executor(tmp_path, capsys, config, inputs, evaluation, reason):
    world = w.World(tmp_path).write()
    for split, seed in (('train', 1), ('eval', 2)):
        rows = w.make_rows(600, seed, leak=split == 'train')
        world.replace_rows(split, [row | {'person': f'{split} {i // 2}'} for i, row in enumerate(rows)])
    outputs = world.run(privacy_config=config, inputs=world.inputs() | inputs, evaluation=evaluation)
    sealed = ['--decision-sha256', text_of(outputs['blessing'], 'decision_sha256')]
    assert main(['gate', '--metrics', outputs['privacy_metrics'].uri, *sealed]) == 1
    found = capsys.readouterr().out
    assert 'bit for bit' in found
    assert reason in found


def test_what_a_check_refused_is_mentioned_later(tmp_path):
    """Neither a report only nor another lack of evidence in between hides it."""
    world = w.World(tmp_path).write(leak=False)
    rows = w.make_rows(600, 1, leak=False)
    world.replace_rows('train', rows)
    world.replace_rows('eval', [*rows[:60], *w.make_rows(540, 2, leak=False)])
    unlooked = {'duplicates_across_splits': 'off', 'near_duplicates': 'off'}
    past, told = [], []
    for config in (
        w.config(thresholds=(), report_only=True, checks=unlooked),
        w.config(thresholds=(Threshold('tpr_at_fpr_0.001', 0.9),), checks=unlooked),
        w.config(),
        w.config(checks=unlooked),
    ):
        outputs = world.run(privacy_config=config, inputs=world.inputs() | {executor.PREVIOUS_METRICS_KEY: past})
        metrics = outputs['privacy_metrics']
        metrics.id = len(past) + 1
        past = [*past, metrics]
        told.append([text for text in record_of(outputs)['warnings'] if 'An earlier evaluation' in text])
    assert [text_of(one, 'outcome') for one in past] == ['not_blessed', 'not_blessed', 'not_blessed', 'blessed']
    assert [len(warnings) for warnings in told] == [0, 0, 1, 2]
    assert 'too few examples to decide' in told[-1][0]
    assert '60 of 600 non-members' in told[-1][1]
    assert 'What differs now: other settings of PrivacyConfig.' in told[-1][1]


def test_order_and_files_of_the_examples_do_not_matter(leaky, tmp_path):
    world, outputs = leaky
    other = w.World(tmp_path)
    shutil.copytree(world.root / 'model', tmp_path / 'model')
    for split, shards in (('train', 3), ('eval', 2)):
        w.write_split(tmp_path / 'examples', split, world.records(split)[::-1], shards)
    again = other.run()
    assert fingerprints(again) == fingerprints(outputs)
    for name in ('examples_sha256', 'model_fingerprint', 'config_sha256'):
        assert text_of(again['privacy_metrics'], name) == text_of(outputs['privacy_metrics'], name)


def one_less(records):
    return records[1:]


def one_twice(records):
    return [*records, records[0]]


def two_swapped_for_one_twice(records):
    return [records[0], records[0], *records[2:]]


@pytest.mark.parametrize('change', [one_less, one_twice, two_swapped_for_one_twice])
def test_other_examples_have_another_fingerprint(leaky, tmp_path, change):
    world, outputs = leaky
    other = w.World(tmp_path)
    shutil.copytree(world.root, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns('out', 'tmp'))
    shutil.rmtree(tmp_path / 'examples' / 'Split-train')
    w.write_split(tmp_path / 'examples', 'train', change(world.records('train')))
    before, after = fingerprints(outputs), fingerprints(other.run())
    assert before['train'] != after['train']
    assert before['eval'] == after['eval']


def flip_a_byte(folder):
    path = next(folder.glob('variables/variables.data*'))
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))


def rename(folder):
    (folder / 'saved_model.pb').rename(folder / 'saved_model.pb2')


def move(folder):
    (folder / 'assets').mkdir(exist_ok=True)
    (folder / 'saved_model.pb').rename(folder / 'assets' / 'saved_model.pb')


def swap(folder):
    one, other = folder / 'saved_model.pb', folder / 'variables' / 'variables.index'
    texts = one.read_bytes(), other.read_bytes()
    other.write_bytes(texts[0])
    one.write_bytes(texts[1])


@pytest.mark.parametrize('change', [flip_a_byte, rename, move, swap])
def test_another_model_has_another_fingerprint(leaky, tmp_path, change):
    original = leaky[0].root / 'model' / 'Format-Serving'
    shutil.copytree(original, tmp_path / 'copy')
    expected = provenance.directory_fingerprint(str(original))
    assert provenance.directory_fingerprint(f'{tmp_path}/copy') == expected
    assert provenance.directory_fingerprint(f'{tmp_path}/copy/') == expected
    change(tmp_path / 'copy')
    assert provenance.directory_fingerprint(f'{tmp_path}/copy') != expected


@pytest.mark.parametrize('name', ['report.html', 'privacy_metrics.json', 'decision.json'])
def test_a_file_that_cannot_be_written_leaves_no_blessing(tmp_path, monkeypatch, name):
    """The blessing is the last thing that is written."""
    write_whole = publish.write_whole

    def failing(path, text):
        if path.endswith(name):
            raise OSError('the disk is full')
        write_whole(path, text)

    monkeypatch.setattr(publish, 'write_whole', failing)
    world = w.World(tmp_path).write(leak=False)
    with pytest.raises(OSError, match='the disk is full'):
        world.run()
    assert not list((tmp_path / 'out' / 'blessing').iterdir())
    assert name not in [path.name for path in (tmp_path / 'out' / 'metrics').iterdir()]


def test_another_schema_is_another_input(leaky, tmp_path):
    world = w.World(tmp_path)
    shutil.copytree(leaky[0].root, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns('out', 'tmp'))
    schema = standard_artifacts.Schema()
    schema.uri = str(tmp_path / 'schema')
    (tmp_path / 'schema').mkdir()
    types = {'color': 'BYTES', 'label': 'INT', 'size': 'INT', 'logits': 'FLOAT'}
    text = '\n'.join(f'feature {{ name: "{name}" type: {kind} }}' for name, kind in types.items())
    (tmp_path / 'schema' / 'schema.pbtxt').write_text(text)
    again = world.run(inputs=world.inputs() | {executor.SCHEMA_KEY: [schema]})
    (recorded,) = record_of(again)['artifacts']['schema']
    assert recorded['fingerprint'] == provenance.directory_fingerprint(schema.uri)
    for name, is_same in (('model_fingerprint', True), ('examples_sha256', True), ('other_inputs_sha256', False)):
        both = [text_of(outputs['privacy_metrics'], name) for outputs in (leaky[1], again)]
        assert (both[0] == both[1]) == is_same
