"""Trained attackers: a classifier that tells members from non-members by what the model answers.

Shokri et al. 2017, arXiv 1610.05820, without shadow models: the attacker knows the membership of some examples and
scores others (out of fold, see crossfit.py). The features are in features.py; each is scaled to mean 0 and variance 1
where the learner is not invariant to scale.

A class that is commoner among members than among others is no leak. So every class gives as many members as
non-members to learn from, one feature is the standing of the signal in its class, and what is learnt is compared
within the class too, see standing.py.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from threadpoolctl import threadpool_limits

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.crossfit import FEWEST_TO_LEARN_FROM, fold_numbers
from privacy_component.attacks.features import compact_features, full_features, main_signal, one_hot_features
from privacy_component.attacks.standing import Standing, classes_of
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
      memorises: whether its scores of what it has learnt from say little about those of other examples.
      build_by_task: instead of `build`, for tasks whose features want another.
    """

    build: Callable[[int], Any]
    features: Callable[[Observations], NDArray[np.float64]]
    most_per_side: int
    cost: str
    memorises: bool = False
    build_by_task: Mapping[str, Callable[[int], Any]] = dataclasses.field(default_factory=dict)


# scikit-learn is imported where it is used: loading it takes a second that threshold attacks need not pay.
def logistic_regression(num_examples: int) -> Any:
    """Of scaled features."""
    from sklearn.linear_model import LogisticRegression

    return _scaled(LogisticRegression(C=1.0, max_iter=300))


def regression_of_ranks(num_examples: int) -> Any:
    """Of the rank of each feature among those that are learnt from, as a normal score.

    For features in the data's own unit, such as losses of a regression, of which a few would squeeze all others.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    ranks = QuantileTransformer(
        n_quantiles=min(1000, num_examples), output_distribution='normal', subsample=1_000_000, random_state=0
    )
    return make_pipeline(ranks, LogisticRegression(C=1.0, max_iter=300))


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


def gradient_boosting(num_examples: int) -> Any:
    """Small trees, with enough rows in a leaf to keep noise out."""
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
    'logistic_regression': Learner(logistic_regression, one_hot_features, 100_000, 'n, seconds at 100,000'),
    'mlp': Learner(_mlp, one_hot_features, 100_000, 'n, a fixed number of steps to train'),
    'random_forest': Learner(_random_forest, full_features, 50_000, 'n log n', True),
    'gradient_boosting': Learner(gradient_boosting, full_features, 100_000, 'n', True),
    'k_nearest_neighbors': Learner(_k_nearest_neighbors, compact_features, 20_000, 'n log n, slow to score', True),
}


@dataclasses.dataclass(frozen=True, eq=False)
class TrainedAttack:
    """A classifier of memberships, compared within classes.

    Attributes:
      learner: of what it learns, and by which classifier.
      parts: what was fitted: one classifier, or, of a learner that memorises, one on either half of the examples, each
        with standings among the other half.
    """

    learner: Learner
    parts: tuple[_Fitted, ...] = ()

    def fit(self, observations: Observations) -> TrainedAttack:
        """Learns in the order of the ids' hashes, on one thread."""
        learner = self.learner
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # that the network could be trained for longer is known
            if not learner.memorises:
                return dataclasses.replace(self, parts=(_fitted(learner, observations, observations),))
            half = fold_numbers(observations, 2, seed=3)
            one, other = observations.select(half == 0), observations.select(half == 1)
            return dataclasses.replace(self, parts=(_fitted(learner, one, other), _fitted(learner, other, one)))

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The standing, in its class, of the learnt odds of membership; (n,), in (0, 1), higher = member."""
        rows = np.arange(len(observations))
        blocks = [rows[start : start + _ROWS_PER_BLOCK] for start in range(0, len(rows), _ROWS_PER_BLOCK)]
        with threadpool_limits(1):
            return np.concatenate([self._score(observations.select(block)) for block in blocks] or [np.zeros(0)])

    def _score(self, observations: Observations) -> NDArray[np.float64]:
        features, signal = self.learner.features(observations), main_signal(observations)
        classes = classes_of(observations)
        return np.mean([part.standing(features, signal, classes) for part in self.parts], axis=0)


@dataclasses.dataclass(frozen=True, eq=False)
class _Fitted:
    """A fitted classifier and what to compare with.

    Attributes:
      model: the classifier; None where no class has members and non-members to learn from, so that the signal decides.
      signal: to stand among the signal's values.
      odds: to stand among the odds that the classifier gives.
    """

    model: Any
    signal: Standing
    odds: Standing | None = None

    def standing(
        self, features: NDArray[np.float64], signal: NDArray[np.float64], classes: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(n,) of the odds in their classes."""
        assert self.odds is not None
        return self.odds.of(self.odds_of(features, signal, classes), classes)

    def odds_of(
        self, features: NDArray[np.float64], signal: NDArray[np.float64], classes: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """(n,) log odds, or for forests and neighbours the probability, of membership."""
        relative = self.relative(signal, classes)
        if self.model is None:
            return relative
        inputs = np.column_stack([features, relative])
        learnt = self.model[-1] if hasattr(self.model, 'steps') else self.model
        if hasattr(learnt, 'coef_') or hasattr(learnt, 'coefs_'):
            return _log_odds(self.model, inputs)
        if hasattr(self.model, 'decision_function'):
            return self.model.decision_function(inputs)
        return self.model.predict_proba(inputs)[:, 1]

    def relative(self, signal: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,) the signal's standing in its class as a normal score."""
        return ndtri(self.signal.of(signal, classes))


def _fitted(learner: Learner, training: Observations, others: Observations) -> _Fitted:
    """Fitted on `training`, to be compared with `others`."""
    fitted = _Fitted(None, Standing.among(main_signal(training), classes_of(training)))
    sample = balanced_sample(training, learner.most_per_side)
    if sample.num_members >= FEWEST_TO_LEARN_FROM:
        relative = fitted.relative(main_signal(sample), classes_of(sample))
        inputs = np.column_stack([learner.features(sample), relative])
        build = learner.build_by_task.get(training.task, learner.build)
        fitted = dataclasses.replace(fitted, model=build(len(sample)).fit(inputs, sample.is_member))
    odds = fitted.odds_of(learner.features(others), main_signal(others), classes_of(others))
    return dataclasses.replace(fitted, odds=Standing.among(odds, classes_of(others)))


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
    """Of every class as many members as non-members, those with the smallest hashes, in the order of the hashes."""
    order = np.lexsort((observations.is_member, mix(observations.example_id, seed=1)))
    sides = observations.is_member[order]
    classes = np.unique(classes_of(observations)[order], return_inverse=True)[1]
    members, others = (np.bincount(classes[sides == side], minlength=len(order)) for side in (True, False))
    chosen = _place(2 * classes + sides) < np.minimum(members, others)[classes]
    order, sides = order[chosen], sides[chosen]
    return observations.select(order[np.where(sides, np.cumsum(sides), np.cumsum(~sides)) <= most_per_side])


def _place(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) how many before it have the same value."""
    order = np.argsort(cells, kind='stable')
    ordered = cells[order]
    places = np.empty(len(cells), np.int64)
    places[order] = np.arange(len(cells)) - np.searchsorted(ordered, ordered)
    return places


def trained_attack(learner: str) -> AttackInfo:
    """The registry's line for a trained attacker."""
    return AttackInfo(
        make=lambda: TrainedAttack(LEARNERS[learner]),
        needs=('labels', 'outputs'),
        cost=LEARNERS[learner].cost,
        reference='Shokri et al. 2017, arXiv 1610.05820',
        tasks=TASKS,
        learns=True,
    )
