"""Every figure of an evaluation, so that two can be compared to the bit."""

import json
from pathlib import Path

# Of what is recorded: when and how fast it ran.
VARYING = ('started', 'seconds', 'cpu_seconds')


def figures(outputs):
    """The lines of privacy_metrics.json without what differs from run to run; floats as JSON has them, so exactly.

    Args:
      outputs: the artifacts that PrivacyEvaluator has written, by name.
    """
    result = json.loads(Path(outputs['privacy_metrics'].uri, 'privacy_metrics.json').read_text())
    assert result['results'], 'nothing was measured'
    result['context'] = {name: value for name, value in result['context'].items() if name not in VARYING}
    return json.dumps(result, indent=1, sort_keys=True).splitlines()
