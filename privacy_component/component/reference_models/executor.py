"""The ReferenceModels executor: divide the examples, train the models, write the set."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from absl import logging

from privacy_component._version import __version__
from privacy_component.beam.surfaced_errors import surfacing
from privacy_component.component.compat import BaseBeamExecutor, artifact_utils, fileio, types
from privacy_component.component.example_files import compression_of, splits_of
from privacy_component.component.output_lock import OutputLock
from privacy_component.component.provenance import directory_fingerprint
from privacy_component.component.publish import write_whole
from privacy_component.component.reference_models.half_files import Halving
from privacy_component.component.reference_models.manifest import FILE_NAME, SCHEMA_VERSION, ReferenceManifest
from privacy_component.component.reference_models.store import Kept, Store, copied
from privacy_component.component.reference_models.train_models import Training, look_at, train_models
from privacy_component.component.reference_models.train_one import TrainingJob
from privacy_component.errors import PrivacyInputError

EXAMPLES_KEY = 'examples'
INPUTS = ('transform_graph', 'schema', 'hyperparameters')
OF_TRAINER = ('train_args', 'eval_args', 'module_file', 'module_path', 'run_fn', 'custom_config')
SETTINGS_KEY = 'settings'
VERSION_KEY = 'version'
REFERENCE_MODELS_KEY = 'reference_models'

Artifacts = dict[str, list[types.Artifact]]


class Population(NamedTuple):
    """What models are trained on: by split, how many examples, and their fingerprint."""

    num_examples: Mapping[str, int]
    fingerprints: Mapping[str, int]


class Executor(BaseBeamExecutor):
    """Executor for ReferenceModels."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        """Trains the models that are not there yet and writes them with their manifest.

        Args:
          input_dict: examples and, if wired, transform_graph, schema and hyperparameters.
          output_dict: reference_models.
          exec_properties: Trainer's, and settings, which is JSON.

        Raises:
          PrivacyInputError: a model cannot be trained; the message says which and why. Those that are trained are kept.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        settings = json.loads(exec_properties[SETTINGS_KEY])
        artifact = artifact_utils.get_single_instance(output_dict[REFERENCE_MODELS_KEY])
        halving = _halving(input_dict, settings)
        with OutputLock.on(artifact.uri) as lock:
            population = self._population(halving, f'{artifact.uri}/.population-{lock.token}.json')
            jobs = _jobs(input_dict, exec_properties, halving)
            recipe = _recipe(jobs[0])
            store = Store(settings['keep_in'] or f'{artifact.uri.rstrip("/").rpartition("/")[0]}/kept')
            keys = tuple(_key(recipe, population, settings['seed'], job) for job in jobs)
            training = Training(keys, store, settings['attempts'], settings['time_limit_minutes'])
            self._run(lambda root: train_models(root, jobs, training))
            kept = [_found(store, key) for key in keys]
            _check_halves(kept, population)
            models = tuple(copied(one, artifact.uri, f'models/{i}', lock.check) for i, one in enumerate(kept))
            manifest = ReferenceManifest(
                schema_version=SCHEMA_VERSION,
                seed=settings['seed'],
                member_splits=tuple(settings['member_splits']),
                non_member_splits=tuple(settings['non_member_splits']),
                num_examples=population.num_examples,
                fingerprints={split: f'{total:016x}' for split, total in population.fingerprints.items()},
                recipe=recipe,
                models=models,
                version=__version__,
            )
            lock.check()
            write_whole(f'{artifact.uri}/{FILE_NAME}', manifest.to_json())
        _describe(artifact, manifest)
        for key in keys:
            store.drop(key)

    def _population(self, halving: Halving, path: str) -> Population:
        self._run(lambda root: look_at(root, halving, path))
        with fileio.open(path, 'rb') as file:
            found = json.loads(file.read())
        fileio.remove(path)
        for split in halving.splits:
            if not found.get(split.split, (0, 0))[0]:
                raise PrivacyInputError(f"the split '{split.split}' is empty: its files hold no example.")
        return Population(
            {name: number for name, (number, _) in found.items()}, {name: total for name, (_, total) in found.items()}
        )

    def _run(self, build: Any) -> None:
        with surfacing(), self._make_beam_pipeline() as pipeline:
            build(pipeline)


