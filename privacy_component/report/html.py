"""report.html: one self-contained page for the board that releases a model and for the reviewer of its privacy."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from privacy_component.evaluation import decision
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.report import audit_rows, cards, check_rows, facts, pictures, remedies, tables, wording
from privacy_component.report.ranking import DIAGNOSTIC, Row, flat, ranked_slices, slice_word, worst_row

_REASONS_SHOWN = 5
_MANY_RESULTS = 1500
_MOST_FOLDED_ROWS = 300
_HEX_SHOWN = 16


def render(result: PrivacyResult, decision_sha256: str = '') -> str:
    """The report of a result.

    Args:
      result: of an evaluation, with or without a verdict.
      decision_sha256: the hash of its decision.json, where that is written already.

    Returns:
      HTML that loads nothing from anywhere; the same bytes for the same result.
    """
    slices = ranked_slices(result)
    row, worst = worst_row(result, slices)
    return _template().render(
        **_banner(result),
        **_tables(result, slices),
        cards=cards.cards(slices, row, worst),
        identity=_identity(result, decision_sha256),
        remedies=remedies.remedies(result),
        counts=wording.slice_counts([slice_word(rows) for rows in slices if rows[0].outcome != DIAGNOSTIC]),
        pictures=pictures.pictures(result, slices, row),
        rules=facts.rules(result),
        num_corrected_for=f'{facts.num_corrected_for(result):,}',
        vulnerable=tables.vulnerable_rows(result),
        audits=audit_rows.audit_rows(result),
        checks=check_rows.check_rows(result.checks),
        unsound=check_rows.soundness(result.checks),
        facts=facts.facts(result, slices),
        attacks=facts.attacks(slices),
        limits=facts.limits(result),
        confidence=facts.confidence(result),
        config=facts.config_text(result),
        other_facts=facts.other_facts(result),
    )


def _banner(result: PrivacyResult) -> dict[str, Any]:
    reasons, warnings = (result.verdict.reasons, result.verdict.warnings) if result.verdict else ((), ())
    return {
        'word': wording.verdict_word(result.verdict),
        'tone': wording.verdict_word(result.verdict).lower().replace(' ', '-'),
        'headline': wording.headline(result.verdict),
        'consequence': wording.consequence(result.verdict),
        'reasons': [wording.visible(reason) for reason in reasons],
        'warnings': [*facts.warnings(result), *map(wording.visible, warnings)],
        'shown': _REASONS_SHOWN,
    }


def _tables(result: PrivacyResult, slices: Sequence[Sequence[Row]]) -> dict[str, Any]:
    """Tables, those that are folded cut to the worst rows of a large result: privacy_metrics.json holds all."""
    main, extra = tables.metric_names(result)
    rows = tables.slice_rows(slices, main, is_short=len(result.results) > _MANY_RESULTS)
    comparisons = tables.comparison_rows(result)
    return {
        'is_weighted': any(one.sums_of_weights for one in result.results),
        'main': [(name, wording.metric_title(name)) for name in main],
        'rows': rows,
        'is_short': len(result.results) > _MANY_RESULTS,
        'features': list(dict.fromkeys(row['features'] for row in rows if row['features'])),
        'words': list(dict.fromkeys(row['word'] for row in rows)),
        'extra': [(name, wording.metric_title(name)) for name in extra],
        'extra_rows': [tables.table_row(r, extra) for r in flat(slices)[:_MOST_FOLDED_ROWS]] if extra else [],
        'num_results': len(result.results),
        'comparisons': comparisons[:_MOST_FOLDED_ROWS],
        'num_comparisons': len(comparisons),
    }


def _identity(result: PrivacyResult, decision_sha256: str) -> list[tuple[str, str]]:
    """What tells this evaluation from others: model, run, date and hashes, as far as they are known."""
    record = result.record
    hashes = decision.hashes_of(result, decision_sha256)
    pairs = [
        ('Model', record.model_uri),
        ('Model hash', (record.model_fingerprint or '').removeprefix('sha256:')[:_HEX_SHOWN]),
        ('Pipeline', record.pipeline),
        ('Run', record.run),
        ('Evaluated', (record.started or '').replace('T', ' ').replace('Z', ' UTC')),
        ('Config hash', hashes.get('config', '')[:_HEX_SHOWN]),
        ('Decision hash', hashes.get('decision', '')[:_HEX_SHOWN]),
    ]
    return [(label, wording.visible(text)) for label, text in pairs if text]


@functools.cache
def _template() -> jinja2.Template:
    """The page, with a policy by which the browser runs our script and no other."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent / 'templates')
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    sources = {name: loader.get_source(environment, f'report.{name}')[0] for name in ('css', 'js')}
    digest = base64.b64encode(hashlib.sha256(sources['js'].encode()).digest()).decode()
    environment.globals.update({name: Markup(text) for name, text in sources.items()}, js_digest=digest)
    return environment.get_template('report.html')
