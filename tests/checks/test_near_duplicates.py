"""Copies across the splits that records do not show: found by equal answers; no alarm where chance makes them."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from privacy_component import PrivacyConfig, Threshold, evaluate_privacy
from privacy_component.checks import OK, REFUSED, WARNING
from privacy_component.checks.near_duplicates import ALPHA, Answered, rounded
from privacy_component.checks.row_hashes import hash_rows
from tests import synthetic

N = 1000


def leaky(rng, n=N):
    """Members are surer than others; the model has learned nothing of 5 features but these examples."""
    is_member, labels = np.arange(2 * n) < n, rng.integers(3, size=2 * n)
    logits = rng.standard_normal((2 * n, 3))
    logits[np.arange(2 * n), labels] += 1 + 2.5 * is_member
    return {'is_member': is_member, 'labels': labels, 'logits': logits, 'features': {'x': rng.integers(0, 9, 2 * n)}}


def copied(given, noise=0.0, share=1.0):
    """The same with a share of the non-members that are members, or nearly."""
    n = len(given['labels']) // 2
    k = int(share * n)
    logits, labels = given['logits'].copy(), given['labels'].copy()
    labels[n : n + k] = labels[:k]
    logits[n : n + k] = logits[:k] + noise * np.random.default_rng(9).uniform(-1, 1, (k, 3))
    return given | {'logits': logits, 'labels': labels}


def answered(rows, observations):
    return Answered.of(rows, observations, hash_rows(observations.labels.reshape(len(observations), -1)))


def check_of(given, **settings):
    result = evaluate_privacy(**given, config=PrivacyConfig(thresholds=(Threshold('auc', 0.6),), **settings))
    return result, {check.name: check for check in result.checks}['near_duplicates']


@pytest.mark.parametrize('ids', [None, np.arange(2 * N), np.array([f'uuid-{i}' for i in range(2 * N)])])
@pytest.mark.parametrize('noise', [0.0, 1e-6, 1e-3])
def test_members_on_both_sides_are_refused_whatever_their_ids(ids, noise):
    given = leaky(np.random.default_rng(0))
    assert not check_of(given)[0].verdict.blessed  # the truth
    result, found = check_of(copied(given, noise) | ({} if ids is None else {'example_ids': ids}))
    assert found.status == REFUSED and found.message in result.verdict.reasons
    assert not [reason for reason in result.verdict.reasons if 'auc' in reason]  # the leak itself does not show
    if noise < 1e-4:
        assert found.figures['share'] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(('share', 'status'), [(0.0, OK), (0.005, OK), (0.1, REFUSED), (0.5, REFUSED)])
def test_a_share_of_copies_is_told(share, status):
    _, found = check_of(copied(leaky(np.random.default_rng(1)), share=share))
    assert found.status == status
    assert found.figures['share'] == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize('task', ['multilabel', 'regression', 'multiclass'])
def test_every_task(task):
    observations = synthetic.observations(task, n=300)
    n = np.arange(600) % 300
    outputs = {'predictions' if task == 'regression' else 'logits': observations.outputs[n]}
    given = {'is_member': observations.is_member, 'labels': observations.labels[n] * 1, **outputs}
    assert check_of(given, outputs={'task': task}, attacks=('loss_threshold',))[1].status == REFUSED


def test_who_knows_better_can_have_a_warning():
    result, found = check_of(copied(leaky(np.random.default_rng(2))), checks={'near_duplicates': 'warn'})
    assert found.status == WARNING and result.verdict.blessed


def test_a_blind_baseline_below_one_half_tells_near_copies_too():
    """Features of non-members that are those of members give or take .001, and rows that are not equal."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(N, 3))
    features = np.concatenate([x, x + rng.uniform(-1e-3, 1e-3, x.shape)])
    given = leaky(rng) | {'features': {name: features[:, i] for i, name in enumerate('abc')}}
    given['labels'] = np.concatenate([given['labels'][:N]] * 2)
    result = evaluate_privacy(**given)
    found = {check.name: check for check in result.checks}['blind_baseline']
    assert found.figures['auc'] < 0.45 and found.figures['upper'] < 0.5
    assert found.status == WARNING and 'near-copies of members' in found.message


