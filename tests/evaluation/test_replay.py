"""A stored result is decided again to the bit, and whatever was changed in it is noticed."""

import dataclasses
import json
import math

import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, SlicingSpec, Threshold
from privacy_component.checks import REFUSED as CHECK_REFUSED
from privacy_component.cli import main
from privacy_component.config.thresholds import SAFETY_NOT_SHOWN
from privacy_component.evaluation import decision
from privacy_component.evaluation.record import InputArtifact
from privacy_component.evaluation.replay import replay
from privacy_component.gate.history import BLESSED, NOT_BLESSED, REFUSED, Earlier
from tests.report import examples
from tests.stored import config_file, edit, write

TWO_SIGNALS = ('loss_threshold', 'scaled_logit_threshold')
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
    assert decision.decide_result(result, result.record.privacy_config) == result.verdict


def test_the_whole_record_counts(tmp_path):
    """Upstream verdict, slices asked for and history come from the file, not from the caller."""
    result = examples.evaluated(shift=0.0, n=400)
    assert result.verdict.blessed
    earlier = Earlier('/7', REFUSED, 'red leaks', '', ())
    plain, specs = result.record, (SlicingSpec(feature_values={'kind': 'Gold'}),)
    for added, reason in [
        ({'upstream_blessed': False}, 'upstream'),
        ({'slicing_specs': specs}, "'kind = Gold' has no examples"),
        ({'earlier_evaluations': (earlier,), 'model_fingerprint': MODEL}, 'refused it (/7)'),
    ]:
        record = dataclasses.replace(plain, **added)
        result = decision.decided(dataclasses.replace(result, record=record))
        write(tmp_path, result)
        assert main(['gate', '--unsealed', '--metrics', str(tmp_path)]) == 1
        assert reason in ' '.join(replay(tmp_path).verdict.reasons)


def test_other_limits_give_another_verdict(tmp_path, capsys):
    write(tmp_path, examples.evaluated(shift=1.5, n=300, attacks=TWO_SIGNALS))
    lax = config_file(
        tmp_path, thresholds=(Threshold('auc', 0.99, slicing_specs=(SlicingSpec(),)),), attacks=TWO_SIGNALS
    )
    assert main(['gate', '--unsealed', '--metrics', str(tmp_path), '--config', lax]) == 0
    assert 'by which the model was not blessed' in capsys.readouterr().out


def test_the_config_of_the_evaluation_in_a_file_is_the_same_config(refused, capsys):
    folder, result = refused
    (folder / 'config.json').write_text(json.dumps(result.record.config))
    assert main(['gate', '--unsealed', '--metrics', str(folder), '--config', str(folder / 'config.json')]) == 1
    assert 'bit for bit' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('fields', 'named'),
    [
        ({'measurement': {'seed': 1}}, 'PrivacyConfig.measurement.seed is 1 in the config but 0 in the evaluation'),
        ({'attacks': ('entropy_threshold',)}, 'PrivacyConfig.attacks is'),
        ({'thresholds': (Threshold('tpr_at_fpr_0.05', 0.2),)}, "names 'tpr_at_fpr_0.05', which the evaluation did not"),
    ],
)
def test_what_was_not_measured_cannot_be_decided(refused, capsys, fields, named):
    folder, _ = refused
    assert main(['gate', '--unsealed', '--metrics', str(folder), '--config', config_file(folder, **fields)]) == 2
    assert named in capsys.readouterr().err


LEVEL, RISE = Threshold('auc', 0.95), Threshold('auc', absolute=0.05)
SPREAD = Threshold('advantage', absolute=0.2)
IGNORING = {'decision': {'without_baseline': 'ignore'}}


def only_loss(threshold):
    return dataclasses.replace(threshold, attacks=('loss_threshold',))


@pytest.mark.parametrize(
    ('measured', 'asked', 'named'),
    [
        ((LEVEL,), (LEVEL, RISE), "a change of the attack 'loss_threshold'"),
        ((LEVEL, only_loss(RISE)), (LEVEL, RISE), "a change of the attack 'scaled_logit_threshold'"),
        ((LEVEL, SPREAD), (LEVEL, RISE), "the change of auc of the attack 'loss_threshold'"),
    ],
)
def test_a_change_that_was_not_measured_cannot_be_decided(tmp_path, capsys, measured, asked, named):
    write(tmp_path, examples.evaluated(1.0, n=300, baseline=0.5, thresholds=measured, attacks=TWO_SIGNALS))
    asking = config_file(tmp_path, thresholds=asked, attacks=TWO_SIGNALS, **IGNORING)
    assert main(['gate', '--unsealed', '--metrics', str(tmp_path), '--config', asking]) == 2
    assert f'limits {named}, which the evaluation did not measure' in capsys.readouterr().err


