"""PrivacyEvaluator's real executor audits real trainings, right and broken; and refuses what makes an audit unsound."""

import dataclasses
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import softmax
from tfx.types import standard_artifacts

from privacy_component import OneRunAudit, audit_canaries
from privacy_component.component.canaries.audit import claims_of
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.replay import replay
from privacy_component.metrics.canary_audit import NOT_REFUTED, REFUTED
from tests.canaries import trainers
from tests.canaries.audited import NUM_CANARIES, Audited, artifact, config, rewrite, split_files


@pytest.fixture(scope='module')
def audited(tmp_path_factory):
    world = Audited(tmp_path_factory.mktemp('audited')).write()
    world.train('right')
    return world


@pytest.fixture(scope='module')
def right(audited):
    return audited.evaluate(audited.model('right'))[0]


def test_a_broken_trainer_is_not_blessed(audited):
    model = audited.train('broken', fault=trainers.WRONG_CLIP)
    result, outputs = audited.evaluate(model, name='of_broken')
    (audit,) = result.audits
    assert audit.claimed_epsilon < 1 and audit.outcome == REFUTED
    assert audit.claimed_by.endswith('Format-Serving/dp_claim.json')
    assert outputs['blessing'][0].get_int_custom_property('blessed') == 0
    assert outputs['blessing'][0].get_string_custom_property('outcome') == 'refused'
    metrics = Path(outputs['privacy_metrics'][0].uri)
    assert replay(metrics).verdict == result.verdict
    decided = json.loads((metrics / 'decision.json').read_text())
    assert decided['audits'][0]['outcome'] == REFUTED
    assert 'The training is not what it claims' in decided['reasons'][0]
    assert not list(metrics.glob('.*'))


def test_a_right_trainer_is_blessed_and_nothing_is_said_to_be_proved(right):
    (audit,) = right.audits
    assert audit.outcome == NOT_REFUTED and audit.num_canaries == NUM_CANARIES
    assert right.verdict.blessed and 'That is no proof of it.' in ' '.join(right.verdict.warnings)


def test_canaries_are_left_out_of_attacks(right):
    (result,) = [one for one in right.results if not one.slice_key]
    assert (result.num_members, result.num_non_members) == (800, 400)
    assert right.record.num_examples == {'train': 800, 'eval': 400}
    assert any('400' in one and 'left out of attacks' in one for one in right.record.warnings)


def test_without_an_audit_canaries_are_left_out_too(audited):
    result, _ = audited.evaluate(audited.model('right'), config(), name='no_audit')
    assert not result.audits and result.record.num_examples == {'train': 800, 'eval': 400}


@pytest.fixture(scope='module')
def without_noise(audited):
    """A model, its snapshots, and an audit of a claim of 3 by either score."""
    model = audited.train('without_noise', with_snapshots=True, fault=trainers.NO_NOISE)
    run = artifact(standard_artifacts.ModelRun, audited.root / 'without_noise' / 'run')
    both = [OneRunAudit(claimed_epsilon=3, delta=1e-5, score=score) for score in ('loss', 'alignment')]
    return audited.evaluate(model, config(*both), name='of_without_noise', snapshots=[run])


def test_canaries_are_ranked_by_snapshots_too(without_noise):
    result, outputs = without_noise
    by_loss, by_alignment = result.audits
    assert (by_loss.score, by_alignment.score) == ('loss', 'alignment')
    assert by_alignment.outcome == REFUTED and by_alignment.num_correct != by_loss.num_correct
    assert result.record.num_snapshots == 5
    assert {one.attack for one in result.results} == {'loss_threshold'}
    metrics = Path(outputs['privacy_metrics'][0].uri)
    assert 'where training went from each snapshot' in (metrics / 'report.html').read_text()
    assert replay(metrics).verdict == result.verdict


def test_alignment_is_that_of_the_arrays(audited, without_noise):
    """Softmax regression's gradient is the outer product of the input and the error, so it is easily written down."""
    sides = [trainers.read(split_files(audited.examples.uri, split)) for split in ('canary_in', 'canary_out')]
    x, y = (np.concatenate(both) for both in zip(*sides, strict=True))
    x = np.hstack([x, np.ones((len(x), 1))])
    paths = sorted((audited.root / 'without_noise' / 'run' / 'snapshots').iterdir())
    weights = [tf.saved_model.load(str(path)).weights.numpy().astype(np.float64) for path in paths]
    total = np.zeros(len(x))
    for before, after in itertools.pairwise(weights):
        errors = softmax(x @ before, axis=1) - np.eye(trainers.NUM_CLASSES)[y]
        norms = np.linalg.norm(x, axis=1) * np.linalg.norm(errors, axis=1)
        total += ((x @ (before - after)) * errors).sum(axis=1) / norms
    is_in = np.repeat([True, False], [len(labels) for _, labels in sides])
    expected = audit_canaries(total, is_in, claimed_epsilon=3, delta=1e-5, confidence_level=0.975, score='alignment')
    assert without_noise[0].audits[1].num_correct == expected.num_correct


