"""The registry of attacks: one line here and one file beside it add an attack."""

from __future__ import annotations

from privacy_component.attacks.attack import Attack, AttackInfo, check_needs
from privacy_component.attacks.quantile import quantile_attack
from privacy_component.attacks.threshold import per_class_threshold_attack, threshold_attack
from privacy_component.attacks.trained import LEARNERS, trained_attack
from privacy_component.errors import PrivacyInputError, did_you_mean
from privacy_component.observations.observations import MULTICLASS
from privacy_component.observations.signals import SIGNALS

_NO_CLASS_TO_LEARN = ('correctness',)

ATTACKS: dict[str, AttackInfo] = {
    **{f'{name}_threshold': threshold_attack(name) for name in SIGNALS},
    **{
        f'{name}_threshold_per_class': per_class_threshold_attack(name)
        for name, signal in SIGNALS.items()
        if MULTICLASS in signal.tasks and name not in _NO_CLASS_TO_LEARN
    },
    **{name: trained_attack(name) for name in LEARNERS},
    'quantile': quantile_attack(),
}


def attack_named(name: str) -> AttackInfo:
    """The registry's line for an attack.

    Raises:
      PrivacyInputError: there is no such attack.
    """
    if name in ATTACKS:
        return ATTACKS[name]
    raise PrivacyInputError(f'attack {name!r} is not one of {", ".join(ATTACKS)}{did_you_mean(name, ATTACKS)}')


__all__ = ['ATTACKS', 'Attack', 'AttackInfo', 'attack_named', 'check_needs']
