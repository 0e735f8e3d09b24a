"""Thresholds on changes on arrays: from the configuration to the verdict and back from JSON."""

import dataclasses

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, PrivacyResult, SlicingSpec, Threshold, evaluate_privacy
from privacy_component.config.thresholds import SAFETY_NOT_SHOWN
from privacy_component.gate import reasons
from privacy_component.gate.comparisons import UNMEASURED
from privacy_component.gate.verdict import EXCEEDED, PASSED, UNDECIDED, decide
from privacy_component.metrics.change import PAIRED, TWO_LIMITS
from tests import synthetic
from tests.settings import merged

LEVEL, RISE = Threshold('auc', 0.95), Threshold('auc', absolute=0.02)


def arguments(n=1000, more=0.0, seed=0):
    """The candidate is the baseline with noise of its own, and members' labels `more` likely."""
    observations = synthetic.observations(n=n, shift=0.4, seed=seed)
    rng, rows = np.random.default_rng(seed), np.arange(2 * n)
    candidate = observations.outputs + 0.1 * rng.standard_normal(observations.outputs.shape)
    candidate[rows, observations.labels] += more * observations.is_member
    return {
        'is_member': observations.is_member,
        'labels': observations.labels,
        'logits': candidate,
        'baseline_logits': observations.outputs,
        'example_ids': observations.example_id,
    }


def evaluated(more=0.0, n=1000, thresholds=(RISE,), without=(), **settings):
    given = {name: value for name, value in arguments(n, more).items() if name not in without}
    settings = merged({'attacks': ('loss_threshold',), 'slices': {'by_class': False}}, settings)
    extra = {name: settings.pop(name) for name in ('features', 'group_ids') if name in settings}
    return evaluate_privacy(**given, **extra, config=PrivacyConfig(thresholds=thresholds, **settings))


def test_a_rise_blocks_and_its_absence_blesses():
    blocked = evaluated(more=0.3).verdict
    assert [c.outcome for c in blocked.comparisons] == [EXCEEDED]
    assert 'Overall, loss_threshold: auc rose by 0.0' in blocked.reasons[0]
    assert (
        'over the baseline [0.0' in blocked.reasons[0] and 'allowed 0.02: a larger rise is shown' in blocked.reasons[0]
    )
    assert evaluated().verdict.blessed


def test_the_strict_rule_on_a_change():
    strict = Threshold('auc', absolute=0.05, block_if=SAFETY_NOT_SHOWN)
    assert evaluated(thresholds=(strict,)).verdict.blessed
    verdict = evaluated(thresholds=(dataclasses.replace(strict, absolute=0.001),)).verdict
    assert not verdict.blessed and 'allowed 0.001: a larger rise is not ruled out' in verdict.reasons[0]
    fell = evaluated(more=-0.01, thresholds=(dataclasses.replace(strict, absolute=0.0),)).verdict
    assert 'auc fell by 0.0' in fell.reasons[0] and 'below the baseline [-0.0' in fell.reasons[0]


def test_changes_and_levels_are_corrected_together():
    verdict = evaluated(thresholds=(LEVEL, RISE, Threshold('advantage', absolute=0.3))).verdict
    level, paired, two_limits = verdict.comparisons
    assert [c.change for c in verdict.comparisons] == ['', PAIRED, TWO_LIMITS]
    alone = evaluated().verdict.comparisons[0]
    assert (paired.value, paired.lower, paired.upper) == (alone.value, alone.lower, alone.upper)
    assert paired.corrected_bound < alone.corrected_bound
    assert level.value > 0.55 and abs(paired.value) < 0.02 and two_limits.lower < two_limits.value < two_limits.upper


def test_a_result_with_a_baseline_survives_json_and_is_judged_alike_at_any_level():
    thresholds = (LEVEL, RISE, Threshold('tpr_at_fpr_0.1', absolute=0.05))
    features = {'half': np.arange(2000) % 2}
    result = evaluated(0.2, thresholds=thresholds, attacks=('loss_threshold', 'mlp'), features=features)
    back = PrivacyResult.from_json(result.to_json())
    assert back.to_json() == result.to_json() and back.verdict == result.verdict
    for level in (0.9, 0.95, 0.999):
        config = PrivacyConfig(
            thresholds=thresholds, decision={'confidence_level': level}, attacks=('loss_threshold', 'mlp')
        )
        assert decide(back.results, config) == decide(result.results, config)


