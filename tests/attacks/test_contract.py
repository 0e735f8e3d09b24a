"""What every attack in the registry must do; a new attack is tested by being registered."""

import dataclasses
import functools
import pickle

import numpy as np
import pytest
from scipy.special import expit

from privacy_component.attacks import ATTACKS, Attack, AttackInfo, attack_named, check_needs
from privacy_component.attacks.crossfit import fold_scores
from privacy_component.attacks.features import main_signal
from privacy_component.attacks.standing import classes_of
from privacy_component.attacks.trained import LEARNERS
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.counts import roc
from privacy_component.observations.observations import MULTICLASS, TASKS
from tests import synthetic

CASES = [(name, task) for name, info in ATTACKS.items() for task in info.tasks]
every_attack = pytest.mark.parametrize(('name', 'task'), CASES, ids=[f'{name}-{task}' for name, task in CASES])


@functools.cache
def data(task, shift, seed=0, n=800):
    return synthetic.observations(task, n=n, shift=shift, seed=seed)


@dataclasses.dataclass
class Scorer:
    """A fitted attack that is given what it needs, as the job and evaluate_privacy give it."""

    info: AttackInfo
    attack: Attack

    def score(self, observations):
        return self.attack.score(observations.only(self.info.needs))

    def __getstate__(self):
        return self.info.needs, self.attack

    def __setstate__(self, state):
        self.info, self.attack = dataclasses.replace(ATTACKS['loss_threshold'], needs=state[0]), state[1]


@functools.cache
def fitted(name, task):
    return Scorer(ATTACKS[name], ATTACKS[name].fit(data(task, 1.0)))


def fold_aucs(name, observations):
    scored = fold_scores(ATTACKS[name], observations)
    folds = [scored.fold == number for number in range(scored.num_folds)]
    return [auc(scored.scores[rows], observations.is_member[rows]) for rows in folds]


def auc(scores, is_member):
    return roc.auc(roc.count_scores(roc.score_keys(scores), is_member))


@every_attack
def test_scores_are_finite_and_one_per_example(name, task):
    scores = fitted(name, task).score(data(task, 1.0))
    assert scores.shape == (1_600,)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()


@every_attack
def test_scores_stay_finite_for_extreme_outputs(name, task):
    observations = data(task, 1.0)
    huge = dataclasses.replace(observations, outputs=observations.outputs * 1e100)
    if task == 'regression':
        huge = dataclasses.replace(observations, outputs=observations.outputs * [1e100, 1])
    assert np.isfinite(Scorer(ATTACKS[name], ATTACKS[name].fit(huge)).score(huge)).all()


@every_attack
def test_scores_are_the_same_bits_among_any_other_rows(name, task):
    observations = data(task, 1.0)
    order = np.random.default_rng(1).permutation(len(observations))
    scores = fitted(name, task).score(observations)
    for rows in (order, *(order[:size] for size in (1, 2, 7, 50, 333))):
        np.testing.assert_array_equal(fitted(name, task).score(observations.select(rows)), scores[rows])


@pytest.mark.parametrize('name', ['logistic_regression', 'mlp'])
@pytest.mark.parametrize('task', TASKS)
def test_scores_are_scikit_learns(name, task):
    observations = data(task, 1.0)
    part = fitted(name, task).attack.parts[0]
    features, given = LEARNERS[name].features(observations), (main_signal(observations), classes_of(observations))
    expected = part.model.predict_proba(np.column_stack([features, part.relative(*given)]))[:, 1]
    np.testing.assert_allclose(expit(part.odds_of(features, *given)), expected, rtol=1e-9)


@every_attack
def test_fitting_does_not_depend_on_the_order_of_rows(name, task):
    observations = data(task, 1.0)
    order = np.random.default_rng(2).permutation(len(observations))
    again = Scorer(ATTACKS[name], ATTACKS[name].fit(observations.select(order)))
    np.testing.assert_array_equal(again.score(observations), fitted(name, task).score(observations))


@every_attack
def test_survives_pickling(name, task):
    again = pickle.loads(pickle.dumps(fitted(name, task)))
    observations = data(task, 1.0)
    np.testing.assert_array_equal(again.score(observations), fitted(name, task).score(observations))


@every_attack
def test_never_looks_at_memberships_or_groups_to_score(name, task):
    observations = data(task, 1.0)
    blind = dataclasses.replace(
        observations, is_member=~observations.is_member, group_id=np.arange(1_600, dtype=np.uint64)
    )
    np.testing.assert_array_equal(fitted(name, task).score(blind), fitted(name, task).score(observations))


@every_attack
def test_finds_a_planted_shift(name, task):
    # Correctness alone, the weakest of them, is at 0.59; chance would have to be 3.5 standard errors off.
    assert min(fold_aucs(name, data(task, 1.5))) > 0.57


@every_attack
def test_finds_nothing_where_there_is_nothing(name, task):
    # 3.3 standard errors of the mean of two folds' AUCs, were they perfectly dependent.
    limit = 3.3 * np.sqrt(1 / 6 / 800)
    assert abs(np.mean(fold_aucs(name, data(task, 0.0, seed=5))) - 0.5) < limit


@every_attack
def test_says_what_it_is(name, task):
    info = attack_named(name)
    assert info.reference and info.cost
    assert info.access.startswith(('labels only', 'black box', 'white box'))
    assert set(info.tasks) <= set(TASKS)
    check_needs(name, info, task, data(task, 1.0).available)


@every_attack
def test_scores_follow_from_what_the_attack_asks_for_and_from_nothing_else(name, task):
    observations = data(task, 1.0)
    asked = observations.only(ATTACKS[name].needs)
    more = dataclasses.replace(observations, columns={**observations.columns, 'loss': np.zeros(len(observations))})
    np.testing.assert_array_equal(fold_scores(ATTACKS[name], more).scores, fold_scores(ATTACKS[name], asked).scores)


def test_missing_column_is_named_with_the_attack():
    info = dataclasses.replace(ATTACKS['loss_threshold'], needs=('labels', 'gradient_norm'))
    with pytest.raises(
        PrivacyInputError, match=r"attack 'gradients' needs gradient_norm, which is not there: .*signals="
    ):
        check_needs('gradients', info, MULTICLASS, {'labels', 'outputs'})
    why = {'gradient_norm': 'the model has no weights'}
    with pytest.raises(
        PrivacyInputError, match=r'needs gradient_norm, .*: the model has no weights; or leave the attack'
    ):
        check_needs('gradients', info, MULTICLASS, {'labels', 'outputs'}, why)


def test_wrong_task_is_named_with_the_attack():
    with pytest.raises(PrivacyInputError, match="'margin_threshold' is not defined for a regression model"):
        check_needs('margin_threshold', ATTACKS['margin_threshold'], 'regression', {'labels', 'outputs'})


def test_unknown_attack_gets_a_suggestion():
    with pytest.raises(PrivacyInputError, match="did you mean 'loss_threshold'"):
        attack_named('los_threshold')
