"""The arguments of evaluate_privacy for sequences of tokens, checked and reduced to one row for each sequence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.arguments import array_of
from privacy_component.observations.needs import MIN_K, TOKEN_LOSS, TOKEN_LOSS_CHANGE
from privacy_component.observations.sequences import mean_token_loss, min_k

ATTACKS = ('token_loss', 'min_k')
WITH_EARLIER = ('token_loss_change',)
_ROUNDING = 1e-3


class Sequences(NamedTuple):
    """n sequences.

    Attributes:
      losses: (n,) mean token losses, which are the predictions; the labels are 0.
      columns: what attacks ask for, by name.
      attacks: those that run if none are named.
    """

    losses: NDArray[np.float64]
    columns: Mapping[str, NDArray[np.float64]]
    attacks: tuple[str, ...]


def read_sequences(log_probs: ArrayLike, mask: ArrayLike | None, earlier: ArrayLike | None, n: int | None) -> Sequences:
    """The sequences, of which nothing longer than a number each is kept.

    Args:
      log_probs: (n, length) of the token that stands at each place.
      mask: (n, length) False for padding; None where there is none.
      earlier: (n, length) by an earlier state of the model, or by another model; or None.
      n: how many sequences there must be.

    Raises:
      PrivacyInputError: an argument cannot be used; the message names it.
    """
    now = _log_probs('token_log_probs', log_probs, n)
    is_token = _mask(mask, now.shape)
    losses = mean_token_loss(_checked('token_log_probs', now, is_token), is_token)
    columns = {TOKEN_LOSS: losses, MIN_K: min_k(now, is_token)}
    if earlier is None:
        return Sequences(losses, columns, ATTACKS)
    before = _log_probs('earlier_token_log_probs', earlier, n)
    if before.shape != now.shape:
        raise PrivacyInputError(
            f'earlier_token_log_probs has shape {before.shape} and token_log_probs {now.shape}: give both models the '
            'same tokens.'
        )
    if np.array_equal(now[is_token], before[is_token]):
        raise PrivacyInputError(
            'earlier_token_log_probs is the same as token_log_probs: give what an earlier state of the model, or '
            'another model, says of the tokens.'
        )
    change = mean_token_loss(_checked('earlier_token_log_probs', before, is_token), is_token) - losses
    return Sequences(losses, {**columns, TOKEN_LOSS_CHANGE: change}, ATTACKS + WITH_EARLIER)


def check_alone(given: Mapping[str, Any]) -> None:
    """Checks that sequences come without what they are in the place of.

    Args:
      given: labels and outputs by the name of the argument, None where not given.

    Raises:
      PrivacyInputError: some are there.
    """
    beside = [name for name, values in given.items() if values is not None]
    if beside:
        raise PrivacyInputError(
            f'token_log_probs is given beside {", ".join(beside)}: the tokens are labels and outputs in one, so leave '
            'these out.'
        )


def _log_probs(name: str, values: ArrayLike, n: int | None) -> NDArray[np.float64]:
    array = array_of(name, values, n)
    if array.ndim != 2 or array.dtype.kind not in 'iuf' or not array.shape[1]:
        hint = ''
        if array.ndim == 3:
            hint = (
                '; of logits (n, length, vocabulary) take those of the tokens with '
                'privacy_component.observations.sequences.log_probs_of(logits, tokens)'
            )
        raise PrivacyInputError(
            f'{name} has shape {array.shape} and type {array.dtype}; (n, length) log probabilities are needed, one for '
            f'the token at each place{hint}.'
        )
    return array.astype(np.float64)


def _mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(shape, bool)
    array = array_of('token_mask', mask, shape[0])
    if array.shape != shape:
        longer = array.ndim == 2 and array.shape[1] < shape[1]
        what = 'sequences are longer than the mask' if longer else 'both describe the same tokens'
        raise PrivacyInputError(f'token_mask has shape {array.shape} and token_log_probs {shape}: {what}.')
    if array.dtype.kind not in 'biuf' or not np.isin(array, (0, 1)).all():
        raise PrivacyInputError(
            f'token_mask has values of type {array.dtype} besides True and False: give tokens != padding_id.'
        )
    empty = int(np.count_nonzero(~array.astype(bool).any(axis=1)))
    if empty:
        raise PrivacyInputError(f'token_mask has no token in {empty:,} of {len(array):,} sequences: leave these out.')
    return array.astype(bool)


def _checked(name: str, log_probs: NDArray[np.float64], is_token: NDArray[np.bool_]) -> NDArray[np.float64]:
    bad = int(np.count_nonzero(is_token & ~np.isfinite(log_probs)))
    if bad:
        raise PrivacyInputError(
            f'{name} is NaN or infinite for {bad:,} tokens: say with token_mask which places are padding, and give '
            'log probabilities in float64 that are not cut to 0.'
        )
    positive = int(np.count_nonzero(is_token & (log_probs > _ROUNDING)))
    if positive:
        raise PrivacyInputError(
            f'{name} is above 0 for {positive:,} tokens, which no logarithm of a probability is: give the logarithm '
            'of the softmax, not logits, losses or probabilities.'
        )
    return log_probs
