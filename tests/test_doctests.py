"""The examples in docstrings say what the code does."""

import doctest
import importlib
import pkgutil

import pytest

import privacy_component

NEEDS_MORE = ('beam', 'report', 'component', 'cli', '__main__')
PURE = [
    module.name
    for module in pkgutil.walk_packages(privacy_component.__path__, 'privacy_component.', onerror=lambda name: None)
    if module.name.split('.')[1] not in NEEDS_MORE
]


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in PURE for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) >= 5


@pytest.mark.parametrize('name', PURE)
def test_the_examples_of_a_module(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
