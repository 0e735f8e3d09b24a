"""Quantile regression: how unusual is this signal for an example like this one?"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.features import main_signal, wrong_class_features
from privacy_component.attacks.standing import Standing, classes_of
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import mix
from privacy_component.observations.observations import TASKS, Observations

_MOST_EXAMPLES = 100_000


@dataclasses.dataclass(frozen=True, eq=False)
class QuantileAttack:
    """The signal less its predicted quantile among non-members (Bertran et al. 2023, arXiv 2307.03694, section 3).

    Needs one model only and no shadow models. The regression sees what is known of an example besides how well its
    label is predicted, see features.wrong_class_features. What it leaves of a class's own level and spread goes by
    comparing within the class, see standing.py.

    Attributes:
      quantile: which quantile to predict; the median gives the best AUC.
      model: the fitted regression.
      rest: what it leaves of the signal of the training folds' rows.
    """

    quantile: float = 0.5
    model: Any = None
    rest: Standing | None = None

    def __post_init__(self) -> None:
        if not 0 < self.quantile < 1:
            raise PrivacyInputError(f"attack 'quantile' has quantile={self.quantile:g}; it must lie between 0 and 1.")

    def fit(self, observations: Observations) -> QuantileAttack:
        """Learns from the non-members, in the order of their ids' hashes, on one thread."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        rows = np.flatnonzero(~observations.is_member)
        rows = rows[np.argsort(mix(observations.example_id[rows], seed=2), kind='stable')][:_MOST_EXAMPLES]
        outside = observations.select(rows)
        leaf = int(np.clip(len(outside) / 50, 5, 100))
        regressor = HistGradientBoostingRegressor(
            loss='quantile', quantile=self.quantile, learning_rate=0.1, max_iter=60, max_leaf_nodes=8,
            min_samples_leaf=leaf, early_stopping=False, random_state=0,
        )  # fmt: skip
        with threadpool_limits(1):
            regressor.fit(wrong_class_features(outside), main_signal(outside))
        fitted = dataclasses.replace(self, model=regressor)
        rest = Standing.among(fitted.rest_of(observations), classes_of(observations))
        return dataclasses.replace(fitted, rest=rest)

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The standing in its class of the signal less its predicted quantile, (n,), higher = more likely a member."""
        assert self.rest is not None, 'fit comes before score'
        return self.rest.of(self.rest_of(observations), classes_of(observations))

    def rest_of(self, observations: Observations) -> NDArray[np.float64]:
        """(n,) the signal less its predicted quantile."""
        with threadpool_limits(1):
            return main_signal(observations) - self.model.predict(wrong_class_features(observations))


def quantile_attack() -> AttackInfo:
    """The registry's line for quantile regression."""
    return AttackInfo(
        make=QuantileAttack,
        needs=('labels', 'outputs'),
        cost='n, seconds at 100,000',
        reference='Bertran et al. 2023, arXiv 2307.03694',
        tasks=TASKS,
        learns=True,
        parameters={'quantile': 0.5},
    )
