"""Whatever is handed in: one clear error, or an inconclusive result; never numpy's error, never a wrong number."""

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, SlicingSpec, evaluate_privacy
from privacy_component.attacks import ATTACKS
from privacy_component.config.thresholds import Threshold


@pytest.mark.filterwarnings("ignore:attack 'stacked' is given:UserWarning")
@pytest.mark.parametrize('members', [[True], [False], [True, False], [True, True, True], [False] * 40])
def test_too_few_examples_are_inconclusive_and_not_blessed(members):
    n = len(members)
    attacks = tuple(name for name, info in ATTACKS.items() if 'multiclass' in info.tasks)
    config = PrivacyConfig(
        attacks=attacks,
        slices={'by_correctness': True, 'by_loss_percentile': True},
        thresholds=(Threshold('auc', 0.9),),
    )
    result = evaluate_privacy(
        is_member=members,
        labels=[0] * n,
        logits=np.eye(3)[np.arange(n) % 3],
        reference_logits=np.eye(3)[(np.arange(n) + np.arange(4)[:, None]) % 3],
        reference_is_member=(np.arange(n) + np.arange(4)[:, None]) % 2 == 0,
        snapshot_logits=np.stack([np.eye(3)[np.arange(n) % 3]] * 2),
        signals={
            'gradient_norm': np.ones(n),
            'gradient_norms_by_layer': np.ones((n, 3)),
            'snapshot_alignment': np.ones((n, 1)),
            'label_stability': np.ones(n),
        },
        config=config,
    )
    assert {r.status for r in result.results} == {'inconclusive'}
    assert {row['attack'] for row in result.rows() if row['slice'] == 'Overall'} == set(attacks)
    assert not result.verdict.blessed
    result.to_json()


