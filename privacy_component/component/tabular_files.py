"""CSV and Parquet files as TFRecords of tf.Examples, typed as CsvExampleGen types them."""

from __future__ import annotations

import contextlib
import csv
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow as tf
from apache_beam.io.filesystems import FileSystems
from tfx_bsl.coders import csv_decoder, example_coder

from privacy_component.component.output_lock import writing
from privacy_component.errors import PrivacyInputError

CSV, PARQUET = 'CSV', 'Parquet'
_ROWS_AT_ONCE = 4096
_INT, _FLOAT, _TEXT = pa.int64(), pa.float32(), pa.large_binary()  # which a tf.Example can hold
_IN_WORDS = {_INT: 'whole numbers', _FLOAT: 'fractions', _TEXT: 'text'}

Types = Mapping[str, pa.DataType | None]


def format_of(path: str) -> str:
    """'CSV', 'Parquet', or '' for anything else, by the file's name."""
    name = path.lower()
    if name.endswith(('.csv', '.csv.gz')):
        return CSV
    return PARQUET if name.endswith(('.parquet', '.pq')) else ''


def write_records(paths: Sequence[str], form: str, folder: Path) -> dict[str, str]:
    """Writes every file's rows as uncompressed TFRecords.

    A column has one type in all files: whole numbers, fractions if one file has some, text. A missing value is a
    feature without values. As text stand dates and times, too.

    Args:
      paths: CSV files with the same header line, compressed or not; or Parquet files with the same columns.
      form: CSV or PARQUET.
      folder: where to write.

    Returns:
      The path of its TFRecords, by the path of each file.

    Raises:
      PrivacyInputError: a file cannot be read, or its columns are none of those types or not those of the others.
    """
    read, types_in = (_csv_batches, _csv_types) if form == CSV else (_parquet_batches, _parquet_types)
    types = _one_type_each({path: types_in(path) for path in paths}, form)
    written = {}
    for number, path in enumerate(paths):
        written[path] = str(folder / f'{number:05d}-{Path(path).name}.tfrecord')
        with writing(written[path]), tf.io.TFRecordWriter(written[path]) as writer:
            for batch in read(path, types):
                for record in example_coder.RecordBatchToExamplesEncoder().encode(batch):
                    writer.write(record)
    return written


def _one_type_each(found: Mapping[str, Types], form: str) -> Types:
    """The type of each column in all files; None where no file has a value."""
    first = next(iter(found))
    for path, types in found.items():
        if list(types) != list(found[first]):
            odd = ', '.join(sorted(set(types) ^ set(found[first]))) or 'the same in another order'
            raise PrivacyInputError(f'{path} has other columns than {first} ({odd}): give files with the same columns.')
    return {name: _one_type(name, {path: types[name] for path, types in found.items()}, form) for name in found[first]}


def _one_type(name: str, by_path: Mapping[str, pa.DataType | None], form: str) -> pa.DataType | None:
    holding = {kind: path for path, kind in by_path.items() if kind is not None}
    others = [kind for kind in holding if kind != _TEXT]
    if form == PARQUET and _TEXT in holding and others:
        raise PrivacyInputError(
            f"the column '{name}' holds {_IN_WORDS[others[0]]} in {holding[others[0]]} and text in {holding[_TEXT]}: "
            'write one type.'
        )
    return next((kind for kind in (_TEXT, _FLOAT, _INT) if kind in holding), None)


