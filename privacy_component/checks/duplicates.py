"""Examples that stand in both splits, or several times on one side, by a hash of all their features."""

from __future__ import annotations

import numpy as np

from privacy_component.checks.check import REFUSE, WARN, CheckInfo, Finding
from privacy_component.checks.evidence import DuplicateFigures, Evidence
from privacy_component.checks.sketches import DistinctCounts

# Non-members that were trained on are accused with the members: where a model gives everybody away, an attack with a
# false positive rate of 1 % finds at most 0.01 / share of the members. Up to this share that is all of them.
MOST_SHARED = 0.01
# Intervals count copies as independent examples; so they are at most 5 % too narrow.
MOST_VARIANCE_INFLATION = 1.1


def measure_duplicates(counts: DistinctCounts) -> DuplicateFigures:
    """Counts, exact as long as the sketch is; above its size, unbiased estimates."""
    members, non_members = counts.members, counts.non_members
    totals = {
        'num_distinct': len(counts.hashes),
        'shared_non_members': int(non_members[members > 0].sum()),
        'copied_members': int(members[members > 1].sum()),
        'sum_of_squares': int((members * members).sum()),
        'copied_non_members': int(non_members[non_members > 1].sum()),
        'sum_of_squares_outside': int((non_members * non_members).sum()),
    }
    if not counts.is_exact:
        totals = {name: round(total / counts.share_kept) for name, total in totals.items()}
    return DuplicateFigures(
        num_members=counts.num_members,
        num_non_members=counts.num_non_members,
        is_exact=counts.is_exact,
        num_looked_at=len(counts.hashes),
        **totals,
    )


def across_splits(evidence: Evidence) -> Finding | str:
    """Whether many non-members are members too."""
    found = evidence.duplicates
    if isinstance(found, str):
        return found
    share = found.shared_non_members / max(found.num_non_members, 1)
    message = f'{_count(found.shared_non_members, found.num_non_members, "non-members", found)} stand among the members'
    if share > MOST_SHARED:
        message += (
            ' too: the model was trained on them, so a leak reads too low. Remove '
            'duplicates before the data are split; if they are different people who happen to be alike (or whose '
            'example_ids start anew in each split), set '
            "PrivacyConfig.checks to {'duplicates_across_splits': 'warn'}"
        )
    figures = {'shared_non_members': found.shared_non_members, 'share': share, 'num_distinct': found.num_distinct}
    return Finding(share > MOST_SHARED, f'{message}.', figures)


def in_training(evidence: Evidence) -> Finding | str:
    """Whether the members are so often alike that intervals come out too narrow."""
    found = evidence.duplicates
    if isinstance(found, str):
        return found
    remedy = 'training data, or count people with group_key; and what a model sees often it remembers best'
    copied = _count(found.copied_members, found.num_members, 'members', found)
    inflation = found.sum_of_squares / max(found.num_members, 1)
    figures = {'copied_members': found.copied_members}
    return _copies(f'{copied} are like another member', inflation, remedy, figures)


def in_non_members(evidence: Evidence) -> Finding | str:
    """Whether the non-members are so often alike that intervals come out too narrow."""
    found = evidence.duplicates
    if isinstance(found, str):
        return found
    remedy = 'evaluation data, or count people with group_key'
    copied = _count(found.copied_non_members, found.num_non_members, 'non-members', found)
    inflation = found.sum_of_squares_outside / max(found.num_non_members, 1)
    figures = {'copied_non_members': found.copied_non_members}
    return _copies(f'{copied} are like another non-member', inflation, remedy, figures)


def _copies(message: str, inflation: float, remedy: str, figures: dict[str, float]) -> Finding:
    is_much = inflation > MOST_VARIANCE_INFLATION
    if is_much:
        message += (
            ': intervals take them for independent, and may be too narrow by a factor of up to '
            f'{np.sqrt(inflation):.2f}. Remove duplicates from the {remedy}'
        )
    return Finding(is_much, f'{message}.', {**figures, 'variance_inflation': inflation})


def _count(count: float, total: int, what: str, found: DuplicateFigures) -> str:
    share = f'{100 * count / max(total, 1):.3g} %'
    if found.is_exact or not count:
        return f'{count:,} of {total:,} {what} ({share})'
    return f'About {count:,} of {total:,} {what} ({share}, estimated from {found.num_looked_at:,} distinct examples)'


ACROSS_SPLITS = CheckInfo(
    look=across_splits,
    default=REFUSE,
    meaning='Non-members that the model was trained on score like members: they hide a leak, most of all at '
    'low false positive rates.',
)
IN_TRAINING = CheckInfo(
    look=in_training,
    default=WARN,
    meaning='Copies are no new evidence, so intervals are too narrow; and examples seen often are remembered best.',
)
IN_NON_MEMBERS = CheckInfo(
    look=in_non_members,
    default=WARN,
    meaning='Copies are no new evidence, so intervals are too narrow.',
)
