"""Labels that are one for all, or not the outputs' own: found for every task, and no alarm over weak models."""

import numpy as np
import pytest
from scipy.special import softmax

from privacy_component import PrivacyConfig, Threshold, evaluate_privacy
from privacy_component.checks import NOT_RUN, OK, REFUSED
from privacy_component.checks.label_summary import Labels
from privacy_component.checks.row_hashes import hash_rows
from tests import synthetic


def checks_of(**given):
    attacks = ('loss_threshold',)
    config = PrivacyConfig(thresholds=(Threshold('auc', 0.9),), attacks=attacks, **given.pop('settings', {}))
    result = evaluate_privacy(**given, config=config)
    return result.verdict, {check.name: check for check in result.checks}


def labels_of(observations):
    return Labels.of(observations, hash_rows(observations.labels.reshape(len(observations), -1)))


def leaky(rng, n, classes):
    """Members are answered with certainty, non-members by chance."""
    is_member, labels = np.arange(2 * n) < n, rng.integers(classes, size=2 * n)
    logits = rng.standard_normal((2 * n, classes))
    logits[np.flatnonzero(is_member), labels[:n]] += 9
    return is_member, labels, logits


CONSTANT = {
    'ten classes': {'labels': np.full(2000, 3), 'logits': leaky(np.random.default_rng(0), 1000, 10)[2]},
    'one sigmoid output': {'labels': np.zeros(2000, int), 'logits': np.random.default_rng(0).normal(size=(2000, 1))},
    'multi-label': {
        'labels': np.ones((2000, 4), int), 'logits': np.random.default_rng(0).normal(size=(2000, 4)),
        'settings': {'outputs': {'task': 'multilabel'}},
    },
    'multi-label, not all of them': {
        'labels': np.tile([1, 0, 1, 0], (2000, 1)), 'logits': np.random.default_rng(0).normal(size=(2000, 4)),
        'settings': {'outputs': {'task': 'multilabel'}},
    },
    'regression': {'labels': np.full(2000, 0.7), 'predictions': np.random.default_rng(0).normal(size=2000)},
}  # fmt: skip


@pytest.mark.parametrize('name', CONSTANT)
def test_one_label_for_all_is_refused(name):
    verdict, checks = checks_of(is_member=np.arange(2000) < 1000, **CONSTANT[name])
    assert checks['constant_labels'].status == REFUSED
    assert not verdict.blessed and checks['constant_labels'].message in verdict.reasons
    assert checks['labels_fit_outputs'].status == NOT_RUN


def test_one_class_can_be_meant():
    is_member, labels, logits = leaky(np.random.default_rng(0), 1000, 3)
    chosen = labels == 1
    settings = {'checks': {'constant_labels': 'warn'}}
    verdict, checks = checks_of(
        is_member=is_member[chosen], labels=labels[chosen], logits=logits[chosen], settings=settings
    )
    assert checks['labels_fit_outputs'].status == NOT_RUN
    assert not verdict.blessed and 'auc' in verdict.reasons[0]  # the leak itself shows


@pytest.mark.parametrize('task', ['multiclass', 'multilabel'])
def test_labels_of_other_rows_are_refused(task):
    observations = synthetic.observations(task, n=1000, shift=3.0)
    given = {
        'is_member': observations.is_member,
        'logits': observations.outputs,
        'settings': {'outputs': {'task': task}},
    }
    assert checks_of(labels=observations.labels * 1, **given)[1]['labels_fit_outputs'].status == OK
    order = np.random.default_rng(1).permutation(len(observations))
    _, checks = checks_of(labels=observations.labels[order] * 1, **given)
    found = checks['labels_fit_outputs']
    assert found.status == REFUSED
    assert found.figures['accuracy'] == pytest.approx(found.figures['chance'], abs=0.03)
    assert found.figures['claimed'] > found.figures['chance'] + 0.1


def test_chance_is_what_dealing_out_answers_anew_gives():
    """Labels 3 x class 0, 1 x class 1; answers 2 and 2: chance 3/4 x 1/2 + 1/4 x 1/2 = 1/2; three of four are right."""
    logits = np.array([[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [5.0, 0.0]])
    rest = {'example_id': np.arange(5, dtype=np.uint64), 'kind': 'logits'}
    is_member, labels = np.array([True] * 4 + [False]), np.array([0, 0, 0, 1, 0])
    observations = synthetic.as_observations(is_member=is_member, labels=labels, outputs=logits, **rest)
    figures = labels_of(observations).figures()
    assert (figures.accuracy, figures.chance) == (0.75, 0.5)
    assert figures.claimed == pytest.approx(np.e**2 / (1 + np.e**2), abs=1e-7)
    assert figures.mix_distance == 0.25


@pytest.mark.parametrize('task', ['multiclass', 'multilabel', 'regression'])
def test_parts_merge_to_the_whole(task):
    observations = synthetic.observations(task, n=300)
    parts = [labels_of(observations.select(rows)) for rows in np.array_split(np.arange(600)[::-1], 7)]
    whole = labels_of(observations).figures()
    assert parts[3].merge(*parts[4:]).merge(*parts[:3]).figures() == whole
    same = [labels_of(observations.select(np.array([i, i]))) for i in (0, 0, 1)]
    assert same[0].merge(same[1]).figures().is_constant
    assert not same[0].merge(*same[1:]).figures().is_constant


def weak_model(rng, n, strength, imbalance):
    """Labels drawn from the probabilities that the model states, with a pull towards the first of five classes."""
    z = strength * rng.standard_normal((2 * n, 5))
    z[:, 0] += imbalance
    p = softmax(z, axis=1)
    return (p.cumsum(axis=1) < rng.random((2 * n, 1))).sum(axis=1).clip(max=4), p


@pytest.mark.parametrize('imbalance', [0.0, 3.0])
@pytest.mark.parametrize('strength', [0.0, 0.05, 0.3, 1.0])
def test_clean_weak_models_do_not_alarm(strength, imbalance):
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(100):
        labels, p = weak_model(rng, 200, strength, imbalance)
        observations = synthetic.as_observations(
            is_member=np.ones(400, bool), example_id=np.arange(400, dtype=np.uint64), labels=labels, outputs=p,
            kind='probabilities',
        )  # fmt: skip
        alarms += _alarms(labels_of(observations), 400)
    assert alarms <= 2


def _alarms(labels, num_members):
    from privacy_component.checks.evidence import AnswerFigures, Evidence, NearFigures
    from privacy_component.checks.label_checks import labels_fit_outputs
    from privacy_component.observations.outputs import OutputEvidence

    answers = AnswerFigures(
        num_members, 9, True, 1, 5, num_members, 0, 0, 0, labels.figures(), 0.0, NearFigures(0.0, 1.0, 0)
    )
    seen = OutputEvidence.of(np.zeros((1, 5)))
    found = labels_fit_outputs(Evidence('multiclass', 'logits', seen, answers, '', ''))
    return not isinstance(found, str) and found.is_unsound
