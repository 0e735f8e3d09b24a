"""What classes are called, wherever a slice of one is shown."""

import dataclasses

import pytest

from privacy_component.report import html, junit, model_card
from privacy_component.report.summary import summary
from privacy_component.report.wording import readable_slice
from tests.report import examples
from tests.report.page import Page

NAMES = ('no tip', 'a <b>tip</b>', 'x' * 200)


@pytest.fixture(scope='module')
def named():
    result = examples.evaluated(shift=1.5, n=400)
    return dataclasses.replace(result, record=dataclasses.replace(result.record, class_names=NAMES))


def test_a_class_has_its_name_beside_its_number(named):
    page = html.render(named)
    for shown in (page, junit.junit(named)):
        assert 'class = 0 (no tip)' in shown
        assert 'class = 1 (a &lt;b&gt;tip&lt;/b&gt;)' in shown and '<b>tip' not in shown
        assert 'x' * 61 not in shown
    assert '0 = no tip, 1 = a <b>tip</b>, 2 = ' in Page(page).text
    assert 'class = 0 (no tip)' in model_card.model_card_markdown(named)


def test_without_names_nothing_changes(named):
    bare = dataclasses.replace(named, record=dataclasses.replace(named.record, class_names=None))
    assert '(no tip)' not in html.render(bare) and 'class = 0<' in html.render(bare)
    assert '(no tip)' not in summary(bare)


@pytest.mark.parametrize(
    ('key', 'name'),
    [
        ((), 'Overall'),
        ((('@class', 1), ('hour', 1)), 'class = 1 (b), hour = 1'),
        ((('@class', 2),), 'class = 2'),
        ((('class', 1),), 'class = 1'),
        ((('@class', 0), ('@non_members', 'all')), 'class = 0 (a\\x1b), non_members = all'),
    ],
)
def test_only_the_class_is_named(key, name):
    assert readable_slice(key, ('a\x1b', 'b')) == name
