"""The audit on scores: its error rate on mechanisms that keep their claim, its power, the gate, replay, bad input."""

import dataclasses
import json
import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import binomtest

from privacy_component import OneRunAudit, PrivacyConfig, PrivacyResult, Threshold, audit_canaries, evaluate_privacy
from privacy_component.config.audits import Claim, claim_to_test
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.audits import audits_of_arrays
from privacy_component.evaluation.decision import outcome
from privacy_component.evaluation.replay import replay
from privacy_component.metrics.canary_audit import NOT_REFUTED, REFUTED, UNTESTABLE, check_coins
from privacy_component.metrics.gdp import epsilon_of

DELTA = 1e-5
RUNS = 100


def response(rng, epsilon, m, delta=DELTA):
    """Randomised response: the worst mechanism of all that are epsilon-private, coin by coin."""
    is_in = rng.random(m) < 0.5
    is_right = rng.random(m) < expit(epsilon)
    return np.where(is_in == is_right, 1.0, -1.0) * (1 + rng.random(m)), is_in


def gaussian(rng, epsilon, m, delta=DELTA):
    """The Gaussian mechanism on each coin, as DP-SGD that shows every sum would be."""
    mu = brentq(lambda mu: epsilon_of(mu, delta) - epsilon, 0.01, 10)
    is_in = rng.random(m) < 0.5
    return mu * is_in + rng.standard_normal(m), is_in


@pytest.mark.parametrize('mechanism', [response, gaussian])
@pytest.mark.parametrize(('epsilon', 'm'), [(1.0, 750), (3.0, 1000), (8.0, 10_000)])
def test_a_true_claim_is_refuted_at_most_once_in_twenty(mechanism, epsilon, m):
    rng = np.random.default_rng(0)
    claim = {'claimed_epsilon': epsilon, 'delta': DELTA, 'guess_share': 0.5}
    if epsilon == 8:  # with a larger delta, or fewer guesses, no number of right ones could refute it
        claim |= {'delta': 1e-9, 'guess_share': 1.0}
    audits = [audit_canaries(*mechanism(rng, epsilon, m, claim['delta']), **claim) for _ in range(RUNS)]
    outcomes = [audit.outcome for audit in audits]
    assert binomtest(outcomes.count(REFUTED), RUNS, 0.05, 'greater').pvalue > 1e-3
    assert UNTESTABLE not in outcomes
    if mechanism is response:  # which leaks as much as its epsilon allows: the audit is not idle
        assert np.median([audit.lower_bound for audit in audits]) > 0.6 * epsilon


@pytest.mark.parametrize('true', [2.0, 4.0])
def test_a_claim_of_half_is_refuted(true):
    rng = np.random.default_rng(1)
    runs = [audit_canaries(*response(rng, true, 1000), claimed_epsilon=true / 2, delta=DELTA) for _ in range(20)]
    assert [audit.outcome for audit in runs] == [REFUTED] * 20
    assert np.mean([audit.lower_bound <= true for audit in runs]) >= 0.9


def test_ceilings_of_750_canaries():
    """Of a claim of 8 no number of right guesses says anything; of a claim of 3 it would."""
    is_in = np.random.default_rng(2).random(750) < 0.5
    audits = {claim: audit_canaries(is_in.astype(float), is_in, claimed_epsilon=claim, delta=DELTA) for claim in (3, 8)}
    assert [audits[claim].outcome for claim in (3, 8)] == [REFUTED, UNTESTABLE]
    # All 374 guesses right: the p-value is q^374 + slack, and q = expit(epsilon); without delta 374 log q = log 0.05.
    q = 0.05 ** (1 / 374)
    assert audits[8].num_guesses == 374 and audits[8].num_correct == 374
    assert audits[8].ceiling == pytest.approx(math.log(q / (1 - q)), abs=0.1)


