"""The one number that reference models are compared by: the signal of an example, higher = more likely a member."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from privacy_component.observations.observations import MULTICLASS, MULTILABEL, REGRESSION, Observations
from privacy_component.observations.signals import towards_member

MAIN_SIGNAL = {MULTICLASS: 'scaled_logit', MULTILABEL: 'loss', REGRESSION: 'loss'}
_LARGEST = 1e100  # beyond which squares would overflow


def main_signal(observations: Observations) -> NDArray[np.float64]:
    """(n,) the scaled logit of a classifier, the negative loss of all else; cut at 1e100."""
    return np.clip(towards_member(MAIN_SIGNAL[observations.task], observations), -_LARGEST, _LARGEST)
