"""evaluate_model on fitted models of scikit-learn and Keras, and what is handed in as features, labels, outputs."""

import datetime

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import LabelEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from privacy_component import PrivacyConfig, PrivacyInputError, evaluate_model, evaluate_privacy
from privacy_component.attacks import DEFAULT_ATTACKS

pd = pytest.importorskip('pandas')
keras = pytest.importorskip('keras')

CONFIG = PrivacyConfig(attacks=('loss_threshold',), slices={'by_class': False})


@pytest.fixture(scope='module')
def sides():
    x, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(y))
    y = np.where(rng.random(len(y)) < 0.3, rng.integers(0, 10, len(y)), y)
    return (x[order[:600]], y[order[:600]]), (x[order[600:1200]], y[order[600:1200]])


def auc(result):
    return result.rows()[0]['auc']


def test_a_forest_of_texts_is_as_its_probabilities_by_hand(sides):
    (x, y), (other_x, other_y) = sides
    names = np.array([f'digit {number}' for number in range(10)])
    model = RandomForestClassifier(30, random_state=0).fit(x, names[y])
    result = evaluate_model(model, (x, names[y]), (other_x, names[other_y]), config=CONFIG)
    by_hand = evaluate_privacy(
        is_member=np.arange(1200) < 600,
        labels=np.concatenate([y, other_y]),
        probabilities=model.predict_proba(np.concatenate([x, other_x])),
        config=CONFIG,
    )
    assert auc(result) == auc(by_hand) > 0.9


def test_scores_of_a_linear_machine_are_logits(sides):
    model = LinearSVC(dual=False, C=100.0).fit(*sides[0])
    assert evaluate_model(model, *sides, config=CONFIG).record.output_kind == 'logits'


def test_a_regressor_is_one(sides):
    model = Ridge(0.1).fit(*sides[0])
    assert evaluate_model(model, *sides).record.task == 'regression'


def test_several_labels_are_taken(sides):
    sides = [(x, np.column_stack([y > 4, y % 2])) for x, y in sides]
    model = MultiOutputClassifier(DecisionTreeClassifier(max_depth=6, random_state=0)).fit(*sides[0])
    config = PrivacyConfig(outputs={'task': 'multilabel'}, attacks=('loss_threshold',))
    assert evaluate_model(model, *sides, config=config).record.task == 'multilabel'


@pytest.mark.parametrize(
    ('activation', 'loss', 'kind'),
    [
        ('softmax', 'sparse_categorical_crossentropy', 'probabilities'),
        (None, keras.losses.SparseCategoricalCrossentropy(from_logits=True), 'logits'),
    ],
)
def test_a_keras_model_tells_what_its_outputs_are(sides, activation, loss, kind):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Input([64]), keras.layers.Dense(10, activation)])
    model.compile('adam', loss)
    model.fit(*sides[0], epochs=1, verbose=0)
    assert evaluate_model(model, *sides, config=CONFIG).record.output_kind == kind


def test_a_keras_regression_is_one(sides):
    model = keras.Sequential([keras.layers.Input([64]), keras.layers.Dense(1)])
    model.compile('adam', 'mse')
    assert evaluate_model(model, *sides).record.output_kind == 'predictions'


def test_features_of_either_side_become_slices(sides):
    model = DecisionTreeClassifier(random_state=0, max_depth=8).fit(*sides[0])
    frames = [pd.DataFrame({'half': np.where(x[:, 20] > 8, 'bright', 'dark')}) for x, _ in sides]
    result = evaluate_model(model, *sides, features=tuple(frames), config=CONFIG)
    assert {'half = bright', 'half = dark'} <= {row['slice'] for row in result.rows()}


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'model': NearestNeighbors()}, 'a NearestNeighbors without predict_proba, decision_function or predict'),
        ({'members': np.zeros(3)}, 'members is a ndarray; give a pair of examples and labels'),
        ({'logits': np.zeros(3)}, 'evaluate_model makes logits itself'),
        ({'features': ({'a': [1]}, {'b': [1]})}, r"have other names \(\['a', 'b'\]\)"),
        ({'non_members': (np.zeros((2, 64)), np.array([3, 77]))}, '1 of 602 labels are none of the 10 classes'),
    ],
)
def test_what_cannot_be_used_is_said(sides, change, message):
    model = DecisionTreeClassifier(random_state=0).fit(*sides[0])
    given = {'model': model, 'members': sides[0], 'non_members': sides[1]} | change
    with pytest.raises(PrivacyInputError, match=message):
        evaluate_model(**given)


def test_a_model_whose_outputs_nobody_knows_is_refused(sides):
    model = keras.Sequential([keras.layers.Input([64]), keras.layers.Dense(10)])
    with pytest.raises(PrivacyInputError, match="the last layer's activation is 'linear' and the loss 'unknown'"):
        evaluate_model(model, *sides)


def given(**features):
    rng = np.random.default_rng(0)
    return {
        'is_member': np.arange(400) < 200,
        'labels': rng.integers(0, 2, 400),
        'logits': rng.standard_normal((400, 2)),
        'features': pd.DataFrame(features) if features else None,
        'config': CONFIG,
    }


