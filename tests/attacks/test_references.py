"""Attacks with reference models: closed forms, naive twins, null data, and small models of real data."""

import dataclasses
import functools
import warnings

import numpy as np
import pytest
from scipy.special import log_ndtr, polygamma
from scipy.stats import chi2, norm, rankdata, t

from privacy_component import PrivacyConfig, evaluate_privacy
from privacy_component.attacks import attack_named, stacked
from privacy_component.attacks.priors import VariancePrior, inverse_trigamma
from privacy_component.attacks.references import Side, reference_signals
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics import confidence
from privacy_component.metrics.counts import roc
from privacy_component.metrics.curve import summarize
from privacy_component.observations.observations import REGRESSION, Observations
from privacy_component.observations.reference_signals import main_signal

ONLINE = ('rmia', 'lira', 'bayes', 'stacked')


def in_pairs(rng, n, num_models):
    """(n, K) memberships of reference models in pairs."""
    halves = [rng.permutation(n) % 2 == 0 for _ in range(num_models // 2)]
    return np.stack([half == first for half in halves for first in (True, False)], axis=1)


def observed(is_member, target, references, knows):
    """Two classes with logits (0, z) and label 1, so that the scaled logit is z."""
    n = len(target)
    return Observations(
        is_member,
        np.arange(n, dtype=np.uint64),
        np.ones(n, np.int64),
        np.column_stack([np.zeros(n), target]),
        columns={
            'reference_signals': references,
            'reference_is_member': knows,
        },
    )


def toy(rng, n=2_000, num_models=8, shift=1.0, difficulty=3.0, noise=1.0, offline=False):
    """Signals of examples of unequal difficulty, which a model that knows them gives by `shift` more."""
    knows = np.zeros((n, num_models), bool) if offline else in_pairs(rng, n, num_models)
    is_member, level = rng.permutation(n) % 2 == 0, difficulty * rng.standard_normal(n)
    target = level + shift * is_member + noise * rng.standard_normal(n)
    references = level[:, None] + shift * knows + np.reshape(noise, (-1, 1)) * rng.standard_normal(knows.shape)
    return observed(is_member, target, references, knows)


def scores_of(name, observations):
    info = attack_named(name)
    seen = observations.only(info.needs)
    return info.fit(seen).score(seen)


def counts_of(scores, is_member):
    return roc.count_scores(roc.score_keys(scores), is_member)


def auc(name, observations):
    return roc.auc(counts_of(scores_of(name, observations), observations.is_member))


@pytest.mark.parametrize('name', ["lira(variance='pooled')", "lira(variance='shrunken')", 'lira', 'bayes'])
def test_many_models_reach_the_closed_form(name):
    # Given the level, members and non-members are two normals of variance 1, `shift` apart.
    observations = toy(np.random.default_rng(0), n=20_000, num_models=64)
    scores = scores_of(name, observations)
    members, others = scores[observations.is_member], scores[~observations.is_member]
    assert abs(auc(name, observations) - norm.cdf(1 / np.sqrt(2))) < 0.015
    for rate in (0.1, 0.01):
        found = np.mean(members > np.quantile(others, 1 - rate))
        # Per record, the variance of 32 models is still noise in the tail.
        assert abs(found - norm.cdf(norm.ppf(rate) + 1)) < (0.04 if name == 'lira' else 0.03)
    assert auc('scaled_logit_threshold', observations) < 0.6


def test_offline_lira_is_in_the_order_of_log_phi_and_does_not_tie_beyond():
    observations = toy(np.random.default_rng(1), num_models=6, offline=True)
    signals = reference_signals(observations)
    means = signals.references.mean(axis=1)
    sd = np.sqrt(np.square(signals.references - means[:, None]).sum() / (2_000 * 5))
    z = scores_of('lira', observations)
    np.testing.assert_allclose(log_ndtr(z), norm.logcdf(signals.target, means, sd), rtol=1e-9)
    far = dataclasses.replace(observations, outputs=observations.outputs + np.array([0, 100]))
    assert (log_ndtr(scores_of('lira', far)) == 0).all()
    np.testing.assert_array_equal(scores_of('lira', far).argsort(), z.argsort())


def test_one_sided_offline_lira_beats_the_symmetric_density():
    observations = toy(np.random.default_rng(2), num_models=8, offline=True)
    z = scores_of('lira', observations)
    symmetric = roc.auc(counts_of(-norm.logpdf(z), observations.is_member))
    assert auc('lira', observations) > symmetric + 0.1


def naive_rmia(observations, gamma, a=None):
    """The share of all examples z with ratio(x) >= gamma ratio(z), by the n x n matrix."""
    signals = reference_signals(observations)
    target, references = 1 / (1 + np.exp(-signals.target)), 1 / (1 + np.exp(-signals.references))
    if a is None:
        known = [
            np.array([row[is_in].mean(), row[~is_in].mean()])
            for row, is_in in zip(references, signals.is_in, strict=True)
        ]
        marginal = np.array([pair.mean() for pair in known])
    else:
        marginal = ((1 + a) * references.mean(axis=1) + 1 - a) / 2
    ratio = target / marginal
    return np.mean(ratio[:, None] >= gamma * ratio[None, :], axis=1)


@pytest.mark.parametrize('a', [None, 0.33, 1.0])
def test_rmia_by_its_ratio_alone_has_the_roc_of_the_published_score(a):
    observations = toy(np.random.default_rng(3), n=1_000, offline=a is not None)
    ours = scores_of('rmia' if a is None else f'rmia(a={a})', observations)
    published = naive_rmia(observations, 1.0, a)
    # The share is a step function of the ratio: in its order, and with z from among the examples nothing ties.
    order = np.argsort(ours)
    assert (np.diff(published[order]) >= 0).all()
    is_member = observations.is_member
    assert abs(roc.auc(counts_of(ours, is_member)) - roc.auc(counts_of(published, is_member))) < 1e-6
    other = naive_rmia(observations, 1.3, a)
    assert (np.diff(other[order]) >= 0).all()


def test_rmia_does_not_underflow():
    observations = toy(np.random.default_rng(4), n=100)
    deep = dataclasses.replace(observations, outputs=observations.outputs - np.array([0, 2_000]))
    assert len(np.unique(scores_of('rmia', deep))) == 100


def test_prior_of_variances_is_found_again():
    rng = np.random.default_rng(5)
    degrees, location, models, n = 6.0, 2.5, 4, 100_000
    variance = degrees * location / chi2.rvs(degrees, size=n, random_state=rng)
    squares = variance * chi2.rvs(models - 1, size=n, random_state=rng)
    prior = VariancePrior.of(Side(np.full(n, models), np.zeros(n), squares))
    assert abs(prior.degrees - degrees) < 0.5
    assert abs(prior.variance - location) < 0.1
    # Posterior mean precision: what is drawn from the prior is not shrunk away.
    assert (
        abs(np.corrcoef(np.log(prior.shrunken(Side(np.full(n, models), None, squares))), np.log(variance))[0, 1]) > 0.5
    )


@pytest.mark.parametrize('x', [0.2, 1.0, 7.0, 300.0])
def test_inverse_trigamma(x):
    assert inverse_trigamma(float(polygamma(1, x))) == pytest.approx(x)


def test_bayes_is_a_difference_of_two_student_densities():
    observations = toy(np.random.default_rng(6), n=500)
    fitted = attack_named('bayes').fit(observations).posterior
    signals = reference_signals(observations)
    expected = np.empty(500)
    for row in range(500):
        is_in, values = signals.is_in[row], signals.references[row]
        sides = {}
        for key, prior in ((True, fitted.inside), (False, fitted.outside)):
            own = values[is_in == key]
            degrees = prior.degrees + len(own) - 1
            variance = (prior.degrees * prior.variance + (len(own) - 1) * own.var(ddof=1)) / degrees
            sides[key] = own.mean(), variance, degrees, len(own)
        noise = sum(variance / count for _, variance, _, count in sides.values())
        own_shift = sides[True][0] - sides[False][0]
        weight = fitted.shift_variance / (fitted.shift_variance + noise)
        shift = fitted.shift + weight * (own_shift - fitted.shift)
        middle = (sides[True][0] + sides[False][0]) / 2
        logs = [
            t.logpdf(
                signals.target[row], sides[key][2], middle + sign * shift / 2, np.sqrt(sides[key][1] * (1 + 1 / 8))
            )
            for key, sign in ((True, 1), (False, -1))
        ]
        expected[row] = logs[0] - logs[1]
    np.testing.assert_allclose(scores_of('bayes', observations), expected, atol=1e-9)


def test_bayes_does_not_collapse_where_a_variance_per_record_does():
    rng = np.random.default_rng(7)
    observations = toy(rng, n=10_000, num_models=8, shift=2.0, noise=np.exp(0.3 * rng.standard_normal(10_000)))
    collapsed, pooled = auc("lira(variance='per_record')", observations), auc('lira', observations)
    assert auc('bayes', observations) > collapsed + 0.02
    assert auc('bayes', observations) > pooled - 0.005


@pytest.mark.parametrize('name', ONLINE)
def test_no_leak_is_found_at_the_nominal_rate_where_memberships_are_redrawn(name):
    # Fifteen targets share each set of reference models, as all candidates do that are evaluated with the same set.
    rng, alarms, aucs = np.random.default_rng(8), 0, []
    info = attack_named(name)
    for _ in range(20):
        world = toy(rng, n=300, num_models=6, shift=1.5).only(info.needs)
        fitted, level = info.fit(world), reference_signals(world).references.mean(axis=1)
        for _ in range(15):
            target = level + 1.5 * (rng.random(300) < 0.5) + rng.standard_normal(300)
            redrawn = rng.permutation(300) < 150
            scores = fitted.score(dataclasses.replace(world, outputs=np.column_stack([np.zeros(300), target])))
            curve = summarize(counts_of(scores, redrawn))
            alarms += confidence.auc_lower(curve, 0.05) > 0.5
            aucs.append(curve.auc)
    # Four standard errors.
    assert alarms / 300 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 300)
    assert abs(np.mean(aucs) - 0.5) < 4 * np.std(aucs) / np.sqrt(300)


@pytest.mark.parametrize('name', ONLINE)
def test_nothing_is_learnt_of_memberships_in_the_audited_model(name):
    observations = toy(np.random.default_rng(16), n=400)
    flipped = dataclasses.replace(observations, is_member=~observations.is_member)
    np.testing.assert_array_equal(scores_of(name, flipped), scores_of(name, observations))


@functools.cache
def digits():
    """MLPs of handwritten digits, a tenth of them with a wrong label: one target and eight references in pairs."""
    from sklearn.datasets import load_digits
    from sklearn.neural_network import MLPClassifier

    rng = np.random.default_rng(9)
    images, labels = load_digits(return_X_y=True)
    labels = np.where(rng.random(len(labels)) < 0.1, rng.integers(0, 10, len(labels)), labels)
    is_member, knows = rng.permutation(len(labels)) % 2 == 0, in_pairs(rng, len(labels), 8)
    outputs = []
    for number, rows in enumerate([is_member, *knows.T]):
        model = MLPClassifier((48,), max_iter=60, random_state=number)
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            model.fit(images[rows] / 16, labels[rows])
        outputs.append(np.maximum(images / 16 @ model.coefs_[0] + model.intercepts_[0], 0) @ model.coefs_[1])
    seen = [Observations(is_member, np.arange(len(labels), dtype=np.uint64), labels, rows) for rows in outputs]
    signals = np.stack([main_signal(one) for one in seen[1:]], axis=1)
    columns = {'reference_signals': signals, 'reference_is_member': knows}
    return dataclasses.replace(seen[0], columns=columns), outputs[1:]


@pytest.mark.parametrize('name', ONLINE)
def test_real_models_leak_more_than_the_loss_shows(name):
    assert auc(name, digits()[0]) > auc('loss_threshold', digits()[0]) + 0.02


@pytest.mark.parametrize('name', ONLINE)
def test_evaluate_privacy_takes_them(name):
    seen, references = digits()
    result = evaluate_privacy(
        is_member=seen.is_member,
        labels=seen.labels,
        logits=seen.outputs,
        reference_logits=references,
        reference_is_member=seen.columns['reference_is_member'].T,
        config=PrivacyConfig(attacks=(name,)),
    )
    assert result.rows()[0]['auc'] == pytest.approx(auc(name, seen), abs=1e-6)


def with_models(observations, models):
    columns = {name: column[:, models] for name, column in observations.columns.items()}
    return dataclasses.replace(observations, columns=columns)


@pytest.mark.parametrize(
    ('name', 'models', 'expected'),
    [
        ('rmia', [0], 'given 1 reference models.* even number of them, at least 2'),
        ('rmia', [0, 1, 2], 'given 3 reference models'),
        ('lira', [0, 1], 'at least 4'),
        ('stacked', [0, 1], 'given 2 reference models.* at least 4'),
        ('bayes', [0, 1, 2, 3, 4], 'given 5 reference models.* at least 4'),
        ('bayes', [0, 0, 0, 0], r'2000 of 2000 examples .* in for all or for none of the 4'),
        ('lira', [0, 0, 2, 2], r'given \d+ of 2000 examples .* in for all or for none'),
    ],
)
def test_models_that_will_not_do_are_refused(name, models, expected):
    with pytest.raises(PrivacyInputError, match=f"attack '{name}'.*{expected}"):
        scores_of(name, with_models(toy(np.random.default_rng(10)), models))


def test_models_that_know_nobody_are_refused_where_some_must():
    observations = toy(np.random.default_rng(11), offline=True)
    with pytest.raises(PrivacyInputError, match=r"'bayes'.*in for all or for none"):
        scores_of('bayes', observations)
    with pytest.raises(PrivacyInputError, match="'lira' is given 1 reference models; it needs at least 2"):
        scores_of('lira', with_models(observations, [0]))


def test_a_side_of_single_models_has_no_variance():
    knows = np.arange(4) == (np.arange(100) % 4)[:, None]
    observations = toy(np.random.default_rng(12), n=100, num_models=4)
    one_each = dataclasses.replace(observations, columns={**observations.columns, 'reference_is_member': knows})
    for name in ('lira', 'bayes'):
        with pytest.raises(PrivacyInputError, match='needs two reference models that know an example'):
            scores_of(name, one_each)
    assert np.isfinite(scores_of('rmia', one_each)).all()


def test_parameters_out_of_range_are_refused():
    with pytest.raises(PrivacyInputError, match=r"'rmia' has a=1\.5, which must be from 0 to 1"):
        attack_named('rmia(a=1.5)')
    with pytest.raises(PrivacyInputError, match="'lira' has variance='own', which is not one of pooled"):
        attack_named("lira(variance='own')")


@pytest.mark.parametrize('name', ONLINE)
def test_models_that_agree_to_the_last_bit_give_finite_scores(name):
    observations = toy(np.random.default_rng(13), n=200)
    same = np.zeros_like(observations.columns['reference_signals'])
    columns = {**observations.columns, 'reference_signals': same}
    assert np.isfinite(scores_of(name, dataclasses.replace(observations, columns=columns))).all()


@pytest.mark.parametrize('name', ONLINE)
def test_memory_layout_of_what_is_handed_in_does_not_show(name):
    observations = toy(np.random.default_rng(14), n=300)
    columns = {key: np.asfortranarray(column) for key, column in observations.columns.items()}
    other = dataclasses.replace(observations, outputs=np.asfortranarray(observations.outputs), columns=columns)
    np.testing.assert_array_equal(scores_of(name, other), scores_of(name, observations))


def test_stacked_finds_as_much_as_what_it_is_stacked_of():
    rng = np.random.default_rng(17)
    observations = toy(rng, n=10_000, num_models=8, shift=1.5, noise=np.exp(0.3 * rng.standard_normal(10_000)))
    assert auc('stacked', observations) > max(auc('rmia', observations), auc('bayes', observations))


def test_a_model_of_the_same_or_the_other_half_would_mislead_stacked_and_is_left_out(monkeypatch):
    observations = toy(np.random.default_rng(18), num_models=8)
    signals = reference_signals(observations)
    roles = list(stacked._roles(signals))
    assert [role.num_models for role, _ in roles] == [6] * 8
    for model, (role, is_in) in enumerate(roles):
        np.testing.assert_array_equal(is_in, signals.is_in[:, model])
        assert not (role.is_in == ~is_in[:, None]).all(axis=0).any()
    found = auc('stacked', observations)
    monkeypatch.setattr(stacked, '_LARGEST_AGREEMENT', 1.0)
    assert found > auc('stacked', observations) + 0.02


def test_stacked_falls_back_on_the_mean_of_ranks_and_says_so():
    observations = toy(np.random.default_rng(19), n=500, num_models=4)
    scores = scores_of('stacked', observations)
    (warning,) = stacked.fallback_warnings(('rmia', 'stacked'), 4, 500)
    assert "'stacked' has 4 reference models and 500 examples, and learns from 6 and 50 or more" in warning
    assert stacked.fallback_warnings(('rmia', 'stacked'), 6, 50) == stacked.fallback_warnings(('rmia',), 4, 500) == []
    ranks = [rankdata(scores_of(name, observations)) for name in ('rmia', 'bayes')]
    np.testing.assert_allclose(scores, (np.mean(ranks, axis=0) - 0.5) / 500)


@pytest.mark.parametrize('num_models', [4, 8])
def test_stacked_scores_do_not_depend_on_rows_beside_them_or_their_order(num_models):
    observations = toy(np.random.default_rng(20), n=600, num_models=num_models)
    scores, order = scores_of('stacked', observations), np.random.default_rng(21).permutation(600)
    np.testing.assert_array_equal(scores_of('stacked', observations.select(order)), scores[order])
    fitted = attack_named('stacked').fit(observations)
    for rows in (order[:0], order[:1], order[:77]):
        np.testing.assert_array_equal(fitted.score(observations.select(rows)), scores[rows])


def test_stacked_learns_from_a_bounded_sample_by_hash(monkeypatch):
    monkeypatch.setattr(stacked, '_MOST_ROWS', 4_000)
    observations = toy(np.random.default_rng(22), n=3_000, num_models=8)
    sample = stacked._sample(reference_signals(observations), observations.example_id)
    assert len(sample.target) == 500
    order = np.random.default_rng(23).permutation(3_000)
    again = observations.select(order)
    np.testing.assert_array_equal(
        stacked._sample(reference_signals(again), again.example_id).references, sample.references
    )
    assert auc('stacked', observations) > auc('scaled_logit_threshold', observations) + 0.05


@pytest.mark.parametrize('n', [1, 2, 49])
def test_stacked_does_not_learn_from_a_handful_of_examples(n):
    assert np.isfinite(scores_of('stacked', toy(np.random.default_rng(25), n=n))).all()
    assert f'8 reference models and {n} examples' in stacked.fallback_warnings(('stacked',), 8, n)[0]


def test_stacked_needs_halves_that_do_not_tell_one_another():
    observations = toy(np.random.default_rng(24), num_models=2)
    with pytest.raises(PrivacyInputError, match="'stacked' finds no reference model beside which there are four"):
        scores_of('stacked', with_models(observations, [0, 1, 0, 1, 0, 1]))


def test_a_regression_does_not_depend_on_the_unit_of_its_label():
    rng = np.random.default_rng(15)
    knows, n = in_pairs(rng, 1_000, 4), 1_000
    is_member, labels = rng.permutation(n) % 2 == 0, rng.standard_normal(n)
    errors = rng.standard_normal((n, 5)) * np.where(np.column_stack([is_member, knows]), 0.5, 1.0)

    def in_units(unit):
        predictions = (labels[:, None] + errors)[:, :, None] * unit
        losses = np.square(errors[:, 1:] * unit)
        columns = {'reference_signals': -losses, 'reference_is_member': knows}
        return Observations(
            is_member, np.arange(n, dtype=np.uint64), labels * unit, predictions[:, 0], REGRESSION, columns
        )

    np.testing.assert_allclose(scores_of('rmia', in_units(1_000.0)), scores_of('rmia', in_units(1.0)), rtol=1e-6)
    assert auc('rmia', in_units(1.0)) > 0.6
