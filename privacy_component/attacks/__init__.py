"""The registry of attacks: one line here and one file beside it add an attack."""

from __future__ import annotations

from privacy_component.attacks.alignment import alignment_attack
from privacy_component.attacks.attack import Attack, AttackInfo, check_needs
from privacy_component.attacks.bayes import bayes_attack
from privacy_component.attacks.chosen import (
    GROUP,
    HANDED_IN,
    HandedIn,
    attack_name,
    installed_attacks,
    split_name,
    with_parameters,
)
from privacy_component.attacks.difficulty import difficulty_attack
from privacy_component.attacks.gradient_norm import gradient_norm_attack
from privacy_component.attacks.label_stability import label_stability_attack
from privacy_component.attacks.lira import lira_attack
from privacy_component.attacks.quantile import quantile_attack
from privacy_component.attacks.rmia import rmia_attack
from privacy_component.attacks.stacked import stacked_attack
from privacy_component.attacks.threshold import per_class_threshold_attack, threshold_attack
from privacy_component.attacks.tokens import min_k_attack, token_loss_attack, token_loss_change_attack
from privacy_component.attacks.trained import LEARNERS, trained_attack
from privacy_component.attacks.trajectory import trajectory_attack
from privacy_component.attacks.trajectory_and_alignment import trajectory_and_alignment_attack
from privacy_component.attacks.white_box import white_box_attack
from privacy_component.errors import PrivacyInputError, did_you_mean
from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION
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
    'difficulty': difficulty_attack(),
    'rmia': rmia_attack(),
    'lira': lira_attack(),
    'bayes': bayes_attack(),
    'stacked': stacked_attack(),
    'gradient_norm': gradient_norm_attack(),
    'white_box': white_box_attack(),
    'trajectory': trajectory_attack(),
    'alignment': alignment_attack(),
    'trajectory_and_alignment': trajectory_and_alignment_attack(),
    'label_stability': label_stability_attack(),
    'token_loss': token_loss_attack(),
    'min_k': min_k_attack(),
    'token_loss_change': token_loss_change_attack(),
}


# What runs where a config names no attacks: the loss, which needs nothing, and one that learns and is good where it is
# not. For classifiers logistic regression finds as much as boosted trees at a fifth of the cost; see docs/attacks.md.
DEFAULT_ATTACKS: dict[str, tuple[str, ...]] = {
    MULTICLASS: ('loss_threshold', 'logistic_regression'),
    MULTILABEL: ('loss_threshold', 'logistic_regression'),
    REGRESSION: ('loss_threshold', 'gradient_boosting'),
}

# Beside them where there are reference models: the least that a few of these tell, and all of it.
DEFAULT_WITH_REFERENCES = ('rmia', 'stacked')

# Beside them where there are snapshots: what needs their outputs only.
DEFAULT_WITH_SNAPSHOTS = ('trajectory',)


def attack_named(name: str) -> AttackInfo:
    """The registry's line for an attack, with the parameters in its name, if any, set.

    Raises:
      PrivacyInputError: there is no such attack or parameter, or it was handed in as an object and is not at hand.
    """
    if isinstance(name, HandedIn):
        return name.info
    if str(name).startswith(HANDED_IN):
        raise PrivacyInputError(
            f"attack '{name}' was handed in as an object, of which a config keeps the name only: hand it in again, or "
            f"announce it in the entry-point group '{GROUP}' of an installed package, which workers have too."
        )
    plain, parameters = split_name(str(name))
    return with_parameters(plain, _line(plain), parameters)


def check_attack_name(name: str) -> None:
    """Raises PrivacyInputError for an attack that there is not; one that was handed in is taken at its word."""
    if not str(name).startswith(HANDED_IN):
        attack_named(name)


def is_known_to_learn(name: str) -> bool:
    """Whether an attack learns from memberships; so it is taken for one that does where only its name is left."""
    return str(name).startswith(HANDED_IN) or attack_named(name).learns


def _line(name: str) -> AttackInfo:
    found = ATTACKS.get(name) or installed_attacks().get(name)
    if found is None:
        known = [*ATTACKS, *installed_attacks()]
        raise PrivacyInputError(f'attack {name!r} is not one of {", ".join(known)}{did_you_mean(name, known)}')
    return found


__all__ = [
    'ATTACKS',
    'DEFAULT_ATTACKS',
    'DEFAULT_WITH_REFERENCES',
    'DEFAULT_WITH_SNAPSHOTS',
    'Attack',
    'AttackInfo',
    'attack_name',
    'attack_named',
    'check_attack_name',
    'check_needs',
    'is_known_to_learn',
]
