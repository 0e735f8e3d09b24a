"""Which of a pipeline's evaluations still stand, from their artifacts' properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy_component import PreviousEvaluationsStrategy, PrivacyMetrics
from privacy_component.component.previous_evaluations import earlier_evaluations, standing
from privacy_component.gate.history import (
    BLESSED,
    BLESSED_OVER_REFUSAL,
    NOT_BLESSED,
    REFUSAL_STANDS,
    REFUSED,
    Earlier,
    with_history,
)
from privacy_component.gate.reasons import REPORT_ONLY
from privacy_component.gate.verdict import Verdict

OUTCOMES = (BLESSED, NOT_BLESSED, BLESSED_OVER_REFUSAL, REFUSAL_STANDS, REFUSED)
ONLY_REPEATS = with_history(Verdict(True, ()), [Earlier('/1', REFUSED, 'red leaks', '', ())], (), 'a').reasons[0]
MESSAGES = ('red leaks', 'blue leaks', 'unsound', REPORT_ONLY, ONLY_REPEATS)
HISTORIES = st.lists(st.tuples(*map(st.sampled_from, ('ab', OUTCOMES, MESSAGES))), max_size=12)
NOW = {
    'model_fingerprint': 'a',
    'thresholds_sha256': '1',
    'attacks_sha256': '1',
    'settings_sha256': '1',
    'eval_config_sha256': '1',
    'examples_sha256': '1',
    'other_inputs_sha256': '1',
    'upstream': 'not asked',
    'version': '1',
}


def artifact(number, **properties):
    metrics = PrivacyMetrics()
    metrics.id, metrics.uri = number, f'/runs/{number}'
    for name, value in properties.items():
        metrics.set_string_custom_property(name, value)
    return metrics


def artifacts_of(history):
    return [
        artifact(i, model_fingerprint=model, outcome=outcome, message=message)
        for i, (model, outcome, message) in enumerate(history, start=1)
    ]


def is_refused(history, model):
    """The history of one model, told from the start."""
    stands = False
    for outcome in (o for m, o, _ in history if m == model):
        stands = outcome != BLESSED_OVER_REFUSAL and (stands or outcome in (REFUSED, REFUSAL_STANDS))
    return stands


@given(HISTORIES, st.randoms(use_true_random=False))
def test_what_stands_is_what_was_refused_since_the_last_override(history, random):
    artifacts = artifacts_of(history)
    expected = [one.id for one in standing(artifacts)]
    random.shuffle(artifacts)
    assert [one.id for one in standing(artifacts)] == expected
    for model in 'ab':
        evaluations = earlier_evaluations(artifacts, NOW | {'model_fingerprint': model})
        assert any(one.outcome in (REFUSED, REFUSAL_STANDS) for one in evaluations) == is_refused(history, model)


@given(HISTORIES)
def test_evaluating_a_refused_model_again_changes_nothing_that_is_resolved(history):
    """So that the second such evaluation is found in the cache."""
    history = [*history, ('a', REFUSED, 'red leaks')]
    resolve = PreviousEvaluationsStrategy().resolve_artifacts
    before = resolve(None, {'previous_metrics': artifacts_of(history)})['previous_metrics']
    for again in (
        (BLESSED, 'fine'),
        (REFUSED, 'red leaks'),
        (REFUSAL_STANDS, ONLY_REPEATS),
        (NOT_BLESSED, REPORT_ONLY),
    ):
        after = resolve(None, {'previous_metrics': artifacts_of([*history, ('a', *again)])})['previous_metrics']
        assert [one.id for one in after] == [one.id for one in before]


@pytest.mark.parametrize(
    ('history', 'mentioned'),
    [
        ([(NOT_BLESSED, REPORT_ONLY), (NOT_BLESSED, 'unsound')], [2]),
        ([(NOT_BLESSED, 'too few'), (NOT_BLESSED, 'unsound'), (NOT_BLESSED, 'unsound')], [1, 2]),
        ([(NOT_BLESSED, f'{REPORT_ONLY} unsound'), (NOT_BLESSED, 'too few')], [1, 2]),
        ([(REFUSED, 'red leaks'), (REFUSED, 'blue leaks'), (REFUSED, 'red leaks')], [1, 2]),
        ([(REFUSED, 'red leaks'), (REFUSAL_STANDS, ONLY_REPEATS), (REFUSAL_STANDS, REPORT_ONLY)], [1]),
        ([(REFUSED, 'red leaks'), (REFUSAL_STANDS, 'unsound'), (REFUSAL_STANDS, 'unsound')], [1, 2]),
        ([(REFUSAL_STANDS, ONLY_REPEATS), (REFUSAL_STANDS, REPORT_ONLY)], [1]),  # the refusal itself is gone
        ([(REFUSAL_STANDS, REPORT_ONLY), (NOT_BLESSED, REPORT_ONLY)], [1]),
        (
            [
                (NOT_BLESSED, 'unsound'),
                (REFUSED, 'red leaks'),
                (BLESSED_OVER_REFUSAL, 'fine'),
                (NOT_BLESSED, 'too few'),
            ],
            [4],
        ),
    ],
)
def test_every_reason_is_mentioned_once(history, mentioned):
    artifacts = artifacts_of([('a', *one) for one in history])
    assert [one.uri for one in earlier_evaluations(artifacts, NOW)] == [f'/runs/{number}' for number in mentioned]


def test_nothing_refused_is_an_empty_list():
    assert PreviousEvaluationsStrategy().resolve_artifacts(None, {'previous_metrics': []}) == {'previous_metrics': []}


def test_what_differs_is_told_in_words():
    same = NOW | {'outcome': REFUSED, 'message': 'red leaks'}
    (found,) = earlier_evaluations([artifact(3, **same)], NOW)
    assert (found.uri, found.message, found.differs) == ('/runs/3', 'red leaks', ())
    (found,) = earlier_evaluations([artifact(3, **same)], NOW | {'examples_sha256': '2', 'upstream': 'blessed'})
    assert found.differs == ('examples', 'the upstream verdict')


def test_artifacts_of_other_models_and_of_releases_before_fingerprints_say_nothing():
    assert not earlier_evaluations([artifact(1), artifact(2, model_fingerprint='b', outcome=REFUSED)], NOW)
