"""Settings: every field of both configs with every kind of value that it cannot have, and texts that are no config."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow_model_analysis as tfma
from google.protobuf import json_format

from privacy_component import PrivacyConfig
from privacy_component.config.moved_fields import MOVED
from tests.campaign.case import ERROR, REFUSAL, Case
from tests.component import world as w

EVAL_TEXT = 'eval_config: text'
EVAL = 'eval_config: fields'
PRIVACY_TEXT = 'privacy_config: text'
PRIVACY = 'privacy_config: fields'

_EITHER = (ERROR, REFUSAL)

_NO_CONFIGS = {
    'empty': '',
    'a brace': '{',
    'text': 'thresholds: auc < 0.6',
    'a list': '[]',
    'a number': '3',
    'true': 'true',
    'cut short': '{"thresholds": [{"metric": "au',
    'twice': '{}{}',
    'bytes': '\x00\x01',
    'lists 100,000 deep': '[' * 100_000,
    'objects 100,000 deep': '{"slicing_specs":' * 100_000,
    'a number of 5,000 digits': '{"slicing_specs": ' + '9' * 5000 + '}',
    'half of a surrogate pair': '{"slicing_specs": [{"feature_keys": ["\\ud800"]}]}',
    'a key twice': '{"slicing_specs": [], "slicing_specs": []}',
}
_KEYS_TWICE = {
    'privacy_config': (
        '{"thresholds": [{"metric": "auc", "upper_bound": 0.6}], "thresholds": [{"metric": "auc", "upper_bound": 1}]}',
        "'thresholds' twice",
    ),
    'eval_config': ('{"model_specs": [{"label_key": "label", "labelKey": "size"}]}', "'labelKey' twice"),
}
_WRONG: dict[str, Any] = {
    'null': None,
    'text': 'yes, please',
    'a fraction': 0.3331,
    'NaN': float('nan'),
    'a huge number': 10**400,
    'a list of numbers': [1, 2],
    'an object': {'a': 'b'},
    'text with a newline': 'a\nb',
}


def cases() -> Iterator[Case]:
    yield from _texts(PRIVACY_TEXT, 'privacy_config')
    yield from _texts(EVAL_TEXT, 'eval_config')
    yield from _privacy_fields()
    yield from _eval_fields()


def _texts(family: str, name: str) -> Iterator[Case]:
    for kind, text in _NO_CONFIGS.items():
        yield Case(family, kind, lambda rig, t=text: {name: t}, mentions=(name,), world='leaky')
    text, said = _KEYS_TWICE[name]
    yield Case(family, 'a key twice, the second of which would count', lambda rig: {name: text}, mentions=(name, said),
               world='leaky')  # fmt: skip
    # Python's JSON reader takes an empty object for a config of defaults, which has no thresholds.
    yield Case(family, 'an empty object', lambda rig: {name: '{}'}, (ERROR, REFUSAL), world='leaky')


def _privacy_fields() -> Iterator[Case]:
    """Some of these are values that a field can have; the leak is to be found, or the config refused, all the same."""
    for path in _paths(PrivacyConfig()):
        for kind, value in _WRONG.items():
            text = _config_with(**_nested(path, value))
            name, words = f'{".".join(path)} is {kind}', path[-1].removesuffix('s')
            yield Case(PRIVACY, name, lambda rig, t=text: {'privacy_config': t}, _EITHER, (words,), 'leaky')
    for old, value in {'min_examples': 1, 'seed': -1, 'slice_by_class': 3, 'overturns': [{}]}.items():
        text = _config_with(**{old: value})
        for kind, given in (
            (f'{old} out of range by its flat name', _flat(old, value)),
            (f'{old} by both names', text),
        ):
            yield Case(
                PRIVACY, kind, lambda rig, t=given: {'privacy_config': t}, mentions=(MOVED[old][1],), world='leaky'
            )
    for field in ('metric', 'upper_bound', 'attacks', 'slicing_specs', 'block_if', 'if_undecided'):
        for kind, value in _WRONG.items():
            text = _config_with(thresholds=[{'metric': 'auc', 'upper_bound': 0.6} | {field: value}])
            name, words = f'{field} of a threshold is {kind}', field.removesuffix('s')
            yield Case(PRIVACY, name, lambda rig, t=text: {'privacy_config': t}, _EITHER, (words,), 'leaky')
    specs: dict[str, Any] = {
        'a text': 'color',
        'feature_keys of numbers': {'feature_keys': [1]},
        'feature_values of lists': {'feature_values': {'color': ['red']}},
        'an unknown field': {'features': ['color']},
        'an unknown feature': {'feature_keys': ['colour']},
    }
    for kind, value in specs.items():
        text = _config_with(slicing_specs=[value])
        yield Case(PRIVACY, f'a slicing spec is {kind}', lambda rig, t=text: {'privacy_config': t}, world='leaky')


def _paths(settings: Any) -> Iterator[tuple[str, ...]]:
    """Every field, and every field within a group."""
    for field in dataclasses.fields(settings):
        yield (field.name,)
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from ((field.name, *path) for path in _paths(value))


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for name in reversed(path):
        value = {name: value}
    return value


def _flat(old: str, value: Any) -> str:
    return json.dumps({'thresholds': [{'metric': 'auc', 'upper_bound': 0.6}], old: value})


def _config_with(**changes: Any) -> str:
    return json.dumps(json.loads(w.config().to_json()) | changes)


def _eval_fields() -> Iterator[Case]:
    texts: dict[str, dict[str, Any]] = {
        'model_specs is text': {'modelSpecs': 'label'},
        'model_specs is an object': {'modelSpecs': {'labelKey': 'label'}},
        'an unknown field': {'modelSpec': []},
        'label_key is a number': {'modelSpecs': [{'labelKey': 3}]},
        'slicing_specs is text': {'modelSpecs': [{'labelKey': 'label'}], 'slicingSpecs': 'color'},
        'feature_keys is text': {'modelSpecs': [{'labelKey': 'label'}], 'slicingSpecs': [{'featureKeys': 'color'}]},
        'no model_specs': {'slicingSpecs': [{}]},
    }
    for name, fields in texts.items():
        yield Case(EVAL, name, lambda rig, f=fields: {'eval_config': json.dumps(f)}, mentions=('eval_config',),
                   world='leaky')  # fmt: skip
    yield from _model_specs()
    yield from _slicing_specs()


def _model_specs() -> Iterator[Case]:
    changes: dict[str, tuple[dict[str, Any], str]] = {
        'label_key is misspelt': ({'label_key': 'lable'}, 'lable'),
        'label_key is empty': ({'label_key': ''}, 'label_key'),
        'label_key is the logits': ({'label_key': 'logits'}, 'logits'),
        'label_key is text': ({'label_key': 'color'}, 'color'),
        'label_keys for several outputs': ({'label_key': '', 'label_keys': {'a': 'label', 'b': 'size'}}, 'label_keys'),
        'prediction_key is unknown': ({'prediction_key': 'scores'}, 'scores'),
        'signature_name is unknown': ({'signature_name': 'serving'}, 'serving'),
        'signature_name is an attribute': ({'signature_name': 'serve@'}, 'serve@'),
        'preprocessing_function_names is unknown': ({'preprocessing_function_names': ['tft_layer']}, 'tft_layer'),
        'model_type is unknown': ({'model_type': 'onnx'}, 'onnx'),
        'model_type is tf_js': ({'model_type': 'tf_js'}, ''),
        'model_type is tf_lite': ({'model_type': 'tf_lite'}, ''),
        'example_weight_key is unknown': ({'example_weight_key': 'importance'}, 'importance'),
        'example_weight_key is text': ({'example_weight_key': 'color'}, 'color'),
        'example_weight_key has several values': ({'example_weight_key': 'logits'}, 'logits'),
        'example_weight_keys for several outputs': ({'example_weight_keys': {'a': 'size'}}, 'example_weight_keys'),
        'it is only a baseline': ({'is_baseline': True}, 'candidate'),
    }
    for name, (change, words) in changes.items():
        yield _eval_case(name, lambda c=change: w.eval_config(**c), (words,))
    yield _eval_case('two candidates', _two_candidates, ('2 candidate',))


def _two_candidates() -> tfma.EvalConfig:
    evaluation = w.eval_config()
    evaluation.model_specs.add(name='other', label_key='label')
    return evaluation


def _slicing_specs() -> Iterator[Case]:
    specs: dict[str, tuple[tfma.SlicingSpec, tuple[str, ...], str]] = {
        'of an unknown feature': (tfma.SlicingSpec(feature_keys=['colour']), (ERROR,), 'colour'),
        'of an empty name': (tfma.SlicingSpec(feature_keys=['']), (ERROR,), 'feature_keys'),
        'of an unknown value': (tfma.SlicingSpec(feature_values={'color': 'pink'}), (REFUSAL,), 'pink'),
        'of an unknown feature and value': (tfma.SlicingSpec(feature_values={'a': 'b'}), (REFUSAL, ERROR), ''),
        'in SQL': (tfma.SlicingSpec(slice_keys_sql='SELECT 1'), (ERROR,), 'slice_keys_sql'),
        'of one feature twice': (tfma.SlicingSpec(feature_keys=['color', 'color']), (ERROR, REFUSAL), ''),
        'of a key that is a value too': (
            tfma.SlicingSpec(feature_keys=['color'], feature_values={'color': 'red'}), (ERROR, REFUSAL), ''),
        'of the logits, one slice per example': (tfma.SlicingSpec(feature_keys=['logits']), (ERROR, REFUSAL), ''),
        'of a derived feature': (tfma.SlicingSpec(feature_keys=['@loss_percentile']), (ERROR, REFUSAL), ''),
        'of an unknown derived feature': (tfma.SlicingSpec(feature_keys=['@nothing']), (ERROR,), '@nothing'),
    }  # fmt: skip
    for name, (spec, expects, words) in specs.items():
        yield _eval_case(f'a slice {name}', lambda s=spec: _with_slice(s), (words,), expects)


def _with_slice(spec: tfma.SlicingSpec) -> tfma.EvalConfig:
    evaluation = w.eval_config()
    evaluation.slicing_specs.add().CopyFrom(spec)
    return evaluation


def _eval_case(
    name: str, make: Callable[[], tfma.EvalConfig], words: tuple[str, ...], expects: tuple[str, ...] = (ERROR,)
) -> Case:
    def spoil(rig: Any) -> dict[str, Any]:
        return {'eval_config': json_format.MessageToJson(make())}

    return Case(EVAL, name, spoil, expects, words, world='leaky')
