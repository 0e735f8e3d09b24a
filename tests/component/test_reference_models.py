"""ReferenceModels' real executor on scikit-learn's digits, and PrivacyEvaluator's on what it wrote."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tfx.components.trainer.executor import GenericExecutor
from tfx.types import channel_utils, standard_artifacts

from privacy_component import (
    PrivacyConfig,
    PrivacyResult,
    ReferenceModels,
    ReferenceModelSet,
    Threshold,
    evaluate_privacy,
)
from privacy_component.beam.examples.read import read_files
from privacy_component.component import executor as evaluator
from privacy_component.component.example_files import splits_of
from privacy_component.component.provenance import directory_fingerprint
from privacy_component.component.reference_models import executor
from privacy_component.component.reference_models.half_files import Halving
from privacy_component.component.reference_models.manifest import FILE_NAME, read_manifest
from privacy_component.component.reference_models.store import Store
from privacy_component.component.reference_models.train_models import Training, TrainModel, run_alone
from privacy_component.component.reference_models.train_one import FAILURE, JOB, TrainingJob, main
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import fingerprint
from privacy_component.observations.reference_halves import halves
from tests.component import world as w

ROOT = Path(__file__).parents[2]
TRAINER = ROOT / 'pipelines' / 'references' / 'trainer' / 'trainer.py'
MISBEHAVING = Path(__file__).parent / 'misbehaving_trainer.py'
PROPERTIES = {
    'train_args': '{}',
    'eval_args': '{}',
    'module_file': str(TRAINER),
    'custom_config': '{"epochs": 40}',
}
SETTINGS = {
    'num_models': 4,
    'apply_transform': False,
    'member_splits': ['train'],
    'non_member_splits': ['eval'],
    'seed': 0,
    'attempts': 1,
    'time_limit_minutes': 10.0,
    'keep_in': '',
}
ATTACKS = ('loss_threshold', 'difficulty', 'rmia', 'lira', 'bayes', 'stacked')
EVAL_CONFIG = tfma.EvalConfig(model_specs=[tfma.ModelSpec(label_key='digit')])


def artifact(kind, uri, **fields):
    made = kind()
    made.uri = str(uri)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def config(**settings):
    return PrivacyConfig(**{'attacks': ATTACKS, 'report_only': True, 'slices': {'by_class': False}} | settings)


@dataclasses.dataclass
class Digits:
    """Digits on disk, a fifth of them with a random label, and a model that has learnt those by heart."""

    root: Path

    def write(self):
        digits, rng = sklearn.datasets.load_digits(), np.random.default_rng(0)
        n = len(digits.target)
        labels = np.where(rng.random(n) < 0.2, rng.integers(0, 10, n), digits.target)
        rows = [
            {f'pixel_{i}': int(pixel) for i, pixel in enumerate(pixels)} | {'digit': int(label)}
            for pixels, label in zip(digits.data, labels, strict=True)
        ]
        order = rng.permutation(n)
        w.write_split(self.root / 'examples', 'train', [w.serialize(rows[i]) for i in order[:900]], shards=2)
        w.write_split(self.root / 'examples', 'eval', [w.serialize(rows[i]) for i in order[900:]])
        outputs = {
            'model': [artifact(standard_artifacts.Model, self.root / 'model')],
            'model_run': [artifact(standard_artifacts.ModelRun, self.root / 'run')],
        }
        GenericExecutor().Do({'examples': [self.examples]}, outputs, PROPERTIES)
        return self

    @property
    def examples(self):
        return artifact(standard_artifacts.Examples, self.root / 'examples', split_names='["train", "eval"]')

    def train(self, name='1', **settings):
        """The set of reference models that ReferenceModels' executor writes."""
        workers = ['--direct_num_workers=2', '--direct_running_mode=multi_threading']
        context = executor.Executor.Context(workers, tmp_dir=str(self.root / 'tmp'), unique_id='1')
        made = artifact(ReferenceModelSet, self.root / 'references' / name)
        properties = PROPERTIES | {'settings': json.dumps(SETTINGS | settings)}
        executor.Executor(context).Do({'examples': [self.examples]}, {'reference_models': [made]}, properties)
        return made

    def evaluate(self, references, privacy_config=None, examples=None, beam_args=(), **more):
        """What PrivacyEvaluator's executor finds; `more` inputs as it knows them."""
        outputs = w.World(self.root).outputs()
        inputs = {
            'examples': [examples or self.examples],
            'model': [artifact(standard_artifacts.Model, self.root / 'model', id=17)],
            'reference_models': [references],
        } | more
        context = evaluator.Executor.Context(list(beam_args), tmp_dir=str(self.root / 'tmp'), unique_id='2')
        properties = {
            'eval_config': json_format.MessageToJson(EVAL_CONFIG),
            'privacy_config': (privacy_config or config()).to_json(),
        }
        evaluator.Executor(context).Do(inputs, outputs, properties)
        return PrivacyResult.load(Path(outputs['privacy_metrics'][0].uri) / 'privacy_metrics.json')

    def batches(self):
        for split in ('train', 'eval'):
            paths = sorted(map(str, (self.root / 'examples' / f'Split-{split}').iterdir()))
            yield from read_files(paths, split, split == 'train', 'GZIP')


