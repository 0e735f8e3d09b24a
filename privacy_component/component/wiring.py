"""Evaluators whose verdict on the same model gets lost, because Pusher listens to PrivacyEvaluator's blessing alone."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Iterable
from typing import Any

from privacy_component.component.compat import dsl_context_registry, standard_artifacts, types
from privacy_component.errors import PrivacyInputError

MODEL, MODEL_BLESSING = 'model', 'model_blessing'

# By component, the nodes of its pipeline: a list that TFX goes on adding to until the Pipeline is made. It is no
# attribute of the component, because TFX writes those to JSON.
_NODES: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()


def watch(component: Any) -> None:
    """Warns if a lost Evaluator is known already; otherwise looks again at `look_again`."""
    _NODES[component] = dsl_context_registry.get().all_nodes
    look_again(component)


def look_again(component: Any) -> None:
    """Warns, once for each component, if an Evaluator of the same model is among the nodes by now."""
    lost = sorted(node.id for node in _NODES.get(component, ()) if _is_lost(node, component))
    if not lost:
        return
    del _NODES[component]
    warnings.warn(
        f"'{lost[0]}' judges the model that '{component.id}' evaluates, and its blessing is not wired: a Pusher that "
        f"is given {component.id}'s blessing would push a model that '{lost[0]}' refused. Pass "
        "model_blessing=evaluator.outputs['blessing'] to PrivacyEvaluator.",
        stacklevel=4,
    )


def _is_lost(node: Any, component: Any) -> bool:
    """Whether a node blesses the model that a component is given and the component does not hear of it."""
    if isinstance(node, type(component)) or not hasattr(node, 'spec'):  # some are still being made
        return False
    blesses = any(channel.type is standard_artifacts.ModelBlessing for channel in node.outputs.values())
    model = set(_producers(component.inputs.get(MODEL)))
    heard = _producers(component.inputs.get(MODEL_BLESSING))
    return blesses and not model.isdisjoint(_producers(node.inputs.get(MODEL))) and node.id not in heard


def _producers(channel: types.BaseChannel | None) -> Iterable[str]:
    return channel.get_data_dependent_node_ids() if channel is not None else ()


def check_trained_on_canaries(component: Any) -> None:
    """Raises PrivacyInputError if the model's Trainer does not get the very examples whose canaries are to be audited.

    What stands between them, Transform say, may change canaries or take them out, and nobody would notice. Where it is
    not known what made the model, this says nothing.
    """
    trainer = getattr(component.inputs[MODEL], 'producer_component', None)
    if trainer is None or 'examples' not in trainer.inputs:
        return
    fed, given = trainer.inputs['examples'], set(_producers(component.inputs['examples']))
    if given and given.isdisjoint(_producers(fed)):
        raise PrivacyInputError(
            f"PrivacyConfig.audits is set, and '{trainer.id}' is not trained on the examples that '{component.id}' is "
            f"given: its own are those of '{', '.join(sorted(_producers(fed)))}'. Give both the same, CanaryInjector's "
            "outputs['examples_with_canaries'] or what Transform makes of these: on the way from one to the other "
            'canaries may be lost or changed.'
        )