def test_equal_scores_tell_nothing_whatever_the_order():
    is_in = np.arange(400) < 200  # sorted by the coin
    audit = audit_canaries(np.zeros(400), is_in, claimed_epsilon=1, delta=DELTA)
    assert audit.outcome == NOT_REFUTED and audit.lower_bound == 0 and 70 <= audit.num_correct <= 130
    assert sum(audit.histogram.members) == sum(audit.histogram.non_members) == 200


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'claimed_epsilon': math.nan}, 'claimed_epsilon is nan; a claim is a number above 0'),
        ({'claimed_epsilon': '3'}, "claimed_epsilon is '3'"),
        ({'claimed_epsilon': 0}, 'claimed_epsilon is 0'),
        ({'delta': 1}, 'delta is 1'),
        ({'confidence_level': 0.2}, 'confidence_level is 0.2'),
        ({'guess_share': 2}, 'guess_share is 2'),
        ({'scores': [0.0] * 99}, r'shapes \(99,\) and \(100,\)'),
        ({'scores': [math.nan] * 100}, '100 of 100 scores of canaries are NaN'),
        ({'scores': ['a'] * 100}, 'are not numbers'),
        ({'is_in': [0, 1] * 50}, 'is_in of canaries is of the type int64'),
        ({'scores': [0.0] * 10, 'is_in': [True] * 5 + [False] * 5}, 'there are 10 canaries; an audit needs 20'),
        ({'is_in': [True] * 80 + [False] * 20}, '80 of 100 canaries are in the training data.*chi-square'),
        ({'groups': [0, 1] * 50}, '50 of 100 canaries are in the training data, in 2 groups'),
        ({'groups': [0]}, 'groups has 1 entries'),
    ],
)
def test_bad_input_is_named(changes, words):
    given = {'scores': np.arange(100.0), 'is_in': np.array([True, False] * 50), 'claimed_epsilon': 1, 'delta': DELTA}
    with pytest.raises(PrivacyInputError, match=words):
        audit_canaries(**given | changes)


def test_scores_that_are_upside_down_are_noticed():
    rng = np.random.default_rng(0)
    is_in = rng.random(750) < 0.5
    with pytest.raises(PrivacyInputError, match='upside down'):
        audit_canaries(rng.random(750) - is_in, is_in, claimed_epsilon=1, delta=DELTA)


def test_several_audits_refute_a_true_claim_no_more_often_than_one():
    rng, refuted = np.random.default_rng(3), 0
    config = PrivacyConfig(
        audits=tuple(OneRunAudit(1.0, DELTA, guess_share=share) for share in (0.1, 0.3, 0.5, 0.7, 1.0))
    )
    for _ in range(RUNS):
        scores, is_in = response(rng, 1.0, 1000)
        refuted += any(audit.outcome == REFUTED for audit in audits_of_arrays(config, scores, is_in))
    assert refuted <= 9  # of 100; beyond it a rate of 0.05 is refuted at 95 %


@pytest.mark.parametrize('number', [800.0, '800', True])
def test_a_number_of_examples_that_is_none_is_refused(number):
    with pytest.raises(PrivacyInputError, match='num_examples is'):
        Claim.from_fields(CLAIM | {'num_examples': number}, 'the file')


def test_fair_coins_pass_and_coins_that_know_their_label_do_not():
    rng = np.random.default_rng(3)
    labels = rng.integers(10, size=(200, 300))
    for groups in labels:  # each refused at 2 in 10,000
        check_coins(rng.random(300) < 0.5, groups)
    with pytest.raises(PrivacyInputError, match='fair coins give such numbers once in'):
        check_coins(rng.random(300) < 0.3 + 0.4 * (labels[0] < 5), labels[0])


def members(rng, n=400):
    labels = rng.integers(3, size=2 * n)
    return {
        'is_member': np.arange(2 * n) < n,
        'labels': labels,
        'logits': 2 * np.eye(3)[labels] + rng.standard_normal((2 * n, 3)),
    }


def config(claim=3.0, **changes):
    limits = {'attacks': ('loss_threshold',), 'thresholds': (Threshold('auc', 0.9),)}
    return PrivacyConfig(**limits | {'audits': (OneRunAudit(claim, DELTA),), 'slices': {'by_class': False}} | changes)


def evaluated(true, claim, m=750, **changes):
    rng = np.random.default_rng(4)
    scores, is_in = response(rng, true, m)
    return evaluate_privacy(**members(rng), canary_scores=scores, canary_is_in=is_in, config=config(claim, **changes))


