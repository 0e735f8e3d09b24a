"""Near-duplicates across the splits: answers and labels that members and non-members share more than chance allows.

Records can be copies and not look it: an id in each, a space at the end of a text, a number that differs in its last
digits, another encoding. What the model is given is then the same, or nearly, and so is what it answers. So answers are
hashed with their labels, to the bit and rounded, and equal ones are counted on either side.

Different people get equal answers too, where a model has few of them. The control is how equal answers fall on the two
sides: if sides were drawn by lot, t equal ones would be m members and t - m non-members as in a hypergeometric draw,
with m (t - m) pairs across in the mean; more pairs than that are what copies across the splits leave, and a leak, which
draws the two sides' answers apart, leaves fewer.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from privacy_component.checks.check import REFUSE, CheckInfo, Finding
from privacy_component.checks.duplicates import MOST_SHARED
from privacy_component.checks.evidence import Evidence, NearFigures
from privacy_component.checks.row_hashes import hash_rows
from privacy_component.checks.sketches import DistinctCounts, merge_counts
from privacy_component.hashing import mix
from privacy_component.observations.observations import Observations

# How many binary digits of a number are kept after the first: all of them, about three decimals, about two.
PRECISIONS = (None, 10, 6)
# In all of them together. An alarm is a refusal, so it is to be rare.
ALPHA = 1e-3
# Equal answers of more examples than that tell nothing of copies: they are the few answers that a model has.
_MOST_ALIKE = 16
_MOST_COUNTED = 1 << 14


@dataclasses.dataclass(frozen=True, eq=False)
class Answered:
    """How often each pair of answer and label occurs on either side, for each of PRECISIONS."""

    counts: tuple[DistinctCounts, ...]

    @classmethod
    def of(cls, rows: NDArray, observations: Observations, labels: NDArray[np.uint64]) -> Answered:
        """Of (n, k) outputs as the model gave them, the observations made of them, and the (n,) hashes of labels."""
        hashes = (mix(hash_rows(rounded(rows, digits)) ^ labels) for digits in PRECISIONS)
        return cls(tuple(DistinctCounts.of(one, observations.is_member, _MOST_COUNTED) for one in hashes))

    def merge(self, *others: Answered) -> Answered:
        """Those of all parts together."""
        sketches = zip(self.counts, *(other.counts for other in others), strict=True)
        return Answered(tuple(merge_counts(same, _MOST_COUNTED) for same in sketches))

    def figures(self) -> NearFigures:
        """Of the precision at which most speaks for copies."""
        found = [_excess(counts) for counts in self.counts]
        best = min(found, key=lambda one: one.p_value)
        return dataclasses.replace(best, p_value=min(len(found) * best.p_value, 1.0))


def rounded(rows: NDArray, digits: int | None) -> NDArray:
    """(n, k) numbers as float32, to so many binary digits after the first; as they are for None."""
    if digits is None:
        return rows
    drop = 23 - digits
    with np.errstate(over='ignore'):
        bits = np.ascontiguousarray(rows, np.float32).view(np.uint32)
    bits = (bits + np.uint32(1 << (drop - 1))) >> np.uint32(drop) << np.uint32(drop)
    return bits.view(np.float32)


def _excess(counts: DistinctCounts) -> NearFigures:
    """Pairs across the sides, beyond what a draw of the sides by lot gives."""
    total = counts.members + counts.non_members
    chosen = (total > 1) & (total <= _MOST_ALIKE)
    m, t = counts.members[chosen].astype(np.float64), total[chosen].astype(np.float64)
    # Of these answers alone: where a model leaks, other sides share rare answers than common ones, and variance is
    # concave in the share, so that such differences between answers leave fewer pairs across, never more.
    inside, both = float(m.sum()), float(t.sum())
    across = 2 * inside * (both - inside) / max(both * (both - 1), 1)
    if not 0 < across < 1:
        return NearFigures(0.0, 1.0, len(t))
    # Pairs across over t - 1: t times the sample variance of membership, in the mean t / 2 times `across`.
    pairs = m * (t - m) / (t - 1)
    excess = float((pairs - t * across / 2).sum())
    shared = max(excess, 0.0) / (1 - across) / counts.share_kept  # a copy leaves one pair where chance leaves `across`
    return NearFigures(min(shared / max(counts.num_non_members, 1), 1.0), _bernstein(excess, t, across), len(t))


def _bernstein(excess: float, t: NDArray[np.float64], across: float) -> float:
    """The most probable that so large a sum can be by chance (Bernstein 1946; Boucheron et al. 2013, section 2.8)."""
    if excess <= 0:
        return 1.0
    variance = across / 2  # of one membership, but for sampling without replacement
    fourth = variance * (1 - 3 * variance)
    spread = float((t * t * (fourth / t - variance**2 * (t - 3) / (t * (t - 1)))).sum())
    most = float((t * t / (4 * (t - 1)) - t * across / 2).max())
    return float(np.exp(-(excess**2) / (2 * (spread + max(most, 0.0) * excess / 3))))


def near_duplicates(evidence: Evidence) -> Finding | str:
    """Whether members and non-members share answers and labels more than chance allows."""
    found = evidence.answers.near
    share = 100 * found.share
    is_found = found.p_value <= ALPHA and found.share > MOST_SHARED
    figures = {'share': found.share, 'p_value': found.p_value, 'num_alike': found.num_alike}
    if not is_found:
        return Finding(False, 'Equal answers are not shown to lie on the two sides other than by chance.', figures)
    return Finding(
        True,
        f'About {share:.3g} % of the non-members get the answer of a member with the same label, more often than '
        'chance gives equal answers on one side: they are copies of members, whatever else their records differ in '
        '(ids, white space, rounding, encoding), or views of the same thing. The model was trained on them, so a leak '
        'reads too low. Split before records are copied, or split by what they are copies of; if they are other '
        "people, set PrivacyConfig.checks to {'near_duplicates': 'warn'}.",
        figures,
    )


NEAR_DUPLICATES = CheckInfo(
    look=near_duplicates,
    default=REFUSE,
    meaning='Non-members that are copies of members but for an id or the last digits score like members: they hide a '
    'leak, and no comparison of records finds them.',
)
