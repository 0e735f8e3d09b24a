"""evaluate_model: the whole evaluation of a fitted model, which is asked for its outputs here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.arguments import array_of
from privacy_component.evaluation.evaluate import evaluate_privacy
from privacy_component.evaluation.result import PrivacyResult

_REFUSED = ('is_member', 'labels', 'logits', 'probabilities', 'predictions', 'features')
_SIDES = ('members', 'non_members')


def evaluate_model(
    model: Any,
    members: tuple[Any, ArrayLike],
    non_members: tuple[Any, ArrayLike],
    features: Mapping[str, ArrayLike] | tuple[Mapping[str, ArrayLike], Mapping[str, ArrayLike]] | None = None,
    **arguments: Any,
) -> PrivacyResult:
    """Attacks a fitted model: of scikit-learn, Keras, or any with predict_proba, decision_function or predict.

    Args:
      model: fitted. A classifier of scikit-learn is asked for predict_proba, or for decision_function where it has no
        probabilities; any other model for predict.
      members: (x, y), the examples that it was trained on and their labels. Labels of a scikit-learn classifier are as
        it was fitted with, and become positions in its classes_.
      non_members: (x, y), examples that it has never seen.
      features: columns to slice by: name -> values of members and, below these, of non-members; or a pair of such
        mappings, one for each side. A DataFrame is such a mapping.
      **arguments: others of evaluate_privacy: config, group_ids, example_ids ...

    Raises:
      PrivacyInputError: an argument cannot be used, or the model gives nothing that can be attacked.
    """
    for name in _REFUSED:
        if name in arguments:
            raise PrivacyInputError(f'evaluate_model makes {name} itself: leave it out, or use evaluate_privacy.')
    sides = [pair_of(name, side) for name, side in zip(_SIDES, (members, non_members), strict=True)]
    kinds, outputs = zip(*(outputs_of_model(model, x) for x, _ in sides), strict=True)
    parts = [_labels(name, y) for name, (_, y) in zip(_SIDES, sides, strict=True)]
    labels = np.concatenate(parts)
    if features is not None:
        arguments['features'] = _features(features)
    arguments = _classes(model, kinds[0], labels) | arguments | {kinds[0]: np.concatenate(outputs)}
    return evaluate_privacy(is_member=np.repeat([True, False], list(map(len, parts))), labels=labels, **arguments)


def pair_of(name: str, side: Any) -> tuple[Any, ArrayLike]:
    """Examples and labels.

    Raises:
      PrivacyInputError: it is no pair.
    """
    if not isinstance(side, tuple | list) or len(side) != 2:
        raise PrivacyInputError(f'{name} is a {type(side).__name__}; give a pair of examples and labels, (x, y).')
    return side[0], side[1]


def outputs_of_model(model: Any, x: Any) -> tuple[str, NDArray]:
    """The kind of what the model gives, and what it gives for some examples.

    Raises:
      PrivacyInputError: it gives nothing that can be attacked.
    """
    if hasattr(model, 'predict_proba'):
        return 'probabilities', _array('predict_proba', _single(model.predict_proba(x)))
    if hasattr(model, 'decision_function'):
        return 'logits', _array('decision_function', model.decision_function(x))
    if not hasattr(model, 'predict'):
        raise PrivacyInputError(
            f'the model is a {type(model).__name__} without predict_proba, decision_function or predict: call it '
            'yourself, and give evaluate_privacy its outputs.'
        )
    if hasattr(model, 'layers'):
        return _kind_of_keras(model), _array('predict', model.predict(x, verbose=0))
    if not _is_regressor(model):
        raise PrivacyInputError(
            f'{type(model).__name__}.predict gives classes without probabilities or scores, which attacks need: fit it '
            'with probabilities, or give evaluate_privacy scores of your own.'
        )
    return 'predictions', _array('predict', model.predict(x))


def _single(given: Any) -> Any:
    """scikit-learn gives a list, an array for each label, where several labels are not exclusive."""
    if isinstance(given, list):
        return np.column_stack([each[:, 1] for each in given])
    return given


def _array(method: str, given: Any) -> NDArray:
    outputs = np.asarray(given)
    if outputs.ndim not in (1, 2):
        raise PrivacyInputError(f'{method} gives shape {outputs.shape}; (n,) or (n, classes) is needed.')
    return outputs


def _is_regressor(model: Any) -> bool:
    from sklearn.base import is_regressor

    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of estimators that have no tags
        return bool(is_regressor(model))


def _kind_of_keras(model: Any) -> str:
    """What a Keras model's outputs are, by the activation of its last layer and the loss that it was compiled with."""
    activation = getattr(getattr(model.layers[-1], 'activation', None), '__name__', '')
    if activation in ('softmax', 'sigmoid'):
        return 'probabilities'
    loss = getattr(model, 'loss', None)
    name = loss if isinstance(loss, str) else getattr(loss, 'name', None) or getattr(loss, '__name__', '')
    words = str(name).lower()
    if 'crossentropy' in words or 'hinge' in words:
        return 'logits'
    if any(part in words for part in ('squared', 'mse', 'mean_absolute', 'mae', 'huber', 'log_cosh')):
        return 'predictions'
    raise PrivacyInputError(
        f"the last layer's activation is '{activation or 'unknown'}' and the loss {words or 'unknown'!r}, which do not "
        'tell what the outputs are: give evaluate_privacy logits=, probabilities= or predictions=.'
    )


def labels_for(model: Any, kind: str, y: ArrayLike) -> NDArray:
    """Labels as numbers of the model's classes, where it names them.

    Raises:
      PrivacyInputError: a label is none of them.
    """
    labels, classes = np.asarray(y), getattr(model, 'classes_', None)
    if kind == 'predictions' or not isinstance(classes, np.ndarray) or labels.ndim != 1:
        return labels.reshape(len(labels)) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    numbers = np.searchsorted(classes, labels)
    known = numbers < len(classes)
    known[known] = classes[numbers[known]] == labels[known]
    if not known.all():
        raise PrivacyInputError(
            f'{int(np.count_nonzero(~known))} of {len(labels)} labels are none of the {len(classes)} classes that the '
            'model was fitted with: leave these examples out.'
        )
    return numbers


def _labels(name: str, y: Any) -> NDArray:
    labels = array_of(f'the labels of {name}', y, None)
    return labels.reshape(len(labels)) if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _classes(model: Any, kind: str, labels: NDArray) -> dict[str, Any]:
    """The argument `classes` where the model knows what labels call the classes."""
    is_named = isinstance(getattr(model, 'classes_', None), np.ndarray) and labels.ndim == 1
    return {'classes': model} if is_named and kind != 'predictions' else {}


def _features(features: Any) -> dict[str, ArrayLike]:
    if not isinstance(features, tuple | list):
        return {str(name): features[name] for name in features}
    if len(features) != 2:
        raise PrivacyInputError(f'features has {len(features)} parts; give one for members and one for non-members.')
    ours, theirs = features
    if set(ours) != set(theirs):
        raise PrivacyInputError(
            f'features of members and non-members have other names ({sorted(set(ours) ^ set(theirs))}): give both all.'
        )
    return {str(name): np.concatenate([np.asarray(ours[name]), np.asarray(theirs[name])]) for name in ours}
