"""What audits say for the verdict: a claim that is refuted blocks, and so does one that could not have been."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from privacy_component.metrics.canary_audit import NOT_REFUTED, REFUTED, UNTESTABLE, CanaryAudit


def against_claims(audits: Sequence[CanaryAudit], num_asked: int) -> Iterator[str]:
    """Why a model is not blessed for its audits.

    Args:
      audits: that were made.
      num_asked: how many the config names.
    """
    if len(audits) != num_asked:
        yield (
            f'PrivacyConfig.audits names {num_asked} audits of canaries and {len(audits)} were made: a claim that '
            'nobody tested is no pass.'
        )
    for audit in audits:
        if audit.outcome == REFUTED:
            yield (
                f'The training is not what it claims: {_guesses(audit)}, which shows an epsilon above '
                f'{audit.lower_bound:.2f} at {audit.confidence_level:.4g} confidence, and {claim_in_words(audit)}. '
                'Look at what the trainer clips, at the noise it adds, and at how many steps it takes; see '
                'docs/canaries.md.'
            )
        elif audit.outcome == UNTESTABLE:
            yield (
                f'A claim of {audit.claimed_epsilon:.4g} cannot be tested with {audit.num_canaries:,} canaries: were '
                f'all of {audit.num_guesses:,} guesses right, they would show {audit.ceiling:.2f}. This is no pass of '
                'the claim. Take another number of canaries, a smaller delta, or a smaller claim.'
            )


def claims_left(audits: Sequence[CanaryAudit]) -> Iterator[str]:
    """What is to be known of claims that were not refuted."""
    for audit in audits:
        if audit.outcome == NOT_REFUTED:
            yield (
                f'Canaries do not refute the claim: {_guesses(audit)}, which shows an epsilon above '
                f'{audit.lower_bound:.2f} (at most {audit.ceiling:.2f} could be shown), and {claim_in_words(audit)}. '
                'That is no proof of it.'
            )


def claim_in_words(audit: CanaryAudit) -> str:
    """What is claimed, and where."""
    by = audit.claimed_by or 'the claim'
    return f'{by} says {audit.claimed_epsilon:.4g} (delta {audit.delta:g})'


def _guesses(audit: CanaryAudit) -> str:
    return (
        f'{audit.num_correct:,} of {audit.num_guesses:,} guesses are right about which of {audit.num_canaries:,} '
        'canaries were trained on'
    )
