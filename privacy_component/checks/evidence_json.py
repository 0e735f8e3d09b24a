"""Figures for the checks on their way out of a job: from what was merged to JSON, and on to the evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from privacy_component.checks.check import Incomplete
from privacy_component.checks.constant_signals import NO_COLUMNS
from privacy_component.checks.evidence import (
    AnswerFigures,
    BlindFigures,
    ColumnFigures,
    DuplicateFigures,
    Evidence,
    LabelFigures,
    NearFigures,
    ReferenceFigures,
)
from privacy_component.checks.reference_models import NO_REFERENCES
from privacy_component.observations.outputs import OutputEvidence

FiguresFound = Mapping[str, AnswerFigures | DuplicateFigures | BlindFigures | ReferenceFigures | ColumnFigures | str]

_NOT_LOOKED_AT = 'The examples were not looked at.'


def evidence_fields(found: Sequence[FiguresFound]) -> dict[str, Any]:
    """Several figures as JSON values."""
    figures = {name: one for part in found for name, one in part.items()}
    return {name: one if isinstance(one, str) else dataclasses.asdict(one) for name, one in sorted(figures.items())}


def evidence_from(fields: Mapping[str, Any], task: str, kind: str, outputs: OutputEvidence) -> Evidence:
    """The evidence that a job left behind as `evidence_fields`."""
    answers = _answers_from(fields['answers'])
    duplicates, blind = (fields.get(name, _NOT_LOOKED_AT) for name in ('duplicates', 'blind'))
    if not isinstance(blind, str):
        blind = BlindFigures(**{**blind, 'features': tuple(blind['features'])})
    if not isinstance(duplicates, str):
        duplicates = DuplicateFigures(**duplicates)
        if missed := _missed(duplicates, answers):
            duplicates = blind = missed
    references: ReferenceFigures | str = NO_REFERENCES
    if 'references' in fields:
        given = {name: tuple(value) for name, value in fields['references'].items()}
        references = ReferenceFigures(**given | {'repeated': tuple(map(tuple, given['repeated']))})
    columns: ColumnFigures | str = NO_COLUMNS
    if 'columns' in fields:
        columns = ColumnFigures(fields['columns']['num_columns'], tuple(fields['columns']['constant']))
    return Evidence(
        task=task,
        kind=kind,
        outputs=outputs,
        answers=answers,
        duplicates=duplicates,
        blind=blind,
        references=references,
        columns=columns,
    )


def _answers_from(fields: Mapping[str, Any]) -> AnswerFigures:
    parts = {'labels': LabelFigures(**fields['labels']), 'near': NearFigures(**fields['near'])}
    return AnswerFigures(**{**fields, **parts})


def _missed(seen: DuplicateFigures, answers: AnswerFigures) -> Incomplete | None:
    """What to say if the model answered examples that could not be looked at."""
    sides = ((seen.num_members, answers.num_members), (seen.num_non_members, answers.num_non_members))
    missed = sum(max(scored - looked_at, 0) for looked_at, scored in sides)
    if not missed:
        return None
    return Incomplete(
        f'The check could not look at {missed:,} of {answers.num_examples:,} examples that the model was called for: '
        'their records are not written as a tf.Example is. Run the component that wrote them again; if they must stay '
        "as they are, set this check to 'warn' or 'off' in PrivacyConfig.checks."
    )
