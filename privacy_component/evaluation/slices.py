"""Which slices an evaluation looks at, and the columns that follow from labels and outputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.observations.columns import (
    Column,
    with_missing,
)
from privacy_component.observations.derived import DERIVED
from privacy_component.observations.observations import MULTICLASS, Observations
from privacy_component.observations.slicing import (
    CLASS_FEATURE,
    CORRECT_FEATURE,
    SliceRows,
    SlicingSpec,
    each_once,
    slice_rows,
)


def slicing_specs_for(config: PrivacyConfig, specs: Sequence[SlicingSpec], task: str = MULTICLASS) -> list[SlicingSpec]:
    """The overall slice, those given, those of the config and those that it switches on, each once."""
    switched_on = (name for name, one in DERIVED.items() if getattr(config.slices, one.setting) and task in one.tasks)
    wanted = [SlicingSpec(), *specs, *config.slicing_specs, *(SlicingSpec((name,)) for name in switched_on)]
    return [spec for i, spec in enumerate(wanted) if spec not in wanted[:i]]


def with_derived_columns(
    columns: Mapping[str, Column],
    observations: Observations,
    wanted: Collection[str] = (CLASS_FEATURE, CORRECT_FEATURE),
    loss_edges: NDArray[np.float64] | None = None,
) -> dict[str, Column]:
    """The columns, and those that follow from the observations.

    Loss percentiles are made only if `wanted` names them, because without `loss_edges`, (11,) those of the whole data
    set, they are right only for the whole data set.
    """
    chosen = {name: one for name, one in DERIVED.items() if name in wanted and observations.task in one.tasks}
    return {**columns, **{name: one.column(observations, loss_edges) for name, one in chosen.items()}}


def slices_of(
    specs: Sequence[SlicingSpec],
    columns: Mapping[str, Column],
    observations: Observations,
    slice_missing: bool = False,
    loss_edges: NDArray[np.float64] | None = None,
) -> list[SliceRows]:
    """The slices of every spec, each once, from the columns and those that follow from the observations.

    `slice_missing` is PrivacyConfig's, `loss_edges` as for `with_derived_columns`.
    """
    if slice_missing:
        columns = {name: with_missing(column, len(observations)) for name, column in columns.items()}
    wanted = {name for spec in specs for name in spec.features}
    columns = with_derived_columns(columns, observations, wanted, loss_edges)
    return each_once(slice_rows(spec, columns, len(observations)) for spec in specs)
