"""What was measured and how, from a result's record, of which anything may be absent."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from privacy_component.attacks import attack_named
from privacy_component.config.moved_fields import regrouped
from privacy_component.config.thresholds import LEAK_SHOWN, SAFETY_NOT_SHOWN
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.record import Record
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.evaluation.typed_json import to_json
from privacy_component.gate.comparisons import UNDECIDED
from privacy_component.gate.history import Earlier
from privacy_component.report.ranking import Row, flat
from privacy_component.report.wording import (
    LONGEST_NAME,
    change_interval,
    comparison_title,
    number,
    outcome_counts,
    percent,
    shorten,
    visible,
)

_CLASSES_SHOWN = 100
_RULE_DETAILS = {
    LEAK_SHOWN: 'the corrected lower bound is above the limit. A leak that the examples are too few to show passes.',
    SAFETY_NOT_SHOWN: 'the corrected upper bound has to be at or below the limit. Too few examples block.',
}
_UPSTREAM = {True: 'blessed the model', False: 'did not bless the model', None: ''}


def facts(result: PrivacyResult, slices: Sequence[Sequence[Row]]) -> list[tuple[str, str]]:
    """(label, text) pairs; what is not known is left out."""
    record = result.record
    pairs = [
        ('Model', _plain(record.model_uri)),
        ('Model fingerprint', _plain(record.model_fingerprint)),
        ('Earlier evaluations', _history(record.earlier_evaluations)),
        ('Baseline model', _plain(record.baseline_model_uri)),
        ('Inputs', _plain(record.inputs)),
        ('Members', _side(record, 'members', slices)),
        ('Non-members', _side(record, 'non_members', slices)),
        ('Examples read', _plain(record.num_examples)),
        ('Examples fingerprint', _plain(record.fingerprints)),
        ('Task', _plain(record.task)),
        ('Label', _plain(record.label_key)),
        ('Classes', _classes(record.class_names or ())),
        ('Model outputs', _outputs(record)),
        ('Signature judged', _plain(record.judged_signature)),
        ('Output judged', _plain(record.judged_output)),
        ('Reference models', _plain(record.num_reference_models)),
        ('Snapshots', _plain(record.num_snapshots)),
        ('Baseline model outputs', _plain(record.baseline_output_kind)),
        ('Model called', _plain(record.model_called)),
        ('Upstream validator', _UPSTREAM[record.upstream_blessed]),
        ('Confidence level', confidence(result)),
        ('Comparisons', _comparisons(result)),
        ('Slices not listed', f'{result.num_suppressed:,}, too small to be named' if result.num_suppressed else ''),
        ('Versions', _plain(record.versions)),
        ('Pipeline', _plain(record.pipeline)),
        ('Run', _plain(record.run)),
        ('Started', _plain(record.started)),
        ('Took', '' if record.seconds is None else f'{record.seconds:,.1f} s'),
    ]
    return [(label, text) for label, text in pairs if text]


def _classes(names: Sequence[str]) -> str:
    """Which number is which class; reasons have the numbers."""
    named = [f'{i} = {shorten(visible(name), LONGEST_NAME)}' for i, name in enumerate(names[:_CLASSES_SHOWN])]
    return ', '.join([*named, *(['...'] if len(names) > _CLASSES_SHOWN else [])])


def warnings(result: PrivacyResult) -> list[str]:
    """What was noticed while measuring."""
    return list(map(visible, result.record.warnings))


def attacks(slices: Sequence[Sequence[Row]]) -> list[dict[str, str]]:
    """Name and reference of each attack, and what the attacker is assumed to have, by which they are grouped."""
    names = sorted({row.result.attack for row in flat(slices)})
    return [{'name': visible(name), **_described(name)} for name in names]


def _described(name: str) -> dict[str, str]:
    """Of an attack that is not installed here, and of one that was handed in as an object, only the name is known."""
    try:
        info = attack_named(name)
    except PrivacyInputError:
        return {'access': '', 'reference': ''}
    return {'access': info.access, 'reference': info.reference}


def limits(result: PrivacyResult) -> list[dict[str, Any]]:
    """Every distinct limit of the gate, with how many comparisons had which outcome."""
    comparisons = result.verdict.comparisons if result.verdict else ()
    alike = defaultdict(list)
    for c in comparisons:
        alike[comparison_title(c), c.limit, c.block_if].append(c)
    return [
        {
            'title': f'{title} ≤ {limit:g}',
            'rule': rule(block_if),
            'outcomes': outcome_counts([c.outcome for c in those]),
            'interval': ' and '.join(sorted({change_interval(c) for c in those} - {''})),
        }
        for (title, limit, block_if), those in alike.items()
    ]


def rule(block_if: str) -> str:
    """When a limit blocks, in words."""
    if block_if == LEAK_SHOWN:
        return 'blocks when a leak above the limit is shown'
    return 'blocks unless a leak above the limit is ruled out'


def num_corrected_for(result: PrivacyResult) -> int:
    """How many comparisons the bounds are corrected for: all that the data could decide."""
    comparisons = result.verdict.comparisons if result.verdict else ()
    return sum(c.outcome != UNDECIDED for c in comparisons)


def rules(result: PrivacyResult) -> list[tuple[str, str]]:
    """Name and meaning of the rules in use."""
    comparisons = result.verdict.comparisons if result.verdict else ()
    return [
        (block_if, f'{rule(block_if)}: {_RULE_DETAILS[block_if]}')
        for block_if in dict.fromkeys(c.block_if for c in comparisons)
    ]


def confidence(result: PrivacyResult) -> str:
    """'95 %', or nothing where the config was not recorded."""
    level = _setting(result.record, 'decision', 'confidence_level')
    return percent(level) if isinstance(level, int | float) else ''


def config_text(result: PrivacyResult) -> str:
    """The recorded config as indented JSON; empty if there is none."""
    return _json(result.record.config)


def other_facts(result: PrivacyResult) -> list[tuple[str, str]]:
    """What only some readers look for, under the names that privacy_metrics.json has for it."""
    record = result.record
    asked = {
        'cpu_seconds': record.cpu_seconds,
        'eval_config': record.eval_config,
        'num_bad_records': record.num_bad_records,
        'sums_of_weights': record.sums_of_weights,
    }
    return [(name, _json(value)) for name, value in asked.items() if value is not None]


def _side(record: Record, side: str, slices: Sequence[Sequence[Row]]) -> str:
    overall = next((rows[0].result for rows in slices if rows[0].is_overall), None)
    aggregation = _setting(record, 'people', 'group_aggregation')
    unit = 'examples' if aggregation in (None, 'none') else 'groups'
    count = f'{getattr(overall, f"num_{side}"):,} {unit}' if overall else ''
    names = _plain(getattr(record.splits, side)) if record.splits else ''
    return ' of '.join(filter(None, (count, names and f'split {names}')))


def _setting(record: Record, group: str, name: str) -> Any:
    """A field of the recorded config, by whichever names it was recorded; None if it was not."""
    fields = None if record.config is None else regrouped(record.config).get(group)
    return fields.get(name) if isinstance(fields, Mapping) else None


def _history(earlier: Sequence[Earlier] | None) -> str:
    if earlier is None:
        return ''
    return f'{len(earlier):,} did not bless this model' if earlier else 'none that did not bless this model'


def _outputs(record: Record) -> str:
    kind = _plain(record.output_kind)
    evidence = _plain(record.output_kind_evidence or to_json(record.output_evidence))
    return '; '.join(filter(None, (kind, evidence)))


def _comparisons(result: PrivacyResult) -> str:
    if result.verdict is None or not result.verdict.comparisons:
        return ''
    outcomes = [c.outcome for c in result.verdict.comparisons]
    return (
        f'{len(outcomes):,}, one for each limit, slice and attack: {outcome_counts(outcomes)}. The bounds that decide '
        f'are corrected for the {num_corrected_for(result):,} that could be decided, together (Holm).'
    )


def _plain(value: Any) -> str:
    """A JSON value in one line."""
    if isinstance(value, Mapping):
        return ', '.join(f'{visible(key)} {_plain(item)}' for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ', '.join(map(_plain, value))
    if isinstance(value, bool) or value is None:
        return {True: 'yes', False: 'no', None: ''}[value]
    if isinstance(value, int):
        return f'{value:,}'
    return number(value) if isinstance(value, float) else visible(value)


def _json(value: Any) -> str:
    return '' if value is None else json.dumps(value, indent=2, ensure_ascii=True, sort_keys=True, default=str)
