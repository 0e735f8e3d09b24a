"""The model that a change is measured against: which one it is, how it is called, and whether it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from privacy_component.beam.models.eval_config import EvalConfig, ModelSpec
from privacy_component.beam.plan import BASELINE_MODEL
from privacy_component.component.compat import path_utils, types
from privacy_component.errors import PrivacyInputError

if TYPE_CHECKING:
    import tensorflow_model_analysis as tfma


def baseline_path(input_dict: Mapping[str, Sequence[types.Artifact]]) -> str:
    """The baseline's SavedModel; '' where the channel is not wired or its Resolver has found no model yet.

    Raises:
      PrivacyInputError: there are several models.
    """
    models = list(input_dict.get(BASELINE_MODEL) or ())
    if len(models) > 1:
        raise PrivacyInputError(
            f'{BASELINE_MODEL} holds {len(models)} models; a change is from one of them: let a Resolver choose it, '
            'with LatestBlessedModelStrategy for example.'
        )
    return path_utils.serving_model_path(models[0].uri, path_utils.is_old_model_artifact(models[0])) if models else ''


def baseline_config(eval_config: tfma.EvalConfig) -> tfma.EvalConfig:
    """The EvalConfig with the baseline's model_spec as its only one; the candidate's where the baseline has none.

    Labels are the candidate's, and nothing is preprocessed for the baseline: it takes serialized examples.

    Raises:
      PrivacyInputError: several model_specs are the baseline's.
    """
    specs = [spec for spec in eval_config.model_specs if spec.is_baseline]
    if len(specs) > 1:
        raise PrivacyInputError(
            f'eval_config.model_specs has {len(specs)} with is_baseline=True; at most one can be: leave the others out.'
        )
    candidate = next(spec for spec in eval_config.model_specs if not spec.is_baseline)
    chosen = ModelSpec()
    chosen.CopyFrom(specs[0] if specs else candidate)
    chosen.ClearField('is_baseline')
    chosen.ClearField('name')
    chosen.ClearField('preprocessing_function_names')
    if not chosen.label_key and not chosen.label_keys:
        chosen.label_key = candidate.label_key
        chosen.label_keys.update(candidate.label_keys)
    return EvalConfig(model_specs=[chosen])


def check_called_directly(candidate: bool, baseline: bool) -> None:
    """Refuses models that workers do not call themselves.

    Args:
      candidate, baseline: whether workers call it.

    Raises:
      PrivacyInputError: TFMA's extractors, which run one model at a time, would have to call one.
    """
    if candidate and baseline:
        return
    which = 'the baseline model' if candidate else 'the candidate model'
    raise PrivacyInputError(
        f'Threshold.absolute compares with {BASELINE_MODEL}, and for that workers call both models on each batch, but '
        f"{which} can only be called through TFMA's extractors: export it as a SavedModel with a signature that takes "
        'serialized tf.Examples and name that in eval_config.model_specs, or leave Threshold.absolute out.'
    )
