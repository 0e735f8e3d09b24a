"""A small model that has learnt, from reference models in the place of the audited one, what gives a member away."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from privacy_component.attacks.attack import AttackInfo
from privacy_component.attacks.bayes import Posterior
from privacy_component.attacks.references import REFERENCE_NEEDS, ReferenceSignals, check_online, reference_signals
from privacy_component.attacks.rmia import log_mean, log_mixture, log_probabilities, mean_error
from privacy_component.errors import PrivacyInputError
from privacy_component.hashing import mix
from privacy_component.observations.observations import TASKS, Observations

_FEWEST_MODELS = 4
_FEWEST_TO_STACK = 6
# Examples times models to learn from; more take longer and hardly teach anything.
_MOST_ROWS = 100_000
_FEWEST_EXAMPLES = 50
# Two models whose memberships agree on more than this share of the examples, or on less than the rest, tell each
# other's: those of a pair agree on none, two independent halves on half of them.
_LARGEST_AGREEMENT = 0.75


class _Scorer(Protocol):
    def score(self, signals: ReferenceSignals) -> NDArray[np.float64]: ...


@dataclasses.dataclass(frozen=True)
class StackedAttack:
    """Every reference model in turn plays the audited one: of it, memberships are known, so a small model can learn.

    Stacking (Wolpert 1992, Neural Networks 5) of calibrated signals and of the scores of `rmia` and `bayes`. While a
    model plays the audited one, its complement is left out, and any that was trained on nearly the same examples: an
    example's values under these would tell its membership. What is learnt is applied to the audited model, of whose
    memberships nothing is learnt; so there are no folds.

    It learns from at most 100,000 rows, an example under a model each, those with the smallest hashes. With fewer than
    six models too few are left beside a pair, and with fewer than fifty examples none can be told from a pair; then the
    score is the mean of the ranks of `rmia` and `bayes`, and results say so.

    Attributes:
      fitted: what `fit` learned.
    """

    fitted: _Scorer | None = None

    def fit(self, observations: Observations) -> StackedAttack:
        """Learns from the reference models, in the order of the examples' hashes, on one thread."""
        signals = reference_signals(observations)
        check_online('stacked', signals, _FEWEST_MODELS)
        calibrated = _Calibrated.by(signals, observations.task)
        if not _can_stack(signals.num_models, len(observations)):
            return StackedAttack(_MeanOfRanks.among(calibrated, signals))
        return StackedAttack(_Stack(calibrated, _learnt(_sample(signals, observations.example_id), observations.task)))

    def score(self, observations: Observations) -> NDArray[np.float64]:
        """The learnt log odds of membership, or the mean of ranks from 0 to 1; (n,), higher = more likely a member."""
        assert self.fitted is not None, 'fit comes first'
        return self.fitted.score(reference_signals(observations))


def fallback_warnings(attacks: Collection[str], num_models: int, num_examples: int) -> list[str]:
    """What results must say where the configured attacks have 'stacked' among them, and it cannot learn."""
    if 'stacked' not in attacks or _can_stack(num_models, num_examples):
        return []
    return [
        f"The attack 'stacked' has {num_models} reference models and {num_examples} examples, and learns from "
        f'{_FEWEST_TO_STACK} and {_FEWEST_EXAMPLES} or more: its score is the mean of the ranks of rmia and bayes, '
        'which finds less.'
    ]


def _can_stack(num_models: int, num_examples: int) -> bool:
    return num_models >= _FEWEST_TO_STACK and num_examples >= _FEWEST_EXAMPLES


@dataclasses.dataclass(frozen=True)
class _Calibrated:
    """What is pooled over examples, and the scores and features that follow.

    Attributes:
      posterior: of `bayes`.
      task: the model's.
      error: the reference models' mean squared error, of a regression.
    """

    posterior: Posterior
    task: str
    error: float

    @classmethod
    def by(cls, signals: ReferenceSignals, task: str) -> _Calibrated:
        """From all examples."""
        return cls(Posterior.of(signals), task, mean_error(signals))

    def rmia(self, signals: ReferenceSignals) -> NDArray[np.float64]:
        """(n,) its score."""
        target, references = log_probabilities(signals, self.task, self.error)
        return target - log_mixture(references, signals.is_in)

    def bayes(self, signals: ReferenceSignals) -> NDArray[np.float64]:
        """(n,) its score."""
        return self.posterior.log_ratio(signals)

    def features(self, signals: ReferenceSignals) -> NDArray[np.float64]:
        """(n, 11) what is learnt from."""
        out, inside, target = signals.side(False), signals.side(True), signals.target
        variance = self.posterior.outside.shrunken(out)
        references = log_probabilities(signals, self.task, self.error)[1]
        return np.column_stack(
            [
                target,
                out.mean,
                self.posterior.shrunken_shift(out, inside),
                np.log(variance),
                np.log(self.posterior.inside.shrunken(inside)),
                target - out.mean,
                target - inside.mean,
                self.rmia(signals),
                self.bayes(signals),
                log_mean(references, np.ones(references.shape, bool)),
                (target - out.mean) / np.sqrt(variance),
            ]
        )


