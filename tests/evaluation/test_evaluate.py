import copy
import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import norm

from privacy_component import PrivacyConfig, PrivacyInputError, PrivacyResult, SlicingSpec, evaluate_privacy
from privacy_component.attacks import ATTACKS
from privacy_component.attacks.crossfit import fold_scores
from privacy_component.config.thresholds import Threshold
from privacy_component.evaluation.slices import slicing_specs_for, with_derived_columns
from privacy_component.metrics.counts import roc
from privacy_component.observations.needs import need_of
from privacy_component.observations.observations import TASKS
from tests import synthetic

KINDS = {'multiclass': 'logits', 'multilabel': 'logits', 'regression': 'predictions'}


def arguments(task='multiclass', **settings):
    observations = synthetic.observations(task, **settings)
    return {
        'is_member': observations.is_member,
        'labels': observations.labels,
        KINDS[task]: observations.outputs,
        'example_ids': observations.example_id,
    }


def all_arguments(task='multiclass', **settings):
    """Also what some attacks ask for besides labels and outputs."""
    columns = synthetic.observations(task, **settings).columns
    return arguments(task, **settings) | {
        f'reference_{KINDS[task]}': synthetic.reference_outputs(task, **settings),
        'reference_is_member': columns['reference_is_member'].T,
        'signals': {name: column for name, column in columns.items() if need_of(name).is_signal},
    }


def overall(result):
    return {row['attack']: row for row in result.rows() if row['slice'] == 'Overall'}


def test_gaussian_shift_has_its_closed_form():
    n, shift = 40_000, 1.0
    rng = np.random.default_rng(0)
    is_member = np.arange(2 * n) < n
    z = rng.standard_normal(2 * n) + shift * is_member
    config = PrivacyConfig(attacks=('scaled_logit_threshold',))
    (row,) = evaluate_privacy(is_member=is_member, labels=is_member | True, logits=z, config=config).rows()[:1]
    assert abs(row['auc'] - norm.cdf(shift / np.sqrt(2))) < 0.01
    for rate in (0.1, 0.01):
        assert abs(row['tpr_at_fpr'][rate] - norm.cdf(norm.ppf(rate) + shift)) < 0.02
    assert row['auc_interval'][0] < norm.cdf(shift / np.sqrt(2)) < row['auc_interval'][1]


@pytest.mark.parametrize('task', TASKS)
def test_every_attack_of_a_task_together_in_every_slice(task):
    attacks = tuple(name for name, info in ATTACKS.items() if task in info.tasks)
    config = PrivacyConfig(attacks=attacks, slices={'by_correctness': True, 'by_loss_percentile': True})
    given = all_arguments(task, n=300, shift=1.0)
    result = evaluate_privacy(**given, features={'half': np.arange(600) % 2}, config=config)
    assert set(overall(result)) == set(attacks)
    assert all(row['auc'] > 0.5 for row in overall(result).values())
    slices = {row['slice'] for row in result.rows()}
    assert {'half = 0', 'half = 1', 'loss_percentile = 0-10'} <= slices
    assert ('correct = yes' in slices) == (task != 'regression')
    assert ('class = 0' in slices) == (task != 'regression')


def test_result_survives_json():
    result = evaluate_privacy(**arguments(n=100), features={'half': np.arange(200) % 2})
    again = PrivacyResult.from_json(result.to_json())
    assert again.rows() == result.rows()
    assert again.most_vulnerable == result.most_vulnerable
    assert again.record == result.record
    assert PrivacyConfig.from_json(json.dumps(result.record.config)) == PrivacyConfig(report_only=True).for_task(
        'multiclass'
    )


def test_same_figures_in_any_order_of_rows():
    given = arguments(n=400, shift=0.5)
    config = PrivacyConfig(attacks=('loss_threshold', 'gradient_boosting', 'quantile', 'margin_threshold_per_class'))
    order = np.random.default_rng(0).permutation(800)
    shuffled = {name: values[order] for name, values in given.items()}
    one, other = (evaluate_privacy(**data, config=config) for data in (given, shuffled))
    assert one.rows() == other.rows()
    assert one.most_vulnerable == other.most_vulnerable


