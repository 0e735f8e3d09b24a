"""What the report says of audits."""

import re

import pytest

from privacy_component.report.html import render
from privacy_component.report.summary import summary
from tests.canaries.test_audit import evaluated


@pytest.mark.parametrize(
    ('true', 'claim', 'word', 'to_do'),
    [
        (6, 3, 'refuted', 'Repair the trainer before anything else'),
        (1, 3, 'not refuted', ''),
        (6, 8, 'cannot be tested', 'Audit again with another number of canaries'),
    ],
)
def test_the_page_tells_claim_bound_and_ceiling(true, claim, word, to_do):
    result = evaluated(true, claim)
    (audit,) = result.audits
    page = render(result)
    row = re.search(r'<table id="claims">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)[1]
    cells = re.findall(r'<td[^>]*>(?:<span[^>]*>)?([^<]*)', row)
    guesses = f'{audit.num_correct} of {audit.num_guesses}'
    assert cells == [word, str(claim), '1e-05', f'{audit.lower_bound:.2f}', '4.80', guesses, '750', '95 %']
    assert page.count('trained on</span>') == 2 and f'{audit.num_in} canaries that were trained on' in page
    assert to_do in page
    assert 'aries' in summary(result)


def test_without_audits_the_page_says_nothing_of_them():
    from tests.report.examples import evaluated as plain

    assert 'id="audits"' not in render(plain(0.0, n=300))
