"""Files that an earlier release wrote: the config by flat names, and verdicts that name those."""

import dataclasses
import json
import warnings

import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, RefusalOverride, Threshold
from privacy_component.cli import main
from privacy_component.config.moved_fields import MOVED
from privacy_component.evaluation import decision
from privacy_component.evaluation.replay import replay
from privacy_component.gate.history import REFUSED, Earlier
from tests.report import examples

MODEL = 'sha256:' + '0' * 64
LEVEL, RISE = Threshold('auc', 0.95), Threshold('auc', absolute=0.05)
EARLIER = {
    'model_fingerprint': MODEL,
    'earlier_evaluations': (Earlier('/7', REFUSED, 'red leaks', '', ()),),
}
OVERRIDE = (RefusalOverride(MODEL, 'mistaken limit'),)
# What an evaluation is, and the words of the earlier release in its verdict.
CASES = {
    'blessed': ({}, {}, ''),
    'refused': ({'shift': 1.5}, {}, ''),
    'people': ({'people': {'min_reported_examples': 3}, 'measurement': {'seed': 5}}, {}, ''),
    'no baseline': ({'thresholds': (LEVEL, RISE)}, {}, 'set PrivacyConfig.without_baseline to'),
    'a baseline ignored': (
        {'thresholds': (LEVEL, RISE), 'decision': {'without_baseline': 'ignore'}},
        {},
        "PrivacyConfig.without_baseline is 'ignore'",
    ),
    'refused before': ({}, EARLIER, f"add Overturn(model='{MODEL}', reason=...) to PrivacyConfig.overturns."),
    'blessed over a refusal': ({'decision': {'refusal_overrides': OVERRIDE}}, EARLIER, 'This blessing overturns an'),
}
NEW_WORDS = {
    'PrivacyConfig.decision.without_baseline': 'PrivacyConfig.without_baseline',
    'PrivacyConfig.decision.refusal_overrides': 'PrivacyConfig.overturns',
    'add RefusalOverride(': 'add Overturn(',
    'a refusal is not overridden': 'a refusal is not overturned',
    'This blessing overrides': 'This blessing overturns',
}


def flattened(config):
    flat = {name: value for name, value in config.items() if name not in {group for group, _ in MOVED.values()}}
    return flat | {old: config[group][new] for old, (group, new) in MOVED.items()}


def as_before(result):
    """The result as the earlier release recorded it."""
    verdict = json.dumps(dataclasses.asdict(result.verdict))
    for new, old in NEW_WORDS.items():
        verdict = verdict.replace(new, old)
    told = {name: tuple(json.loads(verdict)[name]) for name in ('reasons', 'warnings')}
    record = dataclasses.replace(result.record, config=flattened(result.record.config))
    return dataclasses.replace(result, record=record, verdict=dataclasses.replace(result.verdict, **told))


def evaluated(settings, recorded):
    result = examples.evaluated(**{'shift': 0.0, 'n': 400} | settings)
    return decision.decided(dataclasses.replace(result, record=dataclasses.replace(result.record, **recorded)))


@pytest.fixture(params=CASES)
def stored(request, tmp_path):
    """The new result, and the old one whose privacy_metrics.json is in a folder."""
    settings, recorded, words = CASES[request.param]
    new = evaluated(settings, recorded)
    old = as_before(new)
    assert words in ' '.join((*old.verdict.reasons, *old.verdict.warnings))
    assert (old.verdict == new.verdict) == (not words)
    (tmp_path / 'privacy_metrics.json').write_text(old.to_json())
    return new, old, tmp_path


def test_an_old_file_is_decided_again_without_a_warning(stored):
    new, old, folder = stored
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        replayed = replay(folder)
    assert (replayed.verdict, replayed.recorded, replayed.is_same_config) == (new.verdict, old.verdict, True)
    assert replay(folder, new.record.privacy_config).is_same_config


def test_an_old_file_becomes_the_same_report(stored, capsys):
    _, _, folder = stored
    out = folder / 'report.html'
    assert main(['report', '--unsealed', '--metrics', str(folder), '--out', str(out)]) == 0
    assert '95 %' in out.read_text()


def test_an_old_file_can_be_judged_by_a_new_config_and_by_an_old_one(tmp_path):
    old = as_before(evaluated({}, {}))
    (tmp_path / 'privacy_metrics.json').write_text(old.to_json())
    limits = json.loads(PrivacyConfig(thresholds=(Threshold('auc', 0.4),)).to_json())['thresholds']
    recorded = old.record.config | {'thresholds': limits}
    with pytest.warns(FutureWarning, match='min_examples is now decision.min_examples'):
        asked = PrivacyConfig.from_json(json.dumps(recorded))
    assert not replay(tmp_path, asked).verdict.blessed


def test_a_change_of_the_words_is_still_noticed(tmp_path):
    old = as_before(evaluated({'shift': 1.5}, {}))
    forged = dataclasses.replace(old.verdict, reasons=('All is well.',))
    (tmp_path / 'privacy_metrics.json').write_text(dataclasses.replace(old, verdict=forged).to_json())
    with pytest.raises(PrivacyInputError, match='the recorded verdict does not follow'):
        replay(tmp_path)
