import dataclasses
import re

import numpy as np
import pytest

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.thresholds import SAFETY_NOT_SHOWN, Threshold
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.evaluate import evaluate_privacy
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.verdict import EXCEEDED, PASSED, UNDECIDED, decide
from privacy_component.metrics import confidence
from privacy_component.metrics.registry import metrics_for
from privacy_component.metrics.slice_result import measure
from privacy_component.observations.slicing import LOSS_PERCENTILE_FEATURE, SlicingSpec
from tests.metrics.simulate import counts_of, gaussian

CASH = (('payment', 'Cash'),)


def result(shift=0.0, n=2000, key=(), attack='loss_threshold', seed=0, config=None):
    names = [threshold.metric for threshold in config.thresholds] if config else []
    counts = counts_of(*gaussian(np.random.default_rng(seed), n, n, shift))
    return measure(key, attack, [counts], metrics_for(names), 0.95, 30)


def config(metric='auc', upper_bound=0.55, **fields):
    return PrivacyConfig(attacks=['loss_threshold'], thresholds=[Threshold(metric, upper_bound, **fields)])


def outcomes(verdict):
    return [comparison.outcome for comparison in verdict.comparisons]


def test_a_leak_blocks_and_its_absence_blesses():
    blocked = decide([result(shift=1.0)], config())
    assert not blocked.blessed and outcomes(blocked) == [EXCEEDED]
    assert 'auc = 0.7' in blocked.reasons[0] and 'above the limit of 0.55' in blocked.reasons[0]
    blessed = decide([result()], config())
    assert blessed.blessed and outcomes(blessed) == [PASSED] and len(blessed.reasons) == 1


def test_the_two_rules_differ_where_the_data_decide_nothing():
    unclear = result(shift=0.18, n=400)  # AUC 0.55 give or take 0.02
    assert decide([unclear], config()).blessed
    verdict = decide([unclear], config(block_if=SAFETY_NOT_SHOWN))
    assert not verdict.blessed and 'is not shown to be below' in verdict.reasons[0]


@pytest.mark.parametrize('block_if', ['leak_shown', SAFETY_NOT_SHOWN])
def test_nothing_is_blessed_without_a_measurement(block_if):
    gate = config(block_if=block_if)
    one_sided = measure((), 'loss_threshold', [counts_of(np.arange(50.0), np.ones(50))], metrics_for([]), 0.95, 30)
    for results in ([], [result(n=20)], [one_sided], [result(key=CASH)]):
        assert not decide(results, gate).blessed
    assert not decide([result()], PrivacyConfig()).blessed
    assert not decide([result()], gate, upstream_blessed=False).blessed
    assert decide([result()], gate, upstream_blessed=True).blessed


def test_an_unsupported_rate_on_the_overall_slice_blocks():
    verdict = decide([result(n=900)], config('tpr_at_fpr_0.01', 0.02))
    assert not verdict.blessed and outcomes(verdict) == [UNDECIDED]
    assert any('too few examples' in reason for reason in verdict.reasons)


def test_a_missing_slice_blocks_and_a_small_one_that_was_found_is_listed():
    named = config(slicing_specs=[SlicingSpec(feature_values={'payment': 'Cash'})])
    assert not decide([result()], named).blessed
    assert not decide([result(), result(n=10, key=CASH)], named).blessed
    found = decide([result(), result(n=10, key=CASH)], config())
    assert found.blessed and len(found.warnings) == 1 and 'payment = Cash' in found.warnings[0]


def test_a_slice_that_the_slicing_specs_name_must_be_decided():
    results = [result(), result(n=12, key=CASH)]
    by_value, by_key = SlicingSpec(feature_values={'payment': 'Cash'}), SlicingSpec(('payment',))
    verdict = decide(results, config(), slicing_specs=[by_value])
    assert not verdict.blessed and 'payment = Cash, loss_threshold: too few examples' in verdict.reasons[0]
    assert '12 members and 12 non-members' in verdict.reasons[0]
    assert decide(results, config(), slicing_specs=[by_key]).blessed


