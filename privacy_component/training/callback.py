"""A Keras callback that attacks the model while it is trained, and can stop the training."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privacy_component.config.privacy_config import PrivacyConfig
from privacy_component.config.settings import OutputSettings, SliceSettings
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.arguments import read_inputs
from privacy_component.evaluation.evaluate import evaluate_privacy
from privacy_component.metrics.registry import Metric, metric_named
from privacy_component.observations.observations import REGRESSION, Observations
from privacy_component.observations.outputs import LOGITS
from privacy_component.observations.signals import compute
from privacy_component.training.epoch_privacy import EpochPrivacy, Examples
from privacy_component.training.keras_versions import CallbackHooks
from privacy_component.training.loss_trace import LossTrace

_KINDS = (LOGITS, 'probabilities', 'predictions')


class PrivacyCallback(CallbackHooks):
    """Attacks the model while it is trained; for `fit(callbacks=[...])` of Keras 2 and 3.

    After every epoch the losses of all examples given are kept (one forward pass); after every `every` epochs the
    attacks run, and `logs` of that epoch have `privacy_<metric>` of the strongest. The training's weights and random
    numbers are untouched. The figures are for the one who trains: a gate must measure on non-members of its own, as an
    epoch that was chosen by these examples looks better on them than it is.

    Attributes:
      epochs: an EpochPrivacy for each time that the attacks ran.
      stopped_epoch: the number of the epoch after which the limit was exceeded, from 1; None if it was not.
      kept_epoch: the epoch whose weights the model was given back; None if it has those of its last.
    """

    def __init__(
        self,
        members: tuple[Any, Any],
        non_members: tuple[Any, Any],
        every: int = 1,
        *,
        attacks: Sequence[Any] = (),
        outputs: str = LOGITS,
        metric: str = 'auc',
        limit: float | None = None,
        restore_weights: bool = True,
        log_dir: str | Path | None = None,
        batch_size: int = 1024,
    ):
        """A callback for one training.

        Args:
          members: (inputs, labels) of examples that the model is trained on; inputs is an array, or a list or dict of
            arrays, as the model takes them.
          non_members: the same, of examples that it is not trained on.
          every: epochs from one run of the attacks to the next.
          attacks: names or attacks, as in PrivacyConfig; by default those of the task.
          outputs: what the model's outputs are: 'logits', 'probabilities', or 'predictions' of a regression.
          metric: which metric of the strongest attack goes into `logs`, and is limited.
          limit: training stops when the metric is above it; None never stops.
          restore_weights: whether a model that was stopped gets back the weights of the last run within the limit.
          log_dir: where TensorBoard reads; None writes nothing.
          batch_size: examples in a forward pass.

        Raises:
          PrivacyInputError: an argument cannot be used.
        """
        self.members, self.non_members = Examples.of('members', members), Examples.of('non_members', non_members)
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            raise PrivacyInputError(f'every is {every!r}: give a whole number of epochs, 1 or more.')
        if outputs not in _KINDS:
            raise PrivacyInputError(f'outputs is {outputs!r}: write one of {", ".join(_KINDS)}.')
        _check_tensorboard(log_dir)
        self._metric = _supported(metric, limit, len(self.members), len(self.non_members))
        self._every, self._limit, self._restore = every, limit, restore_weights
        self._kind, self._batch_size, self._log_dir = outputs, batch_size, log_dir
        self._config = _config(tuple(attacks), outputs)
        self.on_train_begin()

    def on_train_begin(self, logs: Any = None) -> None:
        """Forgets an earlier training."""
        self.epochs: list[EpochPrivacy] = []
        self.stopped_epoch: int | None = None
        self.kept_epoch: int | None = None
        self._losses: list[tuple[int, NDArray[np.float64]]] = []
        self._within: tuple[int, Any] | None = None
        self._writer: Any = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keeps the losses; runs the attacks if it is time to."""
        outputs, labels = self._predict()
        observations = read_inputs(self._is_member, labels, {self._kind: outputs}, None, None, None, self._config)
        self._losses.append((epoch + 1, compute('loss', observations.observations)))
        if (epoch + 1) % self._every == 0:
            found = self._attack(epoch + 1, outputs, labels, observations.observations)
            self.epochs.append(found)
            value = found.value(self._metric)
            if logs is not None:
                logs[f'privacy_{self._metric}'] = value
            self._log(found)
            self._hold_limit(found.epoch, value)

    def on_train_end(self, logs: Any = None) -> None:
        """Gives back the weights of the last run within the limit, if training was stopped."""
        if self._writer is not None:
            self._writer.close()
        if self.stopped_epoch is None or not self._restore:
            return
        if self._within is None:
            warnings.warn(
                f'{self._metric} was above {self._limit} when it was first measured, after epoch {self.stopped_epoch}: '
                'there are no earlier weights to go back to. Measure more often (every=1), or regularise.',
                stacklevel=2,
            )
        else:
            self.kept_epoch, weights = self._within
            self.model.set_weights(weights)

    @property
    def trace(self) -> LossTrace:
        """The losses so far.

        Raises:
          PrivacyInputError: no epoch has ended yet.
        """
        if not self._losses:
            raise PrivacyInputError('there is no loss trace yet: give the callback to fit(callbacks=[...]).')
        losses = np.stack([losses for _, losses in self._losses])
        count = len(self.members)
        return LossTrace(np.array([number for number, _ in self._losses]), losses[:, :count], losses[:, count:])

    def draw(self, path: str | Path) -> None:
        """Draws vulnerability and accuracy by epoch, and one against the other; needs matplotlib.

        Args:
          path: a .png or .svg file to write.

        Raises:
          PrivacyInputError: another kind of file, or the attacks have not run yet.
        """
        from privacy_component.training.picture import draw_epochs

        draw_epochs(self.epochs, self._metric, self._limit, Path(path))

    @property
    def _is_member(self) -> NDArray[np.bool_]:
        return np.arange(len(self.members) + len(self.non_members)) < len(self.members)

    def _predict(self) -> tuple[NDArray, NDArray]:
        """Outputs and labels, members first."""
        sides = (self.members, self.non_members)
        outputs = [self.model.predict(side.inputs, batch_size=self._batch_size, verbose=0) for side in sides]
        if not all(isinstance(side, np.ndarray) for side in outputs):
            raise PrivacyInputError(
                f'the model has outputs of type {type(outputs[0]).__name__}: give one with one array.'
            )
        labels = np.concatenate([_as_given(side.labels) for side in sides])
        return np.concatenate(outputs), labels

    def _attack(self, epoch: int, outputs: NDArray, labels: NDArray, observations: Observations) -> EpochPrivacy:
        given: dict[str, Any] = {self._kind: outputs}
        result = evaluate_privacy(is_member=self._is_member, labels=labels, config=self._config, **given)
        metrics = {row.attack: {**row.metrics} for row in result.measured}
        if observations.task == REGRESSION:
            return EpochPrivacy(epoch, float('nan'), float('nan'), metrics)
        right, members = compute('correctness', observations), self._is_member
        return EpochPrivacy(epoch, float(right[members].mean()), float(right[~members].mean()), metrics)

    def _hold_limit(self, epoch: int, value: float) -> None:
        if self._limit is None:
            return
        if value > self._limit:
            self.stopped_epoch, self.model.stop_training = epoch, True
        elif self._restore:
            self._within = epoch, self.model.get_weights()

    def _log(self, found: EpochPrivacy) -> None:
        if self._log_dir is None:
            return
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(Path(self._log_dir, 'privacy')))
        with self._writer.as_default(step=found.epoch - 1):
            for attack, metrics in found.metrics.items():
                for name, estimate in metrics.items():
                    if estimate.value is not None:
                        tf.summary.scalar(f'privacy/{name}/{attack}', estimate.value)
            tf.summary.scalar('privacy/accuracy/members', found.accuracy_members)
            tf.summary.scalar('privacy/accuracy/non_members', found.accuracy_non_members)
        self._writer.flush()


