"""Records that are no tf.Examples, although some of them can be parsed as such: refused by what they are."""

from __future__ import annotations

import tensorflow as tf
from google.protobuf.message import DecodeError

from privacy_component.errors import PrivacyInputError

SEQUENCE = 'tf.SequenceExample'
_LIST = 'list of TF-Ranking (ExampleListWithContext)'
_INSTEAD = {
    SEQUENCE: 'write each sequence as one tf.Example, its steps as the values of a feature, or each step as an example '
    'of its own with PrivacyConfig.people.group_key naming the sequence',
    _LIST: 'write each entry of a list as a tf.Example of its own, with PrivacyConfig.people.group_key naming the list',
}


def check_plain_example(record: bytes, path: str) -> None:
    """Refuses a record that holds sequences or lists, of which a tf.Example would be a part.

    Raises:
      PrivacyInputError: it does; the message says what it is.
    """
    kind = SEQUENCE if _has_steps(record) else _LIST if _is_list(record) else ''
    if kind:
        raise other_payload(f'a record in {path} is a {kind}', kind)


def other_payload(what: str, kind: str) -> PrivacyInputError:
    """The error for records of another kind."""
    return PrivacyInputError(f'{what}; only tf.Examples can be judged: {_INSTEAD[kind]}.')


def _has_steps(record: bytes) -> bool:
    """A parser of tf.Examples takes a sequence's context for features, and does not miss the rest."""
    try:
        lists = tf.train.SequenceExample.FromString(record).feature_lists.feature_list
    except DecodeError:
        return False
    return any(_has_values(step) for steps in lists.values() for step in steps.feature)


def _is_list(record: bytes) -> bool:
    """Whether every part is a tf.Example with values; in a tf.Example itself the parts are features.

    ExampleListWithContext has its examples in field 1, as a FeatureList has its features, so that one splits the other.
    """
    try:
        parts = tf.train.FeatureList.FromString(record).feature
        examples = [tf.train.Example.FromString(part.SerializeToString()) for part in parts]
    except DecodeError:
        return False
    features = [feature for example in examples for feature in example.features.feature.values()]
    return bool(features) and all(map(_has_values, features))


def _has_values(feature: tf.train.Feature) -> bool:
    return feature.WhichOneof('kind') is not None
