"""Configs that hypothesis makes up: whatever they ask for, a model that leaks everywhere is never blessed."""

from __future__ import annotations

import itertools
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.campaign.case import ERROR, REFUSAL, run

PRIVACY = 'generated: privacy_config'
VALUES = 'generated: privacy_config of any JSON'
EVAL = 'generated: eval_config'
NUM_CASES = {PRIVACY: 25, VALUES: 25, EVAL: 20}

_FEATURES = st.sampled_from(['color', 'size', 'label', 'logits', 'colour', '@class', '@correct', ''])
_VALUES = st.sampled_from(['red', 'pink', '1', 1, 0.0, ''])
_SPECS = st.fixed_dictionaries(
    {},
    optional={
        'feature_keys': st.lists(_FEATURES, max_size=2),
        'feature_values': st.dictionaries(_FEATURES, _VALUES, max_size=2),
    },
)
_ATTACKS = st.lists(
    st.sampled_from(['loss_threshold', 'scaled_logit_threshold', 'logistic_regression', 'los_threshold']), max_size=2
)
# Limits that the leak exceeds whatever the metric.
_THRESHOLDS = st.fixed_dictionaries(
    {
        'metric': st.sampled_from(['auc', 'advantage', 'tpr_at_fpr_0.1', 'tpr_at_fpr_0.01', 'max_ppv', 'auk']),
        'upper_bound': st.sampled_from([0.0, 0.5, 0.55, 0.6, -1, 1.5]),
    },
    optional={
        'attacks': _ATTACKS,
        'slicing_specs': st.lists(_SPECS, max_size=2),
        'block_if': st.sampled_from(['leak_shown', 'safety_not_shown', 'never']),
    },
)
_SPLITS = st.lists(st.sampled_from(['train', 'eval', 'test']), max_size=2)


def _some(fields):
    return st.fixed_dictionaries({}, optional=fields)


_CONFIGS = st.fixed_dictionaries(
    {'thresholds': st.lists(_THRESHOLDS, max_size=2)},
    optional={
        'attacks': _ATTACKS,
        'member_splits': _SPLITS,
        'non_member_splits': _SPLITS,
        'slicing_specs': st.lists(_SPECS, max_size=2),
        'slices': _some(
            {
                'by_class': st.booleans(),
                'by_correctness': st.booleans(),
                'max_slices': st.sampled_from([0, 1, 10, 1000]),
            }
        ),
        'outputs': _some(
            {
                'task': st.sampled_from(['auto', 'multiclass', 'multilabel', 'regression']),
                'kind': st.sampled_from(['auto', 'logits', 'probabilities']),
            }
        ),
        'decision': _some(
            {
                'confidence_level': st.sampled_from([0.5, 0.95, 0.9999, 1.0]),
                'min_examples': st.sampled_from([1, 2, 30, 300]),
            }
        ),
        'measurement': _some(
            {
                'folds': st.integers(1, 5),
                'max_bad_record_share': st.sampled_from([0.0, 0.1, 0.9]),
                'max_distinct_scores': st.sampled_from([10, 1000, 100_000]),
                'seed': st.integers(-1, 2**40),
            }
        ),
        'people': _some(
            {
                'group_key': st.sampled_from(['', 'color', 'size', 'owner']),
                'group_aggregation': st.sampled_from(['none', 'mean', 'max', 'logsumexp']),
                'num_most_vulnerable': st.integers(-1, 3),
            }
        ),
    },
)
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner), max_leaves=6
)
_ANY_FIELDS = st.dictionaries(
    st.sampled_from(['thresholds', 'attacks', 'slicing_specs', 'member_splits', 'measurement', 'outputs', 'extra']),
    _JSON,
)
_MODEL_SPECS = st.fixed_dictionaries(
    {'labelKey': st.sampled_from(['label', 'lable', 'color', 'logits', 'size', ''])},
    optional={
        'name': st.text(max_size=5),
        'signatureName': st.sampled_from(['serving_default', 'predict', '']),
        'predictionKey': st.sampled_from(['', 'outputs', 'scores']),
        'exampleWeightKey': st.sampled_from(['', 'size', 'color']),
        'modelType': st.sampled_from(['', 'tf_generic', 'tf_keras', 'onnx']),
        'isBaseline': st.booleans(),
    },
)
_EVAL_SPECS = st.fixed_dictionaries(
    {},
    optional={
        'featureKeys': st.lists(_FEATURES, max_size=2),
        'featureValues': st.dictionaries(_FEATURES, st.sampled_from(['red', '1', ''])),
    },
)
_EVAL_CONFIGS = st.fixed_dictionaries(
    {'modelSpecs': st.lists(_MODEL_SPECS, max_size=2)}, optional={'slicingSpecs': st.lists(_EVAL_SPECS, max_size=3)}
)
_NUMBERS = itertools.count()


def _generated(family):
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(
        max_examples=NUM_CASES[family], derandomize=True, database=None, deadline=None, suppress_health_check=checks
    )


def _never_blessed(templates, tmp_path, count, family, **arguments):
    rig = templates.copy('leaky', tmp_path / str(next(_NUMBERS)))
    outcome = run(rig, **arguments)
    count(family, outcome.kind, (ERROR, REFUSAL))
    assert outcome.kind in (ERROR, REFUSAL), arguments


@_generated(PRIVACY)
@given(fields=_CONFIGS)
def test_privacy_configs(fields, templates, tmp_path, count):
    _never_blessed(templates, tmp_path, count, PRIVACY, privacy_config=json.dumps(fields))


@_generated(VALUES)
@given(fields=_ANY_FIELDS)
def test_privacy_configs_of_any_values(fields, templates, tmp_path, count):
    _never_blessed(templates, tmp_path, count, VALUES, privacy_config=json.dumps(fields))


@_generated(EVAL)
@given(fields=_EVAL_CONFIGS)
def test_eval_configs(fields, templates, tmp_path, count):
    _never_blessed(templates, tmp_path, count, EVAL, eval_config=json.dumps(fields))
