"""What the classes are called, where the config or Transform's vocabulary tells."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_transform as tft

_MOST = 10_000


def class_names(
    given: tuple[str, ...], transform_path: str, label_key: str, num_classes: int
) -> tuple[str, ...] | None:
    """The name of each class; None where nothing tells.

    A vocabulary of Transform tells if its vocab_filename is the label key, and it is no longer than the model has
    classes; those that it names none of are what it could not find a word for.

    Args:
      given: PrivacyConfig.outputs.classes.
      transform_path: directory of a transform_graph; '' for none.
      label_key: the feature that holds the label.
      num_classes: of the model.
    """
    if given or not transform_path or not label_key:
        return given or None
    try:
        output = tft.TFTransformOutput(transform_path)
        words = output.vocabulary_by_name(label_key) if output.vocabulary_file_by_name(label_key) else []
    except (ValueError, OSError, tf.errors.OpError):
        return None  # names are for reading alone
    if not 0 < len(words) <= min(num_classes, _MOST):
        return None
    return tuple(word.decode('utf-8', errors='backslashreplace') for word in words)