def early_stopping_on_privacy(
    members: tuple[Any, Any],
    non_members: tuple[Any, Any],
    limit: float,
    *,
    metric: str = 'auc',
    every: int = 1,
    **settings: Any,
) -> PrivacyCallback:
    """A callback that stops a training when an attack finds too much, and goes back to the last epoch within the limit.

    Args:
      members: (inputs, labels) that the model is trained on.
      non_members: (inputs, labels) that it is not trained on; others than those of the gate.
      limit: of the strongest attack's metric.
      metric: which.
      every: epochs from one run of the attacks to the next.
      **settings: more of PrivacyCallback.

    Raises:
      PrivacyInputError: an argument cannot be used.
    """
    if limit is None:
        raise PrivacyInputError('limit is None: give a number, such as 0.55 for the AUC.')
    return PrivacyCallback(members, non_members, every, metric=metric, limit=limit, **settings)


def _config(attacks: tuple[Any, ...], outputs: str) -> PrivacyConfig:
    kind = OutputSettings() if outputs == 'predictions' else OutputSettings(kind=outputs)
    return PrivacyConfig(
        attacks=attacks, slices=SliceSettings(by_class=False), outputs=kind, checks={'blind_baseline': 'off'}
    )


def _as_given(labels: NDArray) -> NDArray:
    """Labels without a last axis of length 1, which Keras takes too."""
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _supported(metric: str, limit: float | None, num_members: int, num_non_members: int) -> str:
    """The metric's name, if so many examples are enough for it and the limit is one that it can reach."""
    found: Metric = metric_named(metric)
    if num_members < found.num_members_needed or num_non_members < found.num_non_members_needed:
        raise PrivacyInputError(
            f"metric '{metric}' needs {found.num_members_needed:,} members and {found.num_non_members_needed:,} "
            f'non-members, and {num_members:,} and {num_non_members:,} were given: give more, or name another metric.'
        )
    if limit is not None and not 0 < limit < (found.largest or np.inf):
        raise PrivacyInputError(f"limit is {limit!r}: metric '{metric}' can be limited between 0 and {found.largest}.")
    return metric


def _check_tensorboard(log_dir: str | Path | None) -> None:
    """Raises PrivacyInputError where TensorFlow could not write the logs; from 2.20 it does not bring TensorBoard."""
    if log_dir is not None and importlib.util.find_spec('tensorboard') is None:
        raise PrivacyInputError(
            f'log_dir is {str(log_dir)!r}, and tensorboard is not installed, without which TensorFlow writes no logs: '
            'pip install tensorboard, or leave log_dir out.'
        )
