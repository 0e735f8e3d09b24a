"""What was evaluated and how: typed in Python, in files as ever, and refused where a file says something else."""

import copy
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, PrivacyResult, Threshold, evaluate_privacy
from privacy_component.cli import main
from privacy_component.evaluation import decision
from privacy_component.evaluation.record import Record
from privacy_component.evaluation.replay import replay
from tests.evaluation.records import FULL
from tests.report import examples
from tests.stored import edit, write

FIELDS = [field.name for field in dataclasses.fields(Record)]
RECORDED = sorted(Path(__file__).with_name('recorded').glob('*.json'))
# For every field one value of a wrong type at its outside, and wrong values inside; each with how the error begins.
WRONG = [
    ('model_fingerprint', 3, 'context.model_fingerprint is 3; it must be a text'),
    ('artifacts', [], 'context.artifacts is []; it must be an object'),
    ('artifacts', {'model': {}}, "context.artifacts['model'] is {}; it must be a list"),
    ('artifacts', {'model': [{'id': '1', 'uri': '/m'}]}, "context.artifacts['model'][0].id is '1'; it must be a whole"),
    ('artifacts', {'model': [{'id': 1}]}, "context.artifacts['model'][0] lacks the field 'uri'"),
    ('artifacts', {'model': [{'id': 1, 'uri': '/m', 'x': 1}]}, "context.artifacts['model'][0] has no field 'x'"),
    ('inputs', {'model': ['/m']}, "context.inputs['model'] is ['/m']; it must be a text"),
    ('model_uri', {}, 'context.model_uri is {}'),
    ('splits', ['train'], "context.splits is ['train']; it must be an object"),
    ('splits', {'members': ['train']}, "context.splits lacks the field 'non_members'"),
    ('splits', {'members': 'train', 'non_members': []}, "context.splits.members is 'train'; it must be a list"),
    ('splits', {'members': [1], 'non_members': []}, 'context.splits.members[0] is 1; it must be a text'),
    ('num_examples', 'many', "context.num_examples is 'many'; it must be a whole number or an object"),
    ('num_examples', 1.5, 'context.num_examples is 1.5'),
    ('num_examples', True, 'context.num_examples is True'),
    ('num_examples', {'train': '4'}, "context.num_examples['train'] is '4'; it must be a whole number"),
    ('fingerprints', {'train': 7}, "context.fingerprints['train'] is 7; it must be a text"),
    ('label_key', ['label'], "context.label_key is ['label']"),
    ('task', 1, 'context.task is 1'),
    ('output_kind', False, 'context.output_kind is False'),
    ('output_kind_evidence', {}, 'context.output_kind_evidence is {}'),
    ('output_evidence', 'three outputs', "context.output_evidence is 'three outputs'; it must be an object"),
    ('output_evidence', {'num_rows': 3}, "context.output_evidence lacks the field 'num_outputs'"),
    ('warnings', 'saturated', "context.warnings is 'saturated'; it must be a list"),
    ('warnings', [3], 'context.warnings[0] is 3; it must be a text'),
    ('upstream_blessed', 'no', "context.upstream_blessed is 'no'; it must be true or false"),
    ('upstream_blessed', 0, 'context.upstream_blessed is 0; it must be true or false'),
    ('slicing_specs', {}, 'context.slicing_specs is {}; it must be a list'),
    ('slicing_specs', [{'feature_keys': 'color'}], "context.slicing_specs[0]: feature_keys is 'color'"),
    ('slicing_specs', [{'feature': 'color'}], "context.slicing_specs[0]: SlicingSpec has no field 'feature'"),
    ('config', '{}', "context.config is '{}'; it must be an object"),
    ('eval_config', [], 'context.eval_config is []; it must be an object'),
    ('judged_signature', 1, 'context.judged_signature is 1'),
    ('judged_output', 1, 'context.judged_output is 1'),
    ('model_called', 1, 'context.model_called is 1'),
    ('versions', {'numpy': 1.26}, "context.versions['numpy'] is 1.26; it must be a text"),
    ('pipeline', 7, 'context.pipeline is 7; it must be a text'),
    ('run', 7, 'context.run is 7; it must be a text'),
    ('started', 1700000000, 'context.started is 1700000000'),
    ('seconds', '12', "context.seconds is '12'; it must be a finite number"),
    ('seconds', float('nan'), 'context.seconds is nan; it must be a finite number'),
    ('seconds', float('inf'), 'context.seconds is inf; it must be a finite number'),
    ('cpu_seconds', {'decode': None}, "context.cpu_seconds['decode'] is None; it must be a finite number"),
    ('sums_of_weights', {'members': True}, "context.sums_of_weights['members'] is True"),
    ('num_bad_records', {'train': 0.5}, "context.num_bad_records['train'] is 0.5; it must be a whole number"),
    ('baseline_model_uri', [], 'context.baseline_model_uri is []'),
    ('class_names', 'tip', "context.class_names is 'tip'; it must be a list"),
    ('num_reference_models', '8', "context.num_reference_models is '8'; it must be a whole number"),
    ('num_snapshots', '5', "context.num_snapshots is '5'; it must be a whole number"),
    ('baseline_output_kind', 1, 'context.baseline_output_kind is 1'),
    ('earlier_evaluations', {}, 'context.earlier_evaluations is {}; it must be a list'),
    ('earlier_evaluations', ['/7'], "context.earlier_evaluations[0] is '/7'; it must be an object"),
    ('earlier_evaluations', [{'uri': '/7'}], "context.earlier_evaluations[0] lacks the field 'outcome'"),
]


