"""The audits of a config, on the scores of canaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from numpy.typing import ArrayLike

from privacy_component.config.audits import Claim, claim_to_test
from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.errors import PrivacyInputError
from privacy_component.metrics.canary_audit import CanaryAudit, audit_canaries


def claims_to_test(config: PrivacyConfig, left: Claim | None = None) -> tuple[Claim, ...]:
    """The claim of each audit; see `config.audits.claim_to_test`."""
    return tuple(claim_to_test(audit, left) for audit in config.audits)


def audits_of(
    config: PrivacyConfig,
    claims: Sequence[Claim],
    scores: Mapping[str, ArrayLike],
    is_in: ArrayLike,
    groups: ArrayLike | None = None,
) -> tuple[CanaryAudit, ...]:
    """Every audit of the config; together they refute true claims no more often than one alone (Bonferroni).

    Args:
      config: the audits.
      claims: one for each.
      scores: by what canaries are ranked by, each as for `audit_canaries`.
      is_in, groups: as there.
    """
    return tuple(
        audit_canaries(
            scores[audit.score],
            is_in,
            claimed_epsilon=claim.epsilon,
            delta=claim.delta,
            confidence_level=1 - (1 - audit.confidence_level) / len(config.audits),
            guess_share=audit.guess_share,
            groups=groups,
            claimed_by=claim.source,
            score=audit.score,
        )
        for audit, claim in zip(config.audits, claims, strict=True)
    )


def audits_of_arrays(
    config: PrivacyConfig, scores: ArrayLike | None, is_in: ArrayLike | None
) -> tuple[CanaryAudit, ...]:
    """The audits of evaluate_privacy.

    Raises:
      PrivacyInputError: audits without canaries, or canaries without audits.
    """
    if not config.audits and scores is None and is_in is None:
        return ()
    if not config.audits:
        raise PrivacyInputError(
            'canary_scores or canary_is_in is given, and config.audits is empty: name the claim, '
            'audits=(OneRunAudit(claimed_epsilon=3, delta=1e-5),), say.'
        )
    if scores is None or is_in is None:
        raise PrivacyInputError('config.audits needs canaries: give both canary_scores and canary_is_in.')
    return audits_of(config, claims_to_test(config), {audit.score: scores for audit in config.audits}, is_in)
