"""Audits in PrivacyEvaluator: the claim, where the canaries are, and what the model says of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from absl import logging

from privacy_component.beam import canaries as jobs
from privacy_component.beam.canaries import Canaries
from privacy_component.beam.dry_run import check_totals
from privacy_component.beam.models.totals import totals_from_json
from privacy_component.beam.plan import Plan, SplitFiles
from privacy_component.component.compat import artifact_utils, fileio, types
from privacy_component.component.example_files import split_files
from privacy_component.config.audits import CLAIM_FILE, CLAIM_PROPERTY, Claim
from privacy_component.config.canary_config import CANARY_IN, CANARY_OUT, CANARY_SPLITS
from privacy_component.config.json_text import read_json
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.audits import audits_of, claims_to_test
from privacy_component.metrics.canary_audit import CanaryAudit
from privacy_component.observations.needs import CANDIDATE

RunJob = Callable[[Callable[[Any], None]], None]  # runs the Beam pipeline that a function builds

LEFT_OUT = 'The canaries in the examples ({}) are left out of attacks, slices and checks: they were made for the audit.'
UNKNOWN = (
    'Nothing shows that the model was trained on these canaries: the claim names no num_examples. One that was trained '
    'without them would pass.'
)


@dataclasses.dataclass(frozen=True)
class PreparedAudits:
    """What is known before the evaluation.

    Attributes:
      claims: for each audit of the config.
      canaries: where they are.
    """

    claims: tuple[Claim, ...]
    canaries: Canaries


def claims_of(config: PrivacyConfig, model: types.Artifact | None, model_path: str) -> tuple[Claim, ...]:
    """The claims that the config's audits test; asked for before anything else is read.

    Raises:
      PrivacyInputError: there is none, or one that cannot be used.
    """
    if not config.audits:
        return ()
    if model is None:
        raise PrivacyInputError(
            "PrivacyConfig.audits is set and the input 'model' is not wired: an audit asks the model about canaries. "
            'Pass model, or leave audits out.'
        )
    return claims_to_test(config, _claim_left(model, model_path))


def prepare(
    config: PrivacyConfig,
    claims: Sequence[Claim],
    examples: Sequence[types.Artifact],
    plan: Plan,
    run: RunJob,
    path: str,
) -> PreparedAudits | None:
    """Finds the canaries, and runs a job that looks for them in the splits; None where there are none and no audits.

    Args:
      config: the audits.
      claims: of `claims_of`.
      examples: what is evaluated.
      plan: of the evaluation.
      run: runs a job.
      path: a file that the job may write.

    Raises:
      PrivacyInputError: audits without canaries, or canaries that are not where their coins say.
    """
    names = {name for one in examples for name in artifact_utils.decode_split_names(one.split_names)}
    missing = [name for name in CANARY_SPLITS if name not in names]
    if missing and not config.audits:
        return None
    if missing:
        raise PrivacyInputError(
            f"PrivacyConfig.audits needs canaries, and the examples have no split '{missing[0]}' (they have "
            f'{", ".join(sorted(names))}): put CanaryInjector before Trainer, and give PrivacyEvaluator the examples '
            'that Trainer is given.'
        )
    both = sorted({*plan.config.member_splits, *plan.config.non_member_splits} & set(CANARY_SPLITS))
    if both:
        raise PrivacyInputError(
            f"PrivacyConfig names the split '{both[0]}' among its member_splits or non_member_splits, and canaries are "
            'no examples to evaluate on: leave it out.'
        )
    canaries = jobs.read_canaries(_files(examples), plan.compression)
    run(lambda root: jobs.build_sightings(root, plan, canaries.is_in, path))
    sizes = jobs.take_sightings(path, plan, canaries)
    num_trained_on = sum(sizes.get(split.split, 0) for split in plan.splits if split.is_member)
    for claim in claims:
        _check_size(claim, num_trained_on, sum(canaries.is_in.values()))
    return PreparedAudits(tuple(claims), canaries)


def audit(
    prepared: PreparedAudits, plan: Plan, measured: Mapping[str, Any], run: RunJob, path: str
) -> tuple[CanaryAudit, ...]:
    """The audits of the config, by a job that asks the model about each canary.

    Args:
      prepared: of `prepare`.
      plan: of the evaluation.
      measured: what its job found: the kind of the outputs.
      run: runs a job.
      path: a file that the job may write.
    """
    if not plan.config.audits:
        return ()
    kind = check_totals(plan, totals_from_json(measured['totals']))
    candidate = dataclasses.replace(plan.candidate, output_kind=kind)
    asked = dataclasses.replace(plan, models={CANDIDATE: (candidate,)})
    run(lambda root: jobs.build_scores(root, asked, prepared.canaries, path))
    found = jobs.take_scores(path, prepared.canaries)
    audits = audits_of(plan.config, prepared.claims, found.scores, found.is_in, found.labels)
    for one in audits:
        logging.info(
            'Audit of epsilon %g: %s, lower bound %.3f, at most %.3f could be shown.',
            one.claimed_epsilon, one.outcome, one.lower_bound, one.ceiling,
        )  # fmt: skip
    return audits


def _files(examples: Sequence[types.Artifact]) -> tuple[SplitFiles, SplitFiles]:
    return split_files(examples, CANARY_IN, True), split_files(examples, CANARY_OUT, False)


def _check_size(claim: Claim, num_examples: int, num_in: int) -> None:
    """Raises PrivacyInputError if a trainer says that it was given another number of examples."""
    if claim.num_examples in (None, num_examples):
        return
    without = claim.num_examples == num_examples - num_in
    raise PrivacyInputError(
        f'{claim.source} is of a training on {claim.num_examples:,} examples, and those that are evaluated hold '
        f'{num_examples:,} with {num_in:,} canaries among them: the model was trained on '
        f'{"data without canaries" if without else "other data"}. Give Trainer the examples that CanaryInjector wrote, '
        'all of them.'
    )


def _claim_left(model: types.Artifact, model_path: str) -> Claim | None:
    """The claim beside the model, or in the custom property of its artifact; None for neither."""
    found = []
    for path in dict.fromkeys(f'{folder}/{CLAIM_FILE}' for folder in (model_path, model.uri)):
        if fileio.exists(path):
            with fileio.open(path, 'rb') as file:
                found.append(Claim.from_fields(read_json(file.read().decode('utf-8', 'replace'), path), path))
    text = model.get_string_custom_property(CLAIM_PROPERTY)
    if text:
        where = f"the custom property '{CLAIM_PROPERTY}' of the model"
        found.append(Claim.from_fields(read_json(text, where), where))
    if len({(claim.epsilon, claim.delta) for claim in found}) > 1:
        raise PrivacyInputError(
            f'{found[0].source} claims epsilon {found[0].epsilon:g} and {found[1].source} {found[1].epsilon:g}: remove '
            'the one that is wrong.'
        )
    return found[0] if found else None
