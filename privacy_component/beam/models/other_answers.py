"""What else a model answers to the same examples: its other signatures, and the other outputs of the one called."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from privacy_component.beam.examples.read import RawBatch
from privacy_component.beam.models.served_model import ServedModel
from privacy_component.beam.models.signature_inputs import takes_serialized_examples
from privacy_component.beam.models.signatures import Serialized
from privacy_component.beam.plan import Plan
from privacy_component.checks.evidence import OtherAnswers
from privacy_component.checks.same_answers import tell_the_same, why_not_compared
from privacy_component.errors import PrivacyInputError

ROWS = 64  # of each split
_OF_TFX = 'transform_features'  # what TFX's own trainers call the signature that preprocesses


@dataclasses.dataclass(frozen=True)
class _Asked:
    """The first examples of all splits, and the names of their features, raw and transformed.

    Attributes:
      batches: of each split, what the model is called with; it was asked about these already.
      samples: the first ROWS of each.
      names: of features.
      batch_size: as in the plan.
    """

    batches: Sequence[RawBatch]
    samples: Sequence[RawBatch]
    names: frozenset[str]
    batch_size: int


def find_other_answers(
    model: ServedModel, plan: Plan, samples: Sequence[RawBatch], transformed: set[str]
) -> OtherAnswers:
    """Asks every signature of the candidate about the first examples of every split.

    Args:
      model: the candidate, loaded.
      plan: with the kind of its outputs.
      samples: one batch for each split, of which every record can be read.
      transformed: names of the features that are made of raw ones.
    """
    cut = [sample.select(range(min(ROWS, len(sample.records)))) for sample in samples]
    asked = _Asked(samples, cut, frozenset(transformed) | frozenset(_raw_columns(cut)), plan.batch_size)
    candidate = plan.candidate
    named = _call(model, candidate.signature, asked)
    judged = named.pop(candidate.output)
    assert isinstance(judged, np.ndarray)  # the trial has used it
    judged = judged.reshape(len(judged), -1)
    others = [(candidate.signature, named), *_other_signatures(model, candidate.signature, asked)]
    found: dict[str, list[str]] = defaultdict(list)
    for signature, outputs in others:
        for kind, name in _sorted_out(signature, outputs, judged, plan, asked):
            found[kind].append(name)
    kinds = (tuple(found[kind]) for kind in ('different', 'alike', 'left_out'))
    return OtherAnswers(candidate.signature, candidate.output, len(judged), *kinds)


def _other_signatures(model: ServedModel, called: str, asked: _Asked) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """The other signatures, each with its outputs by name, or why there are none."""
    for name in sorted(set(model.signatures) - {called}):
        signature = model.signatures[name]
        if name in model.preprocessing:
            yield name, 'it makes features'
        elif not takes_serialized_examples(signature.structured_input_signature[1], asked.names):
            yield name, 'it takes no serialized examples'
        else:
            yield name, _outputs_of(model, name, asked)


def _outputs_of(model: ServedModel, name: str, asked: _Asked) -> dict[str, Any] | str:
    try:
        outputs = _call(model, name, asked)
    except (PrivacyInputError, ValueError, TypeError):
        return 'it cannot be called with these examples'
    makes_features = len(outputs) > 1 and asked.names >= set(outputs)
    if makes_features or (name == _OF_TFX and not model.signatures[name].trainable_variables):
        return 'it makes features'
    return outputs


def _sorted_out(
    signature: str, outputs: Mapping[str, Any] | str, judged: NDArray, plan: Plan, asked: _Asked
) -> Iterator[tuple[str, str]]:
    """The kind of each answer of a signature, and its name with what is to be said of it."""
    if isinstance(outputs, str):
        yield 'left_out', f"signature '{signature}' ({outputs})"
        return
    columns = _raw_columns(asked.samples)
    for name, values in sorted(outputs.items()):
        answer = f"output '{name}' of signature '{signature}'"
        why = 'a feature' if _is_column(values, columns.get(name)) else _why_not(judged, values)
        if why:
            yield 'left_out', f'{answer} ({why})'
        else:
            is_same = tell_the_same(judged, plan.candidate.output_kind, values, plan.task)
            yield ('alike' if is_same else 'different'), answer


def _why_not(judged: NDArray, values: Any) -> str:
    return why_not_compared(judged, values) if isinstance(values, np.ndarray) else 'not a row for each example'


def _call(model: ServedModel, name: str, asked: _Asked) -> dict[str, Any]:
    """A signature's outputs for all samples together; None for one whose rows cannot be put together."""
    parts = [model.answers(name, Serialized(batch.records, asked.batch_size)) for batch in asked.batches]
    return {key: _joined([part[key] for part in parts], asked) for key in parts[0]}


def _joined(parts: Sequence[Any], asked: _Asked) -> NDArray | None:
    are_rows = all(
        isinstance(part, np.ndarray) and part.ndim and len(part) == len(batch.records)
        for part, batch in zip(parts, asked.batches, strict=True)
    )
    if not are_rows or len({part.shape[1:] for part in parts}) > 1:
        return None
    joined = np.concatenate([part[:ROWS] for part in parts])
    return joined.astype(np.float32) if joined.dtype == tf.bfloat16.as_numpy_dtype else joined


def _raw_columns(samples: Sequence[RawBatch]) -> dict[str, NDArray | None]:
    """The raw features of n examples by name: (n,) numbers where each has one, else None."""
    examples = [tf.train.Example.FromString(record) for sample in samples for record in sample.records]
    names = sorted({name for example in examples for name in example.features.feature})
    return {name: _numbers([example.features.feature[name] for example in examples]) for name in names}


def _numbers(features: Sequence[tf.train.Feature]) -> NDArray | None:
    values = [[*feature.float_list.value, *feature.int64_list.value] for feature in features]
    return np.array(values)[:, 0] if all(len(one) == 1 for one in values) else None


def _is_column(values: Any, column: NDArray | None) -> bool:
    """Whether an output hands on the feature of the same name."""
    if column is None or not isinstance(values, np.ndarray) or values.size != len(column):
        return False
    return np.array_equal(values.reshape(-1), column.astype(values.dtype)) if values.dtype.kind in 'biuf' else False
