"""What the log probabilities of a sequence's tokens come to: one number for each sequence, members and others alike."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from privacy_component.errors import PrivacyInputError

IGNORED = -100  # what many trainers put in the place of a label that does not count
SHARE = 0.2  # of a sequence's tokens, the least likely of which min-k % is made
_VALUES_PER_BLOCK = 1 << 20


def log_probs_of(logits: NDArray, tokens: NDArray) -> NDArray[np.float64]:
    """(n, length) log probability of the token that stands at each place.

    Args:
      logits: (n, length, vocabulary), what the model said of each place before it saw the token there.
      tokens: (n, length) whole numbers from 0, below vocabulary, or `IGNORED` where there is padding.

    Returns:
      NaN where there is padding by `IGNORED`, which a mask has to leave out.

    Raises:
      PrivacyInputError: the shapes do not fit, or a token is no number of the vocabulary.
    """
    logits, tokens = np.asarray(logits), np.asarray(tokens)
    _check_tokens(logits, tokens)
    is_known = tokens >= 0
    found = np.empty(tokens.shape)
    step = max(_VALUES_PER_BLOCK // max(math.prod(logits.shape[1:]), 1), 1)
    for start in range(0, len(tokens), step):
        z = np.asarray(logits[start : start + step], np.float64)
        z = z - z.max(axis=2, keepdims=True)
        chosen = np.take_along_axis(z, np.maximum(tokens[start : start + step], 0)[:, :, None], axis=2)[:, :, 0]
        found[start : start + step] = chosen - np.log(np.exp(z).sum(axis=2))
    found[~is_known] = np.nan
    return found


def _check_tokens(logits: NDArray, tokens: NDArray) -> None:
    if logits.ndim != 3 or tokens.shape != logits.shape[:2] or logits.dtype.kind not in 'iuf':
        raise PrivacyInputError(
            f'logits has shape {logits.shape} and type {logits.dtype}, tokens {tokens.shape}: numbers of shape (n, '
            'length, vocabulary) and (n, length) are needed, one token for each place.'
        )
    if tokens.dtype.kind not in 'iu':
        raise PrivacyInputError(
            f'tokens has type {tokens.dtype}: give the whole numbers by which the model knows them.'
        )
    vocabulary = logits.shape[2]
    beyond = int(np.count_nonzero((tokens >= vocabulary) | ((tokens < 0) & (tokens != IGNORED))))
    if beyond:
        raise PrivacyInputError(
            f'tokens has {beyond:,} numbers that are none of a vocabulary of {vocabulary:,}: give the ids of the '
            f"model's own tokenizer, from 0, and {IGNORED} or any of them where there is padding."
        )


def mean_token_loss(log_probs: NDArray, is_token: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) minus the mean log probability of a sequence's tokens: the logarithm of its perplexity.

    Args:
      log_probs: (n, length).
      is_token: (n, length) False for padding; at least one token in each sequence.
    """
    return -np.where(is_token, log_probs, 0.0).sum(axis=1) / is_token.sum(axis=1)


def min_k(log_probs: NDArray, is_token: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) the mean log probability of the 20 % least likely tokens (Shi et al. 2024, arXiv 2310.16789, section 3).

    Common words are likely in any text; a text that was trained on has no very unlikely ones. Arguments as above; of a
    sequence of m tokens the 20 % are rounded up.
    """
    ascending = np.sort(np.where(is_token, log_probs, np.inf), axis=1)
    kept = np.ceil(SHARE * is_token.sum(axis=1)).astype(np.int64)
    is_kept = np.arange(log_probs.shape[1]) < kept[:, None]
    means: NDArray[np.float64] = np.where(is_kept, ascending, 0.0).sum(axis=1) / kept
    return means
