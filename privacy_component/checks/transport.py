"""Figures for the checks on their way out of a job: from what was merged to JSON, and on to the evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from privacy_component.checks.answers import Answers
from privacy_component.checks.evidence import AnswerFigures, BlindFigures, DuplicateFigures, Evidence
from privacy_component.checks.examples import ExampleSketch
from privacy_component.outputs import OutputEvidence

FiguresFound = Mapping[str, AnswerFigures | DuplicateFigures | BlindFigures | str]

_NOT_LOOKED_AT = 'The examples were not looked at.'


def figures_of(merged: Answers | ExampleSketch, is_grouped: bool, seed: int) -> FiguresFound:
    """The figures that follow from all answers, or from the sketch of all examples, by field of Evidence."""
    if isinstance(merged, Answers):
        return {'answers': merged.figures()}
    return merged.figures(is_grouped, seed)


def evidence_fields(found: Sequence[FiguresFound]) -> dict[str, Any]:
    """Several figures as JSON values."""
    figures = {name: one for part in found for name, one in part.items()}
    return {name: one if isinstance(one, str) else dataclasses.asdict(one) for name, one in sorted(figures.items())}


def evidence_from(fields: Mapping[str, Any], task: str, kind: str, outputs: OutputEvidence) -> Evidence:
    """The evidence that a job left behind as `evidence_fields`."""
    duplicates, blind = (fields.get(name, _NOT_LOOKED_AT) for name in ('duplicates', 'blind'))
    if not isinstance(blind, str):
        blind = BlindFigures(**{**blind, 'features': tuple(blind['features'])})
    return Evidence(
        task=task,
        kind=kind,
        outputs=outputs,
        answers=AnswerFigures(**fields['answers']),
        duplicates=duplicates if isinstance(duplicates, str) else DuplicateFigures(**duplicates),
        blind=blind,
    )