def test_small_slices_that_were_found_block_if_the_config_says_so():
    results = [result(), *(result(n=12, key=CASH, attack=attack) for attack in ('loss_threshold', 'other'))]
    gate = dataclasses.replace(config(), decision={'small_slices': 'block'})
    verdict = decide(results, gate)
    assert not verdict.blessed and not verdict.warnings
    assert verdict.reasons[0].startswith('payment = Cash, loss_threshold and other: inconclusive on auc (12 members')
    assert decide(results, config()).warnings == verdict.reasons
    assert decide([result()], gate).blessed


def test_suppressed_slices_warn_or_block_as_a_count():
    sentence = '3 slices with fewer than 10 members or non-members are not listed.'
    assert decide([result()], config(), num_suppressed=3).warnings == (sentence,)
    block = dataclasses.replace(config(), decision={'small_slices': 'block'})
    assert decide([result()], block, num_suppressed=3).reasons == (sentence,)
    assert (
        '1 slice with fewer than 10 members or non-members is not'
        in decide([result()], block, num_suppressed=1).reasons[0]
    )
    # A threshold that holds for all examples only could not have blocked on a small slice either.
    overall = dataclasses.replace(config(slicing_specs=[SlicingSpec()]), decision={'small_slices': 'block'})
    assert decide([result()], overall, num_suppressed=3).blessed


def test_an_exceeded_limit_comes_before_small_slices_among_the_reasons():
    gate = dataclasses.replace(config(), decision={'small_slices': 'block'})
    verdict = decide([result(shift=1.0), result(n=12, key=CASH)], gate, num_suppressed=1)
    assert [any(words in reason for words in ('a leak is shown',)) for reason in verdict.reasons] == [
        True,
        False,
        False,
    ]


def test_too_few_to_show_safety_is_said_with_the_size_that_could():
    strict = config(block_if=SAFETY_NOT_SHOWN)
    small, large = decide([result(n=60)], strict), decide([result(shift=0.5, n=1000)], strict)
    assert 'safety can be shown from about 190 each' in small.reasons[0]
    assert not large.blessed and 'each' not in large.reasons[0]
    never = decide([result()], config(upper_bound=0.5, block_if=SAFETY_NOT_SHOWN))
    assert 'with Threshold.upper_bound = 0.5 no number of examples can show safety' in never.reasons[0]


def test_dependent_scores_need_more_examples():
    counts = counts_of(*gaussian(np.random.default_rng(0), 60, 60))
    folds = measure((), 'loss_threshold', [counts, counts], metrics_for([]), 0.95, 30)
    assert 'from about 370 each' in decide([folds], config(block_if=SAFETY_NOT_SHOWN)).reasons[0]


def test_rates_that_differ_in_any_digit_are_different_metrics():
    names = ['tpr_at_fpr_0.01', 'tpr_at_fpr_0.01000001', 'ppv_at_fpr_0.0100000001', 'empirical_epsilon_at_delta_1e-05']
    gate = PrivacyConfig(attacks=['loss_threshold'], thresholds=[Threshold(name, 1.0) for name in names])
    verdict = decide([result(config=gate)], gate)
    assert [comparison.metric for comparison in verdict.comparisons] == names
    standard = [metric.name for metric in metrics_for([])]
    assert [metric.name for metric in metrics_for(['tpr_at_fpr_1e-2', 'tpr_at_fpr_.01'])] == standard


