"""Membership-inference auditing for TFX pipelines: a model that leaks who was in its training data is not pushed.

Names are resolved when first used, so that importing this package loads neither TFX nor TensorFlow.
"""

import importlib

from privacy_component._version import __version__

_HOMES = {
    'Overturn': 'privacy_component.config.overturn',
    'PrivacyConfig': 'privacy_component.config.privacy_config',
    'PrivacyInputError': 'privacy_component.errors',
    'PrivacyEvaluator': 'privacy_component.component.component',
    'PrivacyMetrics': 'privacy_component.component.artifacts',
    'PrivacyResult': 'privacy_component.evaluation.result',
    'SlicingSpec': 'privacy_component.observations.slicing',
    'StandingRefusalsStrategy': 'privacy_component.component.resolver',
    'Threshold': 'privacy_component.config.thresholds',
    'evaluate_privacy': 'privacy_component.evaluation.evaluate',
    'policy': 'privacy_component.config.policies',
}

__all__ = ['__version__', *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    return getattr(importlib.import_module(_HOMES[name]), name)
