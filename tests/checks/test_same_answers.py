"""What counts as the same answer written otherwise, and what as another one."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from privacy_component.checks.same_answers import tell_the_same, why_not_compared

N = 128
KINDS = ('logits', 'probabilities')


def logits(num_classes, scale=3.0):
    return (scale * np.random.default_rng(num_classes).standard_normal((N, num_classes))).astype(np.float32)


def with_leak(z, by):
    """The first half are members: surer of a label."""
    labels = np.random.default_rng(9).integers(z.shape[1], size=N // 2)
    told = z.copy()
    told[np.arange(N // 2), labels] += by
    return told


SAME = {
    'logits': lambda z: z,
    'probabilities': lambda z: softmax(z, axis=1),
    'probabilities in half precision': lambda z: softmax(z, axis=1).astype(np.float16),
    'log-probabilities': lambda z: log_softmax(z, axis=1),
    'logits shifted by row': lambda z: z - z.max(axis=1, keepdims=True),
    'another temperature': lambda z: softmax(z / 2, axis=1),
    'scaled': lambda z: 3 - 2 * z,
    'rounded otherwise': lambda z: z + np.float32(1e-6) * z[::-1],
    'one-hot': lambda z: np.eye(z.shape[1])[z.argmax(axis=1)],
    'argmax': lambda z: z.argmax(axis=1).astype(np.float32),
    'the largest probability': lambda z: softmax(z, axis=1).max(axis=1),
    'the probability of one class': lambda z: softmax(z, axis=1)[:, 1],
    'a constant': lambda z: np.full(N, 0.7),
}
OTHERS = {
    'a leak': lambda z: with_leak(z, 2.0),
    'a small leak': lambda z: with_leak(z, 0.1),
    'a leak, as probabilities': lambda z: softmax(with_leak(z, 2.0), axis=1),
    'a leak, much scaled down': lambda z: with_leak(z, 2.0) * 1e-4,
    'a leak, the largest probability': lambda z: softmax(with_leak(z, 2.0), axis=1).max(axis=1),
    'a leak behind a huge output': lambda z: np.vstack([with_leak(z, 2.0)[:-1], z[-1:] + 1e9]),
    'other rows': lambda z: z[::-1],
    'not finite for some': lambda z: np.where(z[::-1] > 5, np.nan, z),
}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('num_classes', [2, 3, 10, 300])
@pytest.mark.parametrize('name', SAME)
def test_the_same_written_otherwise(name, num_classes, kind):
    z = logits(num_classes)
    judged = z if kind == 'logits' else softmax(z, axis=1)
    other = SAME[name](z)
    assert why_not_compared(judged, other) or tell_the_same(judged, kind, other, 'multiclass')


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('num_classes', [2, 3, 10])
@pytest.mark.parametrize('name', OTHERS)
def test_other_answers(name, num_classes, kind):
    z = logits(num_classes)
    judged = z if kind == 'logits' else softmax(z, axis=1)
    other = OTHERS[name](z)
    assert not why_not_compared(judged, other) and not tell_the_same(judged, kind, other, 'multiclass')


@pytest.mark.parametrize('poor', [np.round, np.sign, lambda z: 0 * z, lambda z: np.eye(3)[z.argmax(axis=1)]])
def test_the_whole_answer_is_another_than_a_poor_one(poor):
    """What is served tells more than what is judged: the other way round would be harmless."""
    z = logits(3)
    assert not tell_the_same(poor(z), 'logits', z, 'multiclass')
    assert tell_the_same(z, 'logits', poor(z), 'multiclass')


@pytest.mark.parametrize('task', ['multilabel', 'regression'])
def test_other_tasks(task):
    z = logits(4)[:, : 1 if task == 'regression' else 4]
    assert tell_the_same(z, 'logits', expit(z), task) and tell_the_same(expit(z), 'probabilities', z, task)
    assert not tell_the_same(z, 'logits', z + 0.1 * z[::-1], task)


def test_one_sigmoid_output_and_both_classes():
    z = logits(1)
    both = softmax(np.hstack([0 * z, z]), axis=1)
    for judged, kind in ((z, 'logits'), (expit(z), 'probabilities')):
        assert tell_the_same(judged, kind, both, 'multiclass')
        assert not tell_the_same(judged, kind, both[::-1], 'multiclass')


def test_what_is_no_answer():
    judged = logits(3)
    others = {
        'no numbers': judged.astype(str),
        'class numbers': judged.argmax(axis=1),
        'of shape (128, 50)': logits(50),
        'of shape (128, 4, 3)': np.tile(judged[:, None], (1, 4, 1)),
        '': softmax(logits(50), axis=1),
    }
    for why, other in others.items():
        assert why_not_compared(judged, other) == why
    assert why_not_compared(judged, (10 * judged).astype(np.int64)) == ''