@pytest.mark.parametrize('how', ['none', 'mean', 'max', 'logsumexp'])
def test_groups(how):
    """Rows of one person are alike: the change is less certain than that of as many strangers."""
    groups = np.repeat(np.arange(400), 5)
    result = evaluated(group_ids=groups, people={'group_aggregation': how})
    (one,) = result.results
    assert one.baseline.auc_change_error > 0
    assert one.baseline.curve.num_members == one.num_members == (1000 if how == 'none' else 200)
    if how == 'none':
        copies = {name: np.repeat(values[::5], 5, axis=0) for name, values in arguments().items()}
        config = PrivacyConfig(thresholds=(RISE,), attacks=('loss_threshold',), slices={'by_class': False})
        alike = evaluate_privacy(**copies, group_ids=groups, config=config).results[0].baseline
        strangers = evaluate_privacy(**copies, config=config).results[0].baseline
        assert 1.9 < alike.auc_change_error / strangers.auc_change_error < 2.7  # the square root of 5, about


def test_a_named_slice_and_a_named_attack():
    half = SlicingSpec(feature_values={'half': 1})
    threshold = Threshold('auc', absolute=0.02, attacks=('loss_threshold',), slicing_specs=(half,))
    result = evaluated(
        thresholds=(threshold,), attacks=('loss_threshold', 'mlp'), features={'half': np.arange(2000) % 2}
    )
    assert result.verdict.blessed and [c.slice for c in result.verdict.comparisons] == ['half = 1']
    assert {r.attack for r in result.results if r.baseline} == {'loss_threshold'}


def test_only_changes_of_the_auc_cost_joint_counts():
    result = evaluated(thresholds=(Threshold('advantage', absolute=0.2),))
    assert result.results[0].baseline.auc_change_error is None


@pytest.mark.parametrize('task', ['multilabel', 'regression'])
def test_other_tasks(task):
    observations = synthetic.observations(task, n=500, shift=0.5)
    kind = 'predictions' if task == 'regression' else 'logits'
    outputs = {kind: observations.outputs, f'baseline_{kind}': observations.outputs * 1.001}
    config = PrivacyConfig(thresholds=(RISE,), attacks=('loss_threshold',))
    result = evaluate_privacy(is_member=observations.is_member, labels=observations.labels, **outputs, config=config)
    assert result.verdict.blessed and all(c.change == PAIRED for c in result.verdict.comparisons)


def test_too_few_examples_are_undecided():
    verdict = evaluated(n=15).verdict
    assert not verdict.blessed and verdict.comparisons[0].outcome == UNDECIDED
    few = evaluated(n=40, thresholds=(Threshold('auc', absolute=0.3),)).verdict
    assert 'not even a perfect attack would show a rise of more than 0.3' in few.reasons[0]


