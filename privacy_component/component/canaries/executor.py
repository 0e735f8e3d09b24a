"""The CanaryInjector executor: look at the examples, make canaries, write the splits with them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import logging
from tensorflow_metadata.proto.v0 import schema_pb2

from privacy_component._version import __version__
from privacy_component.beam.examples.decode import read_schema
from privacy_component.beam.examples.record_hashes import example_hashes
from privacy_component.beam.plan import SplitFiles
from privacy_component.beam.surfaced_errors import surfacing
from privacy_component.component.canaries.coins import canary_salt, coins, generator, key_of, salt_id
from privacy_component.component.canaries.designs import make_canaries
from privacy_component.component.canaries.inject import Copy, Seen, look_at, write_copies, write_inserted, write_known
from privacy_component.component.compat import (
    BaseBeamExecutor,
    artifact_utils,
    examples_utils,
    fileio,
    types,
)
from privacy_component.component.example_files import compression_of, split_files
from privacy_component.component.output_lock import OutputLock
from privacy_component.component.publish import write_whole
from privacy_component.config.canary_config import (
    CANARY_IN,
    CANARY_OUT,
    CANARY_SPLITS,
    MISLABELLED,
    RANDOM,
    CanaryConfig,
)
from privacy_component.errors import PrivacyInputError, did_you_mean

EXAMPLES_KEY = 'examples'
OUTPUT_KEY = 'examples_with_canaries'
SCHEMA_KEY = 'schema'
TRANSFORM_GRAPH_KEY = 'transform_graph'
CANARY_CONFIG_KEY = 'canary_config'
VERSION_KEY = 'version'
# The custom properties of examples with canaries in them, which nobody may take for clean.
NUM_CANARIES, DESIGN, SALT_ID = 'num_canaries', 'canary_design', 'canary_salt_id'

_SALTS = 'salts'  # beside the outputs of all executions: which salts were used, and for what
_POOL = 256  # real examples that labels and a template are taken from
_TYPES = {schema_pb2.INT: 'whole numbers', schema_pb2.FLOAT: 'numbers', schema_pb2.BYTES: 'text or bytes'}

Artifacts = dict[str, list[types.Artifact]]


class Executor(BaseBeamExecutor):
    """Executor for CanaryInjector."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Writes the examples with canaries in the split that is trained on, and the splits of canaries.

        Args:
          input_dict: examples and, if wired, schema or transform_graph.
          output_dict: examples_with_canaries.
          exec_properties: canary_config, which is JSON.

        Raises:
          PrivacyInputError: canaries cannot be made of these examples; the message says why. Nothing is left then.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        config = CanaryConfig.from_json(exec_properties[CANARY_CONFIG_KEY])
        salt = canary_salt()
        examples = input_dict.get(EXAMPLES_KEY)
        if not examples:
            raise PrivacyInputError("the input 'examples' has no artifact: run the component that makes it.")
        splits = _splits(examples, config)
        _check_schema(_schema_path(input_dict), config)
        compression = compression_of(examples)
        output = artifact_utils.get_single_instance(output_dict[OUTPUT_KEY])
        with OutputLock.on(output.uri) as lock:
            seen = self._look(splits[config.split], compression, config, f'{output.uri}/.seen-{lock.token}.json')
            use = {'examples': f'{seen.fingerprint:016x}', 'canary_config': config.to_json()}
            canaries = _Canaries.of(seen, config, key_of(salt, use))
            _claim_salt(output.uri, salt, use)
            parts = f'{output.uri}/.parts-{lock.token}'
            fileio.makedirs(parts)
            try:
                copies = _copies(canaries, seen, splits, compression, config, output.uri, parts)
                self._run(lambda root: write_copies(root, copies, parts))
            finally:
                fileio.rmtree(parts)
            lock.check()
        _describe(output, examples[0], list(splits), config, salt)
        logging.info('Wrote %d canaries into the split %s and out of it.', config.num_canaries, config.split)

    def _look(self, split: SplitFiles, compression: str, config: CanaryConfig, path: str) -> Seen:
        pool_size = max(_POOL, config.num_canaries if config.design == MISLABELLED else 0)
        self._run(lambda root: look_at(root, split.paths, compression, pool_size, path))
        if not fileio.exists(path):
            raise PrivacyInputError(f"the split '{split.split}' is empty: its files hold no example.")
        with fileio.open(path, 'rb') as file:
            seen = Seen.from_json(file.read())
        fileio.remove(path)
        return seen

    def _run(self, build: Any) -> None:
        with surfacing(), self._make_beam_pipeline() as pipeline:
            build(pipeline)


