"""What was measured and how, from a result's context; every key may be absent or of an unexpected type."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from privacy_component.attacks import attack_named
from privacy_component.config.moved_fields import regrouped
from privacy_component.config.thresholds import LEAK_SHOWN, SAFETY_NOT_SHOWN
from privacy_component.errors import PrivacyInputError
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.comparisons import UNDECIDED
from privacy_component.report.ranking import Row, flat
from privacy_component.report.wording import change_interval, comparison_title, number, outcome_counts, percent, visible

_KNOWN = {
    'model_uri', 'examples_uri', 'inputs', 'splits', 'num_examples', 'task', 'label_key', 'output_kind', 'model_called',
    'output_evidence', 'output_kind_evidence', 'upstream_blessed', 'config', 'versions', 'started', 'seconds',
    'warnings', 'model_fingerprint', 'fingerprints', 'artifacts', 'slicing_specs', 'earlier_evaluations',
    'baseline_model_uri', 'baseline_output_kind',
}  # fmt: skip
_RULE_DETAILS = {
    LEAK_SHOWN: 'the corrected lower bound is above the limit. A leak that the examples are too few to show passes.',
    SAFETY_NOT_SHOWN: 'the corrected upper bound has to be at or below the limit. Too few examples block.',
}
_UPSTREAM = {'yes': 'blessed the model', 'no': 'did not bless the model'}


def facts(result: PrivacyResult, slices: Sequence[Sequence[Row]]) -> list[tuple[str, str]]:
    """(label, text) pairs; what is not known is left out."""
    context = result.context
    seconds = context.get('seconds')
    pairs = [
        ('Model', _plain(context.get('model_uri'))),
        ('Model fingerprint', _plain(context.get('model_fingerprint'))),
        ('Earlier evaluations', _history(context.get('earlier_evaluations'))),
        ('Baseline model', _plain(context.get('baseline_model_uri'))),
        ('Examples', _plain(context.get('examples_uri'))),
        ('Inputs', _plain(context.get('inputs'))),
        ('Members', _side(context, 'members', slices)),
        ('Non-members', _side(context, 'non_members', slices)),
        ('Examples read', _plain(context.get('num_examples'))),
        ('Examples fingerprint', _plain(context.get('fingerprints'))),
        ('Task', _plain(context.get('task'))),
        ('Label', _plain(context.get('label_key'))),
        ('Model outputs', _outputs(context)),
        ('Baseline model outputs', _plain(context.get('baseline_output_kind'))),
        ('Model called', _plain(context.get('model_called'))),
        ('Upstream validator', _UPSTREAM.get(_plain(context.get('upstream_blessed')), '')),
        ('Confidence level', confidence(result)),
        ('Comparisons', _comparisons(result)),
        ('Slices not listed', f'{result.num_suppressed:,}, too small to be named' if result.num_suppressed else ''),
        ('Versions', _plain(context.get('versions'))),
        ('Started', _plain(context.get('started'))),
        ('Took', f'{seconds:,.1f} s' if isinstance(seconds, int | float) else _plain(seconds)),
    ]
    return [(label, text) for label, text in pairs if text]


def warnings(result: PrivacyResult) -> list[str]:
    """What was noticed while measuring."""
    noticed = result.context.get('warnings')
    return [visible(text) for text in noticed] if isinstance(noticed, Sequence) and not isinstance(noticed, str) else []


def attacks(slices: Sequence[Sequence[Row]]) -> list[dict[str, str]]:
    """Name, access and reference of every attack that ran."""
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
    level = _setting(result.context, 'decision', 'confidence_level')
    return percent(level) if isinstance(level, int | float) else ''


def config_text(result: PrivacyResult) -> str:
    """The recorded config as indented JSON; empty if there is none."""
    return _json(result.context.get('config'))


def other_facts(result: PrivacyResult) -> list[tuple[str, str]]:
    """Context under keys that this page does not know."""
    return [(visible(key), _json(value)) for key, value in sorted(result.context.items()) if key not in _KNOWN]


def _side(context: Mapping[str, Any], side: str, slices: Sequence[Sequence[Row]]) -> str:
    overall = next((rows[0].result for rows in slices if rows[0].is_overall), None)
    aggregation = _setting(context, 'people', 'group_aggregation')
    unit = 'examples' if aggregation in (None, 'none') else 'groups'
    count = f'{getattr(overall, f"num_{side}"):,} {unit}' if overall else ''
    splits = context.get('splits')
    names = _plain(splits.get(side)) if isinstance(splits, Mapping) else ''
    return ' of '.join(filter(None, (count, names and f'split {names}')))


def _setting(context: Mapping[str, Any], group: str, name: str) -> Any:
    """A field of the recorded config, by whichever names it was recorded; None if it was not."""
    config = context.get('config')
    fields = regrouped(config).get(group) if isinstance(config, Mapping) else None
    return fields.get(name) if isinstance(fields, Mapping) else None


def _history(earlier: Any) -> str:
    if not isinstance(earlier, Sequence) or isinstance(earlier, str):
        return ''
    return f'{len(earlier):,} did not bless this model' if earlier else 'none that did not bless this model'


def _outputs(context: Mapping[str, Any]) -> str:
    kind = _plain(context.get('output_kind'))
    evidence = _plain(context.get('output_kind_evidence') or context.get('output_evidence'))
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
