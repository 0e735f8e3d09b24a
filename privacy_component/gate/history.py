"""What earlier evaluations of the same model decided: a refusal stands until somebody overrides it by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from privacy_component.config.refusal_override import RefusalOverride
from privacy_component.gate.verdict import Verdict

# How an evaluation ended, as its artifact says.
BLESSED = 'blessed'
BLESSED_OVER_REFUSAL = 'blessed_over_refusal'
REFUSED = 'refused'  # a leak above a limit is shown, or the data could have shown safety and did not
REFUSAL_STANDS = 'refusal_stands'  # not so this time, but by an earlier evaluation of the same model
NOT_BLESSED = 'not_blessed'  # for want of evidence or of a sound measurement, or because of the upstream verdict

REFUSALS = (REFUSED, REFUSAL_STANDS)

_LONGEST_QUOTE = 300
_EARLIER = 'An earlier evaluation of this model'


@dataclasses.dataclass(frozen=True)
class Earlier:
    """An earlier evaluation of the same model, which did not bless it.

    Attributes:
      uri: where its privacy_metrics are.
      outcome: REFUSED, REFUSAL_STANDS or NOT_BLESSED.
      message: its reasons.
      decision_sha256: the hash of its decision.json.
      differs: what differs between it and the present one, in words; empty for nothing that is recorded.
    """

    uri: str
    outcome: str
    message: str
    decision_sha256: str
    differs: tuple[str, ...]

    @property
    def is_refusal(self) -> bool:
        """Whether it found a limit exceeded, which more evidence of the same kind does not mend."""
        return self.outcome in REFUSALS


def with_history(
    verdict: Verdict, earlier: Sequence[Earlier], overrides: Sequence[RefusalOverride], fingerprint: str
) -> Verdict:
    """The verdict in the light of earlier evaluations of the same model.

    Args:
      verdict: on the present evaluation alone.
      earlier: other evaluations of the model.
      overrides: PrivacyConfig.decision.refusal_overrides.
      fingerprint: the model's.

    Returns:
      A verdict that is blessed only if the given one is, and every refusal among the earlier ones is overridden.
      What they say is told in any case.
    """
    refusals = [one for one in earlier if one.is_refusal]
    leave = [
        f'This blessing overrides {_refusals(len(refusals))}: {one.reason.strip()}'
        for one in overrides
        if one.model == fingerprint
    ]
    if verdict.blessed and refusals and not leave:
        reasons = (*map(_note, refusals), _how_to_override(fingerprint))
        notes = [_note(one) for one in earlier if not one.is_refusal]
        return dataclasses.replace(verdict, blessed=False, reasons=reasons, warnings=(*verdict.warnings, *notes))
    notes = [*map(_note, earlier), *(leave if verdict.blessed and refusals else ())]
    return dataclasses.replace(verdict, warnings=(*verdict.warnings, *notes))


def only_repeats(message: str) -> bool:
    """Whether the message of a REFUSAL_STANDS only repeats earlier refusals, because nothing else spoke against it."""
    return message.startswith(_EARLIER)


def _refusals(count: int) -> str:
    return 'an earlier refusal of this model' if count == 1 else f'{count:,} earlier refusals of this model'


def _note(one: Earlier) -> str:
    short = one.message[:_LONGEST_QUOTE] + ('…' if len(one.message) > _LONGEST_QUOTE else '')
    what = 'refused it' if one.is_refusal else 'did not bless it'
    differs = ', '.join(one.differs) or 'nothing that is recorded'
    return f'{_EARLIER} {what} ({one.uri}): "{short}" What differs now: {differs}.'


def _how_to_override(fingerprint: str) -> str:
    return (
        'Nothing speaks against it this time, but a refusal is not overridden by evaluating again. If it no longer '
        f"counts, add RefusalOverride(model='{fingerprint}', reason=...) to PrivacyConfig.decision.refusal_overrides."
    )