GOOD = {'is_member': [True, False, True], 'labels': [0, 1, 2], 'logits': np.eye(3)}
BAD = {
    'nothing to evaluate': ({'is_member': [], 'labels': [], 'logits': np.zeros((0, 3))}, 'is_member is empty'),
    'is_member of numbers': ({'is_member': [0, 1, 2]}, 'is_member has shape'),
    'is_member with NaN': ({'is_member': [0, 1, np.nan]}, 'is_member has shape'),
    'is_member of text': ({'is_member': ['train', 'test', 'train']}, 'is_member has shape'),
    'is_member one-hot': ({'is_member': np.eye(3)}, 'is_member has shape'),
    'is_member a scalar': ({'is_member': True}, r'is_member has shape \(\)'),
    'no labels': ({'labels': None}, 'labels is missing'),
    'labels too short': ({'labels': [0, 1]}, r'labels has shape \(2,\) but is_member has 3'),
    'labels one-hot': ({'labels': np.eye(3)}, 'argmax'),
    'labels one-hot of wrong width': ({'labels': np.eye(3)[:, :2]}, 'labels'),
    'labels fractional': ({'labels': [0.5, 1, 2]}, 'labels holds fractions or NaN in 1 of 3'),
    'labels NaN': ({'labels': [np.nan, 1, 2]}, 'labels holds fractions or NaN in 1 of 3'),
    'labels out of range': ({'labels': [0, 1, 3]}, 'labels holds the class 3'),
    'labels negative': ({'labels': [0, 1, -1]}, 'labels holds the class -1'),
    'labels of text': ({'labels': ['a', 'b', 'c']}, 'labels holds text, not class numbers'),
    'labels of objects': ({'labels': [0, None, 1]}, 'labels'),
    'labels ragged': ({'labels': [[0], [1, 2], [0]]}, 'labels'),
    'no outputs': ({'logits': None}, 'exactly one of logits, probabilities, predictions; none of them'),
    'two outputs': ({'probabilities': np.eye(3)}, 'logits and probabilities was given'),
    'logits too short': ({'logits': np.eye(3)[:2]}, r'logits has shape \(2, 3\)'),
    'logits of three dimensions': ({'logits': np.zeros((3, 2, 2))}, r'logits has shape \(3, 2, 2\)'),
    'logits of no class': ({'logits': np.zeros((3, 0))}, r'logits has shape \(3, 0\)'),
    'logits of text': ({'logits': np.full((3, 3), 'x')}, 'logits has shape'),
    'logits ragged': ({'logits': [[1, 2], [1], [2, 3]]}, 'logits'),
    'logits NaN': ({'logits': np.eye(3) * np.nan}, 'must be finite'),
    'logits infinite': ({'logits': np.array([[1, 2, np.inf], [0, 0, 0], [0, 0, 0]])}, 'must be finite'),
    'logits of a single class label': ({'labels': [0, 1, 2], 'logits': [0.1, 0.2, 0.3]}, 'the model has 2 classes'),
    'probabilities outside': ({'logits': None, 'probabilities': np.eye(3) * 2}, 'probabilities: 3 outputs'),
    'probabilities not summing': ({'logits': None, 'probabilities': np.eye(3) * 0.7}, 'sum to 1'),
    'probability negative': ({'logits': None, 'probabilities': [-0.1, 0.2, 0.3]}, r'lie in \[0, 1\]'),
    'predictions of three numbers': ({'logits': None, 'predictions': np.eye(3)}, 'regression needs one prediction'),
    'prediction without variance': ({'logits': None, 'predictions': np.zeros((3, 2))}, 'variance'),
    'regression label NaN': ({'logits': None, 'predictions': [1, 2, 3], 'labels': [np.nan, 1, 2]}, 'NaN'),
    'multi-label of another width': ({'labels': [[1, 1], [0, 1], [1, 0]]}, r'labels has shape \(3, 2\)'),
    'a feature too short': ({'features': {'age': [1, 2]}}, r"feature 'age' has shape \(2,\)"),
    'a feature of two dimensions': ({'features': {'age': np.eye(3)}}, "feature 'age' has shape"),
    'a feature of lists': ({'features': {'age': [[1], [1, 2], []]}}, "feature 'age'"),
    'a feature with a reserved name': ({'features': {'@class': [1, 2, 3]}}, "feature '@class'"),
    'features as a list': ({'features': [[1, 2, 3]]}, 'features is a list'),
    'group_ids too short': ({'group_ids': [1, 2]}, 'group_ids has shape'),
    'group_ids fractional': ({'group_ids': [1.5, 2, 3]}, 'group_ids has shape'),
    'example_ids too long': ({'example_ids': range(4)}, 'example_ids has shape'),
    'example_ids with None': ({'example_ids': ['a', None, 'b']}, 'example_ids has shape'),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_input_is_one_clear_error(case):
    changes, message = BAD[case]
    with pytest.raises(PrivacyInputError, match=message):
        evaluate_privacy(**GOOD | changes)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'outputs': {'task': 'regression'}}, "task is 'regression' but logits were given"),
        ({'outputs': {'task': 'multilabel'}}, r'labels has shape \(3,\); a multi-label model'),
        ({'outputs': {'kind': 'probabilities'}}, "outputs.kind is 'probabilities' but logits were given"),
        (
            {'attacks': ('absolute_error_threshold',)},
            "'absolute_error_threshold', for regression models only",
        ),
        ({'slicing_specs': (SlicingSpec(('age',)),)}, "no feature 'age'"),
    ],
)
def test_config_that_does_not_fit_the_data_is_one_clear_error(settings, message):
    with pytest.raises(PrivacyInputError, match=message):
        evaluate_privacy(**GOOD, config=PrivacyConfig(**settings))


def test_a_feature_with_a_slice_for_every_row_is_refused():
    with pytest.raises(PrivacyInputError, match="feature 'time' takes 10,002 values"):
        n = 10_002
        evaluate_privacy(
            is_member=np.arange(n) % 2, labels=np.zeros(n), logits=np.zeros((n, 2)), features={'time': np.arange(n)}
        )


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('outputs.task', 'ranking'), ('measurement.folds', 1), ('measurement.folds', 21), ('measurement.folds', 2.0),
        ('people.group_aggregation', 'sum'), ('people.group_key', None), ('people.num_most_vulnerable', -1),
        ('slices.by_correctness', 1), ('slices.by_loss_percentile', 'yes'), ('slices.max_slices', 0),
        ('decision.confidence_level', float('nan')), ('decision.confidence_level', 1), ('decision.min_examples', True),
    ],
)  # fmt: skip
def test_bad_settings_are_named(field, value):
    group, name = field.split('.')
    with pytest.raises(PrivacyInputError, match=rf'PrivacyConfig\.{group}\.{name} is '):
        PrivacyConfig(**{group: {name: value}})
