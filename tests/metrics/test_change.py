"""Limits of changes, held against simulation: two models, scored on the same examples."""

import dataclasses

import numpy as np
import pytest
from scipy.special import ndtr

from privacy_component.metrics.change import PAIRED, TWO_LIMITS, Baseline, Change, Level, auc_change_error
from privacy_component.metrics.counts import joint, roc
from privacy_component.metrics.curve import summarize, summarize_folds
from privacy_component.metrics.registry import error_rates, metric_named
from tests.metrics.counts.test_joint import correlated, joint_of
from tests.metrics.simulate import counts_of
from tests.test_calibration import chance

AUC = metric_named('auc')


def change_of(candidate, baseline, is_member, metric=AUC):
    rates = error_rates([metric])
    ours, theirs = (summarize(counts_of(scores, is_member), rates) for scores in (candidate, baseline))
    error = auc_change_error([joint_of(candidate, baseline, is_member)]) if metric is AUC else None
    return Change(metric, ours, Baseline(theirs, error))


def assert_covers(changes, truth, alphas=(0.05, 0.025, 0.001)):
    for alpha in alphas:
        most = chance(alpha, len(changes))
        assert np.mean([change.lower(alpha) > truth + 1e-12 for change in changes]) <= most, alpha
        assert np.mean([change.upper(alpha) < truth - 1e-12 for change in changes]) <= most, alpha


@pytest.mark.parametrize(('n', 'runs'), [(20, 1000), (200, 500), (1000, 300)])
@pytest.mark.parametrize(('shift', 'correlation'), [(0.0, 0.95), (0.5, 0.95), (2.0, 0.5)])
def test_models_that_leak_alike(n, runs, shift, correlation):
    rng = np.random.default_rng(n)
    changes = [change_of(*correlated(rng, n, correlation, (shift, shift))) for _ in range(runs)]
    assert_covers(changes, 0.0)


def memorising(rng, n, share, everywhere):
    """The candidate is the baseline but for a share of members, which it puts at the top; rarely seen if few."""
    is_member = np.arange(2 * n) < n
    baseline = rng.standard_normal(2 * n) - 10.0 * is_member * everywhere
    memorised = is_member & (rng.random(2 * n) < share)
    return baseline + 100.0 * memorised, baseline, is_member


@pytest.mark.parametrize(('n', 'share'), [(20, 0.02), (20, 0.2), (100, 0.02), (100, 0.05), (1000, 0.02), (1000, 0.1)])
@pytest.mark.parametrize('everywhere', [False, True])
def test_models_that_differ_on_few_examples(n, share, everywhere):
    """The case that a plain interval misses: nothing seen is nothing varying, and a standard error of 0."""
    rng, truth = np.random.default_rng(n), share * (1.0 if everywhere else 0.5)
    drawn = [memorising(rng, n, share, everywhere) for _ in range(400)]
    assert_covers([change_of(*one) for one in drawn], truth)
    # The other way round, the candidate has forgotten them.
    assert_covers([change_of(baseline, candidate, members) for candidate, baseline, members in drawn], -truth)


def test_a_plain_interval_would_miss_them():
    rng = np.random.default_rng(0)
    changes = [change_of(*memorising(rng, 100, 0.02, False)) for _ in range(500)]
    plain = [change.value + 1.645 * change.baseline.auc_change_error < 0.01 for change in changes]
    assert np.mean(plain) > 0.2


def test_the_paired_interval_is_much_narrower_than_two_limits():
    rng = np.random.default_rng(1)
    for n, at_most in ((1000, 0.35), (10_000, 0.3)):
        change = change_of(*correlated(rng, n, 0.95, (0.5, 0.5)))
        unpaired = dataclasses.replace(change, baseline=Baseline(change.baseline.curve))
        assert (change.method, unpaired.method) == (PAIRED, TWO_LIMITS)
        widths = [one.upper(0.025) - one.lower(0.025) for one in (change, unpaired)]
        assert widths[0] < at_most * widths[1]


def test_a_rise_is_found():
    rng = np.random.default_rng(2)
    truth = float(ndtr(0.7 / np.sqrt(2)) - ndtr(0.5 / np.sqrt(2)))
    changes = [change_of(*correlated(rng, 2000, 0.95, (0.7, 0.5))) for _ in range(300)]
    assert_covers(changes, truth)
    found = np.mean([change.lower(0.05) > 0.02 for change in changes])
    unpaired = [dataclasses.replace(change, baseline=Baseline(change.baseline.curve)) for change in changes]
    assert found > 0.95 and np.mean([change.lower(0.05) > 0.02 for change in unpaired]) < found / 2