def test_the_gate_blocks_a_refuted_claim_and_what_cannot_be_tested(tmp_path):
    refuted, untestable, left = evaluated(6, 3), evaluated(6, 8), evaluated(1, 3)
    assert [one.verdict.blessed for one in (refuted, untestable, left)] == [False, False, True]
    assert [outcome(one) for one in (refuted, untestable)] == ['refused', 'not_blessed']
    assert refuted.verdict.reasons[0].startswith('The training is not what it claims: ')
    assert 'A claim of 8 cannot be tested with 750 canaries' in untestable.verdict.reasons[0]
    assert 'That is no proof of it.' in ' '.join(left.verdict.warnings)
    for one in (refuted, left):
        again = PrivacyResult.load(one.save(tmp_path))
        assert again.audits == one.audits and replay(tmp_path).verdict == one.verdict


def test_a_changed_file_is_noticed(tmp_path):
    path = evaluated(6, 3).save(tmp_path)
    fields = json.loads(path.read_text())
    fields['audits'][0]['num_correct'] -= 100
    path.write_text(json.dumps(fields))
    with pytest.raises(PrivacyInputError, match='the file was changed'):
        replay(path)
    del fields['audits']
    path.write_text(json.dumps(fields))
    with pytest.raises(PrivacyInputError, match='names 1 audits of canaries and 0 were made'):
        replay(path)


def test_arrays_need_canaries_for_an_audit_and_an_audit_for_canaries():
    rng = np.random.default_rng(5)
    with pytest.raises(PrivacyInputError, match=r'config.audits needs canaries'):
        evaluate_privacy(**members(rng), config=config())
    with pytest.raises(PrivacyInputError, match=r'config.audits is empty'):
        evaluate_privacy(**members(rng), canary_scores=np.zeros(30), config=config(audits=()))
    with pytest.raises(PrivacyInputError, match=r'OneRunAudit.claimed_epsilon is 3.0 and delta is None'):
        OneRunAudit(3.0)
    with pytest.raises(PrivacyInputError, match=r'OneRunAudit.claimed_epsilon is nan'):
        PrivacyConfig.from_json('{"audits": [{"claimed_epsilon": NaN, "delta": 1e-5}]}')
    assert PrivacyConfig.from_json(config().to_json()) == config()


CLAIM = {
    'epsilon': 2.0, 'delta': DELTA, 'noise_multiplier': 1.0, 'l2_norm_clip': 1.0, 'sampling_rate': 0.1,
    'num_examples': 500,
}  # fmt: skip


def test_a_claim_says_what_it_follows_from():
    assert Claim.from_fields(CLAIM, 'here') == Claim(2.0, DELTA, 'here', 500)
    for name in ('noise_multiplier', 'l2_norm_clip', 'sampling_rate'):
        for value in (None, 0, math.nan, 'much'):
            with pytest.raises(PrivacyInputError, match=rf'here claims epsilon 2, but its {name} is'):
                Claim.from_fields(CLAIM | {name: value}, 'here')
    for value in (None, math.inf, 'three', True):
        with pytest.raises(PrivacyInputError, match=r'here: epsilon is .*; a claim is a number above 0'):
            Claim.from_fields(CLAIM | {'epsilon': value}, 'here')
    with pytest.raises(PrivacyInputError, match='is no claim'):
        Claim.from_fields([2.0], 'here')


def test_which_claim_is_tested():
    left = Claim.from_fields(CLAIM, 'the file')
    assert claim_to_test(OneRunAudit(), left) == left
    assert claim_to_test(OneRunAudit(3.0, DELTA), left) == left  # what the trainer promised, not what would do
    assert claim_to_test(OneRunAudit(3.0, DELTA), None).num_examples is None
    for worse in ({'epsilon': 5.0}, {'delta': 1e-3}):
        with pytest.raises(
            PrivacyInputError, match=r'claims epsilon 3 at delta 1e-05, but the file only .* less private'
        ):
            claim_to_test(OneRunAudit(3.0, DELTA), dataclasses.replace(left, **worse))
    with pytest.raises(PrivacyInputError, match='names no claimed_epsilon, and the model has none'):
        claim_to_test(OneRunAudit(), None)
