import math

import numpy as np
import pytest
from scipy.special import softmax

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION
from privacy_component.observations.outputs import as_observations
from privacy_component.observations.signals import SIGNALS, compute, towards_member
from tests import synthetic


def observe(outputs, labels, task=MULTICLASS, kind='logits'):
    n = len(outputs)
    return as_observations(
        is_member=np.arange(n) % 2 == 0, example_id=np.arange(n, dtype=np.uint64), labels=np.array(labels),
        outputs=np.array(outputs, np.float64), kind=kind, task=task,
    )  # fmt: skip


# Seven examples of three classes, as probabilities, worked by hand:
#   row       p             y   loss -log p_y        scaled logit log p_y/(1-p_y)   margin log(p_y / best other)
#   0   .5   .25  .25       0   log 2                log 1                          log 2
#   1   .25  .5   .25       0   log 4                log 1/3                        log 1/2
#   2   .25  .5   .25       1   log 2                log 1                          log 2
#   3   .8   .1   .1        0   log 1.25             log 4                          log 8
#   4   .8   .1   .1        2   log 10               log 1/9                        log 1/8
#   5   .4   .4   .2        1   log 2.5              log 2/3                        log 1    (tie: class 0 comes first)
#   6   .4   .4   .2        0   log 2.5              log 2/3                        log 1
P = np.array([[10, 5, 5], [5, 10, 5], [5, 10, 5], [16, 2, 2], [16, 2, 2], [8, 8, 4], [8, 8, 4]]) / 20
Y = [0, 0, 1, 0, 2, 1, 0]
SEVEN = {
    'loss': np.log([2, 4, 2, 1.25, 10, 2.5, 2.5]),
    'confidence': [0.5, 0.25, 0.5, 0.8, 0.1, 0.4, 0.4],
    'scaled_logit': np.log([1, 1 / 3, 1, 4, 1 / 9, 2 / 3, 2 / 3]),
    'margin': np.log([2, 1 / 2, 2, 8, 1 / 8, 1, 1]),
    'correctness': [1, 0, 1, 1, 0, 0, 1],
    # 1/2 log 2 + 2/4 log 4 = 1.5 log 2;  .8 log 1.25 + .2 log 10;  .8 log 2.5 + .2 log 5
    'entropy': [1.5 * math.log(2)] * 3
    + [0.8 * math.log(1.25) + 0.2 * math.log(10)] * 2
    + [0.8 * math.log(2.5) + 0.2 * math.log(5)] * 2,
    # (1 - p_y) log 1/p_y + sum over the others of p_i log 1/(1 - p_i)
    'modified_entropy': [
        0.5 * math.log(2) + 0.5 * math.log(4 / 3),
        0.75 * math.log(4) + 0.5 * math.log(2) + 0.25 * math.log(4 / 3),
        0.5 * math.log(2) + 0.5 * math.log(4 / 3),
        0.2 * math.log(1.25) + 0.2 * math.log(1 / 0.9),
        0.9 * math.log(10) + 0.8 * math.log(5) + 0.1 * math.log(1 / 0.9),
        0.6 * math.log(2.5) + 0.4 * math.log(1 / 0.6) + 0.2 * math.log(1.25),
        0.6 * math.log(2.5) + 0.4 * math.log(1 / 0.6) + 0.2 * math.log(1.25),
    ],
}


