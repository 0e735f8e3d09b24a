"""A verdict as JUnit XML, which CI systems show beside a change: a test case for each comparison, check and reason."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from privacy_component.checks import REFUSED, WARNING
from privacy_component.evaluation.result import PrivacyResult
from privacy_component.gate.verdict import EXCEEDED, UNDECIDED, Comparison
from privacy_component.report.wording import comparison_title, headline, number, readable_slice, verdict_word, visible

SUITE = 'privacy'


def junit(result: PrivacyResult) -> str:
    """XML text: the verdict fails unless the model is blessed, a comparison above its limit, a check that refuses.

    What the examples cannot decide, and a report that judges nothing, is skipped rather than passed.
    """
    suite = ElementTree.Element('testsuite', name=SUITE)
    _add_verdict(suite, result)
    for comparison in result.verdict.comparisons if result.verdict else ():
        _add_comparison(suite, comparison, result.record.class_names or ())
    for check in result.checks:
        case = _case(suite, f'{SUITE}.checks', visible(check.name))
        if check.status == REFUSED:
            _outcome(case, 'failure', visible(check.message))
        elif check.status != 'ok':
            _outcome(
                case, 'skipped', visible(check.message) if check.status == WARNING else f'Not run: {check.message}'
            )
    for kind in ('failure', 'skipped'):
        suite.set({'failure': 'failures'}.get(kind, kind), str(len(suite.findall(f'testcase/{kind}'))))
    suite.set('tests', str(len(suite)))
    suite.set('errors', '0')
    ElementTree.indent(suite)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ElementTree.tostring(suite, encoding='unicode')}\n"


def _add_verdict(suite: ElementTree.Element, result: PrivacyResult) -> None:
    case, verdict = _case(suite, f'{SUITE}.verdict', 'the model is blessed'), result.verdict
    if verdict is None or not verdict.judged:
        _outcome(case, 'skipped', f'{verdict_word(verdict)}. {headline(verdict)}')
    elif not verdict.blessed:
        _outcome(case, 'failure', headline(verdict), '\n'.join(map(visible, verdict.reasons)))


def _add_comparison(suite: ElementTree.Element, one: Comparison, class_names: Sequence[str]) -> None:
    where = readable_slice(one.slice_key, class_names)
    name = f'{where}: {comparison_title(one)} of {visible(one.attack)} at most {one.limit:g}'
    case = _case(suite, f'{SUITE}.limits', name)
    figures = f'{number(one.value)}, deciding bound {number(one.corrected_bound)}, limit {one.limit:g}'
    if one.outcome == EXCEEDED:
        _outcome(case, 'failure', figures)
    elif one.outcome == UNDECIDED:
        _outcome(case, 'skipped', f'undecided: {visible(one.note) or figures}')


def _case(suite: ElementTree.Element, class_name: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, 'testcase', classname=class_name, name=name)


def _outcome(case: ElementTree.Element, kind: str, message: str, text: str = '') -> None:
    ElementTree.SubElement(case, kind, message=visible(message)).text = text or None
