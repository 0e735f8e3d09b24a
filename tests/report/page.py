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
            self._cell = [attrs.get('data-value'), '']
        elif tag == 'small' and self._cell:
            self._cell[1] += ' '

    def handle_endtag(self, tag):
        if tag in ('td', 'th') and self._cell:
            self._rows[-1].append((self._cell[1].strip(), self._cell[0]))
            self._cell = None
        elif tag == 'table':
            self._rows = None

    def handle_data(self, data):
        self.text += data
        if self._cell:
            self._cell[1] += data

    def named(self, tag):
        """The attributes of all tags of a name."""
        return [attrs for name, attrs in self.tags if name == tag]
