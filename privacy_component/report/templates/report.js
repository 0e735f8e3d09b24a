'use strict';

// Without this script the tables are complete and in order, worst first; with it they can be sorted and searched.

function valueOf(row, column) {
  const cell = row.cells[column];
  const text = cell.dataset.value ?? cell.textContent.trim();
  return text === '' ? null : Number.isNaN(Number(text)) ? text : Number(text);
}

function compare(a, b) {
  if (a === null || b === null) return 0;
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}

function sort(table, column, header) {
  const descending = header.getAttribute('aria-sort') !== 'descending';
  const sign = descending ? -1 : 1;
  const rows = [...table.tBodies[0].rows].map(row => [valueOf(row, column), row]);
  rows.sort((a, b) => (a[0] === null) - (b[0] === null) || sign * compare(a[0], b[0]));
  table.tBodies[0].append(...rows.map(pair => pair[1]));
  for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
  header.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
}

function makeSortable(table) {
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...header.childNodes);
    button.addEventListener('click', () => sort(table, column, header));
    header.append(button);
  });
}

function makeSearchable(input, table) {
  input.closest('label').hidden = false;
  input.addEventListener('input', () => {
    const wanted = input.value.toLowerCase();
    for (const row of table.tBodies[0].rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

document.querySelectorAll('table.sortable').forEach(makeSortable);
document.querySelectorAll('input[data-table]').forEach(
  input => makeSearchable(input, document.getElementById(input.dataset.table)));
