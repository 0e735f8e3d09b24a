"""Every figure of a result as a row of a table."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.verdict import Comparison
from privacy_component.metrics.slice_result import SliceResult

NO_LIMIT = 'no limit'


def to_frame(result: PrivacyResult) -> Any:
    """`metric_rows` as a pandas DataFrame.

    Raises:
      PrivacyInputError: pandas is not installed.
    """
    return frame_of(metric_rows(result))


def frame_of(rows: list[dict[str, Any]]) -> Any:
    """Rows as a pandas DataFrame.

    Raises:
      PrivacyInputError: pandas is not installed.
    """
    try:
        import pandas as pd
    except ModuleNotFoundError as error:
        raise PrivacyInputError('to_frame needs pandas: pip install pandas; rows() gives dicts.') from error
    return pd.DataFrame(rows)


def metric_rows(result: PrivacyResult) -> list[dict[str, Any]]:
    """One dict for each slice, attack and metric; several for a metric with several limits.

    Keys: slice, attack, metric, value, lower and upper (of the two-sided interval), corrected_bound (what
    decided), limit, outcome, num_members, num_non_members. What there is not is None.
    """
    limits: dict[tuple, list[Comparison]] = defaultdict(list)
    verdict = result.verdict
    for one in verdict.comparisons if verdict else ():
        limits[one.slice_key, one.attack, one.metric].append(one)
    return [row for one in result.results for row in _rows_of(one, limits)]


def _rows_of(result: SliceResult, limits: dict[tuple, list[Comparison]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for metric, figure in result.metrics.items():
        about = {'slice': result.slice, 'attack': result.attack, 'metric': metric}
        sizes = {'num_members': result.num_members, 'num_non_members': result.num_non_members}
        known = limits.get((result.slice_key, result.attack, metric))
        for one in known or (None,):
            of = figure if one is None or not one.change else one
            rows.append(
                {
                    **about,
                    'value': of.value,
                    'lower': of.lower,
                    'upper': of.upper,
                    'is_change': one is not None and bool(one.change),
                    'corrected_bound': one and one.corrected_bound,
                    'limit': one and one.limit,
                    'outcome': one.outcome if one else NO_LIMIT,
                    **sizes,
                }
            )
    return rows
