"""The artifact that PrivacyEvaluator writes."""

from privacy_component.component.compat import system_artifacts, types


class PrivacyMetrics(types.Artifact):
    """What the attacks found: privacy_metrics.json and report.html, headline figures as custom properties.

    It declares no PROPERTIES: Kubeflow's compiler accepts custom properties only.
    """

    TYPE_NAME = 'privacy_component.PrivacyMetrics'
    TYPE_ANNOTATION = system_artifacts.Metrics
