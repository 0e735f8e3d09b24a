"""Earlier evaluations of the same model, from the properties of their artifacts: no file of theirs has to be there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from privacy_component.component.compat import types
from privacy_component.gate.history import BLESSED, BLESSED_OVER_REFUSAL, REFUSALS, Earlier, only_repeats
from privacy_component.gate.reasons import REPORT_ONLY

_PARTS = {
    'thresholds_sha256': 'thresholds',
    'attacks_sha256': 'attacks',
    'settings_sha256': 'other settings of PrivacyConfig',
    'eval_config_sha256': 'eval_config',
    'examples_sha256': 'examples',
    'other_inputs_sha256': 'transform_graph, schema or baseline_model',
    'upstream': 'the upstream verdict',
    'version': 'the version of privacy_component',
}


def earlier_evaluations(artifacts: Sequence[types.Artifact], now: Mapping[str, str]) -> tuple[Earlier, ...]:
    """Evaluations that did not bless the model of this one, the oldest first.

    Args:
      artifacts: PrivacyMetrics of any models.
      now: this evaluation's properties of the same names: `identity` and the version.
    """
    same_model = [one for one in artifacts if _text(one, 'model_fingerprint') == now['model_fingerprint']]
    return tuple(_earlier(one, now) for one in standing(same_model))


def standing(artifacts: Sequence[types.Artifact]) -> list[types.Artifact]:
    """Of every model the refusals since the last override, and the lacks of a blessing for other reasons.

    Each message once: later ones with the same say the same again. One that says nothing of its own is left out, unless
    it is all that is left of a refusal.
    """
    found: dict[tuple[str, bool, str], types.Artifact] = {}
    for artifact in sorted(artifacts, key=_age):
        model, outcome, message = (_text(artifact, name) for name in ('model_fingerprint', 'outcome', 'message'))
        is_refusal = outcome in REFUSALS
        is_known = not is_refusal or any(key[:2] == (model, True) for key in found)
        if outcome == BLESSED_OVER_REFUSAL:
            found = {key: one for key, one in found.items() if key[0] != model}
        elif outcome and outcome != BLESSED and not (is_known and _says_nothing(message)):
            found.setdefault((model, is_refusal, message), artifact)
    return sorted(found.values(), key=_age)


def _says_nothing(message: str) -> bool:
    return message == REPORT_ONLY or only_repeats(message)


def _age(artifact: types.Artifact) -> tuple[int, str]:
    return artifact.id, artifact.uri


def _text(artifact: types.Artifact, name: str) -> str:
    return str(artifact.get_custom_property(name) or '')


def _earlier(artifact: types.Artifact, now: Mapping[str, str]) -> Earlier:
    return Earlier(
        uri=artifact.uri,
        outcome=_text(artifact, 'outcome'),
        message=_text(artifact, 'message'),
        decision_sha256=_text(artifact, 'decision_sha256'),
        differs=tuple(words for name, words in _PARTS.items() if _text(artifact, name) != now[name]),
    )
