"""Ours against TF Privacy's own code on the same data: equal where it is right, as good or better where we learn."""

import functools
import json
import pathlib

import numpy as np
import pytest

from privacy_component import PrivacyConfig, evaluate_privacy
from privacy_component.attacks import attack_named
from privacy_component.attacks.crossfit import fold_scores
from privacy_component.metrics.counts import roc
from privacy_component.metrics.risk import log_histogram_risk_scores, privacy_risk_scores
from privacy_component.observations.observations import Observations
from privacy_component.observations.signals import compute
from tests import synthetic
from tests.parity import tf_privacy
from tests.parity.data import DATA

THRESHOLD_ATTACKS = {'loss_threshold': tf_privacy.LOSS, 'modified_entropy_threshold': tf_privacy.ENTROPY}
TRAINED = {
    'logistic_regression': 'LOGISTIC_REGRESSION',
    'k_nearest_neighbors': 'K_NEAREST_NEIGHBORS',
    'mlp': 'MULTI_LAYERED_PERCEPTRON',
    'random_forest': 'RANDOM_FOREST',
}
GOLDEN = json.loads((pathlib.Path(__file__).parents[1] / 'golden/tf_privacy_golden.json').read_text())['results']
pytestmark = pytest.mark.filterwarnings('ignore::RuntimeWarning:tensorflow_privacy')
every_data_set = pytest.mark.parametrize('name', DATA)


@functools.cache
def ours(name):
    logits, labels, is_member = DATA[name]()
    config = PrivacyConfig(
        attacks=tuple(THRESHOLD_ATTACKS),
        slices={'by_correctness': True, 'by_loss_percentile': True},
        decision={'min_examples': 2},
        people={'min_reported_examples': 0},
    )
    results = evaluate_privacy(is_member=is_member, labels=labels, logits=logits, config=config).results
    return {(result.slice_key, result.attack): result for result in results}


@functools.cache
def theirs(name):
    return tf_privacy.attack(*DATA[name](), list(THRESHOLD_ATTACKS.values()))


def observe(logits, labels, is_member):
    return Observations(is_member, np.arange(len(labels), dtype=np.uint64), labels, logits)


@every_data_set
def test_same_slices_of_the_same_size(name):
    sizes = {key: (result.data_size.ntrain, result.data_size.ntest) for (key, _), result in theirs(name).items()}
    found = {key: (result.num_members, result.num_non_members) for (key, _), result in ours(name).items()}
    # It skips slices with an empty side, which we list as inconclusive.
    assert {key: size for key, size in found.items() if min(size)} == sizes
    assert len(sizes) >= 15


@every_data_set
@pytest.mark.parametrize('attack', THRESHOLD_ATTACKS)
def test_threshold_attacks_agree_on_every_slice(name, attack):
    compared = 0
    for (key, their_attack), result in theirs(name).items():
        if their_attack == THRESHOLD_ATTACKS[attack]:
            curve = ours(name)[key, attack].curve
            assert curve.auc == pytest.approx(result.get_auc(), abs=1e-9), key
            assert curve.two_sided_advantage == pytest.approx(result.get_attacker_advantage(), abs=1e-9), key
            assert curve.max_ppv == pytest.approx(result.get_ppv(), abs=1e-9), key
            compared += 1
    assert compared >= 15


@pytest.mark.parametrize('attack', THRESHOLD_ATTACKS)
def test_recorded_values(attack):
    # Recorded from a float32 softmax, whose rounding moves up to three of 10^8 pairs, and more in a slice of pairs.
    keys = [key for key, found in ours('golden') if found == attack]
    named = {recorded_name(key): key for key in keys}
    kind = THRESHOLD_ATTACKS[attack].name
    values = [value for value in GOLDEN['b/10000/float64']['values'] if value.get('attack') == kind]
    assert len(values) == 23
    for value in values:
        curve = ours('golden')[named[value['slice']], attack].curve
        assert curve.auc == pytest.approx(value['auc'], abs=3e-5)
        assert curve.two_sided_advantage == pytest.approx(value['adv'], abs=1e-3)


