"""A stored result is decided again to the bit, and whatever was changed in it is noticed."""

import dataclasses
import json

import pytest

from privacy_component import PrivacyConfig, SlicingSpec, Threshold, decision
from privacy_component.cli import main
from privacy_component.config import SAFETY_NOT_SHOWN
from privacy_component.history import REFUSED, Earlier
from privacy_component.replay import replay
from tests.report import examples
from tests.stored import config_file, edit, write

MODEL = 'sha256:' + '0' * 64
NAMED = SlicingSpec(feature_values={'kind': 'Cash'})
THRESHOLDS = {
    'none': (),
    'auc': (Threshold('auc', 0.6),),
    'rates': (Threshold('tpr_at_fpr_0.03', 0.2), Threshold('ppv_at_fpr_0.05', 0.9, attacks=('loss_threshold',))),
    'named': (Threshold('advantage', 0.3, slicing_specs=(NAMED,)),),
    'absent': (Threshold('auc', 0.6, slicing_specs=(SlicingSpec(feature_values={'kind': 'Gold'}),)),),
    'strict': (Threshold('auc', 0.55, block_if=SAFETY_NOT_SHOWN), Threshold('empirical_epsilon', 0.5)),
    'whole number': (Threshold('auc', 1),),
}


@pytest.fixture
def refused(tmp_path):
    """The files of a refusal, and the result."""
    result = examples.evaluated(shift=1.5, n=300)
    write(tmp_path, result)
    return tmp_path, result


@pytest.mark.parametrize('shift', [0.0, 1.5])
@pytest.mark.parametrize('name', THRESHOLDS)
def test_the_replayed_verdict_is_the_recorded_one(tmp_path, name, shift):
    settings = {'slicing_specs': (NAMED, SlicingSpec(('kind',))), 'attacks': ('loss_threshold', 'logistic_regression')}
    result = examples.evaluated(shift, n=400, thresholds=THRESHOLDS[name], **settings)
    write(tmp_path, result)
    replayed = replay(tmp_path)
    assert replayed.verdict == result.verdict == replayed.recorded
    assert replayed.is_same_config
    assert replayed.is_sealed
    assert decision.decide_result(result, decision.recorded_config(result.context)) == result.verdict


def test_the_whole_context_counts(tmp_path):
    """Upstream verdict, slices asked for and history come from the file, not from the caller."""
    result = examples.evaluated(shift=0.0, n=400)
    assert result.verdict.blessed
    earlier = dataclasses.asdict(Earlier('/7', REFUSED, 'red leaks', '', ()))
    specs = [{'feature_keys': [], 'feature_values': {'kind': 'Gold'}}]
    for added, reason in [
        ({'upstream_blessed': False}, 'upstream'),
        ({'slicing_specs': specs}, "'kind = Gold' has no examples"),
        ({'earlier_evaluations': [earlier], 'model_fingerprint': MODEL}, 'refused it (/7)'),
    ]:
        result = decision.decided(dataclasses.replace(result, context={**result.context, **added}))
        write(tmp_path, result)
        assert main(['gate', '--metrics', str(tmp_path)]) == 1
        assert reason in ' '.join(replay(tmp_path).verdict.reasons)
        result = dataclasses.replace(result, context={k: v for k, v in result.context.items() if k not in added})


def test_other_limits_give_another_verdict(refused, capsys):
    folder, _ = refused
    lax = config_file(folder, thresholds=(Threshold('auc', 0.99, slicing_specs=(SlicingSpec(),)),))
    assert main(['gate', '--metrics', str(folder), '--config', lax]) == 0
    assert 'by which the model was not blessed' in capsys.readouterr().out


