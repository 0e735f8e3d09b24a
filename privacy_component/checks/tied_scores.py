"""Scores that tie: what attacks compare, counted, where answers vary and yet say the same of a label."""

from __future__ import annotations

import dataclasses

import numpy as np

from privacy_component.checks.check import REFUSE, CheckInfo, Finding
from privacy_component.checks.evidence import Evidence
from privacy_component.checks.row_hashes import hash_rows
from privacy_component.checks.sketches import DistinctCounts, HashBits, merge_counts
from privacy_component.observations.observations import Observations
from privacy_component.observations.signals import compute

# A pair that ties counts half in an AUC, whatever the model remembers of it: beyond this, most of the AUC is no news.
MOST_TIED = 0.5
_MOST_DISTINCT = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class Losses:
    """How often each loss occurs on either side.

    Attributes:
      distinct: hashes of the losses.
      bits: of the same hashes; they tell how common the commonest is where there are many others.
    """

    distinct: DistinctCounts
    bits: HashBits

    @classmethod
    def of(cls, observations: Observations) -> Losses:
        """Of observations."""
        hashes = hash_rows(compute('loss', observations)[:, np.newaxis])
        return cls(DistinctCounts.of(hashes, observations.is_member, _MOST_DISTINCT), HashBits.of(hashes))

    def merge(self, *others: Losses) -> Losses:
        """Those of all parts together."""
        bits = self.bits
        for other in others:
            bits = bits.merge(other.bits)
        return Losses(merge_counts([self.distinct, *(other.distinct for other in others)], _MOST_DISTINCT), bits)

    def tied_pairs(self) -> float:
        """The share of all pairs of a member and a non-member whose losses tie.

        With many distinct losses only one that most examples have can make most pairs tie; its share squared stands in.
        """
        counts = self.distinct
        if not counts.is_exact:
            return self.bits.largest_share() ** 2
        pairs = counts.num_members * counts.num_non_members
        return int(counts.members @ counts.non_members) / max(pairs, 1)


def tied(evidence: Evidence) -> Finding | str:
    """Whether most members tie with most non-members."""
    share = evidence.answers.tied_pairs
    message = f'{100 * share:.3g} % of all pairs of a member and a non-member have the very same loss'
    if share > MOST_TIED:
        message += (
            ': no attack by the loss can tell these apart, so a leak reads too low. Evaluate what says how sure '
            'the model is, logits (the layer before the softmax or sigmoid) for example, unrounded and unclipped, and '
            'not one-hot answers'
        )
    return Finding(share > MOST_TIED, f'{message}.', {'tied_pairs': share})


TIED_SCORES = CheckInfo(
    look=tied,
    default=REFUSE,
    meaning='A tie counts half in an AUC, whatever the model remembers: if most pairs tie, a leak stays below limits.',
)
