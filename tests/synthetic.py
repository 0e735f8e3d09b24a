"""Seeded data that several tests use."""

import dataclasses

import numpy as np
from scipy.special import ndtr

from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION
from privacy_component.observations.outputs import as_observations
from privacy_component.observations.reference_signals import main_signal


def golden_input(n=10_000):
    """(logits (2n, 10) float32, labels, is_member): the input of tests/golden/tf_privacy_golden.json."""
    rng = np.random.default_rng(20240601)
    members = _side(rng, n, 5.0, 1.5, 1.5, 0.10)
    non_members = _side(rng, n, 4.0, 0.0, 1.5, 0.20)
    logits, labels = (np.concatenate(pair) for pair in zip(members, non_members, strict=True))
    return logits, labels, np.arange(2 * n) < n


def _side(rng, n, mean_easy, mean_hard, spread, share_hard):
    labels = rng.integers(0, 10, size=n)
    logits = rng.standard_normal((n, 10))
    hard = rng.random(n) < share_hard
    logits[np.arange(n), labels] += np.where(hard, mean_hard, mean_easy) + spread * rng.standard_normal(n)
    return logits.astype('float32'), labels


def observations(task=MULTICLASS, n=1_000, shift=0.0, classes=5, seed=0, group_size=None):
    """n members and n non-members, on whose outputs membership shows by `shift`, in standard deviations."""
    return _with_references(task, n, shift, classes, seed, group_size)[0]


def reference_outputs(task=MULTICLASS, n=1_000, shift=0.0, classes=5, seed=0):
    """(8, n, classes) of the reference models that `observations` has the signals of."""
    return _with_references(task, n, shift, classes, seed, None)[1]


def _with_references(task, n, shift, classes, seed, group_size):
    rng = np.random.default_rng(seed)
    is_member = np.arange(2 * n) < n
    labels = _LABELS[task](rng, 2 * n, classes)
    outputs = _ANSWERS[task](rng, labels, is_member, shift, classes)
    made = as_observations(
        is_member=is_member,
        example_id=rng.permutation(2 * n).astype(np.uint64),
        labels=labels,
        outputs=outputs,
        kind='logits',
        task=task,
        group_id=None if group_size is None else (np.arange(2 * n) // group_size).astype(np.uint64),
    )
    # What attacks may ask for besides: eight reference models in pairs, each trained on one half of the examples.
    halves = [rng.permutation(len(made)) % 2 == 0 for _ in range(4)]
    knows = [half == is_first for half in halves for is_first in (True, False)]
    seen = [_ANSWERS[made.task](rng, labels, known, shift, classes) for known in knows]
    columns = {
        'label_stability': rng.binomial(32, ndtr(rng.standard_normal(len(made)) + shift * made.is_member)) / 32,
        'token_loss': np.exp(rng.standard_normal(len(made)) - shift * made.is_member),
        'min_k': -np.exp(rng.standard_normal(len(made)) - shift * made.is_member),
        'token_loss_change': rng.standard_normal(len(made)) + shift * made.is_member,
        'gradient_norm': np.exp(rng.standard_normal(len(made)) - shift * made.is_member),
        'reference_signals': np.stack(
            [main_signal(dataclasses.replace(made, outputs=outputs)) for outputs in seen], axis=1
        ),
        'reference_is_member': np.stack(knows, axis=1),
    }
    # Three snapshots, in which less and less of what is known of members is missing.
    earlier = [_ANSWERS[made.task](rng, labels, is_member, shift * share, classes) for share in (0.0, 0.5, 0.9)]
    columns['snapshot_signals'] = np.stack(
        [main_signal(dataclasses.replace(made, outputs=outputs)) for outputs in earlier], axis=1
    )
    columns['snapshot_alignment'] = rng.standard_normal((len(made), 2)) + shift * is_member[:, None]
    columns['gradient_norms_by_layer'] = np.exp(rng.standard_normal((len(made), 3)) - shift * is_member[:, None])
    return dataclasses.replace(made, columns=columns), np.stack(seen)


def _multiclass(rng, labels, is_member, shift, classes):
    outputs = rng.standard_normal((len(is_member), classes))
    outputs[np.arange(len(labels)), labels] += 2 + shift * is_member
    return outputs


def _multilabel(rng, labels, is_member, shift, classes):
    return np.where(labels, 1, -1) * (rng.standard_normal(labels.shape) + 1 + shift * is_member[:, None])


def _regression(rng, labels, is_member, shift, classes):
    errors = rng.standard_normal(len(labels)) * np.exp(-shift * is_member)
    return np.column_stack([labels + errors, np.exp(0.1 * rng.standard_normal(len(labels)))])


_LABELS = {
    MULTICLASS: lambda rng, n, classes: rng.integers(0, classes, n),
    MULTILABEL: lambda rng, n, classes: rng.random((n, classes)) < 0.4,
    REGRESSION: lambda rng, n, classes: rng.standard_normal(n),
}
_ANSWERS = {MULTICLASS: _multiclass, MULTILABEL: _multilabel, REGRESSION: _regression}
