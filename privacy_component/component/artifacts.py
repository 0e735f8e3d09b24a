"""The artifacts that our components write."""

from privacy_component.component.compat import system_artifacts, types


class PrivacyMetrics(types.Artifact):
    """What the attacks found: privacy_metrics.json and report.html, headline figures as custom properties.

    It declares no PROPERTIES: Kubeflow's compiler accepts custom properties only.
    """

    TYPE_NAME = 'privacy_component.PrivacyMetrics'
    TYPE_ANNOTATION = system_artifacts.Metrics


class ReferenceModelSet(types.Artifact):
    """Models that were trained as another is, each on half of the examples: reference_models.json and SavedModels.

    It declares no PROPERTIES, as above.
    """

    TYPE_NAME = 'privacy_component.ReferenceModelSet'  # by which Kubeflow's steps import the class
    TYPE_ANNOTATION = system_artifacts.Model