@contextlib.contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turns a failure to read `path` into a PrivacyInputError that names it and quotes no row."""
    try:
        yield
    except PrivacyInputError:
        raise
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, pa.ArrowException) as error:
        raise PrivacyInputError(
            f'{path} cannot be read ({type(error).__name__}): it is missing, damaged, or no file of its format.'
        ) from error


def _csv_rows(path: str) -> Iterator[list[str]]:
    """The header, then every row, of as many cells; blank lines are no rows."""
    with _reading(path), FileSystems.open(path) as file:
        lines = (line.decode('utf-8-sig' if not number else 'utf-8') for number, line in enumerate(file))
        rows = csv.reader(lines, strict=True)
        header = next(rows, [])
        if not header or len(set(header)) < len(header) or '' in header:
            raise PrivacyInputError(f'{path} has no header line that names every column once: write one.')
        yield header
        for row in filter(None, rows):
            if len(row) != len(header):
                raise PrivacyInputError(
                    f'{path} has {len(row)} cells in the row that ends in line {rows.line_num}, and {len(header)} in '
                    'its header: quote what holds a comma or a line break.'
                )
            yield row


def _cells(row: Iterable[str]) -> list[bytes]:
    return [cell.encode() for cell in row]


def _csv_types(path: str) -> Types:
    rows = _csv_rows(path)
    header = next(rows)
    infer = csv_decoder.ColumnTypeInferrer(header, skip_blank_lines=True)
    seen = functools.reduce(infer.add_input, map(_cells, rows), infer.create_accumulator())
    kinds = csv_decoder.ColumnType
    types = {kinds.INT: _INT, kinds.FLOAT: _FLOAT, kinds.STRING: _TEXT, kinds.UNKNOWN: None}
    return {name: types[kind] for name, kind in infer.extract_output(seen)}


def _csv_batches(path: str, types: Types) -> Iterator[pa.RecordBatch]:
    kinds = csv_decoder.ColumnType
    of_type = {_INT: kinds.INT, _FLOAT: kinds.FLOAT, _TEXT: kinds.STRING, None: kinds.IGNORE}
    columns = [csv_decoder.ColumnInfo(name, of_type[one]) for name, one in types.items()]
    convert = csv_decoder.BatchedCSVRowsToRecordBatch(skip_blank_lines=True)
    rows = _csv_rows(path)
    next(rows)
    while some := list(itertools.islice(rows, _ROWS_AT_ONCE)):
        yield from convert.process([(_cells(row), '') for row in some], columns)


def _parquet_types(path: str) -> Types:
    with _reading(path), FileSystems.open(path, compression_type='uncompressed') as file:
        return {field.name: _type_of(field, path) for field in pq.ParquetFile(file).schema_arrow}


def _type_of(field: pa.Field, path: str) -> pa.DataType | None:
    """What a column of Parquet becomes; None for one without values."""
    is_of, kind = pa.types, _value_type(field.type)
    if is_of.is_null(kind):
        return None
    if is_of.is_integer(kind) or is_of.is_boolean(kind):
        return _INT
    if is_of.is_floating(kind) or is_of.is_decimal(kind):
        return _FLOAT
    texts = (is_of.is_string, is_of.is_large_string, is_of.is_binary, is_of.is_large_binary, is_of.is_temporal)
    if any(test(kind) for test in texts):
        return _TEXT
    raise PrivacyInputError(
        f"the column '{field.name}' in {path} is of type {field.type}: leave it out, or make numbers, text or lists "
        'of them of it.'
    )


def _value_type(kind: pa.DataType) -> pa.DataType:
    """Of lists and dictionaries, the type of their values."""
    is_nested = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_dictionary(kind)
    return _value_type(kind.value_type) if is_nested else kind


def _parquet_batches(path: str, types: Types) -> Iterator[pa.RecordBatch]:
    named = {name: one for name, one in types.items() if one is not None}
    with _reading(path), FileSystems.open(path, compression_type='uncompressed') as file:
        for batch in pq.ParquetFile(file).iter_batches(_ROWS_AT_ONCE, columns=list(named)):
            columns = [
                _as_lists(batch.column(name), one, f"the column '{name}' in {path}") for name, one in named.items()
            ]
            yield pa.RecordBatch.from_arrays(columns, list(named))


def _as_lists(column: Any, kind: pa.DataType, name: str) -> pa.Array:
    """A column as lists of int64, float32 or bytes; no value, no list.

    Raises:
      PrivacyInputError: a value within a list is missing, for which a tf.Example has no place.
    """
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lengths, values = pc.fill_null(pc.list_value_length(column), 0), column.flatten()
    else:
        lengths, values = column.is_valid(), column.drop_null()
    if values.null_count:
        raise PrivacyInputError(
            f'{name} has lists in which {values.null_count:,} values are missing, which would be read as 0 or as empty '
            'text: leave them out of the lists, or write what stands for them.'
        )
    offsets = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(lengths.cast(pa.int64()))])
    return pa.LargeListArray.from_arrays(offsets, _cast(values, kind))


def _cast(values: Any, kind: pa.DataType) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if kind == _TEXT and pa.types.is_temporal(values.type):
        values = values.cast(pa.string())
    if kind == _FLOAT and pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    return values.cast(kind, safe=kind == _INT)