def test_pairs_across_have_the_mean_and_spread_of_a_draw_by_lot():
    """What the excess is measured against: m (t - m) / (t - 1) of m out of t, in the mean t q / 2."""
    for members, others in ((40, 60), (90, 10)):
        q = 2 * members * others / (100 * 99)
        for t in (2, 3, 7, 16):
            m = np.arange(t + 1)
            p = hypergeom(100, members, t).pmf(m)
            assert p @ (m * (t - m) / (t - 1)) == pytest.approx(t * q / 2)


@pytest.mark.parametrize('digits', [10, 6])
def test_rounding_keeps_so_many_binary_digits(digits):
    z = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)
    assert np.abs(rounded(z, digits) / z - 1).max() <= 2.0 ** -(digits + 1)
    assert (
        len(np.unique(hash_rows(rounded(np.repeat([[1.0, 2.0]], 9, axis=0) * (1 + 1e-7 * np.arange(9)[:, None]), 6))))
        == 1
    )


def test_parts_merge_to_the_whole():
    observations = synthetic.observations(n=400)
    rows = np.round(observations.outputs, 0)
    parts = [answered(rows[part], observations.select(part)) for part in np.array_split(np.arange(800)[::-1], 7)]
    whole = answered(rows, observations).figures()
    assert parts[3].merge(*parts[4:]).merge(*parts[:3]).figures() == whole
    assert whole.num_alike > 0


def outputs_of(kind, rng, is_member, leak):
    """Answers of models that have few of them, and of others."""
    n = len(is_member)
    labels = rng.integers(3, size=n)
    right = np.eye(3)[labels] * (1 + leak * is_member)[:, None]
    if kind == 'continuous':
        return rng.standard_normal((n, 3)) + right, labels
    if kind == 'one output':
        return ((labels > 0) * 2.0 - 1) * (1 + leak * is_member) + rng.standard_normal(n), (labels > 0) * 1
    if kind == 'rounded':
        return (rng.standard_normal((n, 3)) + right).round(1), labels
    if kind == 'few features':
        x = np.column_stack([rng.geometric(0.2, n), rng.integers(0, 20, n), rng.integers(0, 5, n)])
        return x @ rng.standard_normal((3, 3)) / 5 + leak * is_member[:, None] * [1, 0, 0], labels
    if kind == 'a tree':
        return rng.standard_normal((200, 3))[rng.integers(0, 200, n)], labels
    twice = np.repeat(np.arange(n // 2), 2)
    return rng.standard_normal((n, 3))[twice], labels[twice]


@pytest.mark.parametrize('kind', ['continuous', 'one output', 'rounded', 'few features', 'a tree', 'all twice'])
@pytest.mark.parametrize('share', [0.1, 0.5, 0.9])
@pytest.mark.parametrize('leak', [0.0, 0.5, 2.0])
def test_no_alarm_where_chance_makes_answers_equal(kind, share, leak):
    """Sides drawn by lot, a leak or none; a bound of one in a thousand for each, so one in fifty runs would be many."""
    alarms = 0
    for run in range(12):
        rng = np.random.default_rng(run)
        is_member = rng.random(4000 if run % 2 else 400) < share
        outputs, labels = outputs_of(kind, rng, is_member, leak)
        observations = synthetic.as_observations(
            is_member=is_member, example_id=np.arange(len(labels), dtype=np.uint64), labels=labels, outputs=outputs,
            kind='logits',
        )  # fmt: skip
        alarms += answered(outputs.reshape(len(labels), -1), observations).figures().p_value <= ALPHA
    assert alarms == 0