def test_a_report_only_is_no_verdict_and_no_blessing():
    verdict = decide([result()], PrivacyConfig(attacks=['loss_threshold'], report_only=True))
    assert not verdict.blessed and not verdict.judged
    assert 'wire Pusher to another blessing' in verdict.reasons[0]
    forgotten = decide([result()], PrivacyConfig(attacks=['loss_threshold']))
    assert forgotten.judged and 'thresholds is empty' in forgotten.reasons[0]
    back = PrivacyResult.from_json(PrivacyResult((), verdict, num_suppressed=7).to_json())
    assert back.verdict == verdict and back.num_suppressed == 7


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'decision': {'small_slices': 'ignore'}}, "small_slices is 'ignore'; choose one of warn, block"),
        ({'people': {'min_reported_examples': 31}}, 'is 31 and decision.min_examples only 30'),
        ({'people': {'min_reported_examples': -1}}, 'a whole number of at least 0'),
        ({'report_only': 'yes'}, "report_only is 'yes'; write true or false"),
        ({'report_only': True}, 'would leave the thresholds unjudged: remove one or the other'),
    ],
)
def test_contradicting_settings_are_refused(fields, message):
    with pytest.raises(PrivacyInputError, match=message):
        dataclasses.replace(config(), **fields)


def test_loss_percentiles_never_gate():
    key = ((LOSS_PERCENTILE_FEATURE, 3),)
    verdict = decide([result(), result(shift=3.0, key=key)], config())
    assert verdict.blessed and len(verdict.comparisons) == 1


def test_a_threshold_for_one_attack_leaves_the_others_alone():
    results = [result(), result(shift=3.0, attack='scaled_logit_threshold')]
    assert decide(results, config(attacks=('loss_threshold',))).blessed
    assert not decide(results, config()).blessed


def test_the_bound_is_corrected_for_the_comparisons():
    results = [result(key=(('shop', i),) if i else (), seed=i, shift=0.3) for i in range(20)]
    verdict = decide(results, config(upper_bound=0.6))
    for comparison, one in zip(verdict.comparisons, results, strict=True):
        assert comparison.corrected_bound == pytest.approx(confidence.auc_lower(one.curve, 0.05 / 20))
        assert comparison.corrected_bound < comparison.lower


def test_raw_and_corrected_bounds_are_limits_at_their_levels():
    shifts = [0.0, 0.25, 0.27, 1.0]  # the last is shown in the first step, the others in none
    results = [result(key=(('shop', i),) if i else (), seed=i, shift=s, n=1500) for i, s in enumerate(shifts)]
    verdict = decide(results, config(upper_bound=0.545))
    levels = [0.05 / 3, 0.05 / 3, 0.05 / 3, 0.05 / 4]
    for comparison, one, level in zip(verdict.comparisons, results, levels, strict=True):
        assert comparison.raw_bound == pytest.approx(confidence.auc_lower(one.curve, 0.05))
        assert comparison.corrected_bound == pytest.approx(confidence.auc_lower(one.curve, level))
        assert (comparison.corrected_bound > comparison.limit) == (comparison.outcome == EXCEEDED)


def p_value(curve, limit):
    """The smallest alpha at which the AUC is shown to be above the limit, by bisection."""
    low, high = 1e-12, 0.5
    if confidence.auc_lower(curve, high) <= limit:
        return 1.0
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (low, middle) if confidence.auc_lower(curve, middle) > limit else (middle, high)
    return high


def test_repeated_bonferroni_is_holms_procedure():
    shifts = np.linspace(0.0, 0.35, 20)
    results = [result(key=(('shop', i),) if i else (), seed=300 + i, shift=s, n=800) for i, s in enumerate(shifts)]
    shown, p_values = set(), sorted((p_value(r.curve, 0.5), i) for i, r in enumerate(results))
    for step, (p, i) in enumerate(p_values):  # Holm 1979: the smallest first, each against alpha over what is left
        if p > 0.05 / (len(p_values) - step):
            break
        shown.add(i)
    verdict = decide(results, config(upper_bound=0.5))
    assert {i for i, outcome in enumerate(outcomes(verdict)) if outcome == EXCEEDED} == shown
    bonferroni = {i for p, i in p_values if p <= 0.05 / len(p_values)}
    assert bonferroni < shown < set(range(20))  # so that the test tells them apart
    assert all((c.corrected_bound > c.limit) == (c.outcome == EXCEEDED) for c in verdict.comparisons)


