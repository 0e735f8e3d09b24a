'use strict';

// Without this script the page is complete and in order, worst first; with it tables can be sorted, searched and paged.

const collator = new Intl.Collator('en', {numeric: true});

function valueOf(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? (cell.querySelector('.name') ?? cell).textContent.trim();
  return text === '' ? null : Number.isNaN(Number(text)) ? text : Number(text);
}

function compare(a, b) {
  return typeof a === 'number' && typeof b === 'number' ? a - b : collator.compare(String(a), String(b));
}

// Sorts units (rows, or the bodies that hold a slice each) by their first row; what has no value stays last.
function sort(units, column, header) {
  const first = header.dataset.first ?? (header.classList.contains('number') ? 'descending' : 'ascending');
  const second = first === 'descending' ? 'ascending' : 'descending';
  const order = header.getAttribute('aria-sort') === first ? second : first;
  const sign = order === 'descending' ? -1 : 1;
  const valued = units.map(unit => [valueOf(unit.rows ? unit.rows[0] : unit, column), unit]);
  valued.sort(([a], [b]) => a === null || b === null ? (a === null) - (b === null) : sign * compare(a, b));
  unmark(header.parentElement);
  header.setAttribute('aria-sort', order);
  return valued.map(pair => pair[1]);
}

function unmark(headers) {
  for (const header of headers.cells) header.removeAttribute('aria-sort');
}

function addSortButtons(table, onSort) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...header.childNodes);
    button.addEventListener('click', () => onSort(column, header));
    header.append(button);
  });
}

function makeSortable(table) {
  const body = table.tBodies[0];
  addSortButtons(table, (column, header) => body.append(...sort([...body.rows], column, header)));
}

// The table of slices: what is not on the page that is looked at is hidden, never taken out.
function makeBrowsable(table) {
  const byId = id => document.getElementById(id);
  const worstFirst = [...table.tBodies];
  const texts = new Map(worstFirst.map(body => [body, body.textContent.toLowerCase()]));
  const controls = ['search', 'feature', 'outcome', 'size'].map(byId);
  const [search, feature, outcome, size] = controls;
  let slices = worstFirst, page = 0;

  function show() {
    const wanted = search.value.trim().toLowerCase();
    const found = slices.filter(body => texts.get(body).includes(wanted)
      && (!feature.value || body.dataset.feature === feature.value)
      && (!outcome.value || body.dataset.outcome === outcome.value));
    const perPage = Number(size.value);
    page = Math.max(0, Math.min(page, Math.ceil(found.length / perPage) - 1));
    const shown = new Set(found.slice(page * perPage, (page + 1) * perPage));
    for (const body of slices) body.hidden = !shown.has(body);
    const from = page * perPage;
    byId('status').textContent = found.length
      ? `Slices ${from + 1} to ${from + shown.size} of ${found.length}` : 'No slice';
    byId('previous').disabled = page === 0;
    byId('next').disabled = from + shown.size >= found.length;
    byId('empty').hidden = found.length > 0;
    byId('empty').textContent = found.length ? '' : 'No slice matches. Clear the search, or press "Worst first".';
  }

  function turn(pages) {
    page += pages;
    show();
    table.scrollIntoView({block: 'nearest'});
  }

  for (const control of controls) control.addEventListener('input', () => { page = 0; show(); });
  byId('tools').addEventListener('submit', event => event.preventDefault());
  byId('tools').addEventListener('reset', () => setTimeout(() => {
    slices = worstFirst; page = 0;
    unmark(table.tHead.rows[0]);
    table.append(...slices);
    show();
  }));
  byId('previous').addEventListener('click', () => turn(-1));
  byId('next').addEventListener('click', () => turn(+1));
  addSortButtons(table, (column, header) => {
    slices = sort(slices, column, header);
    table.append(...slices);
    page = 0;
    show();
  });
  worstFirst.forEach(fold);
  byId('tools').hidden = byId('pages').hidden = false;
  show();
}

// Puts a slice's attacks behind a button that tells how many there are.
function fold(body) {
  const attacks = [...body.rows].slice(1);
  if (!attacks.length) return;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'fold';
  const setOpen = isOpen => {
    button.setAttribute('aria-expanded', isOpen);
    button.textContent = isOpen ? 'Hide attacks' : `All ${attacks.length} attacks`;
    for (const row of attacks) row.hidden = !isOpen;
  };
  button.addEventListener('click', () => setOpen(button.getAttribute('aria-expanded') !== 'true'));
  setOpen(false);
  body.rows[0].cells[0].append(button);
}

// In a frame without an address of its own, such as a notebook's, a link to a place on the page leads elsewhere.
function follow(event) {
  const link = event.target.closest('a[href^="#"]');
  const target = link && document.getElementById(link.getAttribute('href').slice(1));
  if (!target) return;
  event.preventDefault();
  target.tabIndex = -1;
  target.scrollIntoView();
  target.focus({preventScroll: true});
}

const opened = new Set();
addEventListener('beforeprint', () => document.querySelectorAll('details:not([open])').forEach(one => {
  one.open = true;
  opened.add(one);
}));
addEventListener('afterprint', () => {
  opened.forEach(one => { one.open = false; });
  opened.clear();
});

document.addEventListener('click', follow);
document.querySelectorAll('table.sortable').forEach(makeSortable);
document.querySelectorAll('#slices').forEach(makeBrowsable);
