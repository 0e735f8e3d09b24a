"""The report in a real browser: no errors, sortable, not blank."""

import json
import re
import shutil
import subprocess
import tarfile
from html import escape, unescape

import numpy as np
import pytest
from matplotlib.image import imread

from privacy_component import Threshold
from privacy_component.report import html
from tests.report import examples
from tests.report.page import Page

BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome', 'chrome'))), None)
AXE = 'axe-core@4.14.1'
GAPS = ('loss_threshold', 'confidence_threshold', 'entropy_threshold')
pytestmark = pytest.mark.skipif(BROWSER is None, reason='no Chromium on PATH')

# Runs in a page that holds the report in a frame of a notebook's kind, with the report's own policy in force.
FRAMED = """<!doctype html><title>no</title><body style="margin: 0">
<iframe id="frame" style="border: 0; width: {width}px; height: 900px" srcdoc="{report}"></iframe>
<script>addEventListener('load', () => {{
  const frame = document.getElementById('frame'), page = frame.contentDocument;
  const byId = id => page.getElementById(id);
  const slices = () => [...byId('slices').tBodies].filter(body => !body.hidden);
  const names = () => slices().map(body => body.querySelector('.name').textContent);
  const cells = column => slices().map(body => body.rows[0].cells[column]);
  const click = column => byId('slices').tHead.rows[0].cells[column].querySelector('button').click();
  const type = (id, value) => {{
    byId(id).value = value; byId(id).dispatchEvent(new frame.contentWindow.Event('input'));
  }};
  const overflow = () => page.documentElement.scrollWidth - frame.clientWidth;
  Promise.resolve((async () => {{ {probe} }})()).then(seen => {{ document.title = JSON.stringify(seen); }});
}});</script>"""


def probe(report, script, tmp_path, width=1200):
    """What a script sees that runs beside the report; the names that it can use are those of FRAMED."""
    path = tmp_path / 'framed.html'
    path.write_text(FRAMED.format(width=width, report=escape(report), probe=script), encoding='utf-8')
    dom, errors = browse(path, tmp_path, '--dump-dom', '--virtual-time-budget=20000', '--window-size=1400,1000')
    assert 'CONSOLE' not in errors
    return json.loads(unescape(re.search('<title>(.*?)</title>', dom, re.DOTALL)[1]))


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
    names = [name for name, _, _ in Page(report.read_text(encoding='utf-8')).slices()[0]]
    assert dom.count('<tbody data-feature') == len(names)


