"""The candidate's model_spec out of an EvalConfig, and out of what it says of several outputs what it says of one."""

from __future__ import annotations

from collections.abc import Iterable

import tensorflow_model_analysis as tfma

from privacy_component.beam.models.eval_config import EvalConfig
from privacy_component.errors import PrivacyInputError


def candidate_only(eval_config: tfma.EvalConfig) -> tfma.EvalConfig:
    """The EvalConfig with TFMA's defaults and the one model_spec that is not the baseline's, for one of its outputs.

    Raises:
      PrivacyInputError: there are several candidates, no label, or several outputs of which none is named.
    """
    specs = [spec for spec in eval_config.model_specs if not spec.is_baseline]
    if len(specs) != 1:
        raise PrivacyInputError(
            f'eval_config.model_specs has {len(specs)} candidate models; exactly one is needed, besides a baseline.'
        )
    if not specs[0].label_key and not specs[0].label_keys:
        raise PrivacyInputError(
            'eval_config.model_specs[0].label_key is empty: name the feature that holds the label, one for the model.'
        )
    result = EvalConfig()
    result.CopyFrom(eval_config)
    del result.model_specs[:]
    result.model_specs.add().CopyFrom(specs[0])
    # Metrics are Evaluator's; a change threshold among them would ask for the baseline that was just taken out.
    del result.metrics_specs[:]
    try:
        result = tfma.utils.update_eval_config_with_defaults(result, has_baseline=False)
        tfma.utils.verify_eval_config(result)
    except ValueError as error:
        raise PrivacyInputError(f'eval_config is refused by TFMA: {on_one_line(error)}.') from error
    _settle_output(result.model_specs[0])
    return result


def _settle_output(spec: tfma.ModelSpec) -> None:
    """Puts label and weight of the output that is judged in the place of those of each output."""
    if not spec.label_keys and not (spec.prediction_key and spec.example_weight_keys):
        return
    output = _judged_output(spec)
    if spec.label_keys:
        spec.label_key = spec.label_keys[output]
        spec.ClearField('label_keys')
    if output in spec.example_weight_keys:
        spec.example_weight_key = spec.example_weight_keys[output]
        spec.ClearField('example_weight_keys')
    spec.prediction_key = spec.prediction_keys.get(output, output)
    spec.ClearField('prediction_keys')


def _judged_output(spec: tfma.ModelSpec) -> str:
    named = spec.prediction_key or (next(iter(spec.label_keys)) if len(spec.label_keys) == 1 else '')
    if spec.label_keys and named not in spec.label_keys:
        said = f'prediction_key is {named!r}' if named else 'no prediction_key says which of them is judged'
        raise PrivacyInputError(
            f'eval_config.model_specs[0].label_keys has the outputs {_listed(spec.label_keys)}, but {said}: name one '
            'with prediction_key, without prediction_keys. One PrivacyEvaluator judges one output; add one for each.'
        )
    return named


def _listed(names: Iterable[str]) -> str:
    return ', '.join(sorted(names))


def on_one_line(error: Exception) -> str:
    """A message as a part of another."""
    return ' '.join(str(error).split())[:200]
