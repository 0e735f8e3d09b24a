"""Federated averaging in one process, and what its roles can tell."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pipelines.federated import __main__ as page
from pipelines.federated import attacks
from pipelines.federated.gradients import alignment, mean_gradient, passed
from pipelines.federated.simulation import Parties, Recipe, federate, mean

tf = pytest.importorskip('tensorflow')
pytest.importorskip('keras')


def weights_of(rng, sizes=(5, 7, 6, 3)):
    pairs = [(rng.standard_normal((a, b)), rng.standard_normal(b)) for a, b in itertools.pairwise(sizes)]
    return [part for pair in pairs for part in pair]


def test_closed_forms_are_those_of_an_explicit_gradient():
    rng = np.random.default_rng(0)
    weights, update = weights_of(rng), weights_of(rng)
    x, labels = rng.standard_normal((20, 5)), rng.integers(3, size=20)
    variables = [tf.Variable(one) for one in weights]
    losses, aligned, gradients = [], [], []
    for row in range(20):
        with tf.GradientTape() as tape:
            z = tf.constant(x[row : row + 1])
            for kernel, bias in zip(variables[::2], variables[1::2], strict=True):
                z = z @ kernel + bias
                z = tf.nn.relu(z) if kernel is not variables[-2] else z
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels[row : row + 1], z)
        flat = np.concatenate([one.numpy().ravel() for one in tape.gradient(loss, variables)])
        losses.append(float(loss[0]))
        gradients.append(flat)
        aligned.append(flat @ np.concatenate([one.ravel() for one in update]) / np.linalg.norm(flat))
    np.testing.assert_allclose(passed(weights, x, labels).losses, losses, rtol=1e-9)
    np.testing.assert_allclose(alignment(weights, update, x, labels), aligned, rtol=1e-9)
    found = np.concatenate([one.ravel() for one in mean_gradient(weights, x, labels)])
    np.testing.assert_allclose(found, np.mean(gradients, axis=0), rtol=1e-9, atol=1e-12)


@pytest.fixture(scope='module')
def parties():
    images, labels = load_digits(return_X_y=True)
    # A tenth of the labels are wrong, so that there is something to be remembered.
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(len(labels)) < 0.3, rng.integers(10, size=len(labels)), labels)
    rows = np.split(rng.permutation(len(labels))[:1000], 5)
    parts = [((images[part] / 16).astype(np.float32), labels[part]) for part in rows]
    return Parties(tuple(parts[:-1]), parts[-1])


RECIPE = Recipe(units=(64,), rounds=12, epochs=3, rate=0.2)


@pytest.fixture(scope='module')
def rounds(parties):
    return federate(parties, RECIPE, seed=0)


def auc(parties, scores):
    members, others = scores[parties.is_member], scores[~parties.is_member]
    return (members[:, None] > others).mean() + (members[:, None] == others).mean() / 2


def test_the_average_is_of_all_uploads_and_a_run_repeats(parties, rounds):
    for after, uploads in zip(rounds.averaged[1:], rounds.uploads, strict=True):
        for one, other in zip(after, mean(uploads), strict=True):
            np.testing.assert_array_equal(one, other)
    again = federate(parties, Recipe(units=(64,), rounds=2, epochs=3, rate=0.2), seed=0)
    for one, other in zip(again.averaged[2], rounds.averaged[2], strict=True):
        np.testing.assert_array_equal(one, other)


def test_who_sees_more_tells_more(parties, rounds):
    outside, inside = (view(parties, rounds) for view in (attacks.outsider, attacks.server))
    assert auc(parties, inside['alignment']) > auc(parties, outside['loss']) + 0.05
    assert auc(parties, inside['loss']) > auc(parties, outside['loss'])
    participant = attacks.participant(parties, rounds)
    assert auc(parties, participant['alignment']) > 0.5


def test_an_isolated_party_overfits_alone(parties, rounds):
    alone = federate(parties, RECIPE, seed=0, is_isolated=True)
    own = attacks.server(parties, alone)
    assert auc(parties, own['loss']) > auc(parties, attacks.server(parties, rounds)['loss']) + 0.02
    np.testing.assert_array_equal(alone.sent[3][0], alone.uploads[2][0][0])
    np.testing.assert_array_equal(alone.averaged[3][0], mean(alone.uploads[2][1:])[0])


def test_the_harm_of_ascent_is_in_the_accuracy(parties, rounds):
    moved = federate(parties, RECIPE, seed=0, ascent=5.0, ascends='participant')
    assert attacks.accuracy(parties, moved.averaged[-1]) < attacks.accuracy(parties, rounds.averaged[-1]) - 0.05


def test_nobody_is_found_in_weights_that_never_saw_anybody(parties):
    strangers = Parties((parties.outside, *parties.held[1:]), parties.held[0])
    seen = federate(Parties(parties.held[1:], parties.outside), RECIPE, seed=0)
    for scores in attacks.outsider(strangers, seen).values():
        assert abs(auc(strangers, scores) - 0.5) < 0.1


def test_the_page_and_the_picture(parties, tmp_path):
    short = Recipe(units=(16,), rounds=2, epochs=1, rate=0.1)
    found = [page.measured(parties, short, seed) for seed in (0, 1)]
    text = page.page(found)
    assert all(f'| {view.title} |' in text for view in page.VIEWS)
    page.draw(found, tmp_path / 'federated.png')
    assert (tmp_path / 'federated.png').stat().st_size > 5_000
