"""Files of an evaluation as the component leaves them, to be decided again."""

import json

from privacy_component import PrivacyConfig
from privacy_component.evaluation import decision


def write(folder, result) -> str:
    """The files as the component leaves them; the hash of the decision."""
    text = result.to_json()
    record = decision.decision_json(result, text)
    (folder / 'privacy_metrics.json').write_text(text)
    (folder / 'decision.json').write_text(record)
    return decision.sha256(record)


def edit(path, change):
    fields = json.loads(path.read_text())
    change(fields)
    path.write_text(json.dumps(fields, indent=1))


def config_file(folder, **fields):
    path = folder / 'config.json'
    path.write_text(PrivacyConfig(**fields).to_json())
    return str(path)
