"""Model inversion: what an attacker sees who asks a model for the input of a class. A diagnostic, not a gate.

Names are resolved when first used, so that importing this room loads neither TensorFlow nor matplotlib.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from privacy_component.inversion.generator import Generator as Generator
    from privacy_component.inversion.generator import train_generator as train_generator
    from privacy_component.inversion.identify import Identification as Identification
    from privacy_component.inversion.identify import Nearness as Nearness
    from privacy_component.inversion.identify import identification as identification
    from privacy_component.inversion.identify import nearness as nearness
    from privacy_component.inversion.picture import draw_reconstructions as draw_reconstructions
    from privacy_component.inversion.reconstruction import Reconstruction as Reconstruction
    from privacy_component.inversion.reconstruction import reconstruct as reconstruct

_HOMES = {
    'Generator': 'generator',
    'Identification': 'identify',
    'Nearness': 'identify',
    'Reconstruction': 'reconstruction',
    'draw_reconstructions': 'picture',
    'identification': 'identify',
    'nearness': 'identify',
    'reconstruct': 'reconstruction',
    'train_generator': 'generator',
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(f'{__name__}.{_HOMES[name]}'), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
