"""Canaries as serialized tf.Examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.config.canary_config import BRIGHT, MISLABELLED, CanaryConfig
from privacy_component.errors import PrivacyInputError, did_you_mean


def make_canaries(pool: Sequence[bytes], config: CanaryConfig, random: np.random.Generator) -> list[bytes]:
    """M different canaries.

    Args:
      pool: serialized real examples: the templates, and the labels that there are; for 'mislabelled' the first m are
        what canaries are made of.
      config: design and features.
      random: for what is drawn.

    Raises:
      PrivacyInputError: the examples lack a feature, hold other than numbers in one, or cannot give so many canaries.
    """
    try:
        examples = [tf.train.Example.FromString(record) for record in pool]
    except DecodeError as error:
        raise PrivacyInputError('a record is not a tf.Example: run the component that wrote it again.') from error
    labels = _labels(examples, config)
    if config.design == MISLABELLED:
        made = _mislabelled(examples, labels, config, random)
    else:
        made = _inputs(_template(examples, config), labels, config, random)
    records = [example.SerializeToString(deterministic=True) for example in made]
    hashes, _ = example_hashes(records)
    if len(np.unique(hashes)) < len(records):
        raise PrivacyInputError(
            f"two canaries of CanaryConfig.design '{config.design}' are equal, so that nobody could tell which of them "
            'is in: name more features in feature_keys, or lower num_canaries.'
        )
    return records


def _labels(examples: Sequence[tf.train.Example], config: CanaryConfig) -> list[tf.train.Feature]:
    """The different labels of the examples, in an order that does not depend on theirs."""
    label_key = config.label_key
    found = {}
    for example in examples:
        label = example.features.feature.get(label_key)
        if label is not None and label.WhichOneof('kind'):
            found[label.SerializeToString(deterministic=True)] = label
    if not found:
        raise _missing(label_key, 'label_key', examples)
    if len(found) == 1 and config.design == MISLABELLED:
        raise PrivacyInputError(
            f"the label '{label_key}' has one value in all of the {len(examples):,} examples looked at: there is no "
            "wrong one to give. Take another CanaryConfig.design, 'random' say."
        )
    return [found[text] for text in sorted(found)]


def _mislabelled(
    examples: Sequence[tf.train.Example], labels: Sequence[tf.train.Feature], config: CanaryConfig, random: Any
) -> list[tf.train.Example]:
    if len(examples) < config.num_canaries:
        raise PrivacyInputError(
            f"the split '{config.split}' has {len(examples):,} different examples, and CanaryConfig.num_canaries is "
            f'{config.num_canaries:,}: lower it.'
        )
    made = []
    for example in examples[: config.num_canaries]:
        if config.label_key not in example.features.feature:
            raise _missing(config.label_key, 'label_key', examples)
        others = [label for label in labels if label != example.features.feature[config.label_key]]
        made.append(_with(example, {config.label_key: others[random.integers(len(others))]}))
    return made


def _inputs(
    template: tf.train.Example, labels: Sequence[tf.train.Feature], config: CanaryConfig, random: Any
) -> list[tf.train.Example]:
    """Examples like the template in all but the label and the features of numbers."""
    sizes = {name: len(_values(template, name)) for name in config.feature_keys}
    draw = _bright if config.design == BRIGHT else _random
    values = draw(sum(sizes.values()), config, random)
    cuts = np.cumsum(list(sizes.values()))[:-1]
    chosen = random.integers(len(labels), size=config.num_canaries)
    made = []
    for row, label in zip(values, chosen, strict=True):
        parts = zip(sizes, np.split(row, cuts), strict=True)
        features = {name: _like(template.features.feature[name], part) for name, part in parts}
        made.append(_with(template, features | {config.label_key: labels[label]}))
    return made


def _bright(num_values: int, config: CanaryConfig, random: np.random.Generator) -> NDArray[np.float64]:
    """(m, num_values) zeros, but for one value in each row at a place of its own."""
    m = config.num_canaries
    if m > num_values:
        raise PrivacyInputError(
            f'CanaryConfig.num_canaries is {m:,}, and feature_keys hold {num_values:,} values in an example, one for '
            f"each 'bright' canary: lower it to {num_values:,}, name more features, or take the design 'random'."
        )
    rows = np.zeros((m, num_values))
    rows[np.arange(m), random.permutation(num_values)[:m]] = config.value
    return rows


def _random(num_values: int, config: CanaryConfig, random: np.random.Generator) -> NDArray[np.float64]:
    return random.uniform(-config.value, config.value, (config.num_canaries, num_values))


def _template(examples: Sequence[tf.train.Example], config: CanaryConfig) -> tf.train.Example:
    """The first example that has all of the features."""
    for name in config.feature_keys:
        holding = [one for one in examples if name in one.features.feature]
        if not any(_kind(one, name) for one in holding):
            raise _missing(name, 'feature_keys', examples)
        if any(_kind(one, name) == 'bytes_list' for one in holding):
            raise PrivacyInputError(
                f"CanaryConfig.feature_keys names '{name}', which holds text or bytes; 'bright' and 'random' canaries "
                "are made of numbers. Leave it out, or take the design 'mislabelled'."
            )
    for example in examples:
        if all(_values(example, name) for name in config.feature_keys):
            return example
    raise PrivacyInputError(
        f'none of {len(examples):,} examples has a value in every one of CanaryConfig.feature_keys: leave out those '
        'that are mostly missing.'
    )


def _with(example: tf.train.Example, features: dict[str, tf.train.Feature]) -> tf.train.Example:
    made = tf.train.Example.FromString(example.SerializeToString())
    for name, feature in features.items():
        made.features.feature[name].CopyFrom(feature)
    return made


def _like(feature: tf.train.Feature, values: NDArray[np.float64]) -> tf.train.Feature:
    """The values as a feature of the same type; whole numbers are none below 0, which may name no row of a table."""
    if feature.WhichOneof('kind') == 'float_list':
        return tf.train.Feature(float_list=tf.train.FloatList(value=values))
    whole = np.rint(np.abs(values)).astype(np.int64)
    return tf.train.Feature(int64_list=tf.train.Int64List(value=whole))


def _kind(example: tf.train.Example, name: str) -> str:
    return example.features.feature[name].WhichOneof('kind') or ''


def _values(example: tf.train.Example, name: str) -> Sequence[Any]:
    if name not in example.features.feature:
        return ()
    kind = _kind(example, name)
    return getattr(example.features.feature[name], kind).value if kind else ()


def _missing(name: str, field: str, examples: Sequence[tf.train.Example]) -> PrivacyInputError:
    known = sorted({feature for example in examples for feature in example.features.feature})
    hint = did_you_mean(name, known) or f'; there are {", ".join(known[:10])}'
    return PrivacyInputError(f"CanaryConfig.{field} names '{name}', which the examples do not have{hint}.")
