import dataclasses

import numpy as np
import pytest
from scipy.special import softmax

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.labels import class_labels, multilabel_labels, regression_labels
from privacy_component.observations.observations import MULTILABEL, REGRESSION
from privacy_component.observations.outputs import OutputEvidence, as_logits, as_observations, output_kind


@pytest.fixture
def logits():
    return np.random.default_rng(0).standard_normal((500, 4)) * 3


def test_logits_and_probabilities_are_told_apart(logits):
    assert output_kind(OutputEvidence.of(logits)) == 'logits'
    assert output_kind(OutputEvidence.of(softmax(logits, axis=1))) == 'probabilities'
    assert output_kind(OutputEvidence.of(softmax(logits, axis=1).astype(np.float32))) == 'probabilities'


def test_what_could_be_barely_trained_logits_or_unnormalised_probabilities_is_not_guessed():
    few = OutputEvidence.of(np.random.default_rng(1).random((100, 3)))
    with pytest.raises(PrivacyInputError, match=r'set PrivacyConfig\.outputs\.kind to'):
        output_kind(few)
    assert output_kind(few, 'logits') == 'logits'


def test_one_output_within_0_and_1_passes_for_a_probability_unless_configured():
    evidence = OutputEvidence.of(np.array([[0.1], [0.7]]))
    assert output_kind(evidence) == 'probabilities'
    assert output_kind(evidence, 'logits') == 'logits'


def test_multilabel_probabilities_need_not_sum_to_1():
    evidence = OutputEvidence.of(np.array([[0.9, 0.8], [0.1, 0.0]]))
    assert output_kind(evidence, task=MULTILABEL) == 'probabilities'
    assert output_kind(evidence, task=REGRESSION) == 'logits'


def test_evidence_that_contradicts_the_config_is_an_error(logits):
    with pytest.raises(
        PrivacyInputError, match=r"PrivacyConfig\.outputs\.kind is 'probabilities' but the outputs range over"
    ):
        output_kind(OutputEvidence.of(logits), 'probabilities')


def test_evidence_merges_to_that_of_the_whole(logits):
    logits = np.clip(logits, -2, 2)
    whole, parts = OutputEvidence.of(logits), [OutputEvidence.of(part) for part in np.array_split(logits, 7)]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    assert dataclasses.asdict(merged) == pytest.approx(dataclasses.asdict(whole), rel=1e-12)
    assert whole.num_at_largest > 100


def test_evidence_of_different_widths_is_an_error(logits):
    with pytest.raises(PrivacyInputError, match='4 outputs for some examples and 3 for others'):
        OutputEvidence.of(logits).merge(OutputEvidence.of(logits[:, :3]))


@pytest.mark.parametrize('bad', [np.nan, np.inf, -np.inf, 1e200])
def test_outputs_must_be_finite(logits, bad):
    logits[7, 2] = bad
    with pytest.raises(PrivacyInputError, match='for 1 of 500 examples'):
        OutputEvidence.of(logits)


def test_logits_are_passed_on_without_a_copy(logits):
    for outputs in (logits, logits.astype(np.float32)):
        assert np.shares_memory(as_logits(outputs, 'logits'), outputs)


def test_half_precision_and_whole_numbers_are_widened():
    for dtype in (np.float16, np.int32, bool):
        assert as_logits(np.ones((2, 2), dtype), 'logits').dtype == np.float64


def test_class_labels():
    np.testing.assert_array_equal(class_labels(np.array([[0.0], [2.0]]), 3), [0, 2])
    np.testing.assert_array_equal(class_labels(np.array([True, False]), 2), [1, 0])


@pytest.mark.parametrize(
    ('labels', 'message'),
    [
        (np.eye(3), r'shape \(3, 3\).*argmax'),
        (
            np.array([0.5, 1.0]),
            'labels holds fractions or NaN in 1 of 2 examples; classes must be whole numbers from 0 to 2',
        ),
        (np.array([np.nan, 1.0]), 'labels holds fractions or NaN in 1 of 2'),
        (np.array([np.inf, 1.0]), 'labels holds the class inf'),
        (np.array([0, 3]), 'holds the class 3, but the model has 3 classes'),
        (np.array([-1, 3]), 'holds the class -1'),
        (np.array(['cat', 'dog']), 'holds text, not class numbers'),
    ],
)
def test_bad_class_labels_are_named(labels, message):
    with pytest.raises(PrivacyInputError, match=message):
        class_labels(labels, 3)


@pytest.mark.parametrize('labels', [np.array([0, 1]), np.ones((2, 3)), np.full((2, 2), 2), np.full((2, 2), np.nan)])
def test_bad_multilabel_labels_are_named(labels):
    with pytest.raises(PrivacyInputError, match='labels'):
        multilabel_labels(labels, 2)


@pytest.mark.parametrize(
    'labels', [np.ones((2, 2)), np.array(['1', '2']), np.array([np.nan, 1]), np.array([np.inf, 1])]
)
def test_bad_regression_labels_are_named(labels):
    with pytest.raises(PrivacyInputError, match='labels'):
        regression_labels(labels)


def regression(outputs):
    n = len(outputs)
    return as_observations(
        is_member=np.ones(n, bool), example_id=np.arange(n, dtype=np.uint64), labels=np.zeros(n), outputs=outputs,
        kind='logits', task=REGRESSION,
    )  # fmt: skip


def test_regression_outputs():
    assert regression(np.array([1.0, 2.0])).outputs.shape == (2, 1)
    assert regression(np.array([[1.0, 2.0]])).outputs.shape == (1, 2)
    with pytest.raises(PrivacyInputError, match='3 outputs per example'):
        regression(np.ones((2, 3)))
    with pytest.raises(PrivacyInputError, match='variance, is 0 or less for 1 of'):
        regression(np.array([[0.0, -1.0]]))


def test_unknown_task_is_named():
    with pytest.raises(PrivacyInputError, match="task is 'ranking'"):
        as_observations(
            is_member=np.ones(1, bool), example_id=np.zeros(1, np.uint64), labels=np.zeros(1), outputs=np.ones((1, 2)),
            kind='logits', task='ranking',
        )  # fmt: skip


def test_what_is_written_of_extremes_tells_of_nobody():
    seen = OutputEvidence.of(np.array([[-12.3456, 2.0], [7.891, 0.00012345]])).rounded()
    assert (seen.smallest, seen.largest, seen.num_rows) == (-12.0, 7.9, 2)


@pytest.mark.parametrize('decimals', [1, 2, 3])
def test_rounded_probabilities_are_taken_at_ones_word_with_a_warning(decimals):
    seen = OutputEvidence.of(softmax(np.random.default_rng(0).standard_normal((400, 10)), axis=1).round(decimals))
    assert output_kind(seen, 'probabilities') == 'probabilities'
    warnings = seen.rounding_warning('probabilities', 'multiclass')
    assert bool(warnings) == (not seen.look_like_probabilities())
    assert not warnings or 'they were rounded' in warnings[0]
    if warnings:
        with pytest.raises(PrivacyInputError, match='If they were rounded') as raised:
            output_kind(seen)
        assert 'logits' not in str(raised.value).split('If they were rounded')[1]


def test_what_no_rounding_explains_is_no_probability_and_nobody_is_sent_to_logits():
    sigmoids = OutputEvidence.of(np.full((50, 10), 0.9))
    with pytest.raises(PrivacyInputError, match='multilabel') as raised:
        output_kind(sigmoids, 'probabilities')
    assert "'logits'" not in str(raised.value)