def test_without_snapshots_there_is_no_alignment(audited):
    asked = config(OneRunAudit(claimed_epsilon=3, delta=1e-5, score='alignment'))
    with pytest.raises(PrivacyInputError, match=r"OneRunAudit.score is 'alignment', and snapshots is not wired"):
        audited.evaluate(audited.model('right'), asked, name='no_snapshots')


@pytest.mark.parametrize(
    ('fault', 'outcome'), [(trainers.RIGHT, NOT_REFUTED), *((fault, REFUTED) for fault in trainers.BROKEN)]
)
def test_trainings_right_and_broken(audited, fault, outcome):
    """Three seeds each, by the scores alone."""
    x, y = trainers.read(split_files(audited.examples.uri, 'train'))
    sides = [trainers.read(split_files(audited.examples.uri, split)) for split in ('canary_in', 'canary_out')]
    is_in = np.repeat([True, False], [len(labels) for _, labels in sides])
    for seed in range(3):
        recipe = trainers.Recipe(fault=fault, noise=5.0, learning_rate=5.0, batch_size=50, seed=seed)
        weights, claim = recipe.train(x, y), recipe.claim(len(x))
        scores = np.concatenate([trainers.scaled_logit(weights, *side) for side in sides])
        audit = audit_canaries(scores, is_in, claimed_epsilon=claim.epsilon, delta=claim.delta)
        assert audit.outcome == outcome, (seed, audit.lower_bound, claim.epsilon)


def refused(audited, words, model='right', examples=None, privacy_config=None):
    with pytest.raises(PrivacyInputError, match=words):
        audited.evaluate(audited.model(model), privacy_config, examples, name='refused')
    assert not list((audited.root / 'refused').rglob('*LESSED*'))


def test_a_filter_that_drops_canaries_is_noticed(audited):
    examples = audited.copied_examples('filtered')
    dropped = set(_records(audited.examples, 'canary_in')[:5])
    rewrite(examples, 'train', lambda records: [one for one in records if one not in dropped])
    refused(audited, r"5 of \d+ canaries of 'canary_in' are not in the split that is trained on", examples=examples)


def test_canaries_in_the_wrong_split_or_twice_are_noticed(audited):
    canary_in, canary_out = (_records(audited.examples, f'canary_{side}')[0] for side in ('in', 'out'))
    for split, canary, words in (
        ('eval', canary_out, r"a canary is in the split 'eval', whose examples are not trained on"),
        ('train', canary_out, r"a canary of 'canary_out' is in the split 'train'"),
        ('train', canary_in, r'1 canaries are there more than once'),
        ('canary_out', canary_in, r"a canary of the split 'canary_out' is there twice, or in 'canary_in' too"),
    ):
        examples = audited.copied_examples(f'spoilt_{split}_{len(words)}')
        rewrite(examples, split, lambda records, canary=canary: [*records, canary])
        refused(audited, words, examples=examples)


def test_coins_that_are_not_fair_are_noticed(audited):
    examples = audited.copied_examples('unfair')
    rewrite(examples, 'canary_out', lambda records: records[:60])
    refused(audited, r'canaries are in the training data.*fair coins give such numbers once in', examples=examples)


def test_an_audit_without_canaries_is_refused(audited):
    clean = artifact(type(audited.examples), audited.root / 'clean', split_names='["train", "eval"]')
    refused(audited, r"needs canaries, and the examples have no split 'canary_in'", examples=clean)


def test_a_model_trained_on_data_without_canaries_is_noticed_by_its_claim(audited):
    audited.train('clean_model', examples=audited.root / 'clean')
    refused(audited, r'is of a training on 800 examples, .* was trained on data without canaries', model='clean_model')


def test_claims_that_say_too_little_are_refused(audited):
    audited.train('claimed')
    path = Path(audited.root, 'claimed', 'Format-Serving', 'dp_claim.json')
    written = path.read_text()
    for changes, words in (
        ({'epsilon': 'three'}, r"dp_claim.json: epsilon is 'three'; a claim is a number above 0"),
        ({'sampling_rate': None}, r'claims epsilon .*, but its sampling_rate is None'),
        ({'epsilon': 5.0}, r'claims epsilon 3 at .*dp_claim.json only 5 at .*, which is less private'),
    ):
        path.write_text(written)
        audited.claim('claimed', **changes)
        refused(audited, words, 'claimed', privacy_config=config(OneRunAudit(3.0, 1e-5)))
    path.write_text('{')
    refused(audited, r'dp_claim.json is not JSON', 'claimed')
    path.unlink()
    refused(audited, r'names no claimed_epsilon, and the model has none', 'claimed')
    model = audited.model('claimed')
    model.set_string_custom_property('dp_claim', written)
    (claim,) = claims_of(config(OneRunAudit()), model, str(path.parent))
    assert claim.source == "the custom property 'dp_claim' of the model"
    assert claim.num_examples == json.loads(written)['num_examples']


def test_canary_splits_are_no_members(audited):
    splits = dataclasses.replace(config(OneRunAudit()), member_splits=('train', 'canary_in'))
    refused(audited, r"names the split 'canary_in' among its member_splits", privacy_config=splits)


def _records(examples, split):
    import tensorflow as tf

    return list(tf.data.TFRecordDataset(split_files(examples.uri, split), 'GZIP').as_numpy_iterator())