def test_labels_logits_and_probabilities_in_all_their_forms():
    given = arguments(n=200, shift=1.0, classes=2)
    single = given['logits'][:, 1] - given['logits'][:, 0]
    rest = {name: given[name] for name in ('is_member', 'labels')}
    forms = [
        {'logits': given['logits']},
        {'logits': single},
        {'logits': single[:, None]},
        {'probabilities': softmax(given['logits'], axis=1)},
        {'probabilities': expit(single)},
    ]
    aucs = [overall(evaluate_privacy(**rest, **form))['loss_threshold']['auc'] for form in forms]
    np.testing.assert_allclose(aucs, aucs[0], atol=1e-4)
    as_floats = rest | {'labels': rest['labels'].astype(float), 'is_member': rest['is_member'].astype(int).tolist()}
    assert overall(evaluate_privacy(**as_floats, logits=single))['loss_threshold']['auc'] == aucs[1]


def test_slices_hold_the_examples_they_name():
    given = arguments(n=300, shift=1.0)
    payment = np.array(['cash', 'card', None], object)[np.arange(600) % 3]
    config = PrivacyConfig(slicing_specs=(SlicingSpec(('payment', '@class')),))
    rows = evaluate_privacy(**given, features={'payment': payment}, config=config).results
    sizes = {result.slice_key: (result.num_members, result.num_non_members) for result in rows}
    for key, found in sizes.items():
        chosen = np.ones(600, bool)
        for name, value in key:
            chosen &= (payment == value) if name == 'payment' else (given['labels'] == value)
        assert found == (np.sum(chosen & given['is_member']), np.sum(chosen & ~given['is_member']))
    assert (('@class', 3), ('payment', 'cash')) in sizes
    assert len(sizes) == 1 + 2 + 5 + 10


def test_learning_attacks_count_every_example_once_in_its_fold():
    observations = synthetic.observations(n=500, shift=1.0)
    config = PrivacyConfig(attacks=('logistic_regression',), measurement={'folds': 3})
    result = next(r for r in evaluate_privacy(**arguments(n=500, shift=1.0), config=config).results if not r.slice_key)
    assert (result.num_members, result.num_non_members) == (500, 500)
    scored = fold_scores(ATTACKS['logistic_regression'], observations, 3)
    folds = [observations.select(scored.fold == number) for number in range(3)]
    scores = [scored.scores[scored.fold == number] for number in range(3)]
    aucs = [
        roc.auc(roc.count_scores(roc.score_keys(values), fold.is_member))
        for values, fold in zip(scores, folds, strict=True)
    ]
    assert result.curve.auc == pytest.approx(np.mean(aucs), abs=1e-12)


@pytest.mark.parametrize('how', ['mean', 'max', 'logsumexp'])
def test_groups_as_the_unit(how):
    # A shift too small to see in one row of a person shows in the mean of 25 of them.
    given = arguments(n=2_500, shift=0.25)
    config = PrivacyConfig(attacks=('scaled_logit_threshold',), people={'group_aggregation': how})
    people = np.arange(5_000) // 25
    row = overall(evaluate_privacy(**given, group_ids=people, config=config))['scaled_logit_threshold']
    assert (row['num_members'], row['num_non_members']) == (100, 100)
    single = overall(evaluate_privacy(**given, config=PrivacyConfig(attacks=config.attacks)))['scaled_logit_threshold']
    assert row['auc'] > single['auc'] + (0.1 if how == 'mean' else 0.0)


def test_groups_need_their_ids():
    with pytest.raises(PrivacyInputError, match="group_aggregation is 'max': give group_ids"):
        evaluate_privacy(**arguments(n=50), config=PrivacyConfig(people={'group_aggregation': 'max'}))


def test_rows_of_one_person_widen_intervals():
    # Every row four times: no more is known than from one copy.
    given = arguments(n=300, shift=0.5)
    fourfold = {name: np.repeat(values, 4, axis=0) for name, values in given.items() if name != 'example_ids'}
    config = PrivacyConfig(attacks=('loss_threshold',))
    people = np.repeat(np.array([f'person {i}' for i in range(600)]), 4)

    def width(result):
        low, high = overall(result)['loss_threshold']['auc_interval']
        return high - low

    once = width(evaluate_privacy(**given, config=config))
    blind = width(evaluate_privacy(**fourfold, config=config))
    aware = width(evaluate_privacy(**fourfold, group_ids=people, config=config))
    assert blind < 0.55 * once
    assert aware > 0.95 * once


def test_people_on_both_sides_are_mentioned():
    result = evaluate_privacy(**arguments(n=50), group_ids=np.arange(100) % 60)
    assert '40 groups have both members and non-members: what the model has learnt' in result.record.warnings[0]


