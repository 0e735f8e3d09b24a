"""Trained attackers: a classifier that tells members from non-members by what the model answers.

Shokri et al. 2017, arXiv 1610.05820, without shadow models: the attacker knows the membership of some examples and
scores others (out of fold, see crossfit.py). The features are in features.py; each is scaled to mean 0 and variance 1
where the learner is not invariant to scale.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.features import compact_features, full_features, one_hot_features
from privacy_component.hashing import mix
from privacy_component.observations.observations import TASKS, Observations

_ROWS_PER_BLOCK = 1 << 16


@dataclasses.dataclass(frozen=True)
class Learner:
    """A classifier and what it is given.

    Attributes:
      build: number of training examples -> an unfitted scikit-learn classifier.
      features: observations -> (n, f).
      most_per_side: at most so many members, and as many non-members, are learnt from.
      cost: how its cost grows, in words.
    """

    build: Callable[[int], Any]
    features: Callable[[Observations], NDArray[np.float64]]
    most_per_side: int
    cost: str


# scikit-learn is imported where it is used: loading it takes a second that threshold attacks need not pay.
def _logistic_regression(num_examples: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return _scaled(LogisticRegression(C=1.0, max_iter=300))


def _mlp(num_examples: int) -> Any:
    from sklearn.neural_network import MLPClassifier

    # About 2,000 steps in all, whatever the number of examples.
    epochs = int(np.clip(256 * 1000 / max(num_examples, 1), 5, 60))
    return _scaled(
        MLPClassifier((32, 16), alpha=1e-3, batch_size=min(256, num_examples), max_iter=epochs, random_state=0, tol=0.0)
    )


def _random_forest(num_examples: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    leaf = int(np.clip(num_examples / 100, 3, 100))
    return RandomForestClassifier(100, min_samples_leaf=leaf, max_samples=0.5, random_state=0)


def _gradient_boosting(num_examples: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    leaf = int(np.clip(num_examples / 100, 5, 100))
    return HistGradientBoostingClassifier(
        learning_rate=0.06, max_iter=80, max_leaf_nodes=8, min_samples_leaf=leaf, l2_regularization=1.0,
        early_stopping=False, random_state=0,
    )  # fmt: skip


def _k_nearest_neighbors(num_examples: int) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return _scaled(KNeighborsClassifier(int(np.clip(np.sqrt(num_examples), 3, 200)), algorithm='kd_tree'))


def _scaled(classifier: Any) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), classifier)


LEARNERS: dict[str, Learner] = {
    'logistic_regression': Learner(_logistic_regression, one_hot_features, 100_000, 'n, seconds at 100,000'),
    'mlp': Learner(_mlp, one_hot_features, 100_000, 'n, a fixed number of steps to train'),
    'random_forest': Learner(_random_forest, full_features, 50_000, 'n log n'),
    'gradient_boosting': Learner(_gradient_boosting, full_features, 100_000, 'n'),
    'k_nearest_neighbors': Learner(_k_nearest_neighbors, compact_features, 20_000, 'n log n, slow to score'),
}


@dataclasses.dataclass(frozen=True, eq=False)
class TrainedAttack:
    """A classifier of memberships.

    Attributes:
      learner: a name in LEARNERS.
      model: the fitted classifier.
    """

    learner: str
    model: Any = None

    def fit(self, observations: Observations) -> TrainedAttack:
        """Learns from as many members as non-members, in the order of their ids' hashes, on one thread."""
        learner = LEARNERS[self.learner]
        sample = balanced_sample(observations, learner.most_per_side)
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # that the network could be trained for longer is known
            model = learner.build(len(sample)).fit(learner.features(sample), sample.is_member)
        return dataclasses.replace(self, model=model)

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """Log odds, or for forests and neighbours the probability, of membership; (n,), higher = member."""
        rows = np.arange(len(observations))
        blocks = [rows[start : start + _ROWS_PER_BLOCK] for start in range(0, len(rows), _ROWS_PER_BLOCK)]
        with threadpool_limits(1):
            return np.concatenate([self._score(observations.select(block)) for block in blocks] or [np.zeros(0)])

    def _score(self, observations: Observations) -> NDArray[np.float64]:
        features = LEARNERS[self.learner].features(observations)
        if self.learner in ('logistic_regression', 'mlp'):
            return _log_odds(self.model, features)
        if hasattr(self.model, 'decision_function'):
            return self.model.decision_function(features)
        return self.model.predict_proba(features)[:, 1]


def _log_odds(pipeline: Any, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """What scikit-learn computes, but with the same bits whichever rows are beside a row.

    BLAS adds up a product's last rows in another order than the others: equal rows would not tie, and the sharding of
    the data would show in the figures.
    """
    scaler, classifier = pipeline
    is_network = hasattr(classifier, 'coefs_')
    layers = zip(classifier.coefs_, classifier.intercepts_, strict=True) if is_network else [_linear(classifier)]
    values = np.ascontiguousarray(scaler.transform(features))
    for number, (weights, biases) in enumerate(layers):
        rectified = np.maximum(values, 0) if number else values
        values = np.einsum('ij,jk->ik', rectified, weights) + biases
    return values[:, 0]


def _linear(classifier: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return classifier.coef_.T, classifier.intercept_


def balanced_sample(observations: Observations, most_per_side: int) -> Observations:
    """As many members as non-members, those with the smallest hashes, in the order of the hashes."""
    hashes = mix(observations.example_id, seed=1)
    order = np.lexsort((observations.is_member, hashes))
    count = min(observations.num_members, observations.num_non_members, most_per_side)
    sides = observations.is_member[order]
    chosen = np.where(sides, np.cumsum(sides), np.cumsum(~sides)) <= count
    return observations.select(order[chosen])


def trained_attack(learner: str) -> AttackInfo:
    """The registry's line for a trained attacker."""
    return AttackInfo(
        make=lambda: TrainedAttack(learner),
        needs=('labels', 'outputs'),
        cost=LEARNERS[learner].cost,
        reference='Shokri et al. 2017, arXiv 1610.05820',
        tasks=TASKS,
        learns=True,
    )
