"""Past evaluations: one as the metadata store remembers it, and two of them side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from privacy_component.evaluation.result import PrivacyResult
from privacy_component.metrics.registry import Estimate


@dataclasses.dataclass(frozen=True)
class PastEvaluation:
    """An evaluation, as far as the properties of its artifact tell; no file of it has to be there any more.

    Attributes:
      artifact: the id of its privacy_metrics.
      uri: where these are.
      pipeline, run: which run of which pipeline made them; '' where nobody recorded it.
      evaluated: when, in ISO 8601 and UTC.
      model: the id of the model's artifact, which is the version that people see; 0 where it is not recorded.
      outcome: see `gate.history`.
      message: the verdict's reasons.
      worst_slice, worst_attack: where the figure is worst.
      figures: numbers by name: 'worst_auc', 'overall_auc', 'overall_tnr_at_fnr_0.01', 'accuracy_members' ...
    """

    artifact: int
    uri: str
    pipeline: str
    run: str
    evaluated: str
    model: int
    outcome: str
    message: str
    worst_slice: str
    worst_attack: str
    figures: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Pair:
    """The same attack on the same slice in two evaluations.

    Attributes:
      slice: its name.
      attack: the attack's.
      first, second: the AUC in each; None where it was not measured.
    """

    slice: str
    attack: str
    first: Estimate | None
    second: Estimate | None

    @property
    def change(self) -> float | None:
        """The second AUC less the first; None where one of them is missing."""
        values = [one.value for one in (self.first, self.second) if one is not None and one.value is not None]
        return values[1] - values[0] if len(values) == 2 else None


def side_by_side(first: PrivacyResult, second: PrivacyResult) -> list[Pair]:
    """Every slice and attack of either evaluation: all examples first, then by the size of the change.

    The difference of two evaluations has no interval here: they may be of other examples. A limit on a change, which
    has one, is a Threshold with `absolute`.
    """
    found = _auc_by_slice(first), _auc_by_slice(second)
    pairs = [Pair(*key, *(aucs.get(key) for aucs in found)) for key in dict.fromkeys([*found[0], *found[1]])]
    overall = {one.slice for one in (*first.results, *second.results) if not one.slice_key}
    return sorted(pairs, key=lambda one: (one.slice not in overall, -abs(one.change or 0.0), one.slice, one.attack))


def _auc_by_slice(result: PrivacyResult) -> dict[tuple[str, str], Estimate]:
    return {(one.slice, one.attack): one.metrics['auc'] for one in result.measured}
