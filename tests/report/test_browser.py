"""The report in a real browser: no errors, sortable, not blank."""

import json
import shutil
import subprocess
from html import unescape

import numpy as np
import pytest
from matplotlib.image import imread

from privacy_component.report import html
from tests.report import examples
from tests.report.page import Page

BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome', 'chrome'))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason='no Chromium on PATH')

# Run after the page's own script: clicks a header, types a search, and leaves what happened in the title.
PROBE = """
const table = document.getElementById('slices');
const names = () => [...table.tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[0].textContent);
const auc = () => [...table.tBodies[0].rows].map(row => Number(row.cells[5].dataset.value));
const button = table.tHead.rows[0].cells[5].querySelector('button');
button.click(); const down = auc();
button.click(); const up = auc();
const search = document.querySelector('input[type=search]');
search.value = 'cash'; search.dispatchEvent(new Event('input'));
document.title = JSON.stringify({down, up, found: [...new Set(names())], width: document.body.scrollWidth});
"""


def browse(path, tmp_path, *arguments):
    """What Chromium prints when it opens a file: (stdout, stderr)."""
    command = [
        BROWSER, '--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
        '--disable-component-update', '--no-first-run', '--hide-scrollbars', '--enable-logging=stderr',
        f'--user-data-dir={tmp_path / "profile"}', *arguments, path.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


@pytest.fixture(scope='module', params=['blocked', 'blessed', 'nasty names'])
def report(request, tmp_path_factory):
    shift = 0.0 if request.param == 'blessed' else 1.5
    result = examples.evaluated(shift=shift)
    if request.param == 'nasty names':
        result = examples.renamed(examples.evaluated(shift=shift, values=tuple('abcdefghi')))
    path = tmp_path_factory.mktemp('report') / 'report.html'
    path.write_text(html.render(result), encoding='utf-8')
    return path


def test_opens_without_console_errors(report, tmp_path):
    dom, errors = browse(report, tmp_path, '--dump-dom')
    assert 'CONSOLE' not in errors
    page = Page(dom)
    assert not page.named('img')
    assert len([tag for tag in page.named('button') if tag.get('type') == 'button']) > 10  # our script has run
    assert page.tables['slices'][1:] == Page(report.read_text(encoding='utf-8')).tables['slices'][1:]


@pytest.mark.parametrize('width', [500, 1280])
def test_screenshot_is_not_blank(report, tmp_path, width):
    picture = tmp_path / 'report.png'
    browse(report, tmp_path, f'--screenshot={picture}', f'--window-size={width},1600')
    pixels = imread(picture)[..., :3]
    assert pixels.shape == (1600, width, 3)
    assert 0.5 < np.mean(pixels.min(axis=2) > 0.99) < 0.95  # a white page with something on it
    red, green, blue = pixels[60 if width > 1000 else 90, width // 2]
    assert max(red, green) > 1.5 * blue  # the banner


def test_tables_sort_and_search(tmp_path):
    result = examples.evaluated(shift=1.5)
    page = html.render(result)
    policy = page[page.index('<meta http-equiv') : page.index('<meta name="referrer"')]
    probed = page.replace(policy, '').replace('</body>', f'<script>{PROBE}</script></body>')
    path = tmp_path / 'probed.html'
    path.write_text(probed, encoding='utf-8')
    dom, errors = browse(path, tmp_path, '--dump-dom', '--window-size=500,1600')
    assert 'CONSOLE' not in errors
    seen = _title(dom)
    aucs = sorted(one.metrics['auc'].value for one in result.results)
    assert seen['up'] == aucs
    assert seen['down'] == aucs[::-1]
    assert seen['found'] == ['kind = Cash']
    assert seen['width'] <= 500  # wide things scroll in their own frames


def test_the_policy_stops_any_other_script(tmp_path):
    page = html.render(examples.evaluated(shift=0.0))
    path = tmp_path / 'injected.html'
    path.write_text(page.replace('</body>', '<script>document.title = "injected"</script></body>'), encoding='utf-8')
    dom, errors = browse(path, tmp_path, '--dump-dom')
    assert '<title>injected' not in dom
    assert 'Content Security Policy' in errors


def _title(dom):
    return json.loads(unescape(dom[dom.index('<title>') + 7 : dom.index('</title>')]))