def test_a_baseline_among_the_artifacts_counts_too(tmp_path):
    result = examples.evaluated(0.0, n=300, thresholds=(LEVEL,))
    asking = PrivacyConfig(thresholds=(LEVEL, RISE), **IGNORING)
    for baselines, is_given in (((), False), ((InputArtifact(3, '/model'),), True)):
        record = dataclasses.replace(result.record, artifacts={'baseline_model': baselines})
        write(tmp_path, dataclasses.replace(result, record=record))
        if not is_given:
            assert 'There is no baseline model' in replay(tmp_path, asking).verdict.warnings[0]
            continue
        with pytest.raises(PrivacyInputError, match='although it had a baseline model'):
            replay(tmp_path, asking)


def test_without_a_baseline_changes_do_as_in_an_evaluation(tmp_path):
    write(tmp_path, examples.evaluated(0.0, n=300, thresholds=(LEVEL,)))
    for settings in ({}, IGNORING):
        expected = examples.evaluated(0.0, n=300, thresholds=(LEVEL, RISE), **settings).verdict
        assert expected.blessed == bool(settings)
        assert replay(tmp_path, PrivacyConfig(thresholds=(LEVEL, RISE), **settings)).verdict == expected


@pytest.mark.parametrize('thresholds', [(LEVEL, only_loss(RISE)), (SPREAD,), (LEVEL,)])
@pytest.mark.parametrize('level', [0.8, 0.95, 0.999])
def test_a_replay_says_what_an_evaluation_by_that_config_would_say(tmp_path, thresholds, level):
    """Figures and intervals too, of levels and of changes."""
    measured = (LEVEL, RISE, SPREAD, Threshold('tpr_at_fpr_0.1', 0.5))
    write(tmp_path, examples.evaluated(1.0, n=300, baseline=0.5, thresholds=measured))
    asked = {'thresholds': thresholds, 'decision': {'confidence_level': level}}
    replayed = replay(tmp_path, PrivacyConfig(**asked)).verdict
    assert replayed == examples.evaluated(1.0, n=300, baseline=0.5, **asked).verdict


def test_comparisons_have_the_intervals_of_the_results(refused):
    _, result = refused
    stored = {(one.slice_key, one.attack): one.metrics['auc'] for one in result.results}
    for c in result.verdict.comparisons:
        one = stored[c.slice_key, c.attack]
        assert (c.value, c.lower, c.upper) == (one.value, one.lower, one.upper)


def test_a_metric_is_the_same_however_its_rate_is_written(tmp_path):
    names = [f'empirical_epsilon_at_delta_{delta}' for delta in ('1e-5', '0.00001', '1e-05')]
    write(tmp_path, examples.evaluated(0.0, n=300, thresholds=(Threshold(names[0], 4.0),)))
    for name in names:
        replayed = replay(tmp_path, PrivacyConfig(thresholds=(Threshold(name, 4.0),)))
        assert replayed.is_same_config
        assert replay(tmp_path, PrivacyConfig(thresholds=(Threshold(name, 3.0),))).verdict.blessed


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
    assert main(['gate', '--unsealed', '--metrics', str(folder)]) == 2
    assert 'one of them was changed afterwards' in capsys.readouterr().err


@pytest.mark.parametrize('change', TAMPERINGS)
def test_changed_metrics_without_a_seal_contradict_their_verdict(refused, capsys, change):
    folder, _ = refused
    edit(folder / 'privacy_metrics.json', change)
    (folder / 'decision.json').unlink()
    assert main(['gate', '--unsealed', '--metrics', str(folder)]) == 2
    assert 'the recorded verdict does not follow' in capsys.readouterr().err


@pytest.mark.parametrize('change', TAMPERINGS)
def test_they_do_so_by_any_config(refused, capsys, change):
    folder, _ = refused
    edit(folder / 'privacy_metrics.json', change)
    (folder / 'decision.json').unlink()
    lax = config_file(folder, thresholds=(Threshold('auc', 0.98, slicing_specs=(SlicingSpec(),)),))
    assert main(['gate', '--unsealed', '--metrics', str(folder), '--config', lax]) == 2
    assert 'the recorded verdict does not follow' in capsys.readouterr().err


def flipped(value):
    """Another value of the same kind."""
    if isinstance(value, dict):
        return {**value, next(iter(value), 'more'): 'other'}
    return not value if isinstance(value, bool) else f'{value} and more'


