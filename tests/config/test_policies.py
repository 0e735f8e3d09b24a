"""What the ready-made policies promise: clean models pass, leaks do not."""

import re
from pathlib import Path

import numpy as np
import pytest

from privacy_component import DecisionSettings, PrivacyConfig, PrivacyInputError, evaluate_privacy, policy
from privacy_component.gate.sample_size import smallest_size

DOCS = (Path(__file__).parents[2] / 'docs' / 'how_to_read_a_verdict.md').read_text()


def verdict(rng, n, config, leak=0.0):
    """On a random model of 4 classes; members with one of the 12 values of a feature answer better by `leak`."""
    labels, is_member, kinds = rng.integers(0, 4, 2 * n), np.arange(2 * n) < n, rng.integers(0, 12, 2 * n)
    logits = rng.standard_normal((2 * n, 4))
    logits[np.arange(2 * n), labels] += 1 + leak * (is_member & (kinds == 0))
    inputs = {'is_member': is_member, 'labels': labels, 'logits': logits, 'features': {'kind': kinds}}
    return evaluate_privacy(**inputs, config=config).verdict


def share_blessed(name, n, runs, **data):
    rng = np.random.default_rng(n)
    return np.mean([verdict(rng, n, policy(name), **data).blessed for _ in range(runs)])


@pytest.mark.parametrize(('name', 'n', 'runs'), [('standard', 1100, 40), ('standard', 6000, 20), ('strict', 5000, 40)])
def test_clean_models_are_blessed_where_the_data_are_enough(name, n, runs):
    assert share_blessed(name, n, runs) >= 0.95


@pytest.mark.parametrize(('name', 'n'), [('standard', 2000), ('strict', 5000)])
def test_a_leak_in_one_slice_as_on_the_taxi_data_is_blocked(name, n):
    """An AUC of .53 overall, .88 where the feature has one of its twelve values."""
    assert share_blessed(name, n, 15, leak=2.0) == 0


def test_strict_blesses_no_model_on_little_data_and_says_how_much_it_takes():
    found = verdict(np.random.default_rng(0), 700, policy('strict'))
    assert not found.blessed
    assert any(re.search(r'tpr_at_fpr_0.01 .*700 members and 700 non-members; .* from about [\d,]+ each', reason)
               for reason in found.reasons)  # fmt: skip


def test_the_sizes_in_the_docs_are_those_of_the_limits():
    tpr = policy('strict').thresholds[1]
    sizes = [smallest_size(tpr.metric, tpr.upper_bound, tpr.block_if, 0.05 / count) for count in (38, 1000)]
    assert 'from about 2,100 members and non-members with 38 comparisons and 3,200 with 1,000' in DOCS
    assert [f'{-(-size // 100) * 100:,}' for size in sizes] == ['2,100', '3,200']


def test_a_policy_is_a_config_with_every_limit_written_out():
    config = policy('strict', attacks=('loss_threshold', 'mlp'), measurement={'seed': 3})
    assert isinstance(config, PrivacyConfig)
    assert (config.attacks, config.measurement.seed) == (('loss_threshold', 'mlp'), 3)
    assert PrivacyConfig.from_json(config.to_json()) == config
    assert policy('standard', thresholds=()).thresholds == ()


def test_a_change_within_a_group_keeps_what_else_the_policy_sets_there():
    decision = policy('strict', decision={'min_examples': 50}).decision
    assert (decision.small_slices, decision.min_examples) == ('block', 50)
    assert policy('standard', decision=DecisionSettings(min_examples=50)).decision.min_examples == 50


def test_a_report_only_blesses_nothing_and_says_so():
    found = verdict(np.random.default_rng(0), 200, policy('report_only'))
    assert not found.blessed and not found.judged and not found.comparisons
    assert found.reasons[0].startswith('Report only') and len(found.reasons) == 1


@pytest.mark.parametrize(
    ('name', 'changes', 'message'),
    [
        ('strickt', {}, r"policy 'strickt' is not one of strict, standard, report_only; did you mean 'strict'\?"),
        (None, {}, 'policy None is not one of'),
        (
            'strict',
            {'min_example': 3},
            "policy 'strict' has no field 'min_example'; did you mean 'decision.min_examples'?",
        ),
        ('strict', {'decision': {'seed': 3}}, "PrivacyConfig.decision has no field 'seed'"),
        ('strict', {'decision': DecisionSettings()}, 'sets decision.small_slices: give decision as a mapping'),
        ('report_only', {'thresholds': ({'metric': 'auc', 'upper_bound': 0.6},)}, 'remove one or the other'),
    ],
)
def test_wrong_names_are_named(name, changes, message):
    with pytest.raises(PrivacyInputError, match=message):
        policy(name, **changes)
