"""A SavedModel attacked from the command line, over TFRecords, CSV and Parquet."""

import csv
import datetime
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf

from privacy_component import PrivacyResult
from privacy_component._version import __version__
from privacy_component.cli import _EXAMPLES, _parser, main
from privacy_component.component import executor
from privacy_component.component.tabular_files import CSV, PARQUET, write_records
from privacy_component.report import terminal
from tests.beam.arrays import load
from tests.component import world as w

ROOT = Path(__file__).parents[2]


class Sums(tf.Module):
    """Answers with the features x0, x1 and x2, as CSV holds them: one number each."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def serve(self, examples):
        spec = {f'x{i}': tf.io.FixedLenFeature([], tf.float32) for i in range(w.NUM_CLASSES)}
        parsed = tf.io.parse_example(examples, spec)
        return {'outputs': tf.stack([parsed[name] for name in spec], axis=1)}


@pytest.fixture(scope='module')
def flat(tmp_path_factory):
    """A folder with rows of plain columns, as dicts by side, and a model for them."""
    folder = tmp_path_factory.mktemp('flat')
    module = Sums()
    tf.saved_model.save(module, str(folder / 'model'), signatures={'serving_default': module.serve})
    rows = {'train': w.make_rows(300, 1, True), 'eval': w.make_rows(300, 2, False)}
    (folder / 'config.json').write_text(w.config().to_json())
    return folder, {side: [_flat(number, row) for number, row in enumerate(some)] for side, some in rows.items()}


def _flat(number: int, row: dict) -> dict:
    numbers = {f'x{i}': float(tf.constant(value).numpy()) for i, value in enumerate(row['logits'])}
    color = None if number % 10 == 0 else row['color']
    return {**numbers, 'color': color, 'size': row['size'], 'label': row['label'], 'note': 'a, "b"\nc'}


def _write(folder: Path, side: str, rows: list[dict], ending: str) -> None:
    if ending == 'parquet':
        pd.DataFrame(rows).to_parquet(folder / f'{side}.parquet')
    elif ending == 'csv':
        with (folder / f'{side}.csv').open('w', newline='') as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    else:
        with tf.io.TFRecordWriter(str(folder / f'{side}.tfrecord')) as writer:
            for row in rows:
                writer.write(w.serialize(row))


def _command(folder: Path, ending: str, *more: str) -> list[str]:
    model, config = str(folder / 'model'), str(folder / 'config.json')
    files = ['--members', f'{folder}/tr*.{ending}', '--non-members', f'{folder}/eval.{ending}']
    slices = ['--slice', 'color', '--slice', 'color', 'size']
    named = ['--privacy-config', config, '--out', str(folder / f'out {ending}')]
    return ['evaluate', '--model', model, *files, '--label-key', 'label', *slices, *named, *more]


@pytest.mark.parametrize('ending', ['tfrecord', 'csv', 'parquet'])
def test_every_format_gives_the_same_figures_and_gate_agrees(flat, capsys, ending):
    folder, rows = flat
    for side, some in rows.items():
        _write(folder, side, some, ending)
    assert main(_command(folder, ending, '--json')) == 1
    said = json.loads(capsys.readouterr().out)
    assert (said['verdict'], said['blessed']) == ('BLOCKED', False)
    assert any('color = red' in reason for reason in said['reasons'])
    found = PrivacyResult.load(folder / f'out {ending}' / 'privacy_metrics')
    assert {one.slice for one in found.results} >= {'Overall', 'color = red', 'color = red, size = 1'}
    assert (
        sum(one.num_members for one in found.results if len(one.slice_key) == 1 and one.slice_key[0][0] == 'color')
        == 2 * 270
    )
    assert len(said['rows']) == len(found.results)
    gate = ['gate', '--metrics', said['metrics'], '--decision-sha256', said['decision_sha256']]
    assert main(gate) == 1
    first = flat[0] / 'figures.json'
    figures = json.dumps([(one.slice, one.attack, one.row()) for one in found.results], default=str)
    if not first.exists():
        first.write_text(figures)
    assert first.read_text() == figures


def test_the_component_and_the_command_line_decide_alike(world, tmp_path, capsys):
    of_component = load(world.run())
    (tmp_path / 'config.json').write_text(w.config().to_json())
    found = ['--members', f'{tmp_path}/examples/Split-train/*', '--non-members', f'{tmp_path}/examples/Split-eval/*']
    named = ['--label-key', 'label', '--slice', 'color', '--slice', 'color', 'size', '--out', str(tmp_path / 'cli')]
    command = ['evaluate', '--model', f'{tmp_path}/model', *found, *named]
    assert main([*command, '--privacy-config', f'{tmp_path}/config.json']) == 1
    said = capsys.readouterr().out
    assert said.startswith('Privacy: BLOCKED.') and 'report.html' in said and 'color = red, size = 0' in said
    result = PrivacyResult.load(tmp_path / 'cli' / 'privacy_metrics')
    assert [one.row() for one in result.results] == [one.row() for one in of_component.results]
    assert result.verdict.comparisons == of_component.verdict.comparisons
    assert result.record.artifacts[executor.EXAMPLES_KEY][0].uri == f'{tmp_path}/examples/Split-eval'


def test_without_limits_nothing_is_blessed(world, tmp_path, capsys):
    named = ['--members', f'{tmp_path}/examples/Split-train/*', '--non-members', f'{tmp_path}/examples/Split-eval/*']
    command = ['evaluate', '--model', f'{tmp_path}/model', *named, '--label-key', 'label', '--out', str(tmp_path / 'o')]
    assert main(command) == 1
    assert capsys.readouterr().out.startswith('Privacy: REPORT ONLY.')
    assert (tmp_path / 'o' / 'blessing' / 'NOT_BLESSED').exists()


@pytest.fixture
def files(tmp_path):
    """A folder with small files of several kinds; no evaluation gets as far as to read them all."""
    rows = [{'label': 0, 'x': 1.5}, {'label': 1, 'x': 2.5}]
    for side in ('train', 'eval'):
        _write(tmp_path, side, rows if side == 'train' else rows[:1], 'csv')
        _write(tmp_path, side, rows if side == 'train' else rows[:1], 'parquet')
    (tmp_path / 'copy.csv').write_bytes((tmp_path / 'train.csv').read_bytes())
    (tmp_path / 'short.csv').write_text('label,x\n1,2.5\n3\n')
    (tmp_path / 'other.csv').write_text('label,y\n1,2.5\n')
    (tmp_path / 'twice.csv').write_text('label,label\n1,2\n')
    (tmp_path / 'quote.csv').write_text('label,x\n1,"2\n')
    (tmp_path / 'latin.csv').write_bytes(b'label,x\n1,\xe9\n')
    (tmp_path / 'damaged.parquet').write_bytes(b'PAR1 and no more')
    pd.DataFrame({'label': ['a'], 'x': [0.5]}).to_parquet(tmp_path / 'text.parquet')
    pd.DataFrame({'label': [1], 'x': [{'a': 1}]}).to_parquet(tmp_path / 'struct.parquet')
    holes = pa.table({'label': [1], 'x': pa.array([[0.5, None]], pa.list_(pa.float64()))})
    pq.write_table(holes, tmp_path / 'holes.parquet')
    (tmp_path / 'theirs').mkdir()
    (tmp_path / 'theirs' / 'privacy_metrics').mkdir()
    (tmp_path / 'theirs' / 'privacy_metrics' / 'thesis.tex').write_text('years of work')
    return tmp_path


@pytest.mark.parametrize(
    ('members', 'non_members', 'out', 'message'),
    [
        ('nowhere*.gz', 'eval.csv', 'out', "nowhere*.gz' matches no file"),
        ('theirs', 'eval.csv', 'out', 'is a directory: name the files in it'),
        ('train.csv', 'eval.parquet', 'out', 'of different formats'),
        ('train.csv', 'train.csv', 'out', 'have the same content'),
        ('train.csv', 'copy.csv', 'out', 'have the same content'),
        ('train.csv', 'short.csv', 'out', 'has 1 cells in the row that ends in line 3, and 2 in its header'),
        ('train.csv', 'other.csv', 'out', 'has other columns than'),
        ('train.csv', 'twice.csv', 'out', 'names every column once'),
        ('train.csv', 'quote.csv', 'out', 'quote.csv cannot be read'),
        ('train.csv', 'latin.csv', 'out', 'latin.csv cannot be read'),
        ('train.parquet', 'damaged.parquet', 'out', 'damaged.parquet cannot be read'),
        ('train.parquet', 'text.parquet', 'out', "the column 'label' holds whole numbers in"),
        ('train.parquet', 'struct.parquet', 'out', "the column 'x' in"),
        ('train.parquet', 'holes.parquet', 'out', 'has lists in which 1 values are missing, which would be read as 0'),
        ('train.csv', 'eval.csv', 'out', 'saved_model.pb'),
        ('train.csv', 'eval.csv', 'theirs', 'thesis.tex, which would be lost'),
        ('train.csv', 'eval.csv', 'train.csv', 'in the place of a directory'),
        ('train.csv', 'eval.csv', 'gs://bucket/out', 'no directory of this machine'),
        ('$(touch hacked)*', 'eval.csv', 'out', 'matches no file'),
    ],
)
def test_what_is_wrong_is_said_in_a_line(files, capsys, monkeypatch, members, non_members, out, message):
    monkeypatch.chdir(files)
    command = ['--model', 'model', '--members', members, '--non-members', non_members, '--label-key', 'label']
    assert main(['evaluate', *command, '--out', out]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1 and error.startswith('error: ')
    assert (files / 'theirs' / 'privacy_metrics' / 'thesis.tex').exists()
    assert not (files / 'hacked').exists() and not (files / 'out' / 'blessing' / 'BLESSED').exists()


def test_types_are_those_of_csv_example_gen(tmp_path):
    (tmp_path / 'a.csv').write_text('\ufeffi,f,s,none\n0,1,x,\n\n,2.5,,\n', encoding='utf-8')
    (tmp_path / 'b.csv').write_text('i,f,s,none\n3,,7,\n')
    paths = [str(tmp_path / name) for name in ('a.csv', 'b.csv')]
    read = [_features(path) for path in write_records(paths, CSV, tmp_path).values()]
    assert read == [[{'i': [0], 'f': [1.0], 's': [b'x']}, {'f': [2.5]}], [{'i': [3], 's': [b'7']}]]


def test_parquet_keeps_zeros_and_leaves_out_what_is_missing(tmp_path):
    frame = pd.DataFrame(
        {
            'i': pd.array([0, None, 2], 'Int32'),
            'b': [False, True, None],
            'f': [0.0, None, 2.5],
            'c': pd.Categorical(['u', 'v', None]),
            'd': [datetime.date(2020, 1, 2), None, datetime.date(2021, 3, 4)],
            'l': [[1, 2], [], None],
        }
    )
    frame.to_parquet(tmp_path / 'a.parquet')
    (path,) = write_records([str(tmp_path / 'a.parquet')], PARQUET, tmp_path).values()
    assert _features(path) == [
        {'i': [0], 'b': [0], 'f': [0.0], 'c': [b'u'], 'd': [b'2020-01-02'], 'l': [1, 2]},
        {'b': [1], 'c': [b'v']},
        {'i': [2], 'f': [2.5], 'd': [b'2021-03-04']},
    ]


def _features(path: str) -> list[dict]:
    """Of each record, the features that have values."""
    found = []
    for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
        features = tf.train.Example.FromString(record).features.feature
        values = {name: getattr(one, one.WhichOneof('kind') or '', None) for name, one in features.items()}
        found.append({name: list(one.value) for name, one in values.items() if one is not None and one.value})
    return found


def test_without_tfx_a_line_names_the_extra(tmp_path):
    hidden = 'import sys; sys.modules["tfx"] = None; from privacy_component.cli import main; sys.exit(main())'
    arguments = ['evaluate', '--model', 'm', '--members', 'a', '--non-members', 'b', '--label-key', 'c']
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', hidden, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("which is not installed: pip install 'privacy-component[tfx]'.")
    assert 'Traceback' not in done.stderr


def test_version_and_the_examples_of_the_help(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(['--version'])
    assert (stopped.value.code, capsys.readouterr().out) == (0, f'privacy-component {__version__}\n')
    for command, examples in _EXAMPLES.items():
        with pytest.raises(SystemExit):
            main([command, '--help'])
        said = capsys.readouterr().out
        for example in examples:
            assert f'privacy-component {command} {example}' in said
            assert _parser().parse_args([command, *shlex.split(example.replace('\\\n', ''))])


def test_a_terminal_shows_what_is_being_waited_for(capsys, monkeypatch):
    monkeypatch.setenv('FORCE_COLOR', '1')
    with terminal.waiting(lambda: 'the Beam\x1b]0;job'):
        pass
    shown = capsys.readouterr()
    assert 'the Beam\\x1b]0;job' in shown.err and not shown.out
