"""What a model gives away of a sensitive feature: planted leaks, no leak, people, intervals, errors."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from privacy_component import PrivacyInputError, evaluate_attribute_inference
from privacy_component.evaluation.attribute_inference import difference
from privacy_component.metrics.design_effect import design_effect

pd = pytest.importorskip('pandas')


def people(n=600, seed=0, columns=6):
    """Columns of noise, of which the first is sensitive, and labels that are 1 a little more often where it is."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.integers(0, 2, n), rng.normal(size=(n, columns))])
    return x, (rng.random(n) < 0.35 + 0.3 * x[:, 0]).astype(int)


def halves(x, y):
    return (x[: len(y) // 2], y[: len(y) // 2]), (x[len(y) // 2 :], y[len(y) // 2 :])


def test_what_follows_from_other_features_is_no_leak():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(0, 2, 800), rng.integers(0, 3, (800, 2))])
    y = (x[:, 0] ^ (rng.random(800) < 0.3)).astype(int)
    members, others = halves(x, y)
    model = RandomForestClassifier(20, bootstrap=False, max_features=1, random_state=0).fit(*members)
    found = evaluate_attribute_inference(model, members, others, 0)
    # The label follows from the feature for 70 %: members and non-members alike, with the model or without.
    assert found.members.value == pytest.approx(found.non_members.value, abs=0.08)
    assert found.imputation.value > 0.6
    assert found.advantage.lower < 0.05


def test_a_model_that_knows_people_by_heart_gives_the_feature_away():
    x, y = people()
    members, others = halves(x, y)
    found = evaluate_attribute_inference(_by_heart(*members), members, others, 0, outputs='probabilities')
    assert found.members.value == 1.0 and found.non_members.value == 0.5  # ties, half right on average
    assert found.advantage.lower > 0.4 and not found.passes(0.1)
    assert 'a leak is shown' in found.reason(0.1)
    assert 0.4 < found.imputation.value < 0.6


def _by_heart(x, y):
    known = {tuple(row): label for row, label in zip(x, y, strict=True)}

    def probabilities(rows):
        labels = [known.get(tuple(row)) for row in rows]
        return np.array([[0.5, 0.5] if label is None else np.eye(2)[label] * 0.8 + 0.1 for label in labels])

    return probabilities


def test_figures_are_those_of_counting_by_hand():
    (x, y), (other_x, other_y) = halves(*people(400, seed=3))
    model = DecisionTreeClassifier(max_depth=8, random_state=0).fit(x, y)
    found = evaluate_attribute_inference(model, (x, y), (other_x, other_y), 0)
    shares = []
    for rows, labels in ((x, y), (other_x, other_y)):
        total = 0.0
        for row, label in zip(rows, labels, strict=True):
            p = [model.predict_proba([[value, *row[1:]]])[0, label] for value in (0, 1)]
            total += 0.5 if p[0] == p[1] else float(np.argmax(p) == row[0])
        shares.append(total / len(labels))
    assert (found.members.value, found.non_members.value) == pytest.approx(tuple(shares))
    assert found.advantage.value == pytest.approx(shares[0] - shares[1])


def test_a_regularised_model_passes_and_says_why():
    x, y = load_breast_cancer(return_X_y=True)
    x = np.column_stack([x[:, 0] > np.median(x[:, 0]), (x - x.mean(0)) / x.std(0)])
    x, y = np.tile(x, (4, 1)), np.tile(y, 4)  # as many people as a limit of 0.1 needs
    order = np.random.default_rng(0).permutation(len(y))
    members, others = halves(x[order], y[order])
    found = evaluate_attribute_inference(LogisticRegression(C=0.01).fit(*members), members, others, 0)
    assert found.passes(0.1) and 'at most 0.1' in found.reason(0.1)
    few = tuple((part_x[:12], part_y[:12]) for part_x, part_y in (members, others))
    few = evaluate_attribute_inference(LogisticRegression(C=0.01).fit(*members), *few, 0)
    assert not few.passes(0.1) and 'not decided' in few.reason(0.1)


def test_frames_mappings_and_matrices_are_one():
    x, y = people(300)
    members, others = halves(x, y)
    model = DecisionTreeClassifier(random_state=0).fit(*members)
    names = ['female', *'abcdef']
    framed = [(pd.DataFrame(rows, columns=names), labels) for rows, labels in (members, others)]
    mapped = [({name: rows[name].to_numpy() for name in names}, labels) for rows, labels in framed]

    def of_frame(rows):
        return model.predict_proba(np.column_stack([rows[name] for name in names]))

    found = [evaluate_attribute_inference(model, members, others, 0)] + [
        evaluate_attribute_inference(of_frame, *sides, 'female', outputs='probabilities') for sides in (framed, mapped)
    ]
    assert found[0].advantage == found[1].advantage == found[2].advantage
    assert found[0].imputation == found[1].imputation == found[2].imputation
    assert np.array_equal(framed[0][0]['female'], members[0][:, 0])  # nothing of the caller's was changed