@pytest.fixture(scope='module')
def digits(tmp_path_factory):
    return Digits(tmp_path_factory.mktemp('digits')).write()


@pytest.fixture(scope='module')
def references(digits):
    return digits.train()


@pytest.fixture(scope='module')
def found(digits, references):
    return digits.evaluate(references)


@pytest.fixture
def copied(references, tmp_path):
    """The set, to be spoilt."""
    shutil.copytree(references.uri, tmp_path / 'copy')
    return artifact(ReferenceModelSet, tmp_path / 'copy')


def test_every_example_is_in_for_one_model_of_each_pair(digits, references):
    manifest = read_manifest(references.uri)
    first, second, third, fourth = (model.num_examples for model in manifest.models)
    assert first + second == third + fourth == sum(manifest.num_examples.values()) == 1797
    assert first not in (third, fourth)
    ids = {True: [], False: []}
    for batch in digits.batches():
        ids[bool(batch.is_member[0])].append(batch.example_id)
    for split, side in (('train', True), ('eval', False)):
        assert manifest.fingerprints[split] == f'{fingerprint(np.concatenate(ids[side])):016x}'


def test_the_set_says_what_it_is_and_nothing_else_is_left(digits, references):
    assert references.get_int_custom_property('num_models') == 4
    assert references.get_string_custom_property('recipe').startswith('sha256:')
    assert {path.name for path in Path(references.uri).iterdir()} == {FILE_NAME, 'models'}
    assert not list((digits.root / 'references' / 'kept').iterdir())


def aucs(result):
    return {row['attack']: row['auc'] for row in result.rows() if row['slice'] == 'Overall'}


def test_reference_models_show_what_the_loss_does_not(found):
    auc = aucs(found)
    assert auc['loss_threshold'] < 0.6
    for name in ATTACKS[1:]:
        assert auc[name] > auc['loss_threshold'] + 0.1
    assert found.record.num_reference_models == 4
    assert found.record.artifacts['reference_models'][0].fingerprint.startswith('sha256:')
    assert "'stacked' has 4 reference models" in ' '.join(found.record.warnings)


def test_the_checks_of_reference_models_are_ok(found):
    checks = {check.name: check for check in found.checks}
    assert checks['reference_halves'].status == checks['reference_recipe'].status == 'ok'
    assert checks['reference_halves'].figures['smallest_area'] > 0.52