def _halving(input_dict: Artifacts, settings: Mapping[str, Any]) -> Halving:
    examples = input_dict.get(EXAMPLES_KEY)
    if not examples:
        raise PrivacyInputError("the input 'examples' has no artifact: run the component that makes it.")
    transform_path = ''
    if settings['apply_transform']:
        transform_path = artifact_utils.get_single_uri(input_dict['transform_graph'])
    return Halving(
        splits=splits_of(examples, settings['member_splits'], settings['non_member_splits']),
        compression=compression_of(examples),
        num_models=settings['num_models'],
        seed=settings['seed'],
        transform_path=transform_path,
    )


def _jobs(input_dict: Artifacts, exec_properties: Mapping[str, Any], halving: Halving) -> list[TrainingJob]:
    inputs = {name: artifact_utils.get_single_uri(input_dict[name]) for name in INPUTS if input_dict.get(name)}
    properties = {name: exec_properties[name] for name in OF_TRAINER if exec_properties.get(name)}
    # The halves are called train and eval, whatever the splits are called that they come from.
    for name in ('train_args', 'eval_args'):
        args = json.loads(properties.get(name) or '{}')
        args.pop('splits', None)
        properties[name] = json.dumps(args)
    return [TrainingJob(halving, model, inputs, properties) for model in range(halving.num_models)]


def _recipe(job: TrainingJob) -> str:
    """The hash of what decides how a model is trained, but for its examples."""
    properties = dict(job.properties)
    module = properties.pop('module_file', '')
    fields = {
        'properties': properties,
        'module': _folder_sha256(module) if module else _source_of(properties.get('run_fn', '')),
        'inputs': {name: directory_fingerprint(uri) for name, uri in sorted(job.inputs.items())},
        'is_transformed': bool(job.halving.transform_path),
        'num_models': job.halving.num_models,
    }
    return f'sha256:{hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()}'


def _folder_sha256(path: str) -> str:
    """The hash of all Python files in the folder of a module, for it may import those beside it."""
    folder = path.rpartition('/')[0] or '.'
    digest = hashlib.sha256()
    for name in sorted(str(name) for name in fileio.listdir(folder) if str(name).endswith('.py')):
        with fileio.open(f'{folder}/{name}', 'rb') as file:
            digest.update(f'{name}\0{hashlib.sha256(file.read()).hexdigest()}\n'.encode())
    return digest.hexdigest()


def _source_of(run_fn: str) -> str:
    """The hash of the sources beside the module that `run_fn` names; '' where a wheel's name already has that in it."""
    module = run_fn.rpartition('.')[0]
    if not module:
        return ''
    try:
        found = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        found = None
    if found is None or not found.origin:
        raise PrivacyInputError(
            f"run_fn is '{run_fn}', and there is no module {module} here: install it, or correct it."
        )
    return _folder_sha256(found.origin)


def _key(recipe: str, population: Population, seed: int, job: TrainingJob) -> str:
    """The name of a model in the store: the hash of all that decides what it is."""
    fields = [recipe, sorted(population.fingerprints.items()), seed, job.model, __version__]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def _found(store: Store, key: str) -> Kept:
    kept = store.find(key)
    if kept is None:
        raise PrivacyInputError(
            f'the model {key} is no longer in {store.directory}: something else removes files there. Run '
            'ReferenceModels again, or name another directory with keep_in.'
        )
    return kept


def _check_halves(kept: list[Kept], population: Population) -> None:
    """Raises PrivacyInputError unless both halves of every pair are all of the examples."""
    total = sum(population.fingerprints.values()) % 2**64
    for first, second in zip(kept[::2], kept[1::2], strict=True):
        if (first.half + second.half) % 2**64 != total:
            raise PrivacyInputError(
                'the examples were changed while reference models were trained, so nobody can say what they know: run '
                'ReferenceModels again when nothing writes there.'
            )


def _describe(artifact: types.Artifact, manifest: ReferenceManifest) -> None:
    artifact.set_int_custom_property('num_models', len(manifest.models))
    artifact.set_string_custom_property('recipe', manifest.recipe)
    artifact.set_string_custom_property('version', manifest.version)
    seconds = sum(model.seconds for model in manifest.models)
    logging.info('Wrote %d reference models; to train them took %.0f s.', len(manifest.models), seconds)