def test_reasons_tell_a_change_from_a_level():
    thresholds = (LEVEL, Threshold('auc', absolute=0.95))
    features = {'tenth': np.arange(500) // 25 % 10}
    settings = {'features': features, 'slicing_specs': (SlicingSpec(('tenth',)),), 'n': 250}
    for small_slices in ('warn', 'block'):
        verdict = evaluated(thresholds=thresholds, decision={'small_slices': small_slices}, **settings).verdict
        told = [text for text in (*verdict.reasons, *verdict.warnings) if text.startswith('tenth = 3, loss_threshold')]
        assert [text.split('(')[0] for text in told] == [
            'tenth = 3, loss_threshold: inconclusive on auc ',
            'tenth = 3, loss_threshold: inconclusive on the change of auc ',
        ]
    few = evaluated(n=15, thresholds=thresholds).verdict.reasons
    assert 'The threshold on auc could be checked on no slice' in few[1]
    assert 'The threshold on the change of auc could be checked on no slice' in few[2]


def test_a_change_and_a_level_do_not_share_a_sentence():
    level = decide(evaluated(n=15).results, PrivacyConfig(thresholds=(LEVEL,), attacks=('loss_threshold',))).comparisons
    alike = (*level, dataclasses.replace(level[0], change=UNMEASURED))
    told = reasons.of_small_samples(evaluated().results, alike, [], PrivacyConfig(thresholds=(LEVEL,)))
    assert [text.split(' (')[0] for text in told] == [
        'Overall, loss_threshold: too few examples to decide on auc',
        'Overall, loss_threshold: too few examples to decide on the change of auc',
    ]


def test_the_size_that_a_change_needs_is_enough():
    """It counts dependent rows for what they are worth, by the worse of both models."""
    threshold = Threshold('tpr_at_fpr_0.01', absolute=0.9)
    result = evaluated(n=1000, thresholds=(threshold,))
    (one,) = result.results
    curves = {'curve': one.curve, 'baseline': one.baseline.curve}
    for worse, other in (('curve', 'baseline'), ('baseline', 'curve')):
        curves[worse] = dataclasses.replace(curves[worse], design_effect=1.73)
        curves[other] = dataclasses.replace(curves[other], design_effect=1.1)
        baseline = dataclasses.replace(one.baseline, curve=curves['baseline'])
        changed = dataclasses.replace(one, curve=curves['curve'], baseline=baseline)
        verdict = decide([changed], PrivacyConfig(thresholds=(threshold,), attacks=('loss_threshold',)))
        assert verdict.comparisons[0].outcome == UNDECIDED
        assert verdict.comparisons[0].note == 'needs 30 members and 1,800 non-members'


def test_without_a_baseline_changes_block():
    verdict = evaluated(thresholds=(LEVEL, RISE), without=('baseline_logits',)).verdict
    assert not verdict.blessed and [c.outcome for c in verdict.comparisons] == [PASSED]
    assert verdict.reasons[0].startswith(
        'There is no baseline model, so the threshold on a change of auc was not checked'
    )
    only = evaluated(without=('baseline_logits',)).verdict
    assert len(only.reasons) == 1 and not only.comparisons


def test_without_a_baseline_changes_can_be_left_out():
    settings = {'thresholds': (LEVEL, RISE), 'decision': {'without_baseline': 'ignore'}}
    verdict = evaluated(**settings, without=('baseline_logits',)).verdict
    assert verdict.blessed and 'There is no baseline model' in verdict.warnings[0]
    leaky = dataclasses.replace(LEVEL, upper_bound=0.52)
    assert not evaluated(
        thresholds=(leaky, RISE), decision={'without_baseline': 'ignore'}, without=('baseline_logits',)
    ).verdict.blessed
    assert not evaluated(0.3, **settings).verdict.blessed  # with a baseline they decide


def test_a_slice_that_lacks_the_baseline_is_undecided():
    """Were a part of the results without it, no doubt would become a blessing."""
    result = evaluated(attacks=('loss_threshold', 'entropy_threshold'))
    config = PrivacyConfig(thresholds=(RISE,), attacks=('loss_threshold', 'entropy_threshold'))
    broken = [result.results[0], dataclasses.replace(result.results[1], baseline=None)]
    verdict = decide(broken, config)
    assert not verdict.blessed and verdict.comparisons[1].change == UNMEASURED


def test_an_unused_baseline_is_told():
    result = evaluated(thresholds=(LEVEL,))
    assert result.results[0].baseline is None
    assert 'no Threshold has `absolute`' in result.record.warnings[0]


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({}, r"Threshold\('auc'\) has upper_bound=None and absolute=None: give one"),
        ({'upper_bound': 0.6, 'absolute': 0.02}, 'for both limits write two thresholds'),
        ({'absolute': -0.01}, r'Threshold.absolute is -0.01; it must be a number at least 0'),
        ({'absolute': 'much'}, "Threshold.absolute is 'much'"),
        ({'metric': 'gdp_mu', 'absolute': 0.5}, "limits the rise of 'gdp_mu', which has no upper confidence limit"),
    ],
)
def test_thresholds_that_make_no_sense(fields, message):
    with pytest.raises(PrivacyInputError, match=message):
        Threshold(**({'metric': 'auc'} | fields))


def test_configs_that_would_check_nothing():
    with pytest.raises(PrivacyInputError, match=r"without_baseline is 'ignore' but every threshold limits a change"):
        PrivacyConfig(thresholds=(RISE,), decision={'without_baseline': 'ignore'})
    with pytest.raises(
        PrivacyInputError, match=r"PrivacyConfig.decision.without_baseline is 'bless'; choose one of block, ignore"
    ):
        PrivacyConfig(decision={'without_baseline': 'bless'})
    config = PrivacyConfig(thresholds=(LEVEL, RISE), decision={'without_baseline': 'ignore'})
    assert PrivacyConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'baseline_logits': np.zeros((5, 5))}, r'^the baseline model: baseline_logits has shape \(5, 5\)'),
        ({'baseline_probabilities': np.zeros((2000, 5))}, '^the baseline model: give exactly one of baseline_logits'),
        (
            {'baseline_logits': None, 'baseline_probabilities': np.ones((2000, 5))},
            '^the baseline model: probabilities: 5',
        ),
        ({'baseline_logits': None, 'baseline_predictions': np.ones(2000)}, 'regression goes with predictions'),
        ({'baseline_logits': np.zeros((2000, 3))}, 'the baseline model: labels holds the class 4, but the model has 3'),
        ({'baseline_logits': np.full((2000, 5), np.nan)}, '^the baseline model: the model outputs'),
    ],
)
def test_baseline_outputs_that_cannot_be_used(changes, message):
    with pytest.raises(PrivacyInputError, match=message):
        evaluate_privacy(**arguments() | changes, config=PrivacyConfig(thresholds=(RISE,)))