@pytest.mark.parametrize('name', SEVEN)
@pytest.mark.parametrize('shift', [0.0, 300.0, -5.0])
def test_seven_examples_worked_by_hand(name, shift):
    # Logits are log-probabilities plus anything.
    np.testing.assert_allclose(compute(name, observe(np.log(P) + shift, Y)), SEVEN[name], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize('name', SEVEN)
def test_probabilities_say_the_same_as_logits(name):
    np.testing.assert_allclose(compute(name, observe(P, Y, kind='probabilities')), SEVEN[name], rtol=1e-12, atol=1e-13)


def test_one_sigmoid_output_is_two_classes():
    # z = log 3 is p(1) = 3/4: the loss is log 4/3 for label 1 and log 4 for label 0.
    both = observe([[math.log(3)], [math.log(3)]], [1, 0])
    np.testing.assert_allclose(compute('loss', both), [math.log(4 / 3), math.log(4)], rtol=1e-14)
    same = observe([[0.75], [0.75]], [1, 0], kind='probabilities')
    np.testing.assert_allclose(compute('loss', same), [math.log(4 / 3), math.log(4)], rtol=1e-14)


def naive(name, z, y):
    """The textbook formula on one row, in plain Python."""
    p = [math.exp(value - max(z)) for value in z]
    p = [value / sum(p) for value in p]
    others = [i for i in range(len(z)) if i != y]
    return {
        'loss': lambda: -math.log(max(p[y], 1e-8)),
        'confidence': lambda: p[y],
        'scaled_logit': lambda: z[y] - math.log(sum(math.exp(z[i]) for i in others)),
        'entropy': lambda: -sum(value * math.log(value) for value in p),
        'modified_entropy': lambda: -(1 - p[y]) * math.log(p[y]) - sum(p[i] * math.log(1 - p[i]) for i in others),
        'margin': lambda: z[y] - max(z[i] for i in others),
        'correctness': lambda: float(z.index(max(z)) == y),
    }[name]()


@pytest.mark.parametrize('name', SEVEN)
def test_equals_a_naive_twin(name):
    observations = synthetic.observations(n=300, shift=1.0, classes=7)
    expected = [naive(name, z.tolist(), y) for z, y in zip(observations.outputs, observations.labels, strict=True)]
    np.testing.assert_allclose(compute(name, observations), expected, rtol=1e-10)


@pytest.mark.parametrize('name', ['loss', 'scaled_logit', 'entropy', 'modified_entropy', 'margin'])
def test_confident_examples_do_not_tie(name):
    # Where a float64 softmax says p_y = 1 for all of these, and float32 for the first too.
    gaps = np.array([20.0, 40.0, 60.0, 80.0, 100.0])
    scores = towards_member(name, observe(np.column_stack([gaps, 0 * gaps, 0 * gaps - 1]), [0] * 5))
    assert (np.diff(scores) > 0).all()


def test_confident_loss_keeps_its_digits():
    # -log(1 - q) = q for tiny q = exp(-50) / (1 + exp(-50)).
    np.testing.assert_allclose(compute('loss', observe([[50.0, 0.0]], [0])), [math.exp(-50)], rtol=1e-12)


def test_confident_modified_entropy_keeps_its_digits():
    # (1 - p_y)(-log p_y) + q (-log(1 - q)) = 2 q^2 for q = exp(-gap), two classes.
    for gap in (30.0, 60.0, 100.0):
        found = compute('modified_entropy', observe([[gap, 0.0]], [0]))
        np.testing.assert_allclose(found, [2 * math.exp(-2 * gap)], rtol=1e-9)


def test_logs_are_cut_where_they_are_defined_to_be():
    observations = observe([[200.0, 0.0]], [1])
    np.testing.assert_allclose(compute('loss', observations), [-math.log(1e-8)])
    # Both 1 - p_0 and p_1 are exp(-200), cut at 1e-30: twice 1 * 69.08.
    np.testing.assert_allclose(compute('modified_entropy', observations), [-2 * math.log(1e-30)])


@pytest.mark.parametrize('classes', [2, 3, 7])
def test_all_classes_equal(classes):
    observations = observe(np.zeros((1, classes)), [1])
    p = 1 / classes
    np.testing.assert_allclose(compute('entropy', observations), [math.log(classes)], rtol=1e-14)
    expected = -(1 - p) * math.log(p) - (classes - 1) * p * math.log(1 - p)
    np.testing.assert_allclose(compute('modified_entropy', observations), [expected], rtol=1e-14)


def test_float32_logits_are_computed_with_in_float64():
    logits = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    loss = compute('loss', observe(logits, [0] * 50))
    np.testing.assert_allclose(loss, -np.log(softmax(logits.astype(np.float64), axis=1)[:, 0]), rtol=1e-13)


def test_blocks_do_not_show():
    wide = synthetic.observations(n=300, classes=1_000)  # 131 rows fit a block
    rows = np.arange(250, 300)
    np.testing.assert_array_equal(compute('entropy', wide)[rows], compute('entropy', wide.select(rows)))


def test_multilabel_worked_by_hand():
    # Logits log 3 (p = 3/4) and 0 (p = 1/2), labels present and absent: -log 3/4 - log 1/2.
    observations = observe([[math.log(3), 0.0]], [[1, 0]], MULTILABEL)
    np.testing.assert_allclose(compute('loss', observations), [math.log(4 / 3) + math.log(2)], rtol=1e-14)
    # Entropies: 3/4 log 4/3 + 1/4 log 4, and log 2.
    expected = 0.75 * math.log(4 / 3) + 0.25 * math.log(4) + math.log(2)
    np.testing.assert_allclose(compute('entropy', observations), [expected], rtol=1e-14)
    np.testing.assert_allclose(compute('margin', observations), [0.0])
    np.testing.assert_allclose(compute('correctness', observations), [1.0])


def test_multilabel_probabilities():
    observations = observe([[0.75, 0.5], [1.0, 0.0]], [[1, 0], [1, 0]], MULTILABEL, kind='probabilities')
    np.testing.assert_allclose(compute('loss', observations), [math.log(4 / 3) + math.log(2), 0.0], atol=1e-14)


def test_regression_worked_by_hand():
    # Prediction 3, variance 4, label 1: error 2, squared 4; (log 4 + 4 / 4) / 2.
    observations = observe([[3.0, 4.0]], [1.0], REGRESSION)
    np.testing.assert_allclose(compute('loss', observations), [4.0])
    np.testing.assert_allclose(compute('absolute_error', observations), [2.0])
    np.testing.assert_allclose(compute('gaussian_nll', observations), [(math.log(4) + 1) / 2])


def test_gaussian_nll_without_a_variance_says_so():
    with pytest.raises(PrivacyInputError, match="'gaussian_nll' needs two outputs"):
        compute('gaussian_nll', observe([[3.0]], [1.0], REGRESSION))


@pytest.mark.parametrize('name', SIGNALS)
def test_sign_points_towards_members(name):
    task = SIGNALS[name].tasks[0]
    observations = synthetic.observations(task, shift=1.5)
    score = towards_member(name, observations)
    assert score[observations.is_member].mean() > score[~observations.is_member].mean()


def test_signal_of_another_task_is_named():
    with pytest.raises(PrivacyInputError, match="'scaled_logit' is not defined for a regression model"):
        compute('scaled_logit', synthetic.observations(REGRESSION))


def test_unknown_signal_is_named():
    with pytest.raises(PrivacyInputError, match="'los' is not one of loss, "):
        compute('los', synthetic.observations())
