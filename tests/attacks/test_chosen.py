"""Attacks with parameters, attacks that are handed in, and attacks of other packages."""

import dataclasses
import importlib.metadata
import json
import subprocess
import sys
from typing import ClassVar

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, PrivacyResult, Threshold, evaluate_privacy
from privacy_component.attacks import AttackInfo, attack_named, chosen, is_known_to_learn
from privacy_component.attacks.chosen import attack_name
from privacy_component.evaluation.replay import replay
from tests import synthetic


@dataclasses.dataclass(frozen=True)
class Steady:
    """An attack from outside: the steadier a score that was handed in, the likelier a member."""

    sign: float = 1.0
    info: ClassVar[AttackInfo]

    def fit(self, observations):
        return self

    def score(self, observations):
        assert set(observations.columns) == {'steadiness'}
        return self.sign * observations.columns['steadiness']


Steady.info = AttackInfo(
    make=Steady, needs=('steadiness',), cost='none', reference='none', tasks=('multiclass',), parameters={'sign': 1.0}
)


def arguments(n=300):
    made = synthetic.observations(n=n, seed=2)
    steady = np.random.default_rng(0).standard_normal(2 * n) + 2 * made.is_member
    return {
        'is_member': made.is_member,
        'labels': made.labels,
        'logits': made.outputs,
        'signals': {'steadiness': steady},
    }


@pytest.mark.parametrize(
    ('given', 'name'),
    [
        ('quantile', 'quantile'),
        ({'name': 'quantile'}, 'quantile'),
        ({'name': 'quantile', 'quantile': 0.9}, 'quantile(quantile=0.9)'),
        ('quantile( quantile = 0.9 )', 'quantile(quantile=0.9)'),
        ({'name': 'lira', 'variance': 'pooled'}, "lira(variance='pooled')"),
    ],
)
def test_an_attack_has_one_name_however_it_is_written(given, name):
    config = PrivacyConfig(attacks=(given,), report_only=True)
    assert config.attacks == (name,)
    assert PrivacyConfig.from_json(config.to_json()) == config


def test_parameters_reach_the_attack():
    assert attack_named('quantile(quantile=0.9)').make().quantile == 0.9
    assert attack_named('quantile').make().quantile == 0.5
    made = synthetic.observations(n=400, shift=1.0)
    scores = [
        attack_named(name).fit(made).score(made.only(('labels', 'outputs')))
        for name in ('quantile', 'quantile(quantile=0.9)')
    ]
    assert not np.array_equal(*scores)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'name': 'quantile', 'quantil': 0.9}, r"attack 'quantile' has no parameter 'quantil': it has quantile\."),
        ({'name': 'loss_threshold', 'x': 1}, "attack 'loss_threshold' has no parameter 'x': it has none"),
        ({'name': 'quantile', 'quantile': 1.5}, 'it must lie between 0 and 1'),
        ({'name': 'quantile', 'quantile': 'high'}, r"quantile='high'; it must be of the type of 0\.5"),
        ({'name': 'lira', 'variance': 'own'}, "variance='own', which is not one of pooled"),
        ({'quantile': 0.9}, "an attack with parameters is {'name': 'quantile'"),
        ('quantile(__import__("os").system("true"))', 'cannot be read: write parameters as'),
        ('quantile(quantile=open)', 'cannot be read: write parameters as'),
        ('quantile(' + '(' * 5000, 'cannot be read'),
        (object(), r'holds a object; write a name, or give an object with `fit`, `score` and an attribute `info`'),
        (('quantile', {'name': 'quantile'}), 'names .quantile. twice'),
    ],
)
def test_what_cannot_be_understood_is_an_error(given, message):
    attacks = given if isinstance(given, tuple) else (given,)
    with pytest.raises(PrivacyInputError, match=message):
        PrivacyConfig(attacks=attacks)


