import collections
from collections.abc import Callable

import pytest

from tests.campaign import cases, tally, worlds

COUNTED = pytest.StashKey[tally.Tally]()
NUM_LEAST = 200


def pytest_addoption(parser):
    parser.addoption('--write-campaign', action='store_true', help='write the counts to docs/campaign.md')


def pytest_configure(config):
    config.stash[COUNTED] = collections.Counter()


@pytest.fixture(scope='session')
def templates(tmp_path_factory) -> worlds.Templates:
    """The worlds that cases are copied from."""
    return worlds.Templates(tmp_path_factory.mktemp('worlds'))


@pytest.fixture
def count(request) -> Callable[[str, str, tuple[str, ...]], None]:
    """Counts how a case of a family ended; an end in a blessing that is not expected is a wrong one."""

    def add(family: str, end: str, expects: tuple[str, ...]) -> None:
        wrong = end == tally.BLESSING and end not in expects
        request.config.stash[COUNTED][family, tally.WRONG_BLESSING if wrong else end] += 1

    return add


@pytest.fixture
def counted(request) -> tally.Tally:
    """What has been counted so far in this session."""
    return request.config.stash[COUNTED]


def pytest_sessionfinish(session):
    """A process of several hands its counts on; pytest_testnodedown takes them."""
    if hasattr(session.config, 'workeroutput'):
        session.config.workeroutput['campaign'] = [[*key, n] for key, n in session.config.stash[COUNTED].items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for *key, number in getattr(node, 'workeroutput', {}).get('campaign', ()):
        node.config.stash[COUNTED][tuple(key)] += number


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    counts = config.stash[COUNTED]
    if not counts:
        return
    terminalreporter.section('campaign of faults and bad input')
    terminalreporter.write_line(tally.table(counts))
    if not config.getoption('--write-campaign', default=False):
        return
    if exitstatus or tally.by_family(counts) != cases.numbers():
        terminalreporter.write_line(f'{tally.DOCUMENT.name} is not written: that needs every case, each as expected.')
        return
    tally.DOCUMENT.write_text(tally.document(counts))
