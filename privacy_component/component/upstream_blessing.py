"""What an upstream component says of the model, if it speaks of this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from absl import logging

from privacy_component.component.compat import blessing_constants, model_utils, types
from privacy_component.errors import PrivacyInputError

MODEL_BLESSING = 'model_blessing'


def upstream_blessed(input_dict: Mapping[str, Sequence[types.Artifact]], model: types.Artifact | None) -> bool | None:
    """Whether every upstream blessing is one; None where none is wired.

    Which other components judge the model, an executor cannot know: it sees no more than its own inputs.

    Raises:
      PrivacyInputError: a blessing names another model.
    """
    if MODEL_BLESSING not in input_dict:
        logging.info(
            "The input 'model_blessing' is not wired: if an Evaluator judges this model, what it says does not count."
        )
        return None
    blessings = input_dict[MODEL_BLESSING]
    if model is None:
        raise PrivacyInputError(
            "the input 'model_blessing' is wired and 'model' is not, so it is of no model that is judged here: pass "
            'model too, or leave both out.'
        )
    for blessing in blessings:
        _check_names(blessing, model)
    return bool(blessings) and all(model_utils.is_model_blessed(blessing) for blessing in blessings)


def _check_names(blessing: types.Artifact, model: types.Artifact) -> None:
    """Raises PrivacyInputError if a blessing names another model than this."""
    named = blessing.get_string_custom_property(blessing_constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY)
    if not named:
        logging.warning('The blessing %s does not say which model it is of; it is taken for one of this.', blessing.uri)
    elif named.rstrip('/') != model.uri.rstrip('/'):
        raise PrivacyInputError(
            f"the input 'model_blessing' is of the model {named}, and the model to evaluate is {model.uri}: wire the "
            "blessing of the component that judges this model, Evaluator's for example."
        )
