"""The reference models that PrivacyEvaluator is given: whether they fit what is evaluated, and how they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from privacy_component.attacks import attack_named
from privacy_component.beam.plan import ModelPlan, ReferencePlan
from privacy_component.component.compat import types
from privacy_component.component.provenance import directory_fingerprint
from privacy_component.component.reference_models.manifest import ReferenceManifest, TrainedModel, read_manifest
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError

REFERENCE_MODELS = 'reference_models'
UNUSED_REFERENCES = (
    f'{REFERENCE_MODELS} is wired, and no configured attack asks them, so nothing of them bears on the verdict: add '
    "'rmia' and 'stacked' to PrivacyConfig.attacks, or leave attacks out for the default."
)


def reference_uri(input_dict: Mapping[str, Sequence[types.Artifact]]) -> str:
    """Where the reference models are; '' where the channel is not wired.

    Raises:
      PrivacyInputError: it is wired and holds none, or several.
    """
    if REFERENCE_MODELS not in input_dict:
        return ''
    artifacts = list(input_dict[REFERENCE_MODELS] or ())
    if len(artifacts) != 1:
        raise PrivacyInputError(
            f'{REFERENCE_MODELS} holds {len(artifacts)} artifacts; one is needed: run ReferenceModels, and let a '
            'Resolver with LatestArtifactStrategy choose where it runs in another pipeline.'
        )
    return artifacts[0].uri


def reference_plan(uri: str, config: PrivacyConfig, candidate: ModelPlan) -> ReferencePlan:
    """How the reference models are called: as the candidate is.

    Raises:
      PrivacyInputError: the artifact was not finished or has changed, its models are too few for a configured attack,
        or they were trained on other splits than are evaluated.
    """
    if config.measurement.max_bad_record_share:
        raise PrivacyInputError(
            f'PrivacyConfig.measurement.max_bad_record_share is above 0, but {REFERENCE_MODELS} were trained on every '
            'record: set it to 0, or leave the reference models out.'
        )
    manifest = read_manifest(uri)
    _check_splits(manifest, config)
    _check_number(len(manifest.models), config)
    models = []
    for model in manifest.models:
        path = f'{uri}/{model.directory}'
        _check_untouched(path, model)
        models.append(ModelPlan(path, candidate.eval_config, signature=candidate.signature, output=candidate.output))
    return ReferencePlan(tuple(models), manifest.seed, dict(manifest.fingerprints))


def check_same_examples(plan: ReferencePlan, fingerprints: Mapping[str, str]) -> None:
    """Compares the examples that were evaluated with those that the reference models were trained on.

    Args:
      plan: the reference models.
      fingerprints: split -> 16 hexadecimal digits of what was evaluated.

    Raises:
      PrivacyInputError: they are others, so that nobody knows which model knows which; the message names the split.
    """
    for split, found in sorted(fingerprints.items()):
        trained = plan.fingerprints.get(split)
        if trained != found:
            raise PrivacyInputError(
                f"{REFERENCE_MODELS} were trained on other examples of the split '{split}' (fingerprint {trained}, the "
                f'evaluated examples have {found}): run ReferenceModels on the examples that PrivacyEvaluator is given.'
            )


def reads_references(config: PrivacyConfig) -> bool:
    """Whether a configured attack asks reference models."""
    return any(attack_named(name).fewest_references for name in config.attacks)


def _check_splits(manifest: ReferenceManifest, config: PrivacyConfig) -> None:
    for field in ('member_splits', 'non_member_splits'):
        theirs, ours = sorted(getattr(manifest, field)), sorted(getattr(config, field))
        if theirs != ours:
            raise PrivacyInputError(
                f'{REFERENCE_MODELS} were trained with {field} {", ".join(theirs)}, and PrivacyConfig.{field} is '
                f'{", ".join(ours)}: let both name the same.'
            )


def _check_number(num_models: int, config: PrivacyConfig) -> None:
    for name in config.attacks:
        fewest = attack_named(name).fewest_references
        if num_models < fewest:
            raise PrivacyInputError(
                f"attack '{name}' needs at least {fewest} reference models, and {REFERENCE_MODELS} holds {num_models}: "
                f'set ReferenceModels(num_models={fewest}) or more, or leave the attack out of PrivacyConfig.attacks.'
            )


def _check_untouched(path: str, model: TrainedModel) -> None:
    if directory_fingerprint(path) != model.fingerprint:
        raise PrivacyInputError(
            f'{REFERENCE_MODELS}: the model in {path} is not the one that was trained there: its files have changed or '
            'are missing. Run ReferenceModels again.'
        )
