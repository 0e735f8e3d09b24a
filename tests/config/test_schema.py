"""PrivacyConfig.json_schema() and the validation say the same, because they read the same declarations."""

import copy
import dataclasses
import json

import jsonschema
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, SlicingSpec, Threshold, policy
from privacy_component.attacks import ATTACKS
from privacy_component.checks import ACTIONS, CHECKS
from privacy_component.metrics.registry import METRICS
from tests.config.test_settings import OTHERS

SCHEMA = PrivacyConfig.json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
CONFIGS = {
    'defaults': PrivacyConfig(),
    'every group': PrivacyConfig(**OTHERS),
    'standard': policy('standard'),
    'strict': policy('strict', checks={'blind_baseline': 'refuse', 'accuracy_gap': 'off'}),
    'report only': policy('report_only'),
    'every attack': PrivacyConfig(attacks=tuple(ATTACKS)),
    'every metric': PrivacyConfig(
        thresholds=tuple(Threshold(name, 0.5) for name, metric in METRICS.items() if metric.lower is not None)
    ),
    'other rates': PrivacyConfig(
        thresholds=(
            Threshold('tpr_at_fpr_0.03', 0.5),
            Threshold('ppv_at_fpr_1e-3', 0.5),
            Threshold('empirical_epsilon_at_delta_0.0000012', 2),
        )
    ),
    'slices': PrivacyConfig(
        thresholds=(Threshold('auc', absolute=0.02, attacks=('loss_threshold',)), Threshold('auc', 1)),
        slicing_specs=(SlicingSpec(('color',)), SlicingSpec(feature_values={'size': 1, 'ratio': 0.5, 'color': 'red'})),
    ),
}


def leaves(schema, path=()):
    """(path, schema) of every field that is not a group."""
    for name, inner in schema['properties'].items():
        if 'properties' in inner and name != 'checks':
            yield from leaves(inner, (*path, name))
        else:
            yield (*path, name), inner


def with_value(path, value):
    for name in reversed(path):
        value = {name: value}
    return value


def accepts(fields):
    try:
        PrivacyConfig.from_json(json.dumps(fields))
    except PrivacyInputError:
        return False
    return True


def test_it_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA['$schema'] == 'https://json-schema.org/draft/2020-12/schema'


@pytest.mark.parametrize('name', CONFIGS)
def test_every_config_fits(name):
    VALIDATOR.validate(json.loads(CONFIGS[name].to_json()))


def test_an_empty_object_fits_and_the_defaults_are_those_of_the_config():
    VALIDATOR.validate({})
    written = json.loads(PrivacyConfig().to_json())
    for path, schema in leaves(SCHEMA):
        default = written
        for name in path:
            default = default[name]
        assert schema['default'] == default


@pytest.mark.parametrize(
    'fields',
    [
        {'atacks': ['loss_threshold']},
        {'min_examples': 30},
        {'decision': {'min_example': 30}},
        {'decision': []},
        {'attacks': ['loss_treshold']},
        {'attacks': ['mlp', 'mlp']},
        {'thresholds': [{'upper_bound': 0.6}]},
        {'thresholds': [{'metric': 'auk', 'upper_bound': 0.6}]},
        {'thresholds': [{'metric': 'max_ppv', 'upper_bound': 0.6}]},
        {'thresholds': [{'metric': 'tpr_at_fpr_', 'upper_bound': 0.6}]},
        {'thresholds': [{'metric': 'auc', 'upper_bound': '0.6'}]},
        {'thresholds': [{'metric': 'auc', 'upper_bound': 0.6, 'block_if': 'leak'}]},
        {'slicing_specs': [{'feature_keys': 'color'}]},
        {'slicing_specs': [{'feature_values': {'color': ['red']}}]},
        {'checks': {'blind_base_line': 'warn'}},
        {'checks': {'blind_baseline': 'ignore'}},
        {'decision': {'refusal_overrides': [{'model': 'sha256:' + '0' * 63, 'reason': 'x'}]}},
        {'decision': {'refusal_overrides': [{'model': 'sha256:' + '0' * 64, 'reason': ' '}]}},
        {'people': {'group_key': None}},
    ],
)
def test_what_the_config_refuses_the_schema_refuses(fields):
    assert not VALIDATOR.is_valid(fields)
    if fields != {'min_examples': 30}:  # which is read for one more release
        assert not accepts(fields)


@pytest.mark.parametrize('path', [path for path, schema in leaves(SCHEMA) if 'minimum' in schema])
def test_ranges_are_those_of_the_validation(path):
    schema = dict(leaves(SCHEMA))[path]
    low, high = schema['minimum'], schema.get('maximum')
    step = 1 if schema['type'] == 'integer' else 1e-9
    # Their values differ only in the group itself, so that a rule between two fields does not decide.
    beside = {'people': {'min_reported_examples': 0}} if path[-1] == 'min_examples' else {}
    for value, fits in [
        (low, True),
        (low - step, False),
        *([] if high is None else [(high, True), (high + step, False)]),
    ]:
        fields = {**beside, **with_value(path, value)}
        assert VALIDATOR.is_valid(fields) == accepts(fields) == fits, value


@pytest.mark.parametrize('path', [path for path, schema in leaves(SCHEMA) if 'enum' in schema])
def test_choices_are_those_of_the_validation(path):
    for choice in dict(leaves(SCHEMA))[path]['enum']:
        assert accepts(with_value(path, choice))
        assert not accepts(with_value(path, choice + 'x')) and not VALIDATOR.is_valid(with_value(path, choice + 'x'))


def test_names_come_from_the_registries():
    assert SCHEMA['properties']['attacks']['items']['anyOf'][0]['enum'] == list(ATTACKS)
    checks = SCHEMA['properties']['checks']['properties']
    assert {name: one['enum'] for name, one in checks.items()} == {name: list(ACTIONS) for name in CHECKS}


def test_every_field_is_described_as_in_its_docstring():
    descriptions = {path: schema.get('description', '') for path, schema in leaves(SCHEMA)}
    assert all(descriptions.values())
    assert descriptions['slices', 'max_slices'] == 'more slices than this are an error.'
    words = SCHEMA['properties']['thresholds']['items']['properties']['absolute']['description']
    assert words.startswith('in its place, the largest rise') and words.endswith('less leakage is always better.')
    for name, group in OTHERS.items():
        assert SCHEMA['properties'][name]['description']
        assert len(dataclasses.fields(group)) == len(SCHEMA['properties'][name]['properties'])


def test_it_is_made_anew_each_time():
    changed = PrivacyConfig.json_schema()
    changed['properties'].clear()
    assert copy.deepcopy(SCHEMA) == PrivacyConfig.json_schema()
