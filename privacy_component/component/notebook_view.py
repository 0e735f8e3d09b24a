"""The report where a notebook asks for it: context.show(privacy.outputs['privacy_metrics'])."""

from __future__ import annotations

from typing import Any

from markupsafe import escape

from privacy_component.component.artifacts import PrivacyMetrics
from privacy_component.component.compat import ArtifactVisualization, fileio, types
from privacy_component.component.publish import REPORT_FILE_NAME
from privacy_component.errors import printable


class PrivacyMetricsVisualization(ArtifactVisualization):
    """Shows report.html in a frame of its own, so that neither its styles nor its scripts meet the notebook's."""

    ARTIFACT_TYPE = PrivacyMetrics

    def display(self, artifact: types.Artifact) -> Any:
        """Shows it, or says that it is not there."""
        from IPython.display import display

        path = f'{artifact.uri}/{REPORT_FILE_NAME}'
        if not fileio.exists(path):
            display({'text/plain': printable(f'{path} is not there: no evaluation has written it.')}, raw=True)
            return
        with fileio.open(path) as file:
            page = file.read()
        frame = f'<iframe srcdoc="{escape(page)}" title="Privacy report" width="100%" height="700"></iframe>'
        display({'text/html': frame, 'text/plain': printable(path)}, raw=True)
