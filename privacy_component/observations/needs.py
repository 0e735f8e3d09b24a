"""The columns that an attack may ask for, and where each comes from.

An attack names columns; a column names the role of the models that it comes from; whoever evaluates supplies only what
a configured attack names. What an attacker is assumed to have follows from that, so nobody has to claim it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

from privacy_component.errors import PrivacyInputError, did_you_mean

CANDIDATE = 'candidate'
BASELINE = 'baseline'
REFERENCES = 'references'
SNAPSHOTS = 'snapshots'
NEIGHBOURS = 'neighbours'
ROLES = (CANDIDATE, BASELINE, REFERENCES, SNAPSHOTS, NEIGHBOURS)

LABELS_ONLY = 'labels only'
BLACK_BOX = 'black box'
WHITE_BOX = 'white box'

LABELS = 'labels'
OUTPUTS = 'outputs'
GRADIENT_NORM = 'gradient_norm'
GRADIENT_NORMS_BY_LAYER = 'gradient_norms_by_layer'
LABEL_STABILITY = 'label_stability'
TOKEN_LOSS = 'token_loss'
MIN_K = 'min_k'
TOKEN_LOSS_CHANGE = 'token_loss_change'
REFERENCE_SIGNALS = 'reference_signals'
REFERENCE_IS_MEMBER = 'reference_is_member'
SNAPSHOT_SIGNALS = 'snapshot_signals'
SNAPSHOT_ALIGNMENT = 'snapshot_alignment'


@dataclasses.dataclass(frozen=True)
class Need:
    """What a column of Observations is.

    Attributes:
      role: of the models that it comes from; '' where it comes from the examples.
      shape: in words, n examples.
      beyond_outputs: whether it takes more of a model than its outputs.
      labels_only: whether it takes less: the labels that the model decides on.
      argument: how `evaluate_privacy` is given it.
      lowest, highest: beyond these it cannot be.
    """

    role: str
    shape: str
    argument: str
    beyond_outputs: bool = False
    labels_only: bool = False
    lowest: float = -math.inf
    highest: float = math.inf

    @property
    def is_signal(self) -> bool:
        """Whether `evaluate_privacy` takes it in `signals`, too."""
        return 'signals=' in self.argument

    @property
    def is_wide(self) -> bool:
        """Whether an example has several numbers, (n, k), and not one."""
        return self.shape != '(n,)'


NEEDS: dict[str, Need] = {
    LABELS: Need('', '(n,)', 'labels'),
    OUTPUTS: Need(CANDIDATE, '(n, classes)', 'logits, probabilities or predictions'),
    GRADIENT_NORM: Need(CANDIDATE, '(n,)', "signals={'gradient_norm': ...}", beyond_outputs=True, lowest=0),
    GRADIENT_NORMS_BY_LAYER: Need(
        CANDIDATE, '(n, layers + 1)', "signals={'gradient_norms_by_layer': ...}", beyond_outputs=True, lowest=0
    ),
    LABEL_STABILITY: Need(CANDIDATE, '(n,)', "signals={'label_stability': ...}", labels_only=True, lowest=0, highest=1),
    TOKEN_LOSS: Need(CANDIDATE, '(n,)', "signals={'token_loss': ...}, or makes it of token_log_probs", lowest=0),
    MIN_K: Need(CANDIDATE, '(n,)', "signals={'min_k': ...}, or makes it of token_log_probs", highest=0),
    TOKEN_LOSS_CHANGE: Need(
        SNAPSHOTS, '(n,)', "signals={'token_loss_change': ...}, or makes it of earlier_token_log_probs"
    ),
    REFERENCE_SIGNALS: Need(REFERENCES, '(n, models)', 'reference_logits'),
    REFERENCE_IS_MEMBER: Need(REFERENCES, '(n, models)', 'reference_is_member'),
    SNAPSHOT_SIGNALS: Need(SNAPSHOTS, '(n, snapshots)', "snapshot_logits, or as signals={'snapshot_signals': ...}"),
    SNAPSHOT_ALIGNMENT: Need(
        SNAPSHOTS, '(n, snapshots - 1)', "signals={'snapshot_alignment': ...}", beyond_outputs=True
    ),
}


def need_of(column: str) -> Need:
    """What a column is; one that this package does not know is what evaluate_privacy was handed in as a signal."""
    return NEEDS.get(column) or Need(CANDIDATE, '(n,)', f"signals={{'{column}': ...}}", beyond_outputs=True)


def access_of(needs: Collection[str]) -> str:
    """What an attacker with these columns is assumed to have, in words: 'black box', 'white box, reference models'."""
    asked = [need_of(column) for column in needs]
    of_models = [need for need in asked if need.role]
    access = WHITE_BOX if any(need.beyond_outputs for need in asked) else BLACK_BOX
    if of_models and all(need.labels_only for need in of_models):
        access = LABELS_ONLY
    with_models = {REFERENCES: 'reference models', SNAPSHOTS: 'snapshots', NEIGHBOURS: 'neighbours'}
    roles = {need.role for need in asked}
    return ', '.join([access, *(words for role, words in with_models.items() if role in roles)])


def check_columns(who: str, needs: Sequence[str], available: Collection[str], reasons: Mapping[str, str]) -> None:
    """Checks that there is every column that somebody needs.

    Args:
      who: "attack 'gradient_norm'", say.
      needs: the columns.
      available: those that can be supplied.
      reasons: for columns that cannot, why not and what to do.

    Raises:
      PrivacyInputError: one is missing; names who needs it and how to give it.
    """
    for column in needs:
        if column not in available:
            how = reasons.get(column) or f'evaluate_privacy takes it as {need_of(column).argument}'
            raise PrivacyInputError(
                f'{who} needs {column}{did_you_mean(column, NEEDS) if column not in NEEDS else ""}, which is not '
                f'there: {how}; or leave the attack out of PrivacyConfig.attacks.'
            )
