"""A strategy for TFX's Resolver that finds refusals which still stand."""

from __future__ import annotations

from privacy_component.component.compat import ResolverStrategy, types
from privacy_component.component.previous_evaluations import standing
from privacy_component.deprecation import warn_renamed

_RENAMED = {'StandingRefusalsStrategy': 'PreviousEvaluationsStrategy'}

ArtifactDict = dict[str, list[types.Artifact]]


class PreviousEvaluationsStrategy(ResolverStrategy):
    """Resolves the PrivacyMetrics of models that were not blessed, for PrivacyEvaluator's `previous_metrics`.

    LatestArtifactStrategy would forget a refusal as soon as another model is evaluated, and its node fails in a
    pipeline's first run. Here nothing refused is an empty list, and evaluating a refused model again adds nothing to
    what is resolved as long as it is refused for the same reasons, so that its cached execution is found.

    ``` python
    refusals = Resolver(
        strategy_class=PreviousEvaluationsStrategy, previous_metrics=Channel(type=PrivacyMetrics)
    ).with_id('previous_evaluations')
    privacy = PrivacyEvaluator(..., previous_metrics=refusals.outputs['previous_metrics'])
    ```
    """

    def resolve_artifacts(self, store: object, input_dict: ArtifactDict) -> ArtifactDict:
        """The artifacts of each channel that still say of a model that it was not blessed."""
        return {name: standing(artifacts) for name, artifacts in input_dict.items()}


def __getattr__(name: str) -> object:
    if name not in _RENAMED:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    warn_renamed(f'{__name__}.{name} is now {_RENAMED[name]}; the old name goes with the next release.')
    return globals()[_RENAMED[name]]