def test_most_vulnerable_members_by_the_ids_given():
    given = arguments(n=1_000, shift=1.0)
    names = np.array([f'trip {i}' for i in range(2_000)])
    result = evaluate_privacy(**given | {'example_ids': names}, config=PrivacyConfig(people={'num_most_vulnerable': 5}))
    rows = [int(entry['example_id'].split()[1]) for entry in result.most_vulnerable]
    risks = [entry['risk'] for entry in result.most_vulnerable]
    assert len(rows) == 5
    assert all(given['is_member'][row] for row in rows)
    assert risks == sorted(risks, reverse=True)
    assert risks[0] > 0.6
    assert evaluate_privacy(**given, config=PrivacyConfig(people={'num_most_vulnerable': 0})).most_vulnerable == ()


def test_says_what_was_assumed_from_what_evidence():
    given = arguments(n=50)
    record = evaluate_privacy(**given).record
    assert record.output_kind == 'logits'
    assert record.task == 'multiclass'
    assert '5 outputs per example in [-' in record.output_kind_evidence
    assert record.warnings == ()


def test_warns_of_logits_that_look_like_probabilities():
    given = arguments(n=50)
    given['logits'] = softmax(given['logits'], axis=1)
    assert 'looks like probabilities' in evaluate_privacy(**given).record.warnings[0]


def test_warns_of_saturated_outputs():
    given = arguments(n=200)
    probabilities = softmax(20 * given.pop('logits'), axis=1).astype(np.float32)
    warnings = evaluate_privacy(**given, probabilities=probabilities).verdict.warnings
    assert 'saturated' in warnings[0]


def test_loss_percentiles_never_gate():
    config = PrivacyConfig(slices={'by_loss_percentile': True}, thresholds=(Threshold('auc', 0.9),))
    result = evaluate_privacy(**arguments(n=300), config=config)
    assert any(key and key[0][0] == '@loss_percentile' for key in (r.slice_key for r in result.results))
    assert not any('percentile' in c.slice for c in result.verdict.comparisons)


def test_specs_are_listed_once_and_fit_the_task():
    config = PrivacyConfig(slicing_specs=(SlicingSpec(('a',)),), slices={'by_correctness': True})
    specs = slicing_specs_for(config, [SlicingSpec(('a',)), SlicingSpec()])
    assert [spec.features for spec in specs] == [(), ('a',), ('@class',), ('@correct',)]
    assert [spec.features for spec in slicing_specs_for(config, [], 'regression')] == [(), ('a',)]


def test_loss_percentiles_of_a_batch_are_not_made_unasked():
    observations = synthetic.observations(n=5)
    assert set(with_derived_columns({}, observations)) == {'@class', '@correct'}
    assert set(with_derived_columns({}, observations, ['@loss_percentile'])) == {'@loss_percentile'}


def test_loads_neither_tfx_nor_scikit_learn():
    unwanted = "{'tensorflow', 'apache_beam', 'tfx', 'sklearn', 'matplotlib'}"
    code = f'import sys, privacy_component; privacy_component.evaluate_privacy; print(*{unwanted} & set(sys.modules))'
    assert subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True).stdout.strip() == ''


def test_inputs_are_left_as_they_were():
    given = all_arguments(n=100)
    before = copy.deepcopy(given)
    attacks = tuple(name for name, info in ATTACKS.items() if 'multiclass' in info.tasks)
    evaluate_privacy(
        **given, config=dataclasses.replace(PrivacyConfig(), attacks=attacks, slices={'by_correctness': True})
    )
    np.testing.assert_equal(given, before)


def test_more_slices_than_allowed_are_an_error():
    n = 400
    features = {'many': np.arange(n) % 50}
    with pytest.raises(PrivacyInputError, match='more than 20 slices'):
        evaluate_privacy(
            is_member=np.arange(n) % 2 == 0,
            labels=np.arange(n) % 3,
            logits=np.random.default_rng(0).standard_normal((n, 3)),
            features=features,
            config=PrivacyConfig(slices={'max_slices': 20}),
        )


@pytest.mark.parametrize('decimals', [1, 2, 3, 9])
def test_rounded_probabilities_are_measured_as_they_are(decimals):
    given = arguments(n=400, shift=1.0)
    z = given.pop('logits')
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    config = PrivacyConfig(attacks=('loss_threshold',))
    result = evaluate_privacy(**given, probabilities=p.round(decimals), config=config)
    exact = evaluate_privacy(**given, probabilities=p, config=config)
    assert abs(overall(result)['loss_threshold']['auc'] - overall(exact)['loss_threshold']['auc']) < 0.02
    assert any('were rounded' in warning for warning in result.record.warnings) == (decimals < 9)
