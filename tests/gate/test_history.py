"""A refusal stands until somebody overrides it by name."""

import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, RefusalOverride
from privacy_component.gate.history import NOT_BLESSED, REFUSAL_STANDS, REFUSED, Earlier, with_history
from privacy_component.gate.verdict import Verdict

MODEL = 'sha256:' + 'a' * 64
OTHER = 'sha256:' + 'b' * 64
PASSED = Verdict(True, ('nothing exceeds its limit',), ('a warning',))
FAILED = Verdict(False, ('a leak is shown',), ('a warning',))


def earlier(outcome, message='red leaks'):
    return Earlier('/runs/7', outcome, message, 'c' * 64, ('thresholds', 'examples'))


@pytest.mark.parametrize(
    ('verdict', 'outcomes', 'model'),
    [
        (verdict, outcomes, model)
        for verdict in (PASSED, FAILED)
        for outcomes in ((), (NOT_BLESSED,), (REFUSED,), (REFUSAL_STANDS, NOT_BLESSED))
        for model in (MODEL, OTHER)
    ],
)
def test_history_never_makes_a_blessing_and_an_override_only_lifts_history(verdict, outcomes, model):
    found = with_history(
        verdict, [earlier(one) for one in outcomes], (RefusalOverride(model, 'mistaken limit'),), MODEL
    )
    stands = {REFUSED, REFUSAL_STANDS} & set(outcomes) and model != MODEL
    assert found.blessed == (verdict.blessed and not stands)
    assert found.comparisons == verdict.comparisons
    told = ' '.join((*found.reasons, *found.warnings))
    assert told.count('/runs/7') == len(outcomes)
    is_lifted = found.blessed and bool({REFUSED, REFUSAL_STANDS} & set(outcomes))
    assert ('This blessing overrides' in told) == is_lifted


def test_a_lack_of_evidence_is_told_and_blocks_nothing():
    found = with_history(PASSED, [earlier(NOT_BLESSED, 'too few examples')], (), MODEL)
    assert found.blessed
    assert found.warnings == (
        'a warning',
        'An earlier evaluation of this model did not bless it (/runs/7): "too few examples" What differs now: '
        'thresholds, examples.',
    )


def test_the_reason_says_how_to_override():
    found = with_history(PASSED, [earlier(REFUSED)], (), MODEL)
    assert 'refused it (/runs/7): "red leaks"' in found.reasons[0]
    assert f"RefusalOverride(model='{MODEL}', reason=...)" in found.reasons[1]


def test_a_long_message_is_cut():
    found = with_history(PASSED, [earlier(REFUSED, 'x' * 5000)], (), MODEL)
    assert len(found.reasons[0]) < 600


@pytest.mark.parametrize(
    ('fields', 'named'),
    [
        ({'model': 'a' * 64, 'reason': 'mistake'}, 'RefusalOverride.model is'),
        ({'model': MODEL.upper(), 'reason': 'mistake'}, 'RefusalOverride.model is'),
        ({'model': None, 'reason': 'mistake'}, 'RefusalOverride.model is None'),
        ({'model': MODEL, 'reason': ' '}, "RefusalOverride.reason is ' '"),
        ({'model': MODEL}, "refusal_overrides\\[0\\] lacks the field 'reason'"),
        ({'model': MODEL, 'because': 'x'}, "refusal_overrides\\[0\\] has no field 'because'"),
    ],
)
def test_a_mistake_in_an_override_is_named(fields, named):
    with pytest.raises(PrivacyInputError, match=named):
        PrivacyConfig(decision={'refusal_overrides': [fields]})


def test_refusal_overrides_survive_json():
    config = PrivacyConfig(decision={'refusal_overrides': (RefusalOverride(MODEL, 'a "reason"'),)})
    assert PrivacyConfig.from_json(config.to_json()) == config
