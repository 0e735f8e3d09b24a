"""The Markdown pages of the project, for tests of what they say."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob('*.md'), *ROOT.glob('docs/**/*.md'), *ROOT.glob('*/README.md')])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

BLOCK = re.compile(r'^```(\w*)\n(.*?)^```$', re.DOTALL | re.MULTILINE)


def blocks(name, language):
    """The blocks of code of a page in one language; '' for those that name none."""
    return [code for found, code in BLOCK.findall((ROOT / name).read_text()) if found == language]


def prose(name):
    """A page without its blocks of code."""
    return BLOCK.sub('', (ROOT / name).read_text())


def anchors(name):
    """What a link to a heading of a page may end with, as GitHub makes it of the heading."""
    headings = re.findall(r'^#+ (.+)$', prose(name), re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}