@pytest.mark.parametrize('width', [500, 1280])
def test_screenshot_is_not_blank(report, tmp_path, width):
    picture = tmp_path / 'report.png'
    browse(report, tmp_path, f'--screenshot={picture}', f'--window-size={width},1600')
    pixels = imread(picture)[..., :3]
    assert pixels.shape == (1600, width, 3)
    assert 0.5 < np.mean(pixels.min(axis=2) > 0.99) < 0.95  # a white page with something on it
    red, green, blue = pixels[60 if width > 1000 else 90, width // 2]
    assert max(red, green) > 1.5 * blue  # the banner


@pytest.fixture(scope='module')
def hours():
    """A result with slices by hour, of which some exceed the limit, and two attacks."""
    result = examples.evaluated(
        shift=0.6, values=tuple(map(str, range(28))), n=14000, thresholds=(Threshold('auc', 0.62),)
    )
    assert {c.outcome for c in result.verdict.comparisons} == {'exceeded', 'passed'}
    return result


def test_slices_sort_by_number_and_name_and_back_to_worst_first(hours, tmp_path):
    script = """
      type('size', '1000000');
      const worst = names();
      click(4); const down = cells(4).map(cell => Number(cell.dataset.value));
      click(4); const up = cells(4).map(cell => Number(cell.dataset.value));
      click(0); const byName = names();
      click(1); const outcomes = cells(1).map(cell => Number(cell.dataset.value));
      const sorted = byId('slices').tHead.rows[0].cells[1].getAttribute('aria-sort');
      byId('worst-first').click(); await new Promise(done => setTimeout(done, 50));
      type('size', '1000000');
      return {worst, down, up, byName, outcomes, sorted, again: names()};"""
    seen = probe(html.render(hours), script, tmp_path)
    assert seen['up'] == sorted(seen['down']) == seen['down'][::-1]
    assert [name for name in seen['byName'] if name.startswith('kind')] == [f'kind = {i}' for i in range(28)]
    assert seen['outcomes'] == sorted(seen['outcomes']) and seen['outcomes'][0] == 0  # exceeded on top
    assert seen['sorted'] == 'ascending'
    assert seen['again'] == seen['worst'] and seen['worst'][0] == 'Overall'


def test_search_facets_paging_and_folds(hours, tmp_path):
    script = """
      const first = names(), status = byId('status').textContent;
      byId('next').click(); const second = names(), last = byId('next').disabled;
      type('search', ' KIND = 1 '); const found = names();
      type('search', 'nothing'); const empty = [names(), byId('empty').hidden, byId('empty').textContent];
      type('search', ''); type('feature', 'class'); const classes = names();
      type('feature', ''); type('outcome', 'exceeded'); type('size', '100'); const exceeded = names();
      const fold = slices()[0].querySelector('.fold');
      const rows = () => [...slices()[0].rows].filter(row => !row.hidden).length;
      const closed = [fold.textContent, rows()]; fold.click();
      const open = [fold.textContent, rows()];
      return {first, status, second, last, found, empty, classes, exceeded, closed, open};"""
    seen = probe(html.render(hours), script, tmp_path)
    assert (len(seen['first']), seen['status']) == (25, 'Slices 1 to 25 of 32')
    assert (len(seen['second']), seen['last']) == (7, True)
    assert not set(seen['first']) & set(seen['second'])
    assert set(seen['found']) == {'kind = 1', *(f'kind = {i}' for i in range(10, 20))}
    assert seen['empty'] == [[], False, 'No slice matches. Clear the search, or press "Worst first".']
    assert sorted(seen['classes']) == ['class = 0', 'class = 1', 'class = 2']
    assert set(seen['exceeded']) == {c.slice for c in hours.verdict.comparisons if c.outcome == 'exceeded'}
    assert (seen['closed'], seen['open']) == (['All 2 attacks', 1], ['Hide attacks', 3])


def test_5010_rows_answer_a_key_at_once(tmp_path):
    large = html.render(examples.of_size(examples.evaluated(1.5), num_slices=500, num_attacks=10))
    script = """
      const times = ['h', 'ho', 'hou', 'hour = 4', 'hour = 49'].map(text => {
        const from = performance.now(); type('search', text); page.body.offsetHeight; return performance.now() - from;
      });
      return {times, found: names(), nodes: page.querySelectorAll('*').length};"""
    seen = probe(large, script, tmp_path)
    assert seen['found'] == ['hour = 49', *(f'hour = {i}' for i in range(490, 500))]
    assert max(seen['times']) < 200  # milliseconds
    assert seen['nodes'] < 120_000


@pytest.mark.parametrize('width', [320, 390, 950, 1200])
def test_nothing_is_wider_than_the_page(report, tmp_path, width):
    script = "page.querySelectorAll('details').forEach(one => { one.open = true; }); return overflow();"
    assert probe(report.read_text(encoding='utf-8'), script, tmp_path, width) <= 0


def test_links_stay_in_a_notebooks_frame(tmp_path):
    script = """
      page.querySelector('a[href="#read"]').click(); await new Promise(done => setTimeout(done, 200));
      const read = frame.contentDocument.getElementById('read');
      return {title: frame.contentDocument.title, top: read && read.getBoundingClientRect().top};"""
    seen = probe(html.render(examples.evaluated(1.5)), script, tmp_path)
    assert seen['title'].startswith('BLOCKED')
    assert -1 < seen['top'] < 900  # where it is scrolled to, but for rounding


@pytest.mark.skipif(shutil.which('pdftotext') is None, reason='no pdftotext')
def test_prints_whole(hours, tmp_path):
    (tmp_path / 'report.html').write_text(html.render(hours), encoding='utf-8')
    browse(tmp_path / 'report.html', tmp_path, f'--print-to-pdf={tmp_path / "report.pdf"}', '--no-pdf-header-footer')
    layout = ['pdftotext', '-layout', tmp_path / 'report.pdf', '-']
    pages = subprocess.run(layout, capture_output=True, text=True, check=True).stdout.split('\f')[:-1]
    text = ' '.join(' '.join(pages).split())
    for reason in [*hours.verdict.reasons, *hours.verdict.warnings]:
        assert ' '.join(reason.split()) in text
    assert all(len(page.split()) > 20 for page in pages)  # none is blank
    assert len(pages) < 15
    assert all(name in text for name in ('kind = 27', 'logistic_', 'Corrected', 'What a pass does not prove'))
    rows = [page for page in pages if len(re.findall('kind = ', page)) > 4 and 'bound' not in page]
    assert len(rows) > 3
    assert all('Advantage' in page or 'advantage' in page for page in rows)  # headers, wherever a table goes on


@pytest.fixture(scope='module')
def axe(tmp_path_factory):
    """The source of axe-core, from npm's registry."""
    if shutil.which('npm') is None:
        pytest.skip('no npm')
    where = tmp_path_factory.mktemp('axe')
    done = subprocess.run(['npm', 'pack', AXE], cwd=where, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f'npm does not give {AXE}')
    with tarfile.open(next(where.glob('*.tgz'))) as archive:
        return archive.extractfile('package/axe.min.js').read().decode('utf-8')


@pytest.mark.parametrize('name', ['blocked', 'dark', 'all kinds of figures', 'change'])
def test_axe_finds_nothing(axe, name, tmp_path):
    kinds = {'all kinds of figures': lambda: examples.evaluated(1.5, attacks=GAPS), 'change': examples.KINDS['change']}
    page = html.render(kinds.get(name, lambda: examples.evaluated(1.5, people={'num_most_vulnerable': 5}))())
    policy = page[page.index('<meta http-equiv') : page.index('<meta name="referrer"')]
    look = (
        "document.querySelectorAll('details').forEach(one => { one.open = true; });"
        'axe.run().then(found => { document.title = JSON.stringify(found.violations.map('
        'one => [one.id, one.nodes.slice(0, 3).map(node => node.html)])); });'
    )
    probed = page.replace(policy, '').replace('</body>', f'<script>{axe}</script><script>{look}</script></body>')
    (tmp_path / 'axe.html').write_text(probed, encoding='utf-8')
    dark = ['--force-dark-mode', '--blink-settings=preferredColorScheme=0'] if name == 'dark' else []
    dom, _ = browse(tmp_path / 'axe.html', tmp_path, '--dump-dom', '--virtual-time-budget=60000', *dark)
    assert _title(dom) == []


def test_the_policy_stops_any_other_script(tmp_path):
    page = html.render(examples.evaluated(shift=0.0))
    path = tmp_path / 'injected.html'
    path.write_text(page.replace('</body>', '<script>document.title = "injected"</script></body>'), encoding='utf-8')
    dom, errors = browse(path, tmp_path, '--dump-dom')
    assert '<title>injected' not in dom
    assert 'Content Security Policy' in errors


def _title(dom):
    return json.loads(unescape(dom[dom.index('<title>') + 7 : dom.index('</title>')]))