def test_whatever_is_changed_in_a_decision_is_noticed(refused, capsys):
    folder, _ = refused
    true = json.loads((folder / 'decision.json').read_text())
    for name, value in true.items():
        edit(folder / 'decision.json', lambda fields, name=name, value=value: fields.update({name: flipped(value)}))
        assert main(['gate', '--unsealed', '--metrics', str(folder)]) == 2
        assert f"its '{name}' is another" in capsys.readouterr().err or name == 'sha256'
        edit(folder / 'decision.json', lambda fields: fields.update(true))
    for changed in (lambda fields: fields.pop('model'), lambda fields: fields.update(more=1)):
        edit(folder / 'decision.json', changed)
        assert main(['gate', '--unsealed', '--metrics', str(folder)]) == 2
        assert 'was changed afterwards' in capsys.readouterr().err


def test_figures_that_differ_in_their_last_bits_only_are_the_recorded_ones(refused, capsys):
    folder, result = refused
    bounds = [c.corrected_bound for c in result.verdict.comparisons]
    nudged = [
        dataclasses.replace(c, corrected_bound=math.nextafter(c.corrected_bound, 2)) for c in result.verdict.comparisons
    ]
    other = dataclasses.replace(result, verdict=dataclasses.replace(result.verdict, comparisons=tuple(nudged)))
    write(folder, other)
    replayed = replay(folder)
    assert 0 < replayed.largest_difference < 3e-16
    assert [c.corrected_bound for c in replayed.verdict.comparisons] == bounds
    assert main(['gate', '--unsealed', '--metrics', str(folder)]) == 1
    assert f'figures differ by {replayed.largest_difference:.0e} of their size' in capsys.readouterr().out


@pytest.mark.parametrize('field', ['value', 'corrected_bound', 'limit', 'outcome'])
def test_figures_that_differ_by_more_are_not(refused, field):
    folder, result = refused
    first, *others = result.verdict.comparisons
    was = getattr(first, field)
    other = dataclasses.replace(first, **{field: 'passed' if field == 'outcome' else was * (1 + 1e-9)})
    verdict = dataclasses.replace(result.verdict, comparisons=(other, *others))
    write(folder, dataclasses.replace(result, verdict=verdict))
    with pytest.raises(PrivacyInputError, match=r'does not follow .*numpy \d'):
        replay(folder)


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
    assert PrivacyConfig.from_json(json.dumps(record['config'])) == result.record.privacy_config
    assert record['sha256']['config'] == decision.sha256_of_json(json.loads(json.dumps(record['config'], indent=7)))


STRICT = {'block_if': SAFETY_NOT_SHOWN, 'slicing_specs': (SlicingSpec(),)}


@pytest.mark.parametrize(
    ('settings', 'outcome'),
    [
        ({'shift': 1.5, 'n': 300}, REFUSED),
        ({'shift': 1.5, 'n': 300, 'thresholds': (Threshold('auc', 0.6, **STRICT),)}, REFUSED),
        ({'shift': 0.0, 'n': 40, 'thresholds': (Threshold('auc', 0.52, **STRICT),)}, NOT_BLESSED),  # too few
        ({'shift': 0.0, 'n': 300, 'thresholds': (Threshold('auc', 0.5, **STRICT),)}, NOT_BLESSED),  # no number shows it
        ({'shift': 1.5, 'n': 300, 'baseline': 0.0, 'thresholds': (RISE,)}, REFUSED),
        ({'shift': 1.5, 'n': 300, 'thresholds': (RISE,)}, NOT_BLESSED),  # no baseline
        ({'shift': -1.5, 'n': 300, 'attacks': TWO_SIGNALS}, NOT_BLESSED),  # works turned round
        ({'shift': 0.0, 'n': 20}, NOT_BLESSED),
        ({'shift': 1.5, 'n': 300, 'thresholds': (), 'report_only': True}, NOT_BLESSED),
    ],
)
def test_only_evidence_against_the_model_is_a_refusal(settings, outcome):
    result = examples.evaluated(**settings)
    assert not result.verdict.blessed
    assert decision.outcome(result) == outcome


def test_a_check_that_refuses_is_no_refusal_of_the_model():
    result = examples.evaluated(shift=0.0, n=400)
    assert decision.outcome(result) == BLESSED
    unsound = dataclasses.replace(result.checks[0], status=CHECK_REFUSED, message='No.')
    result = decision.decided(dataclasses.replace(result, checks=(unsound,)))
    assert result.verdict.reasons == ('No.',)
    assert decision.outcome(result) == NOT_BLESSED


def test_a_configs_hash_does_not_depend_on_how_it_is_written():
    plain = decision.sha256_of_json({'a': 1, 'b': [0.1, 'ü']})
    assert plain == decision.sha256_of_json(json.loads('{"b" : [0.1,\n"\\u00fc"], "a": 1}'))
    assert plain != decision.sha256_of_json({'a': 1, 'b': [0.1, 'u']})