@pytest.mark.parametrize(
    'name', ['advantage', 'two_sided_advantage', 'tpr_at_fpr_0.1', 'tnr_at_fnr_0.1', 'ppv_at_fpr_0.1']
)
def test_other_metrics_hold_whatever_the_dependence(name):
    rng = np.random.default_rng(3)
    for correlation in (0.0, 0.99):
        drawn = [correlated(rng, 300, correlation, (0.5, 0.5)) for _ in range(150)]
        assert_covers([change_of(*one, metric_named(name)) for one in drawn], 0.0, (0.05,))


def fold_changes(rng, n, features, shift):
    """Out-of-fold scores of the difference of means, on two models' outputs of the same examples."""
    is_member, fold = np.arange(2 * n) < n, rng.integers(0, 2, 2 * n)
    common = rng.standard_normal((2 * n, features))
    common[:, 0] += shift * is_member
    for number in range(2):
        held_out, scores = fold == number, []
        for own in rng.standard_normal((2, 2 * n, features)):
            x = common + 0.3 * own
            direction = x[~held_out & is_member].mean(axis=0) - x[~held_out & ~is_member].mean(axis=0)
            scores.append(x[held_out] @ direction)
        yield (*scores, is_member[held_out])


@pytest.mark.parametrize(('n', 'features', 'shift'), [(100, 5, 0.0), (400, 1, 0.0), (400, 20, 0.0), (400, 1, 1.0)])
def test_attackers_that_learn(n, features, shift):
    rng, changes = np.random.default_rng(n + features), []
    for _ in range(300):
        folds = list(fold_changes(rng, n, features, shift))
        ours, theirs = (summarize_folds([counts_of(fold[model], fold[2]) for fold in folds]) for model in (0, 1))
        changes.append(Change(AUC, ours, Baseline(theirs, auc_change_error([joint_of(*fold) for fold in folds]))))
    assert_covers(changes, 0.0)


def test_the_same_model_changes_nothing():
    candidate, _, is_member = correlated(np.random.default_rng(4), 500, 0.5, (0.7, 0.7))
    change = change_of(candidate, candidate, is_member)
    assert change.value == 0.0
    # -ln(0.05) / 500 = 0.005991: how rare an example on which they differ must be, not to be seen in 500.
    assert change.lower(0.05) == pytest.approx(-0.005991, abs=1e-6)
    assert change.upper(0.05) == pytest.approx(0.005991, abs=1e-6)


def test_both_perfect():
    is_member = np.arange(80) < 40
    change = change_of(is_member * 1.0, is_member * 2.0, is_member)
    assert change.value == 0.0 and -0.1 < change.lower(0.05) < 0 < change.upper(0.05) < 0.1


def test_what_could_exceed():
    """Too few examples are no check; a baseline without room for a rise is one, once that is sure."""
    rng = np.random.default_rng(5)
    for n, decides in ((20, False), (500, True)):
        change = change_of(*correlated(rng, n, 0.9, (0.5, 0.5)))
        assert (change.best(0.05) > 0.3) == decides
        assert (Level(AUC, change.curve).best(0.05) > 0.97) == decides
    leaky = change_of(*correlated(rng, 500, 0.9, (3.0, 3.0)))
    assert leaky.baseline.curve.auc > 0.95
    assert leaky.room(0.05) <= 0.2  # no rise of 0.2 is possible, and so none is missed
    few = change_of(*correlated(rng, 20, 0.9, (3.0, 3.0)))
    assert few.room(0.05) > 0.02 and few.best(0.05) <= 0.02


def test_cut_scores_widen_the_limits():
    change = change_of(*correlated(np.random.default_rng(6), 300, 0.9, (0.5, 0.5)))
    cut = dataclasses.replace(change, curve=dataclasses.replace(change.curve, auc_error=0.01))
    assert cut.lower(0.05) == pytest.approx(change.lower(0.05) - 0.01)
    assert cut.upper(0.05) == pytest.approx(change.upper(0.05) + 0.01)


@pytest.mark.parametrize('sizes', [(1000, 20_000), (20_000, 300)])
def test_one_side_large_and_nearly_all_tie(sizes):
    """Two models that are right nearly always, on examples of their own."""
    rng, changes = np.random.default_rng(7), []
    right = np.outer([0.01, 0.99], [0.01, 0.99]).ravel()
    values = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
    for _ in range(500):
        sides = [rng.multinomial(num, right) for num in sizes]
        kept = sides[0] + sides[1] > 0
        pairs = joint.JointCounts(*values[:, kept].astype(np.uint64), sides[0][kept], sides[1][kept])
        models = (roc.RocCounts(np.arange(2, dtype=np.uint64), *(np.bincount(of, side) for side in sides))
                  for of in values)  # fmt: skip
        ours, theirs = (summarize(counts) for counts in models)
        changes.append(Change(AUC, ours, Baseline(theirs, auc_change_error([pairs]))))
    assert_covers(changes, 0.0, (0.025, 0.001))