def _splits(examples: Sequence[types.Artifact], config: CanaryConfig) -> dict[str, SplitFiles]:
    """The files of every split."""
    names = sorted({name for one in examples for name in artifact_utils.decode_split_names(one.split_names)})
    marked = [one.uri for one in examples if one.get_int_custom_property(NUM_CANARIES)]
    if marked or set(names) & set(CANARY_SPLITS):
        raise PrivacyInputError(
            f'the examples in {marked[0] if marked else examples[0].uri} hold canaries already: give CanaryInjector '
            'those that it was given then.'
        )
    if config.split not in names:
        hint = did_you_mean(config.split, names) or f'; there are {", ".join(names)}'
        raise PrivacyInputError(f"CanaryConfig.split is '{config.split}', which the examples do not have{hint}.")
    return {name: split_files(examples, name, True) for name in names}


def _schema_path(input_dict: Artifacts) -> str:
    if input_dict.get(TRANSFORM_GRAPH_KEY):
        return f'{artifact_utils.get_single_uri(input_dict[TRANSFORM_GRAPH_KEY])}/transformed_metadata'
    return artifact_utils.get_single_uri(input_dict[SCHEMA_KEY]) if input_dict.get(SCHEMA_KEY) else ''


def _check_schema(path: str, config: CanaryConfig) -> None:
    """Raises PrivacyInputError if a schema knows the label or a feature not, or as text, or with other values."""
    schema = read_schema(path)
    if schema is None:
        return
    for feature in schema.feature:
        if feature.name in config.feature_keys:
            _check_domain(feature, config)
    found = {feature.name: feature.type for feature in schema.feature}
    for field, names in (('label_key', (config.label_key,)), ('feature_keys', config.feature_keys)):
        for name in names:
            if name not in found:
                hint = did_you_mean(name, found) or f'; it has {", ".join(sorted(found)[:10])}'
                raise PrivacyInputError(f"CanaryConfig.{field} names '{name}', which the schema does not have{hint}.")
            if field == 'feature_keys' and found[name] == schema_pb2.BYTES:
                raise PrivacyInputError(
                    f"CanaryConfig.feature_keys names '{name}', which holds {_TYPES[found[name]]} by the schema; "
                    f"canaries of the design '{config.design}' are made of numbers: leave it out."
                )


def _check_domain(feature: schema_pb2.Feature, config: CanaryConfig) -> None:
    """Who filters by the schema, or clips, would take the canaries out, or change them."""
    for name in ('int_domain', 'float_domain'):
        domain = getattr(feature, name)
        lowest = -config.value if config.design == RANDOM and name == 'float_domain' else 0
        if feature.HasField(name) and (
            (domain.HasField('max') and config.value > domain.max) or (domain.HasField('min') and lowest < domain.min)
        ):
            raise PrivacyInputError(
                f"canaries of CanaryConfig.design '{config.design}' have values from {lowest:g} to {config.value:g} in "
                f"'{feature.name}', for which the schema allows {_range_of(domain)}: set CanaryConfig.value so that "
                'they fit, leave the feature out of feature_keys, or widen its domain in the schema.'
            )


def _range_of(domain: schema_pb2.IntDomain | schema_pb2.FloatDomain) -> str:
    ends = (
        f'{domain.min:g}' if domain.HasField('min') else 'any',
        f'{domain.max:g}' if domain.HasField('max') else 'any',
    )
    return ' to '.join(ends)


def _claim_salt(uri: str, salt: bytes, use: Mapping[str, str]) -> None:
    """Notes what a salt is used for.

    Raises:
      PrivacyInputError: it was used for something else: a secret that was told once is none.
    """
    path = f'{uri.rstrip("/").rpartition("/")[0]}/{_SALTS}/{salt_id(salt)}.json'
    if not fileio.exists(path):
        fileio.makedirs(path.rpartition('/')[0])
        write_whole(path, json.dumps({**use, 'uri': uri}))
        return
    with fileio.open(path, 'rb') as file:
        before = json.loads(file.read())
    if any(before.get(name) != value for name, value in use.items()):
        raise PrivacyInputError(
            f'the salt was used already, for the canaries in {before.get("uri")} with other examples or another '
            'CanaryConfig: coins that were told once are no secret any more. Make a new one (openssl rand -hex 32).'
        )