def test_max_ppv_cannot_gate():
    with pytest.raises(PrivacyInputError, match=r"'max_ppv' is reported for comparison only and cannot be gated on"):
        config('max_ppv', 0.9)


@pytest.mark.parametrize('metric', ['empirical_epsilon', 'gdp_mu', 'empirical_epsilon_at_delta_1e-5'])
def test_a_bound_without_an_upper_limit_gates_on_leaks_only(metric):
    gate = config(metric, 0.5)
    assert not decide([result(shift=2.0, config=gate)], gate).blessed
    assert decide([result(config=gate)], gate).blessed
    with pytest.raises(PrivacyInputError, match='no upper confidence limit'):
        config(metric, 0.5, block_if=SAFETY_NOT_SHOWN)


def test_a_result_survives_json_to_the_last_bit_and_is_judged_alike():
    gate = PrivacyConfig(
        thresholds=[Threshold('auc', 0.5), Threshold('tpr_at_fpr_0.03', 0.03), Threshold('gdp_mu', 0.1)]
    )
    folds = [counts_of(*gaussian(np.random.default_rng(seed), 4000, 3999, 0.2)) for seed in (1, 2)]
    metrics = metrics_for([threshold.metric for threshold in gate.thresholds])
    results = [
        result(shift=0.1, config=gate),
        measure(CASH, 'loss_threshold', folds, metrics, 0.95, 30, design_effect=1.7),
    ]
    back = PrivacyResult.from_json(PrivacyResult(tuple(results), decide(results, gate)).to_json())
    assert decide(back.results, gate) == decide(results, gate) == back.verdict
    for before, after in zip(results, back.results, strict=True):
        assert after.metrics == before.metrics
        for field in dataclasses.fields(before.curve):
            a, b = getattr(before.curve, field.name), getattr(after.curve, field.name)
            assert np.array_equal(a, b) and type(a) is type(b)


@pytest.mark.parametrize(
    ('metric', 'limit', 'n'), [('empirical_epsilon', 4.0, 50), ('gdp_mu', 4.0, 30), ('advantage', 0.8, 30)]
)
def test_a_limit_that_no_leak_could_exceed_is_no_check(metric, limit, n):
    """A perfect attack on so few examples cannot show that much: that is too few, not a pass."""
    verdict = decide([result(shift=50.0, n=n)], config(metric, limit))
    assert not verdict.blessed
    sizes = rf'{n} members and {n} non-members; with 1 comparison, a leak .* can be shown from about \d+ each'
    assert re.search(sizes, verdict.reasons[0])


def test_a_leak_is_not_forgotten_when_harmless_slices_are_added():
    rng = np.random.default_rng(0)
    n = 1000
    is_member = np.arange(2 * n) < n
    labels, logits = rng.integers(0, 2, 2 * n), rng.standard_normal((2 * n, 2))
    memorised = is_member & (rng.random(2 * n) < 0.2)
    logits[memorised, labels[memorised]] += 12
    thresholds = (Threshold('auc', 0.65), Threshold('tpr_at_fpr_0.01', 0.05))
    gate = PrivacyConfig(thresholds=thresholds, attacks=('loss_threshold',))
    for num_features in (0, 200):
        features = {f'f{i}': rng.integers(0, 3, 2 * n) for i in range(num_features)}
        found = evaluate_privacy(is_member=is_member, labels=labels, logits=logits, features=features, config=gate)
        assert not found.verdict.blessed


def test_every_attack_that_is_configured_must_have_been_measured():
    gate = PrivacyConfig(attacks=('loss_threshold', 'mlp'), thresholds=(Threshold('auc', 0.99),))
    assert "The attack 'mlp' was not measured on all examples." in decide([result()], gate).reasons
