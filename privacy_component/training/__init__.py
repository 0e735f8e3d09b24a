"""Helpers for training: privacy watched epoch by epoch, and defences. They need TensorFlow, with Keras 2 or 3.

Names are resolved when first used, so that importing this room loads neither TensorFlow nor Keras.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privacy_component.training.adversarial import adversarial_regularization as adversarial_regularization
    from privacy_component.training.callback import PrivacyCallback as PrivacyCallback
    from privacy_component.training.callback import early_stopping_on_privacy as early_stopping_on_privacy
    from privacy_component.training.dp_claim import DPClaim as DPClaim
    from privacy_component.training.dp_training import dp_sgd as dp_sgd
    from privacy_component.training.loss_trace import LossTrace as LossTrace
    from privacy_component.training.pate import PateLabels as PateLabels
    from privacy_component.training.pate import pate_labels as pate_labels
    from privacy_component.training.snapshots import SnapshotCallback as SnapshotCallback

_HOMES = {
    'DPClaim': 'dp_claim',
    'LossTrace': 'loss_trace',
    'PateLabels': 'pate',
    'PrivacyCallback': 'callback',
    'SnapshotCallback': 'snapshots',
    'adversarial_regularization': 'adversarial',
    'dp_sgd': 'dp_training',
    'early_stopping_on_privacy': 'callback',
    'pate_labels': 'pate',
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
