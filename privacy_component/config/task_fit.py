"""What a config asks for that its task does not have: attacks, slices, names of classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from privacy_component.attacks import DEFAULT_ATTACKS, attack_named
from privacy_component.attacks.chosen import HANDED_IN, HandedIn
from privacy_component.errors import PrivacyInputError
from privacy_component.observations.derived import DERIVED
from privacy_component.observations.observations import MULTICLASS
from privacy_component.observations.slicing import SlicingSpec

if TYPE_CHECKING:
    from privacy_component.config.privacy_config import PrivacyConfig


def check_fits(config: PrivacyConfig, task: str) -> None:
    """Refuses what could only fail, or bless nothing, after all has been measured.

    Raises:
      PrivacyInputError: an attack, a slice or `classes` is not for models of this task; names the field and what fits.
    """
    _check_attacks(config.attacks, task)
    _check_slices('PrivacyConfig.slicing_specs', config.slicing_specs, task)
    for i, threshold in enumerate(config.thresholds):
        _check_slices(f'PrivacyConfig.thresholds[{i}].slicing_specs', threshold.slicing_specs, task)
    if config.outputs.classes and task != MULTICLASS:
        raise PrivacyInputError(
            f'PrivacyConfig.outputs.classes has names for the classes of a {MULTICLASS} model, but {_this(task)}: '
            'leave it out.'
        )


def _check_attacks(attacks: Sequence[str], task: str) -> None:
    unfit = [name for name in attacks if not _is_defined(name, task)]
    if unfit:
        raise PrivacyInputError(
            f'PrivacyConfig.attacks names {", ".join(map(repr, unfit))}, for {" and ".join(_tasks_of(unfit))} models '
            f'only, but {_this(task)}: leave them out; without any, {" and ".join(DEFAULT_ATTACKS[task])} run.'
        )


def _is_defined(name: str, task: str) -> bool:
    is_unknown = not isinstance(name, HandedIn) and name.startswith(HANDED_IN)
    return is_unknown or task in attack_named(name).tasks


def _tasks_of(names: Iterable[str]) -> list[str]:
    return sorted({task for name in names for task in attack_named(name).tasks})


def _check_slices(where: str, specs: Sequence[SlicingSpec], task: str) -> None:
    named = {name for spec in specs for name in spec.features}
    unfit = [name for name, one in DERIVED.items() if name in named and task not in one.tasks]
    if unfit:
        listed = ', '.join(map(repr, unfit))
        raise PrivacyInputError(f'{where} names {listed}, but {_this(task)}, which has none: leave it out.')


def _this(task: str) -> str:
    return f'this is a {task} model (PrivacyConfig.outputs.task)'