def test_the_config_of_the_evaluation_in_a_file_is_the_same_config(refused, capsys):
    folder, result = refused
    (folder / 'config.json').write_text(json.dumps(result.context['config']))
    assert main(['gate', '--metrics', str(folder), '--config', str(folder / 'config.json')]) == 1
    assert 'bit for bit' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('fields', 'named'),
    [
        ({'seed': 1}, 'PrivacyConfig.seed is 1 in the config but 0 in the evaluation'),
        ({'attacks': ('entropy_threshold',)}, 'PrivacyConfig.attacks is'),
        ({'thresholds': (Threshold('tpr_at_fpr_0.05', 0.2),)}, "names 'tpr_at_fpr_0.05', which the evaluation did not"),
    ],
)
def test_what_was_not_measured_cannot_be_decided(refused, capsys, fields, named):
    folder, _ = refused
    assert main(['gate', '--metrics', str(folder), '--config', config_file(folder, **fields)]) == 2
    assert named in capsys.readouterr().err


def bless(fields):
    fields['verdict']['blessed'] = True


def shrink_a_leak(fields):
    fields['results'][0]['curve']['auc'] = 0.5


def raise_the_limit(fields):
    fields['context']['config']['thresholds'][0]['upper_bound'] = 0.99


def forget_a_slice(fields):
    fields['results'].pop()


TAMPERINGS = (bless, shrink_a_leak, raise_the_limit, forget_a_slice)


@pytest.mark.parametrize('change', TAMPERINGS)
def test_changed_metrics_are_noticed_by_their_seal(refused, capsys, change):
    folder, _ = refused
    edit(folder / 'privacy_metrics.json', change)
    assert main(['gate', '--metrics', str(folder)]) == 2
    assert 'one of them was changed afterwards' in capsys.readouterr().err


@pytest.mark.parametrize('change', TAMPERINGS)
def test_changed_metrics_without_a_seal_contradict_their_verdict(refused, capsys, change):
    folder, _ = refused
    edit(folder / 'privacy_metrics.json', change)
    (folder / 'decision.json').unlink()
    assert main(['gate', '--metrics', str(folder)]) == 2
    assert 'the recorded verdict does not follow' in capsys.readouterr().err


def test_a_changed_decision_is_noticed(refused, capsys):
    folder, _ = refused
    edit(folder / 'decision.json', lambda fields: fields.update(blessed=True))
    assert main(['gate', '--metrics', str(folder)]) == 2
    assert 'one of them was changed afterwards' in capsys.readouterr().err


def test_the_blessings_hash_seals_both_files(tmp_path, capsys):
    """Who forges metrics and decision together does not have the hash that ML Metadata holds."""
    true = write(tmp_path, examples.evaluated(shift=1.5, n=300))
    assert main(['gate', '--metrics', str(tmp_path), '--decision-sha256', true]) == 1
    forged = write(tmp_path, examples.evaluated(shift=0.0, n=300))
    assert main(['gate', '--metrics', str(tmp_path), '--decision-sha256', forged]) == 0
    assert main(['gate', '--metrics', str(tmp_path), '--decision-sha256', true]) == 2
    (tmp_path / 'decision.json').unlink()
    assert main(['gate', '--metrics', str(tmp_path), '--decision-sha256', forged]) == 2
    assert 'decision.json cannot be read' in capsys.readouterr().err


def test_the_record_says_what_led_to_the_verdict(refused):
    folder, result = refused
    record = json.loads((folder / 'decision.json').read_text())
    assert record['outcome'] == 'refused'
    assert record['reasons'] == list(result.verdict.reasons)
    assert len(record['comparisons']) == len(result.verdict.comparisons)
    assert PrivacyConfig.from_json(json.dumps(record['config'])) == decision.recorded_config(result.context)
    assert record['sha256']['config'] == decision.sha256_of_json(json.loads(json.dumps(record['config'], indent=7)))


def test_a_configs_hash_does_not_depend_on_how_it_is_written():
    plain = decision.sha256_of_json({'a': 1, 'b': [0.1, 'ü']})
    assert plain == decision.sha256_of_json(json.loads('{"b" : [0.1,\n"\\u00fc"], "a": 1}'))
    assert plain != decision.sha256_of_json({'a': 1, 'b': [0.1, 'u']})