class _Canaries(NamedTuple):
    """What the salt makes of the examples.

    Attributes:
      sides: the records of CANARY_IN and of CANARY_OUT.
      taken: hashes of real examples that are left out.
      places: by file, (place, record) of those that go into it.
    """

    sides: Mapping[str, Sequence[bytes]]
    taken: frozenset[int]
    places: Mapping[str, Sequence[tuple[int, bytes]]]

    @classmethod
    def of(cls, seen: Seen, config: CanaryConfig, key: bytes) -> _Canaries:
        """Made, and tossed for.

        Raises:
          PrivacyInputError: canaries cannot be made of these examples.
        """
        records = make_canaries([record for _, record in seen.pool], config, generator(key, 'canaries'))
        taken = frozenset(number for number, _ in seen.pool[: config.num_canaries])
        is_in = coins(key, config.num_canaries)
        sides = {
            name: [record for record, one in zip(records, is_in, strict=True) if one == side]
            for name, side in ((CANARY_IN, True), (CANARY_OUT, False))
        }
        places = _places(sides[CANARY_IN], seen, generator(key, 'places'))
        return cls(sides, taken if config.design == MISLABELLED else frozenset(), places)


def _copies(
    canaries: _Canaries,
    seen: Seen,
    splits: Mapping[str, SplitFiles],
    compression: str,
    config: CanaryConfig,
    uri: str,
    folder: str,
) -> list[Copy]:
    """All files to write: those there are, with canaries in the split that is trained on, and two of canaries.

    What goes into each is written into `folder` first.
    """
    known = f'{folder}/known.npz'
    hashes, _ = example_hashes([record for side in canaries.sides.values() for record in side])
    write_known(known, hashes.tolist(), canaries.taken)
    copies = []
    for name, split in splits.items():
        for number, path in enumerate(split.paths):
            target = f'{uri}/Split-{name}/{_file_name(number, len(split.paths), compression)}'
            inserted = f'{folder}/inserted-{number:05d}' if path in canaries.places and name == config.split else ''
            if inserted:
                write_inserted(inserted, canaries.places[path])
            copies.append(Copy(path, target, compression, inserted, known if name == config.split else ''))
    for name, records in canaries.sides.items():
        write_inserted(f'{folder}/{name}', [(0, record) for record in records])
        target = f'{uri}/Split-{name}/{_file_name(0, 1, compression)}'
        copies.append(Copy('', target, compression, f'{folder}/{name}'))
    return copies


def _places(
    records: Sequence[bytes], seen: Seen, random: np.random.Generator
) -> dict[str, tuple[tuple[int, bytes], ...]]:
    """By file, the canaries and where in it they go: each anywhere among all examples."""
    paths = sorted(seen.num_examples)
    ends = np.cumsum([seen.num_examples[path] for path in paths])
    places = random.integers(ends[-1], size=len(records))
    inserted: dict[str, list[tuple[int, bytes]]] = {}
    for row in np.argsort(places, kind='stable').tolist():
        file = int(np.searchsorted(ends, places[row], side='right'))
        place = int(places[row] - (ends[file - 1] if file else 0))
        inserted.setdefault(paths[file], []).append((place, records[row]))
    return {path: tuple(some) for path, some in inserted.items()}


def _file_name(number: int, total: int, compression: str) -> str:
    return f'data_tfrecord-{number:05d}-of-{total:05d}' + ('.gz' if compression == 'GZIP' else '')


def _describe(
    output: types.Artifact, examples: types.Artifact, names: list[str], config: CanaryConfig, salt: bytes
) -> None:
    output.split_names = artifact_utils.encode_split_names([*names, *CANARY_SPLITS])
    examples_utils.set_file_format(output, examples_utils.get_file_format(examples))
    payload = examples.get_string_custom_property('payload_format')
    if payload:
        output.set_string_custom_property('payload_format', payload)
    for name in ('span', 'version'):
        if examples.has_custom_property(name):
            output.set_string_custom_property(name, str(examples.get_string_custom_property(name)))
    output.set_int_custom_property(NUM_CANARIES, config.num_canaries)
    output.set_string_custom_property(DESIGN, config.design)
    output.set_string_custom_property('canary_split', config.split)
    output.set_string_custom_property(SALT_ID, salt_id(salt))
    output.set_string_custom_property('privacy_component_version', __version__)
