"""Flat names of fields that have moved, and old names of classes: read for one release, with a warning."""

import dataclasses
import importlib
import json
import warnings

import pytest

import privacy_component
from privacy_component import PrivacyConfig, PrivacyInputError, policy
from privacy_component.config.moved_fields import MOVED
from tests.config.test_settings import OTHERS

FLAT = {old: getattr(OTHERS[group], new) for old, (group, new) in MOVED.items()}
# What has never had a flat name.
NEW = {
    'measurement': dataclasses.replace(OTHERS['measurement'], batch_size=0, time_limit_seconds=86_400, num_queries=32),
    'outputs': dataclasses.replace(OTHERS['outputs'], classes=()),
}
NESTED = PrivacyConfig(**OTHERS | NEW)


def as_json(value):
    return json.dumps(value, default=dataclasses.asdict)


def test_every_field_of_a_group_had_a_flat_name_but_new_ones_need_none():
    places = {(group, field.name) for group, one in OTHERS.items() for field in dataclasses.fields(one)}
    assert set(MOVED.values()) <= places


@pytest.mark.parametrize(
    'given',
    [
        lambda: PrivacyConfig(**FLAT),
        lambda: policy('report_only', **FLAT, report_only=False),
        lambda: PrivacyConfig.from_json(as_json(FLAT)),
    ],
)
def test_flat_names_give_the_same_config_and_one_warning_at_this_line(given):
    with pytest.warns(FutureWarning) as caught:
        assert given() == NESTED
    (warning,) = caught
    assert warning.filename == __file__
    assert warning.lineno == given.__code__.co_firstlineno
    for old, (group, new) in MOVED.items():
        assert f'{old} is now {group}.{new}' in str(warning.message)


def test_a_policy_keeps_what_it_sets_within_the_group_of_a_flat_name():
    with pytest.warns(FutureWarning, match='min_examples is now decision.min_examples'):
        decision = policy('strict', min_examples=50).decision
    assert (decision.min_examples, decision.small_slices) == (50, 'block')


@pytest.mark.parametrize('group', [{'min_examples': 40}, OTHERS['decision']])
def test_both_names_are_an_error(group):
    message = "gives both 'min_examples' and 'decision': min_examples is now decision.min_examples"
    for given in (
        lambda: PrivacyConfig(min_examples=40, decision=group),
        lambda: policy('standard', min_examples=40, decision=group),
        lambda: PrivacyConfig.from_json(as_json({'min_examples': 40, 'decision': group})),
        lambda: dataclasses.replace(NESTED, min_examples=40),
    ):
        with pytest.raises(PrivacyInputError, match=message):
            given()


def test_a_flat_name_beside_other_fields_of_its_group_is_read():
    with pytest.warns(FutureWarning):
        config = PrivacyConfig(min_examples=40, decision={'small_slices': 'block'})
    assert (config.decision.min_examples, config.decision.small_slices) == (40, 'block')


def test_a_bad_value_by_a_flat_name_is_named_by_its_new_place():
    with pytest.raises(PrivacyInputError, match=r'PrivacyConfig\.decision\.min_examples is 1;'):
        PrivacyConfig(min_examples=1)


@pytest.mark.parametrize('old', MOVED)
def test_a_flat_name_can_be_read_of_a_config(old):
    with pytest.warns(FutureWarning, match=f'{old} is now') as caught:
        assert getattr(NESTED, old) == FLAT[old]
    assert caught[0].filename == __file__


def test_what_never_was_a_field_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'PrivacyConfig' object has no attribute 'min_example'"):
        NESTED.min_example  # noqa: B018
    with pytest.raises(TypeError, match='min_example'):
        PrivacyConfig(min_example=3)


def test_new_names_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert PrivacyConfig.from_json(dataclasses.replace(NESTED).to_json()) == NESTED
        policy('strict', decision={'min_examples': 50})


@pytest.mark.parametrize(
    ('module', 'old', 'new'),
    [
        ('privacy_component', 'Overturn', 'RefusalOverride'),
        ('privacy_component', 'StandingRefusalsStrategy', 'PreviousEvaluationsStrategy'),
        ('privacy_component.component.resolver', 'StandingRefusalsStrategy', 'PreviousEvaluationsStrategy'),
    ],
)
def test_old_names_of_classes_are_the_new_ones(module, old, new):
    home = importlib.import_module(module)
    with pytest.warns(FutureWarning, match=f'{old} is now {new}') as caught:
        assert getattr(home, old) is getattr(home, new)
    assert caught[0].filename == __file__
    assert old not in privacy_component.__all__


def test_an_import_by_an_old_name_warns_at_its_line():
    with pytest.warns(FutureWarning) as caught:
        exec(compile('\n\nfrom privacy_component import Overturn', 'users.py', 'exec'), {'__name__': 'users'})
    assert (caught[0].filename, caught[0].lineno) == ('users.py', 3)