def test_arrays_give_the_same_figures(digits, references, found):
    batches = list(digits.batches())
    records = tf.constant([record for batch in batches for record in batch.records])
    ids = np.concatenate([batch.example_id for batch in batches])
    example = tf.io.parse_example(records, {'digit': tf.io.FixedLenFeature([], tf.int64)})

    def answers(path):
        serve = tf.saved_model.load(path).signatures['serving_default']
        parts = [np.asarray(next(iter(serve(records[i : i + 1024]).values()))) for i in range(0, len(ids), 1024)]
        return np.concatenate(parts)

    models = [answers(f'{references.uri}/models/{number}') for number in range(4)]
    arrays = evaluate_privacy(
        is_member=np.concatenate([batch.is_member for batch in batches]),
        labels=example['digit'].numpy(),
        logits=answers(str(digits.root / 'model' / 'Format-Serving')),
        reference_logits=models,
        reference_is_member=halves(ids, 4).T,
        example_ids=ids,
        config=config(),
    )
    for name, auc in aucs(arrays).items():
        # Other batches change last bits of outputs, which can swap two examples.
        assert auc == pytest.approx(aucs(found)[name], abs=1e-4)
    assert {check.name: check.status for check in arrays.checks}['reference_halves'] == 'ok'


def test_a_set_that_was_finished_is_not_trained_again(digits, references, monkeypatch):
    manifest = read_manifest(references.uri)
    halving = Halving(splits_of([digits.examples], ['train'], ['eval']), 'GZIP', num_models=4, seed=0)
    jobs = executor._jobs({'examples': [digits.examples]}, PROPERTIES, halving)
    prints = {split: int(text, 16) for split, text in manifest.fingerprints.items()}
    population = executor.Population(manifest.num_examples, prints)
    store = Store(str(digits.root / 'references' / 'kept'))
    for job, model in zip(jobs, manifest.models, strict=True):
        with_half = executor._key(manifest.recipe, population, 0, job)
        ids = [batch.example_id[halves(batch.example_id, 4)[:, job.model]] for batch in digits.batches()]
        path = Path(references.uri) / model.directory
        store.keep(with_half, path, model.num_examples, fingerprint(np.concatenate(ids)), model.seconds)
    monkeypatch.setattr(TrainModel, '_attempt', lambda *_: 'trained again')
    again = read_manifest(digits.train('2').uri)
    assert again == manifest


def test_other_examples_are_stale(digits, copied, tmp_path):
    shutil.copytree(digits.root / 'examples', tmp_path / 'examples')
    rows = w.World(tmp_path).records('eval')[:-1]
    shutil.rmtree(tmp_path / 'examples' / 'Split-eval')
    w.write_split(tmp_path / 'examples', 'eval', rows)
    examples = artifact(standard_artifacts.Examples, tmp_path / 'examples', split_names='["train", "eval"]')
    with pytest.raises(PrivacyInputError, match=r"other examples of the split 'eval'.*run ReferenceModels on"):
        digits.evaluate(copied, examples=examples)
    assert not list((digits.root / 'out' / 'blessing').glob('*'))


def test_models_of_the_wrong_half_refuse_a_blessing(digits, copied):
    models = Path(copied.uri) / 'models'
    spoil(copied, lambda fields: fields['models'].insert(0, fields['models'].pop(1)))
    result = digits.evaluate(copied, config(report_only=False, thresholds=(Threshold('auc', 0.99),)))
    (check,) = [one for one in result.checks if one.name == 'reference_halves']
    assert check.status == 'refused'
    assert 'Reference model 1 does worse on its own half' in check.message
    assert not result.verdict.blessed
    assert len(list(models.iterdir())) == 4


def test_models_that_are_one_and_the_same_refuse_a_blessing(digits, copied):
    spoil(copied, lambda fields: fields['models'].__setitem__(1, fields['models'][0]))
    result = digits.evaluate(copied)
    (check,) = [one for one in result.checks if one.name == 'reference_halves']
    assert check.status == 'refused'
    assert 'Reference models 1 and 2 give the same answers to the last bit' in check.message


