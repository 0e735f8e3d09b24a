"""Audits: which claim of differential privacy is tested, and what a claim has to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from privacy_component.config.declared import declare, settle
from privacy_component.config.rules import Choice, Number, OrNone
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.canary_audit import ALIGNMENT, CANARY_SCORES, GUESS_SHARE, LOSS

CLAIM_FILE = 'dp_claim.json'  # beside the model
CLAIM_PROPERTY = 'dp_claim'  # the same text, as a custom property of the model's artifact

__all__ = ['ALIGNMENT', 'CLAIM_FILE', 'CLAIM_PROPERTY', 'Claim', 'OneRunAudit', 'claim_to_test']

_PARTS = ('noise_multiplier', 'l2_norm_clip', 'sampling_rate')
_TOLERANCE = 1e-6
_HUGE = 1e18  # beyond which nothing is a setting of DP-SGD


@dataclass(frozen=True)
class OneRunAudit:
    """A claim that canaries are to refute: the model is blocked where they show a larger epsilon.

    Attributes:
      claimed_epsilon, delta: the claim; both None to read it from what the trainer left: dp_claim.json beside the model
        (`DPClaim.save` writes it), or the custom property dp_claim of the model's artifact. Where there is such a
        claim, it may not be larger than what is given here; if it is smaller, it is the one that is tested.
      confidence_level: one minus the probability of refuting a true claim.
      guess_share: the share of canaries that are guessed; to be fixed before scores are seen.
      score: what canaries are ranked by. 'loss': what the model says of them. 'alignment': where training went from
        each snapshot, along the canary's own gradient, for which PrivacyEvaluator needs the input `snapshots`. DP-SGD
        promises to withstand this too, whether or not anybody sees snapshots.
    """

    claimed_epsilon: float | None = field(default=None, metadata=declare(OrNone(Number(0, 100, is_low_excluded=True))))
    delta: float | None = field(default=None, metadata=declare(OrNone(Number(0, 0.1))))
    confidence_level: float = field(default=0.95, metadata=declare(Number(0.5, 0.9999, is_low_excluded=True)))
    guess_share: float = field(default=GUESS_SHARE, metadata=declare(Number(0, 1, is_low_excluded=True)))
    score: str = field(default=LOSS, metadata=declare(Choice(CANARY_SCORES)))

    def __post_init__(self) -> None:
        settle(self, 'OneRunAudit')
        if (self.claimed_epsilon is None) != (self.delta is None):
            raise PrivacyInputError(
                f'OneRunAudit.claimed_epsilon is {self.claimed_epsilon!r} and delta is {self.delta!r}: a claim is both '
                'of them. Leave both out to read the claim that the trainer left beside the model.'
            )


@dataclass(frozen=True)
class Claim:
    """A claim that a trainer left.

    Attributes:
      epsilon, delta: of the whole training.
      source: where it is from.
      num_examples: how many were trained on; None if it does not say.
    """

    epsilon: float
    delta: float
    source: str
    num_examples: int | None = None

    @classmethod
    def from_fields(cls, fields: Any, source: str) -> Claim:
        """The claim of a JSON object such as `DPClaim.save` writes.

        Raises:
          PrivacyInputError: it says no epsilon and delta, or not what noise, clip and sampling they follow from.
        """
        if not isinstance(fields, Mapping):
            raise PrivacyInputError(f'{source} is no claim of DP-SGD: write it with DPClaim.save.')
        for name in ('epsilon', 'delta'):
            if not _is_positive(fields.get(name)):
                raise PrivacyInputError(f'{source}: {name} is {fields.get(name)!r:.60}; a claim is a number above 0.')
        if fields['delta'] >= 1:
            raise PrivacyInputError(f'{source}: delta is {fields["delta"]!r}; that of a claim is below 1.')
        for name in _PARTS:
            if not _is_positive(fields.get(name)):
                raise PrivacyInputError(
                    f'{source} claims epsilon {fields["epsilon"]:g}, but its {name} is {fields.get(name)!r}: a claim '
                    f'says which {", ".join(_PARTS)} it follows from, each above 0. Write it with DPClaim.save.'
                )
        number = fields.get('num_examples')
        if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
            raise PrivacyInputError(f'{source}: num_examples is {number!r:.60}; write a whole number, or leave it out.')
        return cls(float(fields['epsilon']), float(fields['delta']), source, number)


def claim_to_test(audit: OneRunAudit, left: Claim | None) -> Claim:
    """The claim that an audit tests.

    Args:
      audit: of the config.
      left: what the trainer left; None for nothing.

    Raises:
      PrivacyInputError: there is no claim, or the trainer claims less privacy than the config wants.
    """
    if audit.claimed_epsilon is None or audit.delta is None:
        if left is None:
            raise PrivacyInputError(
                'PrivacyConfig.audits names no claimed_epsilon, and the model has none: save the claim of DP-SGD '
                f"beside it ({CLAIM_FILE}, by DPClaim.save) or as the custom property '{CLAIM_PROPERTY}' of its "
                'artifact, or give claimed_epsilon and delta.'
            )
        return left
    given = Claim(float(audit.claimed_epsilon), float(audit.delta), 'PrivacyConfig.audits')
    if left is None:
        return given
    if left.epsilon > given.epsilon * (1 + _TOLERANCE) or left.delta > given.delta * (1 + _TOLERANCE):
        raise PrivacyInputError(
            f'PrivacyConfig.audits claims epsilon {given.epsilon:g} at delta {given.delta:g}, but {left.source} only '
            f'{left.epsilon:g} at {left.delta:g}, which is less private: correct the one that is wrong.'
        )
    return left


def _is_positive(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < _HUGE
