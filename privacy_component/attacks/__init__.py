"""The registry of attacks: one line here and one file beside it add an attack."""

from __future__ import annotations

import difflib

from privacy_component.attacks.attack import Attack, AttackInfo
from privacy_component.attacks.threshold import threshold_attack
from privacy_component.errors import PrivacyInputError

ATTACKS: dict[str, AttackInfo] = {
    'loss_threshold': threshold_attack('loss'),
    'scaled_logit_threshold': threshold_attack('scaled_logit'),
}


def attack_named(name: str) -> AttackInfo:
    """The registry's line for an attack.

    Raises:
      PrivacyInputError: there is no such attack.
    """
    if name in ATTACKS:
        return ATTACKS[name]
    close = difflib.get_close_matches(str(name), ATTACKS, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ''
    raise PrivacyInputError(f"attack '{name}' is not one of {', '.join(ATTACKS)}{hint}")


__all__ = ['ATTACKS', 'Attack', 'AttackInfo', 'attack_named']