def spoil(copied, change):
    path = Path(copied.uri) / FILE_NAME
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields))


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda f: f.update(schema_version=2), 'schema_version 2, this release reads 1'),
        (lambda f: f.pop('seed'), 'seed'),
        (lambda f: f['models'].pop(), 'names 3 models; an even number of them is needed'),
        (lambda f: f['models'][0].update(directory='../model'), 'in models/0, models/1 and so on'),
        (lambda f: f.update(member_splits=['eval'], non_member_splits=['train']), 'member_splits eval, and Privacy'),
        (lambda f: f.update(models=f['models'][:2]), "attack 'lira' needs at least 4 reference models, .* holds 2"),
        (lambda f: f['models'][2].update(fingerprint='sha256:0'), 'is not the one that was trained there'),
    ],
)
def test_a_set_that_does_not_fit_is_refused_before_the_job(digits, copied, change, message):
    spoil(copied, change)
    with pytest.raises(PrivacyInputError, match=message):
        digits.evaluate(copied)


def test_a_set_that_was_not_finished_is_refused(digits, copied):
    (Path(copied.uri) / FILE_NAME).unlink()
    with pytest.raises(PrivacyInputError, match='so ReferenceModels has not finished: run it again'):
        digits.evaluate(copied)


def test_a_model_for_other_labels_is_named(digits, copied):
    path = Path(copied.uri) / 'models' / '2'
    shutil.rmtree(path)
    w.save_model(path.parent, respond=lambda logits: {'outputs': logits}, outputs=64)
    shutil.move(path.parent / 'Format-Serving', path)
    spoil(copied, lambda fields: fields['models'][2].update(fingerprint=directory_fingerprint(str(path))))
    with pytest.raises(PrivacyInputError, match='reference model 3 of 4'):
        digits.evaluate(copied)


def test_without_an_attack_that_asks_them_a_warning_says_so(digits, references):
    result = digits.evaluate(references, config(attacks=('loss_threshold',)))
    assert 'reference_models is wired, and no configured attack asks them' in ' '.join(result.record.warnings)
    assert result.record.num_reference_models is None


def test_by_default_two_attacks_ask_them(digits, references):
    result = digits.evaluate(references, config(attacks=()))
    assert list(aucs(result)) == ['loss_threshold', 'logistic_regression', 'rmia', 'stacked']


# What a module can do wrong


def job_of(digits, deed):
    halving = Halving(splits_of([digits.examples], ['train'], ['eval']), 'GZIP', num_models=2, seed=0)
    given = PROPERTIES | {'module_file': str(MISBEHAVING), 'custom_config': json.dumps({'deed': deed})}
    return TrainingJob(halving, 0, {}, given)


def failure(digits, folder, deed):
    (folder / JOB).write_text(job_of(digits, deed).to_json())
    assert main(str(folder / JOB), os.getppid()) == 1
    return json.loads((folder / FAILURE).read_text())['message']


def test_a_crash_is_told_by_its_place_and_without_peoples_data(digits, tmp_path):
    message = failure(digits, tmp_path, 'crash')
    assert message.startswith('ValueError in misbehaving_trainer.py, line ')
    assert 'Alice' not in message


def test_files_that_run_fn_has_changed_are_noticed(digits, tmp_path):
    assert 'training files were changed while it was trained' in failure(digits, tmp_path, 'change its files')


def test_a_training_that_hangs_is_ended(digits, tmp_path):
    (tmp_path / JOB).write_text(job_of(digits, 'hang').to_json())
    assert run_alone(tmp_path, 0.05) == 'it was not trained within time_limit_minutes=0.05'