def test_texts_categories_and_a_regressor():
    x, _ = people(400)
    frame = pd.DataFrame({'sex': pd.Categorical(np.where(x[:, 0] > 0, 'f', 'm')), 'age': x[:, 1]})
    y = x[:, 2]

    def encoded(rows):
        return np.column_stack([rows['sex'] == 'f', rows['age']])

    model = DecisionTreeRegressor(random_state=0).fit(encoded(frame[:200]), y[:200])
    found = evaluate_attribute_inference(
        lambda rows: model.predict(encoded(rows)),
        (frame[:200], y[:200]),
        (frame[200:], y[200:]),
        'sex',
        outputs='predictions',
    )
    assert found.members.value > found.non_members.value
    rows = found.to_frame()
    assert list(rows['figure']) == ['members', 'non_members', 'advantage', 'imputation']
    assert 'without the model' in repr(found) and "'sex', 2 values (200 members" in repr(found)


def test_rows_of_one_person_widen_the_interval():
    x, y = people(200)
    x, y, person = np.repeat(x, 8, axis=0), np.repeat(y, 8), np.repeat(np.arange(200), 8)
    members, others = halves(x, y)
    model = DecisionTreeClassifier(max_depth=6, random_state=0).fit(*members)
    by_row = evaluate_attribute_inference(model, members, others, 0)
    by_person = evaluate_attribute_inference(model, members, others, 0, group_ids=person)
    assert by_person.design_effect == pytest.approx(8, rel=0.02) and by_person.num_groups == 200
    assert by_person.advantage.value == by_row.advantage.value
    assert by_person.bound > by_row.bound


@pytest.mark.parametrize(('rates', 'rows'), [((0.5, 0.5), 1), ((0.8, 0.5), 1), ((0.97, 0.9), 1), ((0.6, 0.6), 4)])
def test_intervals_cover(rates, rows):
    rng, wrong, above = np.random.default_rng(rows), 0, 0
    runs, level, num = 500, 0.9, 120
    is_member = np.repeat([True, False], [num * rows] * 2)
    groups = np.repeat(np.arange(2 * num), rows)
    for _ in range(runs):
        hits = np.concatenate([np.repeat(rng.random(num) < rate, rows) for rate in rates]).astype(float)
        effect = design_effect(hits, is_member, groups)
        found = difference(hits[is_member], hits[~is_member], effect, level)
        wrong += not found.lower <= rates[0] - rates[1] <= found.upper
        above += found.upper < rates[0] - rates[1]
    assert wrong <= binom.ppf(1 - 1e-4, runs, 1 - level)
    assert above <= binom.ppf(1 - 1e-4, runs, (1 - level) / 2)


def test_a_model_that_does_not_take_the_feature_is_an_error():
    (x, y), others = halves(*people())
    model = LogisticRegression().fit(x[:, 1:], y)
    with pytest.raises(PrivacyInputError, match="the same outputs whatever '0' is"):
        evaluate_attribute_inference(
            lambda rows: model.predict_proba(rows[:, 1:]), (x, y), others, 0, outputs='probabilities'
        )


def asked_of(members, others, sensitive='female', **arguments):
    return evaluate_attribute_inference(
        lambda rows: np.asarray(rows['female'], float), members, others, sensitive, outputs='logits', **arguments
    )


def sides_with(column):
    return [({'female': np.asarray(column), 'age': np.arange(20.0)}, np.arange(20) % 2) for _ in range(2)]


@pytest.mark.parametrize(
    ('column', 'sensitive', 'words'),
    [
        (np.arange(20) % 2, 'femal', "takes no feature 'femal'; did you mean 'female'"),
        (np.ones(20), 'female', 'one value only'),
        ([np.nan, *np.ones(19)], 'female', 'no value .* in 1 of 20 examples'),
        (np.array([None, *'ab' * 9, 'a'], object), 'female', 'no value'),
        (np.array(['a', 1] * 10, object), 'female', 'texts and numbers'),
    ],
)
def test_a_feature_that_cannot_be_guessed_is_an_error(column, sensitive, words):
    with pytest.raises(PrivacyInputError, match=words):
        asked_of(*sides_with(column), sensitive)


def test_other_errors_name_what_to_change():
    sides = sides_with(np.arange(20) % 2)
    many = [({'female': np.arange(50.0)}, np.arange(50) % 2)] * 2
    with pytest.raises(PrivacyInputError, match='50 values'):
        asked_of(*many)
    with pytest.raises(PrivacyInputError, match='confidence_level is 95'):
        asked_of(*sides, confidence_level=95)
    with pytest.raises(PrivacyInputError, match='3 examples; 10'):
        asked_of(({'female': np.arange(3)}, np.zeros(3, int)), sides[1])
    with pytest.raises(PrivacyInputError, match='outputs is None'):
        evaluate_attribute_inference(lambda rows: rows, *sides, 'female')
    with pytest.raises(PrivacyInputError, match='matrix of 7 columns'):
        evaluate_attribute_inference(lambda rows: rows, *halves(*people()), 'female', outputs='logits')
    found = asked_of(*sides)
    for limit in (0, 1, True, 'low', np.nan):
        with pytest.raises(PrivacyInputError, match='limit is'):
            found.passes(limit)