def test_columns_of_pandas_are_taken_whatever_their_kind():
    whole = pd.array(np.arange(400) % 3, dtype='Int64')
    whole[5] = pd.NA
    text = pd.array(np.where(np.arange(400) % 2, 'a', 'b'), dtype='string')
    result = evaluate_privacy(**given(whole=whole, text=text, kind=pd.Categorical(np.arange(400) % 2)))
    slices = {row['slice']: row for row in result.rows()}
    assert {'whole = 0', 'text = a', 'kind = 1'} <= set(slices)
    assert slices['whole = 2']['num_members'] == 65


def test_dates_are_refused_for_what_they_are():
    with pytest.raises(PrivacyInputError, match="feature 'day' holds dates or times"):
        evaluate_privacy(**given(day=pd.date_range('2026-01-01', periods=400)))


def test_a_feature_of_many_values_is_warned_of():
    result = evaluate_privacy(**given(size=np.arange(400) * 0.5))
    assert "The feature 'size' takes 400 values in 400 examples" in result.record.warnings[0]


def test_the_name_of_a_policy_in_the_place_of_a_config_is_explained():
    with pytest.raises(PrivacyInputError, match=r"config is a str; .* for a policy write policy\('standard'\)"):
        evaluate_privacy(**given() | {'config': 'standard', 'features': None})


def test_defaults_run(sides):
    model = RandomForestClassifier(10, random_state=0).fit(*sides[0])
    result = evaluate_model(model, *sides)
    assert {row['attack'] for row in result.rows()} == set(DEFAULT_ATTACKS['multiclass'])


def test_dates_without_a_time_are_slices():
    result = evaluate_privacy(**given(day=[datetime.date(2026, 1, 1 + i % 2) for i in range(400)]))
    assert {'day = 2026-01-01', 'day = 2026-01-02'} <= {row['slice'] for row in result.rows()}


class OnlyDlpack:
    """An array of a library that shares memory and no more."""

    def __init__(self, array):
        self._array = array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


def test_memberships_labels_and_outputs_of_any_library():
    plain = given(half=np.arange(400) % 2)
    expected = evaluate_privacy(**plain).to_frame()
    members, labels, logits = plain['is_member'], plain['labels'], plain['logits']
    nullable = pd.DataFrame(logits).astype('Float64')
    for given_otherwise in (
        {'is_member': pd.array(members, dtype='boolean'), 'labels': pd.array(labels, dtype='Int64')},
        {'is_member': pd.Series(members).astype('category'), 'labels': pd.Categorical(labels)},
        {'is_member': OnlyDlpack(members.astype(np.int8)), 'labels': OnlyDlpack(labels), 'logits': OnlyDlpack(logits)},
        {'logits': nullable, 'labels': pd.Series(labels, dtype='Int8')},
        {'labels': pd.array(np.array(['no', 'yes'])[labels], dtype='string'), 'classes': ['no', 'yes']},
        {'labels': pd.Categorical(np.array(['no', 'yes'])[labels]), 'classes': LabelEncoder().fit(['yes', 'no'])},
        {'labels': np.array([30, 7])[labels], 'classes': [30, 7]},
    ):
        pd.testing.assert_frame_equal(evaluate_privacy(**plain | given_otherwise).to_frame(), expected)


class OnADevice(OnlyDlpack):
    """Of memory that numpy cannot reach."""

    def __dlpack__(self, **options):
        raise BufferError('device 2')


@pytest.mark.parametrize(
    ('otherwise', 'message'),
    [
        ({'labels': pd.array([1, None] * 200, dtype='Int64')}, 'labels has no value in 200 of 400 examples'),
        ({'is_member': pd.array([True, None] * 200, dtype='boolean')}, 'is_member has no value in 200 of 400'),
        ({'logits': OnADevice(np.zeros((400, 2)))}, r'logits cannot be read where it lies \(device 2\)'),
        ({'labels': np.array(['a', 'b'] * 200), 'classes': ['a', 'c']}, 'none of .* in 200 of 400 examples'),
        ({'labels': np.array(['a', 'b'] * 200), 'classes': ['a', 'b', 'c']}, 'names 3 classes, but the model has 2'),
        ({'labels': np.array(['a', 'b'] * 200), 'classes': [1, 2]}, 'but classes holds numbers'),
        ({'classes': [3, 4]}, '400 of 400 labels are none of the 2 classes'),
        ({'classes': [0, 1, 2]}, 'classes names 3 classes, but the model has 2'),
        ({'classes': [0, 1], 'logits': None, 'predictions': np.zeros(400)}, 'but this is a regression one'),
        ({'classes': [3, 3]}, 'one number twice'),
        ({'classes': np.zeros((2, 2))}, r'classes has shape \(2, 2\)'),
        ({'classes': ['a', 'a']}, "names 'a' twice"),
        ({'classes': ['a', 'b'], 'config': PrivacyConfig(outputs={'classes': ['a', 'c']})}, 'name other classes'),
    ],
)
def test_what_lacks_values_or_names_is_refused(otherwise, message):
    with pytest.raises(PrivacyInputError, match=message):
        evaluate_privacy(**given() | otherwise)


def test_labels_of_pandas_go_with_a_fitted_model(sides):
    model = DecisionTreeClassifier(random_state=0, max_depth=8).fit(*sides[0])
    nullable = [(one, pd.array(labels, dtype='Int64')) for one, labels in sides]
    assert auc(evaluate_model(model, *nullable, config=CONFIG)) == auc(evaluate_model(model, *sides, config=CONFIG))
