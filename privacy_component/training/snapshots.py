"""A Keras callback that keeps the model as it is after some epochs, as SavedModels that can be attacked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from privacy_component.errors import PrivacyInputError
from privacy_component.observations.snapshot_names import epoch_of, snapshot_name
from privacy_component.training.keras_versions import CallbackHooks


class SnapshotCallback(CallbackHooks):
    """Writes a SavedModel after every few epochs; for `fit(callbacks=[...])` of Keras 2 and 3.

    They are for an audit of what someone finds who sees the model at several epochs. Who has no such attacker in mind
    still should not publish them: they tell more of the members than the last does.

    Attributes:
      written: the directories of all snapshots, in the order of the epochs.
    """

    def __init__(self, directory: str, signatures: Mapping[str, Any], every: int = 1):
        """A callback for one training.

        Args:
          directory: where to write; `f'{fn_args.model_run_dir}/snapshots'` in a run_fn, where PrivacyEvaluator looks
            for them. It must hold no snapshots of another training; a training that is resumed there, with
            `initial_epoch` epochs done, goes on with those up to that epoch.
          signatures: of the SavedModels, as they are given to the model's own: name -> tf.function of the model.
          every: epochs from one snapshot to the next.

        Raises:
          PrivacyInputError: an argument cannot be used.
        """
        if not isinstance(every, int) or isinstance(every, bool) or every < 1:
            raise PrivacyInputError(f'every is {every!r}: give a whole number of epochs, 1 or more.')
        if not isinstance(signatures, Mapping) or not signatures:
            raise PrivacyInputError(
                f"signatures is a {type(signatures).__name__}: give those of the model, {{'serving_default': ...}}."
            )
        self._directory, self._signatures, self._every = str(directory).rstrip('/'), dict(signatures), every
        self._begins = False
        self.written: list[str] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Notes that the next epoch is the first of a call of `fit`."""
        self._begins = True

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Refuses a directory in which the snapshots of two trainings would be mixed, before the first epoch.

        Raises:
          PrivacyInputError: there are snapshots in it, after more epochs than are done, that are not by this callback.
        """
        if not self._begins:
            return
        self._begins = False
        import tensorflow as tf

        tf.io.gfile.makedirs(self._directory)
        names = sorted(str(name).strip('/') for name in tf.io.gfile.listdir(self._directory))
        done = {f'{self._directory}/{name}': number for name in names if (number := epoch_of(name)) is not None}
        others = [number for path, number in done.items() if number > epoch and path not in self.written]
        if others:
            raise PrivacyInputError(
                f'{self._directory} holds {len(others)} snapshots of another training, the first after epoch '
                f'{min(others)} of which {epoch} are done: remove them, or name an empty directory.'
            )
        self.written = sorted({*self.written, *done})

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes the snapshot under another name first, so that none is found half written.

        Raises:
          PrivacyInputError: there is one of this epoch, of an earlier call of `fit`.
        """
        if (epoch + 1) % self._every:
            return
        import tensorflow as tf

        path = f'{self._directory}/{snapshot_name(epoch + 1)}'
        if path in self.written:
            raise PrivacyInputError(
                f'{path} is written already: give a second call of fit the number of epochs that are done as '
                'initial_epoch, or a callback with a directory of its own.'
            )
        tf.saved_model.save(self.model, f'{path}.part', signatures=self._signatures)
        tf.io.gfile.rename(f'{path}.part', path)
        self.written.append(path)
