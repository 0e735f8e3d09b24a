"""Predictions that somebody wrote into the examples, in the place of a model that is called.

TFMA evaluates so without a model: prediction_key names a feature. Models that are no SavedModels (scikit-learn,
XGBoost, PyTorch, JAX) can be judged like this, by what BulkInferrer or any other program wrote beside the examples.
"""

from __future__ import annotations

from collections.abc import Collection

import tensorflow as tf
import tensorflow_model_analysis as tfma

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.gate.baseline import attacks_on_baseline

NOT_CALLED = 'not at all: the examples hold its predictions'
SPEC = 'eval_config.model_specs[0]'


def are_read(model_path: str, spec: tfma.ModelSpec) -> bool:
    """Whether predictions are read from the examples: a feature is named for them, and no SavedModel is there.

    Args:
      model_path: where the model is; '' where none was given.
      spec: the candidate's.

    Raises:
      PrivacyInputError: there is neither a model nor a name for predictions.
    """
    if not model_path and not spec.prediction_key:
        raise PrivacyInputError(
            f"there is nothing to judge: the input 'model' is not wired and {SPEC}.prediction_key is empty. Pass "
            'model, or name the feature of the examples that holds predictions.'
        )
    return bool(spec.prediction_key) and not (model_path and tf.saved_model.contains_saved_model(model_path))


def check_read(
    model_path: str, spec: tfma.ModelSpec, config: PrivacyConfig, names: set[str], given: Collection[str]
) -> None:
    """Refuses what predictions in the examples do not go with.

    Args:
      model_path: as for `are_read`.
      spec: the candidate's.
      config: attacks and thresholds.
      names: of the features, raw and transformed.
      given: which of the inputs with other models are wired.

    Raises:
      PrivacyInputError: the feature is not there, or a setting or input asks for a model.
    """
    key = spec.prediction_key
    if key not in names:
        no_model = f"the folder of the input 'model', {model_path}, holds no SavedModel" if model_path else 'no model'
        raise PrivacyInputError(
            f"{no_model}, and {SPEC}.prediction_key '{key}' is not among the features "
            f'{", ".join(sorted(names)[:20])}: export a SavedModel, or name the feature that holds predictions.'
        )
    for field in ('signature_name', 'preprocessing_function_names', 'model_type'):
        if getattr(spec, field):
            raise PrivacyInputError(
                f"{SPEC}.{field} is set, but the predictions are read from the feature '{key}' and no model is called: "
                'leave it out.'
            )
    if config.audits:
        raise PrivacyInputError(
            'PrivacyConfig.audits is set, but predictions are read from the examples: an audit asks the model about '
            'canaries. Leave it out, or export a SavedModel.'
        )
    if 'baseline_model' in given and attacks_on_baseline(config):
        raise _takes_a_model('baseline_model', 'a change is measured between two models that are called')
    for channel in ('reference_models', 'snapshots'):
        if channel in given:
            raise _takes_a_model(channel, 'they are compared with a model that is called as they are')


def warning(key: str, model_uri: str) -> str:
    """What a verdict on written predictions rests on."""
    whose = f'the model in {model_uri}' if model_uri else 'any model'
    return (
        f"The predictions judged are the feature '{key}' of the examples; no model was called, and nothing here shows "
        f'that they are those of {whose}. Whoever writes them decides what is judged.'
    )


def _takes_a_model(channel: str, why: str) -> PrivacyInputError:
    return PrivacyInputError(
        f"the input '{channel}' is wired, but predictions are read from the examples: {why}. Leave it out, or export a "
        'SavedModel.'
    )