def test_an_attack_can_be_handed_in():
    config = PrivacyConfig(attacks=('loss_threshold', Steady()), thresholds=(Threshold('auc', 0.6),))
    result = evaluate_privacy(**arguments(), config=config)
    aucs = {r.attack: r.metrics['auc'].value for r in result.results if not r.slice_key}
    assert aucs['custom:Steady'] > 0.85 > 0.6 > aucs['loss_threshold']
    assert not result.verdict.blessed


def test_what_was_handed_in_is_decided_again_by_its_name(tmp_path):
    config = PrivacyConfig(attacks=(Steady(),), thresholds=(Threshold('auc', 0.6),))
    result = evaluate_privacy(**arguments(), config=config)
    (tmp_path / 'privacy_metrics.json').write_text(result.to_json())
    assert PrivacyResult.load(tmp_path / 'privacy_metrics.json').to_json() == result.to_json()
    assert replay(str(tmp_path)).verdict == result.verdict
    with pytest.raises(PrivacyInputError, match='was handed in as an object, of which a config keeps the name only'):
        evaluate_privacy(**arguments(), config=PrivacyConfig.from_json(config.to_json()))


def test_its_needs_are_asked_for_too():
    without = arguments() | {'signals': None}
    with pytest.raises(PrivacyInputError, match=r"'custom:Steady' needs steadiness, .*signals={'steadiness': ...}"):
        evaluate_privacy(**without, config=PrivacyConfig(attacks=(Steady(),)))


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package beside ours that announces an attack, as pip would leave it."""
    (tmp_path / 'steady.py').write_text('from tests.attacks.test_chosen import Steady\n\nINFO = Steady.info\n')
    meta = tmp_path / 'steady-1.0.dist-info'
    meta.mkdir()
    (meta / 'METADATA').write_text('Metadata-Version: 2.1\nName: steady\nVersion: 1.0\n')
    (meta / 'entry_points.txt').write_text('[privacy_component.attacks]\nsteady = steady:INFO\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    chosen.installed_attacks.cache_clear()
    yield tmp_path
    chosen.installed_attacks.cache_clear()


def test_attacks_of_installed_packages_are_names_like_any_other(installed):
    assert importlib.metadata.entry_points(group='privacy_component.attacks')
    config = PrivacyConfig(attacks=('steady', {'name': 'steady', 'sign': -1.0}), report_only=True)
    result = evaluate_privacy(**arguments(), config=config)
    aucs = {r.attack: r.metrics['auc'].value for r in result.results if not r.slice_key}
    assert aucs['steady'] > 0.85
    assert aucs['steady(sign=-1.0)'] == pytest.approx(1 - aucs['steady'])
    assert PrivacyConfig.from_json(config.to_json()) == config
    with pytest.raises(PrivacyInputError, match="did you mean 'steady'"):
        attack_named('stedy')


def test_an_entry_point_that_is_no_attack_is_named(installed):
    (installed / 'steady.py').write_text('INFO = 3\n')
    sys.modules.pop('steady', None)
    with pytest.raises(PrivacyInputError, match=r"the entry point 'steady' .* names steady:INFO, a int"):
        PrivacyConfig(attacks=('steady',))


def test_a_name_alone_counts_as_one_that_learns():
    assert is_known_to_learn('custom:Steady')
    assert is_known_to_learn('quantile(quantile=0.9)')
    assert not is_known_to_learn('loss_threshold')


def test_without_attacks_of_others_no_package_is_searched_for_a_built_in_name():
    code = (
        'import importlib.metadata as m; m.entry_points = None\n'
        'from privacy_component import PrivacyConfig; PrivacyConfig(attacks=("quantile",))'
    )
    assert subprocess.run([sys.executable, '-c', code], check=False).returncode == 0


def test_names_are_json():
    assert json.loads(PrivacyConfig(attacks=(Steady(),)).to_json())['attacks'] == ['custom:Steady']
    assert attack_name('loss_threshold') == 'loss_threshold'