def test_the_full_record_has_every_field():
    assert all(getattr(FULL, name) != getattr(Record(), name) for name in FIELDS)


@pytest.mark.parametrize('name', FIELDS)
def test_every_field_comes_back_as_it_was_and_alone(name):
    alone = Record(**{name: getattr(FULL, name)})
    text = json.dumps(alone.to_json_fields(), allow_nan=False)
    assert Record.from_json_fields(json.loads(text)) == alone
    assert type(getattr(Record.from_json_fields(json.loads(text)), name)) is type(getattr(FULL, name))


def test_all_fields_come_back_together():
    for record in (FULL, Record(), dataclasses.replace(FULL, num_examples=800, upstream_blessed=None)):
        assert Record.from_json_fields(json.loads(json.dumps(record.to_json_fields()))) == record


def test_empty_is_not_absent():
    empty = Record(artifacts={}, earlier_evaluations=(), num_bad_records={}, model_fingerprint='')
    assert Record.from_json_fields(empty.to_json_fields()) == empty != Record()


def test_of_a_model_nobody_asked_upstream_is_written():
    """Files have always had it there; `evaluate_privacy`, which has no model, has never."""
    assert Record(model_uri='/m').to_json_fields()['upstream_blessed'] is None
    assert 'upstream_blessed' not in Record().to_json_fields()


@pytest.mark.parametrize('path', RECORDED, ids=lambda path: path.stem)
def test_files_of_earlier_releases_are_read_and_written_to_the_byte(path):
    recorded = json.loads(path.read_text())
    record = Record.from_json_fields(recorded['context'])
    assert json.dumps(record.to_json_fields()) == json.dumps(recorded['context'])
    assert record.privacy_config.thresholds


@pytest.mark.parametrize('path', RECORDED, ids=lambda path: path.stem)
def test_their_hashes_still_hold(path):
    recorded = json.loads(path.read_text())
    identity = decision.identity(Record.from_json_fields(recorded['context']))
    hashes = {name: value for name, value in recorded['sha256'].items() if name != 'privacy_metrics'}
    assert len(hashes) == 7
    assert {name: identity[f'{name}_sha256'] for name in hashes} == hashes


@pytest.mark.parametrize('path', RECORDED, ids=lambda path: path.stem)
def test_they_are_replayed(tmp_path, path):
    recorded = Record.from_json_fields(json.loads(path.read_text())['context'])
    result = examples.evaluated(0.0, n=300)
    result = decision.decided(dataclasses.replace(result, record=recorded))
    write(tmp_path, result)
    replayed = replay(tmp_path)
    assert replayed.verdict == replayed.recorded == result.verdict
    assert replayed.is_same_config and replayed.is_sealed


def test_the_recorded_files_have_every_field_between_them():
    contexts = [json.loads(path.read_text())['context'] for path in RECORDED]
    added_since = {'pipeline', 'run', 'num_reference_models', 'num_snapshots', 'class_names'}
    assert set(FIELDS) - added_since == {name for context in contexts for name in context}


def test_there_is_a_wrong_value_for_every_field():
    assert {name for name, _, _ in WRONG} == set(FIELDS)