def recorded_name(key):
    if not key:
        return 'Entire dataset'
    ((name, value),) = key
    if name == '@class':
        return f'CLASS={value}'
    if name == '@correct':
        return f'CORRECTLY_CLASSIFIED={value == "yes"}'
    low, high = value.split('-')
    return f'Loss percentiles: {low}-{high}'


@every_data_set
def test_risk_scores_agree_but_for_the_example_that_is_lost(name):
    logits, labels, is_member = DATA[name]()
    loss = compute('loss', observe(logits, labels, is_member))
    expected = tf_privacy.membership_probabilities(logits, labels, is_member)
    found = log_histogram_risk_scores(loss, is_member)
    edges = np.logspace(*np.log10([loss.min(), loss.max()]), 16)
    lost_low, lost_high = loss < edges[0], loss > edges[-1]
    assert lost_low.sum() + lost_high.sum() <= 2
    # Its histogram misses the lost ones, so that their bins are off by an example and their own value is another bin's.
    right = ~(lost_low.any() & (loss < edges[1])) & ~(lost_high.any() & (loss >= edges[-2]))
    assert right.mean() > 0.9
    np.testing.assert_allclose(found[right], expected[right], atol=1e-9)


def test_cross_fitted_risk_is_near_the_in_sample_one_where_data_are_many():
    logits, labels, is_member = DATA['golden']()
    observations = observe(logits, labels, is_member)
    folds = np.arange(len(labels), dtype=np.int8) % 2
    risks = privacy_risk_scores(compute('loss', observations), is_member, folds)
    expected = tf_privacy.membership_probabilities(logits, labels, is_member)
    assert np.abs(risks - expected).mean() < 0.03
    assert auc(risks, is_member) > auc(expected, is_member) - 0.005


@pytest.mark.parametrize('attack', TRAINED)
def test_trained_attackers_reach_the_recorded_auc(attack):
    recorded = {'logistic_regression': 'lr', 'k_nearest_neighbors': 'knn', 'mlp': 'mlp', 'random_forest': 'rf'}[attack]
    expected = GOLDEN[f'{recorded}/10000/float32']['values'][0]['auc']
    assert trained_auc(attack, *DATA['golden']()) >= expected - 0.01


@pytest.mark.parametrize('attack', ['logistic_regression', 'k_nearest_neighbors'])
@pytest.mark.parametrize('name', ['digits', 'taxi'])
def test_trained_attackers_reach_its_auc_on_real_data(attack, name):
    np.random.seed(0)  # noqa: NPY002, TF Privacy draws from numpy's global state
    kind = tf_privacy.tfp.AttackType[TRAINED[attack]]
    slicing = tf_privacy.tfp.SlicingSpec(entire_dataset=True)
    result = tf_privacy.attack(*DATA[name](), [kind], slicing)[(), kind]
    assert trained_auc(attack, *DATA[name]()) >= result.get_auc() - 0.01


def trained_auc(attack, logits, labels, is_member):
    scored = fold_scores(attack_named(attack), observe(logits, labels, is_member))
    return np.mean([auc(scored.scores[scored.fold == k], is_member[scored.fold == k]) for k in range(2)])


def auc(scores, is_member):
    return roc.auc(roc.count_scores(roc.score_keys(scores), is_member))


def test_the_golden_input_is_the_recorded_one():
    import hashlib

    recorded = json.loads((pathlib.Path(__file__).parents[1] / 'golden/tf_privacy_golden.json').read_text())
    logits, labels, is_member = synthetic.golden_input()
    digest = hashlib.sha256(logits[is_member].tobytes()).hexdigest()
    assert digest.startswith(recorded['sha256_16']['logits_train'])
    assert hashlib.sha256(labels[~is_member].tobytes()).hexdigest().startswith(recorded['sha256_16']['labels_test'])
