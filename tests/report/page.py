"""Reads a report back: tables as rows of texts and sort values, tags with their attributes."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """tables: id -> list of rows of (text, data-value); tags: [(name, attributes)]."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.tags, self.text = {}, [], ''
        self._rows = self._cell = None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag == 'table':
            self._rows = self.tables.setdefault(attrs.get('id', ''), [])
        elif tag == 'tr' and self._rows is not None:
            self._rows.append([])
        elif tag in ('td', 'th') and self._rows:
            self._end_cell()
            self._cell = [attrs.get('data-value'), '']
        elif tag == 'small' and self._cell:
            self._cell[1] += ' '

    def handle_endtag(self, tag):
        if tag in ('td', 'th', 'tr'):
            self._end_cell()
        elif tag == 'table':
            self._rows = None

    def _end_cell(self):
        if self._cell:
            self._rows[-1].append((self._cell[1].strip(), self._cell[0]))
            self._cell = None

    def slices(self):
        """[(slice, attack, cells of the row)] of slices by their worst attack, and the same of all their attacks."""
        worst, attacks = [], []
        for row in self.tables['slices'][1:]:
            if row[1][1] is not None:  # the slice itself, which can be sorted
                name, attack = row[0][0].rsplit(' ', 1)
                worst.append((name, attack, row[1:]))
            else:
                attacks.append((worst[-1][0], row[0][0], row[1:]))
        alone = [one for one in worst if one[0] not in {name for name, _, _ in attacks}]
        return worst, attacks + alone

    def handle_data(self, data):
        self.text += data
        if self._cell:
            self._cell[1] += data

    def named(self, tag):
        """The attributes of all tags of a name."""
        return [attrs for name, attrs in self.tags if name == tag]
