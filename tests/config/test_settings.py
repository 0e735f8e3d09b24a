"""The groups of a PrivacyConfig: given as instances or mappings, checked where they stand, JSON both ways."""

import dataclasses
import json
import pickle

import pytest

from privacy_component import (
    DecisionSettings,
    MeasurementSettings,
    OutputSettings,
    PeopleSettings,
    PrivacyConfig,
    PrivacyInputError,
    RefusalOverride,
    SliceSettings,
)

OVERRIDE = RefusalOverride('sha256:' + '0' * 64, 'mistaken limit')
# Of every field in a group a value that is not its default.
OTHERS = {
    'slices': SliceSettings(False, True, True, True, 7),
    'people': PeopleSettings('person', 'mean', 3, 5),
    'outputs': OutputSettings('multiclass', 'logits', ('no', 'yes')),
    'measurement': MeasurementSettings(5, 7, 2000, 0.1, 64, 60, 8),
    'decision': DecisionSettings(0.9, 40, 'block', 'ignore', (OVERRIDE,)),
}


def test_these_are_all_groups_and_all_their_fields_differ():
    groups = {f.name: f.default for f in dataclasses.fields(PrivacyConfig) if dataclasses.is_dataclass(f.default)}
    assert set(groups) == set(OTHERS)
    for name, group in groups.items():
        for field in dataclasses.fields(group):
            assert getattr(group, field.name) != getattr(OTHERS[name], field.name)


def test_an_instance_and_a_mapping_are_the_same_config():
    config = PrivacyConfig(**OTHERS)
    assert PrivacyConfig(**{name: dataclasses.asdict(group) for name, group in OTHERS.items()}) == config
    assert PrivacyConfig(slices={'by_class': False}).slices == SliceSettings(by_class=False)


def test_they_survive_json_pickle_and_replace():
    config = PrivacyConfig(**OTHERS)
    assert PrivacyConfig.from_json(config.to_json()) == pickle.loads(pickle.dumps(config)) == config
    changed = dataclasses.replace(config, people=dataclasses.replace(config.people, group_key='author'))
    assert changed.people == PeopleSettings('author', 'mean', 3, 5)
    assert dataclasses.replace(changed, people=config.people) == config
    assert json.loads(config.to_json())['decision']['refusal_overrides'] == [dataclasses.asdict(OVERRIDE)]


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'slices': True}, "PrivacyConfig.slices must be a JSON object with fields, not 'True'"),
        ({'slices': {'by_clas': False}}, "PrivacyConfig.slices has no field 'by_clas'; did you mean 'by_class'?"),
        ({'people': OutputSettings()}, 'PrivacyConfig.people must be a JSON object'),
        ({'thresholds': [{'upper_bound': 0.6}]}, "PrivacyConfig.thresholds[0] lacks the field 'metric'"),
        ({'thresholds': {'metric': 'auc'}}, 'PrivacyConfig.thresholds is {'),
        ({'decision': {'confidence_level': 1.0}}, 'PrivacyConfig.decision.confidence_level is 1.0'),
        (
            {'decision': {'min_examples': 20}, 'people': {'min_reported_examples': 25}},
            'people.min_reported_examples is 25 and decision.min_examples only 20',
        ),
    ],
)
def test_a_mistake_is_named_with_its_path(fields, message):
    with pytest.raises(PrivacyInputError) as error:
        PrivacyConfig(**fields)
    assert message in str(error.value)


def test_a_group_is_checked_on_its_own_too():
    with pytest.raises(PrivacyInputError, match=r'PrivacyConfig\.measurement\.folds is 1; .* from 2 to 20'):
        MeasurementSettings(folds=1)


def test_a_flat_name_that_is_misspelt_leads_to_the_new_place():
    with pytest.raises(PrivacyInputError, match=r"no field 'min_example'; did you mean 'decision\.min_examples'\?"):
        PrivacyConfig.from_json('{"min_example": 3}')