@dataclasses.dataclass(frozen=True, eq=False)
class _Stack:
    """A classifier of calibrated features."""

    calibrated: _Calibrated
    classifier: Any

    def score(self, signals: ReferenceSignals) -> NDArray[np.float64]:
        """(n,) log odds."""
        if not len(signals.target):
            return np.zeros(0)
        with threadpool_limits(1):
            return self.classifier.decision_function(self.calibrated.features(signals))


@dataclasses.dataclass(frozen=True, eq=False)
class _MeanOfRanks:
    """Ranks among the examples that `fit` saw, so that they are the same whichever rows are scored.

    Attributes:
      calibrated: makes the scores.
      rmia, bayes: (n,) the scores of the examples, ascending.
    """

    calibrated: _Calibrated
    rmia: NDArray[np.float64]
    bayes: NDArray[np.float64]

    @classmethod
    def among(cls, calibrated: _Calibrated, signals: ReferenceSignals) -> _MeanOfRanks:
        """Among these examples."""
        return cls(calibrated, np.sort(calibrated.rmia(signals)), np.sort(calibrated.bayes(signals)))

    def score(self, signals: ReferenceSignals) -> NDArray[np.float64]:
        """(n,) from 0 to 1."""
        ranks = _ranks(self.rmia, self.calibrated.rmia(signals)) + _ranks(self.bayes, self.calibrated.bayes(signals))
        return ranks / 2


def _ranks(ascending: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) the share that is smaller, ties half."""
    below = np.searchsorted(ascending, values, 'left') + np.searchsorted(ascending, values, 'right')
    return below / (2 * len(ascending))


def _sample(signals: ReferenceSignals, example_id: NDArray[np.uint64]) -> ReferenceSignals:
    """The examples with the smallest hashes, in their order."""
    order = np.lexsort((signals.target, mix(example_id, seed=4)))[: _MOST_ROWS // signals.num_models]
    return ReferenceSignals(signals.target[order], signals.references[order], signals.is_in[order])


def _learnt(sample: ReferenceSignals, task: str) -> Any:
    """A classifier that has seen each reference model in the place of the audited one."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    played = [(_Calibrated.by(role, task).features(role), is_in) for role, is_in in _roles(sample)]
    if not played:
        raise PrivacyInputError(
            "attack 'stacked' finds no reference model beside which there are four that do not tell its memberships: "
            'by reference_is_member they are not pairs of independent halves of the examples.'
        )
    rows = sum(len(is_in) for _, is_in in played)
    leaf = int(np.clip(rows / 1000, 5, 100))
    classifier = HistGradientBoostingClassifier(
        learning_rate=0.06, max_iter=100, max_leaf_nodes=12, min_samples_leaf=leaf, l2_regularization=1.0,
        early_stopping=False, random_state=0,
    )  # fmt: skip
    with threadpool_limits(1):
        return classifier.fit(*(np.concatenate(parts) for parts in zip(*played, strict=True)))


def _roles(signals: ReferenceSignals) -> Iterator[tuple[ReferenceSignals, NDArray[np.bool_]]]:
    """Each reference model as the audited one, with those that do not tell its memberships, and its memberships."""
    for model in range(signals.num_models):
        agreement = np.mean(signals.is_in == signals.is_in[:, [model]], axis=0)
        others = np.flatnonzero(np.maximum(agreement, 1 - agreement) <= _LARGEST_AGREEMENT)
        known = np.count_nonzero(signals.is_in[:, others], axis=1)
        rows = np.flatnonzero((known > 0) & (known < len(others)))
        if len(others) >= _FEWEST_MODELS and len(rows):
            cells = np.ix_(rows, others)
            role = ReferenceSignals(signals.references[rows, model], signals.references[cells], signals.is_in[cells])
            yield role, signals.is_in[rows, model]


def stacked_attack() -> AttackInfo:
    """The registry's line."""
    return AttackInfo(
        make=StackedAttack,
        needs=REFERENCE_NEEDS,
        cost='n for each reference model (four or more, better eight), and seconds to learn from 100,000 rows',
        reference='stacking, Wolpert 1992, of rmia, bayes and their signals',
        tasks=TASKS,
        calibrates=True,
        fewest_references=4,
    )
