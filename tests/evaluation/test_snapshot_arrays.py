"""Snapshots handed to evaluate_privacy: what they say, or the signals that follow from it."""

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, evaluate_privacy


def config(**settings):
    return PrivacyConfig(**{'attacks': ('loss_threshold', 'trajectory'), 'slices': {'by_class': False}} | settings)


def found(result, attack='trajectory'):
    return next(row for row in result.results if row.attack == attack and not row.slice_key).metrics['auc'].value


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'snapshot_logits': np.zeros((1, 60, 10))}, 'there is one snapshot, and a trajectory has two or more'),
        ({'signals': {'snapshot_signals': np.zeros((60, 1))}}, 'there is one snapshot'),
        ({'signals': {'snapshot_signals': np.zeros(60)}}, r'shape \(60,\) .*numbers of shape \(n, snapshots\) are'),
        ({'signals': {'snapshot_signals': np.full((60, 2), np.nan)}}, 'NaN or infinite in 60 of 60'),
        ({'signals': {'snapshot_signals': np.zeros((60, 0))}}, r'shape \(60, 0\)'),
        ({'signals': {'gradient_norm': np.zeros((60, 2))}}, r'shape \(60, 2\) .*one number per example'),
        (
            {'signals': {'snapshot_signals': np.zeros((60, 2))}, 'snapshot_logits': np.zeros((2, 60, 10))},
            'which follows from snapshot_logits: give one',
        ),
        (
            {'signals': {'snapshot_signals': np.zeros((60, 3)), 'snapshot_alignment': np.zeros((60, 3))}},
            'has 3 columns, and there are 3 snapshots: give one column for each snapshot but the last',
        ),
        ({'snapshot_logits': np.zeros((2, 60, 11))}, 'snapshot model 0: it gives 11 outputs per example'),
    ],
)
def test_arrays_that_cannot_be_used_are_named(given, message):
    labels = np.arange(60) % 10
    with pytest.raises(PrivacyInputError, match=message):
        evaluate_privacy(
            is_member=np.arange(60) < 30, labels=labels, logits=np.eye(10)[labels], config=config(), **given
        )


def test_signals_and_logits_of_snapshots_are_the_same_thing():
    rng = np.random.default_rng(0)
    labels, is_member = rng.integers(0, 4, 400), np.arange(400) < 200
    logits = rng.standard_normal((3, 400, 4)) + np.eye(4)[labels] * (is_member * 2)[:, None]
    shared = {'is_member': is_member, 'labels': labels, 'logits': logits[-1], 'config': config()}
    by_logits = evaluate_privacy(snapshot_logits=logits[:2], **shared)
    others = [np.delete(one, labels + np.arange(400) * 4).reshape(400, 3) for one in logits]
    own = logits[:, np.arange(400), labels]
    signals = np.stack([z - np.log(np.exp(rest).sum(axis=1)) for z, rest in zip(own, others, strict=True)], axis=1)
    by_signals = evaluate_privacy(signals={'snapshot_signals': signals[:, :2]}, **shared)
    assert found(by_logits) == pytest.approx(found(by_signals))
    assert found(by_logits) > 0.6


@pytest.mark.parametrize('unit', [1e-3, 1.0, 100.0, 1e6])
def test_a_regression_leaks_as_much_in_every_unit(unit):
    rng = np.random.default_rng(1)
    n = 600
    is_member, labels = np.arange(n) % 2 == 0, rng.normal(0, 10, n)
    # Members' errors shrink from snapshot to snapshot, others' stay; a few are huge.
    spread = np.where(is_member, 1.0, 3.0) * np.exp(rng.normal(0, 1.0, n))
    errors = np.stack([rng.normal(0, 3, n), rng.normal(0, (3 + spread) / 2, n), rng.normal(0, spread, n)])
    predictions = labels + errors
    found_auc = found(
        evaluate_privacy(
            is_member=is_member,
            labels=labels * unit,
            predictions=predictions[-1] * unit,
            snapshot_predictions=predictions[:2] * unit,
            config=config(),
        )
    )
    assert found_auc > 0.7


@pytest.mark.parametrize('unit', [1.0, 100.0])
def test_alignments_in_any_unit_are_used_beside_the_losses(unit):
    rng = np.random.default_rng(2)
    n = 600
    is_member, labels = np.arange(n) % 2 == 0, rng.normal(0, 10, n)
    predictions = labels + rng.normal(0, 1, (3, n))
    result = evaluate_privacy(
        is_member=is_member,
        labels=labels * unit,
        predictions=predictions[-1] * unit,
        snapshot_predictions=predictions[:2] * unit,
        signals={'snapshot_alignment': (rng.normal(0, 1, (n, 1)) + 2 * is_member[:, None]) * unit},
        config=config(attacks=('trajectory_and_alignment',)),
    )
    assert found(result, 'trajectory_and_alignment') > 0.85
