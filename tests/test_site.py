"""The site of `make docs`: what goes into it, and, where its environment has been made, the site itself."""

import ast
import importlib.util
import re
import subprocess

import pytest

import privacy_component
from privacy_component import training
from tests.pages import ROOT

PYTHON = ROOT / 'build' / 'docs-env' / 'bin' / 'python'


@pytest.fixture(scope='module')
def make_site():
    spec = importlib.util.spec_from_file_location('make_site', ROOT / 'docs' / 'make_site.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def names(make_site):
    return [name for _, *names in make_site.REFERENCE.values() for name in names]


def test_the_reference_has_every_public_name(names):
    told = {name.rpartition('.')[2] for name in names}
    assert len(told) == len(names)
    assert told >= {*privacy_component.__all__, *training.__all__} - {'__version__'}


def test_every_name_of_the_reference_is_explained_where_it_is_said_to_be(names):
    for name in names:
        module, _, attribute = name.rpartition('.')
        tree = ast.parse((ROOT / 'privacy_component' / f'{module.replace(".", "/")}.py').read_text())
        (found,) = (node for node in tree.body if getattr(node, 'name', None) == attribute)
        assert ast.get_docstring(found), name


def test_what_a_page_links_to_is_gathered_with_it(make_site, tmp_path):
    make_site.gather(tmp_path)
    gathered = sorted(tmp_path.rglob('*.md'))
    assert len(gathered) > 20
    for page in gathered:
        for link in make_site.LINK.findall(page.read_text()):
            target = page.parent / link
            assert target.exists() or (ROOT / page.relative_to(tmp_path).parent / link).is_dir(), (page, link)


def test_every_page_of_docs_is_in_the_menu_once(make_site):
    menu = (ROOT / 'docs' / 'mkdocs.yml').read_text()
    assert {page for page in map(str, make_site.pages()) if menu.count(f': {page}\n') != 1} == set()
    for title in make_site.REFERENCE:
        assert f'- {title}: reference/{make_site.slug(title)}.md\n' in f'{menu}\n'


@pytest.mark.skipif(not PYTHON.exists(), reason='make docs makes the environment of the site')
def test_the_site_has_every_name_and_fetches_nothing(make_site, names, tmp_path):
    done = subprocess.run([PYTHON, ROOT / 'docs' / 'make_site.py'], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    site = make_site.BUILD / 'site'
    reference = ''.join(page.read_text() for page in (site / 'reference').glob('*.html'))
    for name in names:
        assert f'id="privacy_component.{name}"' in reference, name
    assert 'True where the model was trained on the example.' in reference
    fetched = re.compile(r'<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?//')
    assert [page.name for page in site.rglob('*.html') if fetched.search(page.read_text())] == []