def test_a_training_goes_with_the_worker_that_waits_for_it(digits, tmp_path):
    (tmp_path / JOB).write_text(job_of(digits, 'hang').to_json())
    code = (
        f'from pathlib import Path; from {run_alone.__module__} import run_alone; run_alone(Path({str(tmp_path)!r}), 9)'
    )
    worker = subprocess.Popen([sys.executable, '-c', code])
    wait_until(lambda: (tmp_path / 'examples' / 'Split-train').exists())
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    wait_until(lambda: not tmp_path.exists())


def wait_until(is_so, seconds=120):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.2)


def test_what_is_killed_or_writes_no_model_is_told_after_all_attempts(digits, tmp_path):
    training = Training(('a', 'b'), Store(str(tmp_path / 'kept')), attempts=1, time_limit_minutes=5)
    with pytest.raises(PrivacyInputError, match=r'1 of 2 could not be .* in 1 attempts: its process was killed by sig'):
        TrainModel(training).process(job_of(digits, 'die'))
    with pytest.raises(PrivacyInputError, match=r'run_fn wrote no SavedModel into fn_args.serving_model_dir'):
        TrainModel(training).process(job_of(digits, 'write no model'))
    assert not (tmp_path / 'kept').exists()


def test_a_helper_beside_the_module_is_part_of_the_recipe(tmp_path):
    (tmp_path / 'trainer.py').write_text('import helper')
    found = {executor._folder_sha256(str(tmp_path / 'trainer.py'))}
    for text in ('a = 1', 'a = 2'):
        (tmp_path / 'helper.py').write_text(text)
        found.add(executor._folder_sha256(str(tmp_path / 'trainer.py')))
    assert len(found) == 3
    with pytest.raises(PrivacyInputError, match=r'there is no module no_such\.trainer here'):
        executor._source_of('no_such.trainer.run_fn')


def test_records_that_may_be_dropped_do_not_go_with_reference_models(digits, references):
    with pytest.raises(PrivacyInputError, match='max_bad_record_share is above 0, but'):
        digits.evaluate(references, config(measurement={'max_bad_record_share': 0.1}))


def test_a_model_that_is_kept_must_be_whole(tmp_path):
    (tmp_path / 'made').mkdir()
    (tmp_path / 'made' / 'saved_model.pb').write_text('model')
    store = Store(str(tmp_path / 'kept'))
    kept = store.keep('key', tmp_path / 'made', 3, 4, 5.0)
    assert store.find('key') == kept
    assert store.find('other') is None
    Path(kept.path, 'saved_model.pb').write_text('half')
    assert store.find('key') is None
    store.keep('key', tmp_path / 'made', 3, 4, 5.0)
    (tmp_path / 'kept' / 'key' / 'done.json').write_text('{"fingerpr')
    assert store.find('key') is None


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({}, 'needs module_file or run_fn, as Trainer has it, and not both'),
        ({'module_file': 'a.py', 'run_fn': 'a.run_fn'}, 'and not both'),
        ({'module_file': 'a.py', 'num_models': 7}, r'num_models=7\): models come in pairs'),
        ({'module_file': 'a.py', 'num_models': True}, 'models come in pairs'),
        ({'module_file': 'a.py', 'apply_transform': True}, 'needs transform_graph'),
        ({'module_file': 'a.py', 'member_splits': 'train'}, "member_splits='train'.: give names of splits"),
        ({'module_file': 'a.py', 'seed': -1}, 'seed=-1'),
        ({'module_file': 'a.py', 'apply_transform': 'false'}, "apply_transform='false'"),
        ({'module_file': 'a.py', 'non_member_splits': ('train',)}, "the split 'train' is in both"),
        ({'module_file': 'a.py', 'attempts': 0}, 'attempts=0'),
        ({'module_file': 'a.py', 'time_limit_minutes': float('nan')}, 'time_limit_minutes=nan'),
    ],
)
def test_arguments_that_cannot_be_used_are_refused(digits, arguments, message):
    channel = channel_utils.as_channel([digits.examples])
    with pytest.raises(PrivacyInputError, match=message):
        ReferenceModels(examples=channel, **arguments)
