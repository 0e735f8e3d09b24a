"""Membership-inference auditing for TFX pipelines: a model that leaks who was in its training data is not pushed.

Names are resolved when first used, so that importing this package loads neither TFX nor TensorFlow.
"""

import importlib
import types
from typing import TYPE_CHECKING

from privacy_component._version import __version__
from privacy_component.deprecation import warn_renamed

if TYPE_CHECKING:  # for type checkers and editors, which do not run `__getattr__`
    from privacy_component.beam.dataflow import dataflow_pipeline_args as dataflow_pipeline_args
    from privacy_component.component.artifacts import PrivacyMetrics as PrivacyMetrics
    from privacy_component.component.artifacts import ReferenceModelSet as ReferenceModelSet
    from privacy_component.component.canaries.component import CanaryInjector as CanaryInjector
    from privacy_component.component.component import PrivacyEvaluator as PrivacyEvaluator
    from privacy_component.component.reference_models.component import ReferenceModels as ReferenceModels
    from privacy_component.component.resolver import PreviousEvaluationsStrategy as PreviousEvaluationsStrategy
    from privacy_component.config.audits import OneRunAudit as OneRunAudit
    from privacy_component.config.canary_config import CanaryConfig as CanaryConfig
    from privacy_component.config.policies import policy as policy
    from privacy_component.config.privacy_config import PrivacyConfig as PrivacyConfig
    from privacy_component.config.refusal_override import RefusalOverride as RefusalOverride
    from privacy_component.config.settings import DecisionSettings as DecisionSettings
    from privacy_component.config.settings import MeasurementSettings as MeasurementSettings
    from privacy_component.config.settings import OutputSettings as OutputSettings
    from privacy_component.config.settings import PeopleSettings as PeopleSettings
    from privacy_component.config.settings import SliceSettings as SliceSettings
    from privacy_component.config.thresholds import Threshold as Threshold
    from privacy_component.errors import PrivacyInputError as PrivacyInputError
    from privacy_component.evaluation.attribute_inference import AttributeInference as AttributeInference
    from privacy_component.evaluation.attribute_inference import (
        evaluate_attribute_inference as evaluate_attribute_inference,
    )
    from privacy_component.evaluation.evaluate import evaluate_privacy as evaluate_privacy
    from privacy_component.evaluation.fitted import evaluate_model as evaluate_model
    from privacy_component.evaluation.result import PrivacyResult as PrivacyResult
    from privacy_component.metrics.canary_audit import audit_canaries as audit_canaries
    from privacy_component.metrics.repeated_audit import audit_runs as audit_runs
    from privacy_component.observations.slicing import SlicingSpec as SlicingSpec

_HOMES = {
    'CanaryConfig': 'privacy_component.config.canary_config',
    'CanaryInjector': 'privacy_component.component.canaries.component',
    'AttributeInference': 'privacy_component.evaluation.attribute_inference',
    'DecisionSettings': 'privacy_component.config.settings',
    'MeasurementSettings': 'privacy_component.config.settings',
    'OneRunAudit': 'privacy_component.config.audits',
    'OutputSettings': 'privacy_component.config.settings',
    'PeopleSettings': 'privacy_component.config.settings',
    'PreviousEvaluationsStrategy': 'privacy_component.component.resolver',
    'PrivacyConfig': 'privacy_component.config.privacy_config',
    'PrivacyEvaluator': 'privacy_component.component.component',
    'PrivacyInputError': 'privacy_component.errors',
    'PrivacyMetrics': 'privacy_component.component.artifacts',
    'PrivacyResult': 'privacy_component.evaluation.result',
    'ReferenceModelSet': 'privacy_component.component.artifacts',
    'ReferenceModels': 'privacy_component.component.reference_models.component',
    'RefusalOverride': 'privacy_component.config.refusal_override',
    'SliceSettings': 'privacy_component.config.settings',
    'SlicingSpec': 'privacy_component.observations.slicing',
    'Threshold': 'privacy_component.config.thresholds',
    'audit_canaries': 'privacy_component.metrics.canary_audit',
    'audit_runs': 'privacy_component.metrics.repeated_audit',
    'dataflow_pipeline_args': 'privacy_component.beam.dataflow',
    'evaluate_attribute_inference': 'privacy_component.evaluation.attribute_inference',
    'evaluate_model': 'privacy_component.evaluation.fitted',
    'evaluate_privacy': 'privacy_component.evaluation.evaluate',
    'policy': 'privacy_component.config.policies',
}
_RENAMED = {'Overturn': 'RefusalOverride', 'StandingRefusalsStrategy': 'PreviousEvaluationsStrategy'}

__all__ = ['__version__', *_HOMES]


if not TYPE_CHECKING:  # for which there are no other names

    def __getattr__(name: str) -> object:
        if name in _RENAMED:
            warn_renamed(f'privacy_component.{name} is now {_RENAMED[name]}; the old name goes with the next release.')
            return __getattr__(_RENAMED[name])
        if name not in _HOMES:
            raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
        return getattr(_home_of(name), name)


def _home_of(name: str) -> types.ModuleType:
    try:
        return importlib.import_module(_HOMES[name])
    except ModuleNotFoundError as error:
        if (error.name or '').startswith('privacy_component'):
            raise
        raise ModuleNotFoundError(
            f'privacy_component.{name} needs {error.name}, which is not installed: '
            "pip install 'privacy-component[tfx]'.",
            name=error.name,
        ) from error


def __dir__() -> list[str]:
    return sorted(__all__)