@pytest.mark.parametrize(('name', 'value', 'said'), WRONG)
def test_a_wrong_type_is_an_error_that_names_the_field(name, value, said):
    with pytest.raises(PrivacyInputError) as error:
        Record.from_json_fields(FULL.to_json_fields() | {name: value})
    assert str(error.value).startswith(said)


@pytest.mark.parametrize('name', FIELDS)
@pytest.mark.parametrize('value', [None, 3, 0.5, 'text', True, [], [1, None], {}, {'a': None}, [[]], [{'a': 1}]])
def test_any_value_is_read_or_refused_and_nothing_else(name, value):
    try:
        record = Record.from_json_fields({name: copy.deepcopy(value)})
    except PrivacyInputError as error:
        assert f'context.{name}' in str(error)
    else:
        assert record.to_json_fields().get(name) == value


def test_null_is_no_value():
    for name in FIELDS:
        if name == 'upstream_blessed':
            continue
        with pytest.raises(PrivacyInputError, match=rf'context\.{name} is None'):
            Record.from_json_fields({name: None})


@pytest.mark.parametrize('command', ['gate', 'report'])
def test_what_this_release_does_not_know_is_refused(tmp_path, capsys, command):
    """A later release may have given it to its gate, so a verdict without it could bless what that did not."""
    write(tmp_path, examples.evaluated(0.0, n=300))
    (tmp_path / 'decision.json').unlink()
    edit(tmp_path / 'privacy_metrics.json', lambda fields: fields['context'].update(colour='blue'))
    out = ['--out', str(tmp_path / 'report.html')] if command == 'report' else []
    assert main([command, '--unsealed', '--metrics', str(tmp_path), *out]) == 2
    assert "context has the field 'colour', which this release does not know" in capsys.readouterr().err


@pytest.mark.parametrize(('name', 'value', 'said'), WRONG)
def test_the_command_line_says_so_too(tmp_path, capsys, name, value, said):
    (tmp_path / 'privacy_metrics.json').write_text(RESULT.to_json())
    edit(tmp_path / 'privacy_metrics.json', lambda fields: fields['context'].update({name: value}))
    assert main(['gate', '--unsealed', '--metrics', str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize('context', [None, [], 'text', 3])
def test_a_record_that_is_no_object_is_refused(context):
    fields = json.loads(PrivacyResult(()).to_json()) | {'context': context}
    with pytest.raises(PrivacyInputError, match=r'context is .*; it must be an object'):
        PrivacyResult.from_json(json.dumps(fields))
    del fields['context']
    with pytest.raises(PrivacyInputError, match='context is None'):
        PrivacyResult.from_json(json.dumps(fields))


def test_without_the_limits_nothing_is_decided():
    result = PrivacyResult(RESULT.results)
    with pytest.raises(PrivacyInputError, match=r'context\.config is missing'):
        decision.decide_result(result)


def test_arrays_record_what_they_know():
    record = RESULT.record
    assert record.privacy_config.attacks
    assert (record.task, record.num_examples, record.model_uri) == ('multiclass', 60, None)
    assert record.output_evidence.num_outputs == 3
    assert list(record.to_json_fields())[:3] == ['task', 'output_kind', 'output_kind_evidence']


def test_the_old_name_gives_the_fields_with_a_warning():
    with pytest.warns(FutureWarning, match=r'PrivacyResult\.context is now \.record'):
        assert RESULT.context == RESULT.record.to_json_fields()


def _arrays():
    rng = np.random.default_rng(0)
    return {'is_member': np.arange(60) < 30, 'labels': np.arange(60) % 3, 'logits': rng.normal(size=(60, 3))}


RESULT = evaluate_privacy(**_arrays())


def test_properties_of_a_blessing_stay_small_however_many_thresholds_there_are():
    many = tuple(Threshold('auc', 0.5 + i / 2_000) for i in range(400))
    record = dataclasses.replace(FULL, config=json.loads(PrivacyConfig(thresholds=many).to_json()))
    told = decision.in_short(record)
    assert max(map(len, told.values())) <= 4_000
    whole = json.dumps(record.config_fields['thresholds'], sort_keys=True)
    assert json.loads(told['thresholds'])['sha256'] == decision.sha256(whole)
    assert json.loads(decision.in_short(FULL)['thresholds']) == FULL.config_fields['thresholds']
