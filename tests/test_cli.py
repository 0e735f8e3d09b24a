"""The command line: exit codes for a release script, whatever is wrong with the files."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from privacy_component import PrivacyResult
from privacy_component.cli import main
from privacy_component.evaluation import decision
from privacy_component.evaluation.replay import replay
from tests.report import examples
from tests.stored import edit, write

ROOT = Path(__file__).parents[1]


@pytest.fixture
def refused(tmp_path):
    """The files of a refusal, and the result."""
    result = examples.evaluated(shift=1.5, n=300)
    write(tmp_path, result)
    return tmp_path, result


def test_exit_codes(tmp_path, capsys):
    for shift, code, word in ((0.0, 0, 'BLESSED'), (1.5, 1, 'BLOCKED')):
        write(tmp_path, examples.evaluated(shift, n=400))
        for path in (tmp_path, tmp_path / 'privacy_metrics.json'):
            assert main(['gate', '--unsealed', '--metrics', str(path)]) == code
            assert capsys.readouterr().out.startswith(word)


def test_too_few_examples_are_a_refusal_and_no_failure_to_decide(tmp_path):
    write(tmp_path, examples.evaluated(shift=0.0, n=20))
    assert main(['gate', '--unsealed', '--metrics', str(tmp_path)]) == 1


def test_no_seal_is_said(refused, capsys):
    folder, _ = refused
    (folder / 'decision.json').unlink()
    assert main(['gate', '--unsealed', '--metrics', str(folder)]) == 1
    assert 'There is no decision.json beside the metrics' in capsys.readouterr().out


DAMAGES = (
    b'',
    b'\xff\xfe',
    b'[]',
    b'{"schema_version": 99}',
    b'{"schema_version": 1}',
    b'{"schema_version": 1, "verdict": null, "context": null, "results": []}',
    b'{"schema_version": 1, "verdict": null, "context": null, "results": [{"slice": 3}]}',
)


@pytest.mark.parametrize('damage', [*DAMAGES, b'{"schema_version": 1, "verdict": null, "context": {}, "results": []}'])
def test_damaged_files_cannot_be_decided(refused, capsys, damage):
    folder, _ = refused
    (folder / 'decision.json').unlink()
    (folder / 'privacy_metrics.json').write_bytes(damage)
    assert main(['gate', '--unsealed', '--metrics', str(folder)]) == 2
    assert 'privacy_metrics.json' in capsys.readouterr().err


@pytest.mark.parametrize('record', [b'', b'\xff', b'[]', b'{}', b'{"sha256": {"privacy_metrics": 3}}'])
def test_a_damaged_decision_cannot_be_decided(refused, capsys, record):
    folder, _ = refused
    (folder / 'decision.json').write_bytes(record)
    assert main(['gate', '--unsealed', '--metrics', str(folder)]) == 2
    assert 'decision.json' in capsys.readouterr().err


def test_missing_files_and_arguments(tmp_path, capsys):
    assert main(['gate', '--unsealed', '--metrics', str(tmp_path / 'nowhere')]) == 2
    write(tmp_path, examples.evaluated(shift=0.0, n=300))
    (tmp_path / 'config.json').write_text('{"threshold": []}')
    assert main(['gate', '--unsealed', '--metrics', str(tmp_path), '--config', str(tmp_path / 'config.json')]) == 2
    error = capsys.readouterr().err
    assert 'nowhere cannot be read' in error
    assert "config.json: privacy_config has no field 'threshold'" in error
    for wrong in ([], ['gate'], ['gate', '--metric'], ['bless']):
        with pytest.raises(SystemExit) as stopped:
            main(wrong)
        assert stopped.value.code == 2


@pytest.mark.parametrize('command', [['gate'], ['report', '--out', 'page.html']])
def test_nothing_is_decided_without_a_seal_unless_that_is_asked_for(refused, capsys, command):
    folder, _ = refused
    with pytest.raises(SystemExit) as stopped:
        main([*command, '--metrics', str(folder)])
    assert stopped.value.code == 2
    assert '--decision-sha256 --unsealed is required' in capsys.readouterr().err
    for empty in ('', ' '):  # as a shell variable is that nobody has set
        assert main([*command, '--metrics', str(folder), '--decision-sha256', empty]) == 2
        assert 'decision_sha256 is empty' in capsys.readouterr().err


def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(refused, capsys):
    folder, _ = refused
    for name in ('decision.json', 'privacy_metrics.json'):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        assert main(['gate', '--unsealed', '--metrics', str(folder)]) == 2
        assert f'{name} is no regular file' in capsys.readouterr().err


@pytest.mark.parametrize('name', ['privacy_metrics.json', 'decision.json'])
def test_the_page_replaces_no_file_that_it_is_made_from(refused, capsys, name):
    folder, _ = refused
    before = (folder / name).read_bytes()
    assert main(['report', '--unsealed', '--metrics', str(folder), '--out', str(folder / name)]) == 2
    assert 'name another' in capsys.readouterr().err
    assert (folder / name).read_bytes() == before


def test_who_reads_only_the_first_line_gets_the_exit_code_all_the_same(refused):
    command = f'{sys.executable} -m privacy_component gate --unsealed --metrics "$1" | true; echo ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ['bash', '-c', command, '-', refused[0]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ('1\n', '')


def test_a_bug_never_ends_as_a_verdict(refused, monkeypatch):
    def broken(*_):
        raise NotImplementedError

    monkeypatch.setattr(decision, 'decide_result', broken)
    with pytest.raises(NotImplementedError):
        replay(refused[0])
    assert main(['gate', '--unsealed', '--metrics', str(refused[0])]) == 2


def test_slice_names_cannot_fake_a_line(tmp_path, capsys):
    result = examples.evaluated(shift=1.5, n=300, values=('Cash\n  BLESSED', 'Card'))
    write(tmp_path, result)
    assert main(['gate', '--unsealed', '--metrics', str(tmp_path)]) == 1
    assert '\n  BLESSED' not in capsys.readouterr().out


def test_the_report_is_written_again(refused, tmp_path):
    from privacy_component.report import html

    folder, result = refused
    out = tmp_path / 'again.html'
    assert main(['report', '--unsealed', '--metrics', str(folder), '--out', str(out)]) == 0
    assert out.read_text() == html.render(PrivacyResult.from_json(result.to_json()))
    assert main(['report', '--unsealed', '--metrics', str(folder / 'nowhere'), '--out', str(out)]) == 2


@pytest.mark.parametrize('damage', DAMAGES)
def test_no_report_of_damaged_files(refused, capsys, damage):
    folder, _ = refused
    (folder / 'decision.json').unlink()
    (folder / 'privacy_metrics.json').write_bytes(damage)
    assert main(['report', '--unsealed', '--metrics', str(folder), '--out', str(folder / 'again.html')]) == 2
    error = capsys.readouterr().err
    assert 'privacy_metrics.json' in error and 'Traceback' not in error
    assert not (folder / 'again.html').exists()


def test_no_report_of_changed_files(refused, capsys):
    folder, _ = refused
    command = ['report', '--unsealed', '--metrics', str(folder), '--out', str(folder / 'again.html')]
    assert main([command[0], '--decision-sha256', 'f' * 64, *command[2:]]) == 2
    assert 'another decision' in capsys.readouterr().err
    edit(folder / 'privacy_metrics.json', lambda fields: fields['results'].pop())
    assert main(command) == 2
    assert 'one of them was changed afterwards' in capsys.readouterr().err
    assert not (folder / 'again.html').exists()
    (folder / 'decision.json').unlink()
    assert main(command) == 2
    assert 'the recorded verdict does not follow' in capsys.readouterr().err


def test_a_report_without_a_decision_says_so(refused, capsys):
    folder, _ = refused
    (folder / 'decision.json').unlink()
    assert main(['report', '--unsealed', '--metrics', str(folder), '--out', str(folder / 'again.html')]) == 0
    assert 'There is no decision.json beside the metrics' in capsys.readouterr().out


def test_a_release_script_needs_neither_tfx_nor_patience(refused):
    folder, _ = refused
    heavy = ('tensorflow', 'apache_beam', 'tfx', 'matplotlib', 'jinja2', 'pandas')
    code = (
        'import sys; from privacy_component.cli import main; '
        f'print(main(["gate", "--unsealed", "--metrics", {str(folder)!r}]), [n for n in {heavy} if n in sys.modules])'
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, '-c', code], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == '1 []'
    command = [sys.executable, '-m', 'privacy_component', 'gate', '--unsealed', '--metrics', str(folder)]
    assert subprocess.run(command, capture_output=True, cwd=ROOT, check=False).returncode == 1
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2 * 2, 'two runs of at most 2 s each'
