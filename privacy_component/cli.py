"""The command line: `evaluate` attacks, `gate` decides again, `report` writes again, `history` and `compare` look back.

Nothing is imported before it is needed, and no error ends with the exit code of a verdict.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from privacy_component._version import __version__
from privacy_component.errors import PrivacyInputError, printable

if TYPE_CHECKING:
    from privacy_component.evaluation.replay import Replay
    from privacy_component.evaluation.result import PrivacyResult

BLESSED = 0
NOT_BLESSED = 1
COULD_NOT_DECIDE = 2  # argparse ends with it too, where the command line is wrong

_CODES = 'exit code 0 blessed, 1 not blessed, 2 could not decide'
_EXAMPLES = {
    'evaluate': (
        "--model serving/7 --members 'train*.gz' --non-members 'eval*.gz' --label-key tips",
        '--model model --members train.csv --non-members test.csv --label-key income --slice age --slice sex race \\\n'
        '      --privacy-config limits.json --out audit',
    ),
    'gate': (
        '--metrics audit/privacy_metrics --decision-sha256 "$HASH"',
        '--metrics privacy_metrics.json --unsealed --config stricter.json',
    ),
    'report': (
        '--metrics audit/privacy_metrics --unsealed --out report.html',
        '--metrics audit/privacy_metrics --unsealed --out privacy.xml',
    ),
    'history': (
        '--metadata pipeline/metadata.sqlite --picture history.png',
        '--metadata-config mysql.pbtxt --pipeline taxi --json',
    ),
    'compare': ('before/privacy_metrics after/privacy_metrics',),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Returns:
      The exit code. Of `evaluate` and `gate`: 0 blessed, 1 not blessed, 2 could not decide.
    """
    chosen = _parser().parse_args(arguments)
    try:
        return chosen.run(chosen)
    except Exception as error:
        _explain(error)
        return COULD_NOT_DECIDE


def _explain(error: Exception) -> None:
    if not isinstance(error, PrivacyInputError | OSError):
        traceback.print_exc()
    print(f'error: {printable(str(error))}', file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='privacy-component', description='Attacks a model, and looks at what evaluations have left behind.'
    )
    parser.add_argument('--version', action='version', version=f'privacy-component {__version__}')
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    _add_evaluate(commands)
    what = f'decide again; {_CODES}'
    gate = _command(commands, 'gate', _gate, what, _EXAMPLES['gate'])
    _add_files_of_an_evaluation(gate)
    gate.add_argument('--config', metavar='PATH', help="a PrivacyConfig as JSON; the evaluation's own if left out")
    what = 'write the report again, or the verdict for CI systems and model cards; needs privacy-component[report]'
    report = _command(commands, 'report', _report, what, _EXAMPLES['report'])
    _add_files_of_an_evaluation(report)
    report.add_argument(
        '--out', metavar='FILE', required=True, help='.html for the page, .xml for JUnit, .md or .json for a model card'
    )
    _add_history(commands)
    _add_compare(commands)
    return parser


def _add_evaluate(commands: argparse._SubParsersAction) -> None:
    what = f'attack a SavedModel over files, without a pipeline; {_CODES}; needs privacy-component[tfx]'
    evaluate = _command(commands, 'evaluate', _evaluate, what, _EXAMPLES['evaluate'])
    evaluate.add_argument('--model', metavar='DIR', required=True, help="a SavedModel, or a Trainer's output")
    files = 'TFRecords of tf.Examples, CSV or Parquet; quote patterns'
    for side, which in (('--members', 'was trained on'), ('--non-members', 'has never seen')):
        evaluate.add_argument(
            side, metavar='PATTERN', nargs='+', required=True, help=f'files of what the model {which}: {files}'
        )
    evaluate.add_argument('--label-key', metavar='NAME', required=True, help='the feature that holds the label')
    evaluate.add_argument(
        '--slice', metavar='NAME', nargs='+', action='append', default=[], help='a feature, or several to combine'
    )
    evaluate.add_argument(
        '--privacy-config',
        metavar='FILE',
        help='a PrivacyConfig as JSON; without limits nothing is blessed',
    )
    evaluate.add_argument('--signature', metavar='NAME', default='', help='of the model; serving_default if left out')
    evaluate.add_argument('--transform-graph', metavar='DIR', default='', help='of Transform, for raw examples')
    evaluate.add_argument('--schema', metavar='DIR', default='', help='that a schema.pbtxt is in')
    evaluate.add_argument(
        '--out', metavar='DIR', default='privacy_evaluation', help='for report and metrics; %(default)s if left out'
    )
    evaluate.add_argument('--json', action='store_true', help='print JSON in the place of a table')


def _add_history(commands: argparse._SubParsersAction) -> None:
    what = 'list every past evaluation in ML Metadata, the oldest first; needs privacy-component[tfx]'
    history = _command(commands, 'history', _history, what, _EXAMPLES['history'])
    store = history.add_mutually_exclusive_group(required=True)
    store.add_argument('--metadata', metavar='FILE', help="a pipeline's metadata.sqlite")
    store.add_argument(
        '--metadata-config', metavar='FILE', help='a ConnectionConfig in text format, for MySQL or PostgreSQL'
    )
    history.add_argument('--pipeline', metavar='NAME', help='only the evaluations of this pipeline')
    history.add_argument('--json', action='store_true', help='print JSON, one evaluation a line')
    history.add_argument('--picture', metavar='FILE', help='also draw them, as .png or .svg')


def _add_compare(commands: argparse._SubParsersAction) -> None:
    compare = _command(commands, 'compare', _compare, 'show two evaluations side by side', _EXAMPLES['compare'])
    for name in ('first', 'second'):
        compare.add_argument(name, metavar=name.upper(), help='a privacy_metrics.json, or the directory it is in')


def _command(
    commands: argparse._SubParsersAction,
    name: str,
    run: Callable[[argparse.Namespace], int],
    what: str,
    examples: Sequence[str],
) -> argparse.ArgumentParser:
    lines = '\n'.join(f'  privacy-component {name} {example}' for example in examples)
    parser = commands.add_parser(
        name,
        help=what,
        description=f'{what[:1].upper()}{what[1:]}.',
        epilog=f'examples:\n{lines}',
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _add_files_of_an_evaluation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--metrics', metavar='PATH', required=True, help='a privacy_metrics.json, or the directory it is in'
    )
    seal = parser.add_mutually_exclusive_group(required=True)
    seal.add_argument(
        '--decision-sha256', metavar='HASH', help='that decision.json must have; a property of the blessing'
    )
    seal.add_argument(
        '--unsealed', action='store_true', help='without that hash, so that nobody can tell if all files were replaced'
    )


def _evaluate(chosen: argparse.Namespace) -> int:
    from privacy_component.beam.underway import last_wait
    from privacy_component.config.privacy_config import PrivacyConfig
    from privacy_component.evaluation import decision
    from privacy_component.evaluation.replay import read_config
    from privacy_component.evaluation.result import PrivacyResult
    from privacy_component.report import terminal
    from privacy_component.report.wording import visible

    config = PrivacyConfig() if chosen.privacy_config is None else read_config(chosen.privacy_config)
    if not config.thresholds:
        config = dataclasses.replace(config, report_only=True)
    with terminal.waiting(lambda: last_wait()[0] or 'loading TensorFlow and TFX'):
        files = _evaluate_files()
        question = files.Question(
            model=chosen.model,
            members=tuple(chosen.members),
            non_members=tuple(chosen.non_members),
            label_key=chosen.label_key,
            slices=tuple(map(tuple, chosen.slice)),
            config=config,
            signature=chosen.signature,
            transform_graph=chosen.transform_graph,
            schema=chosen.schema,
        )
        folder = files.evaluate_files(question, chosen.out)
    result = PrivacyResult.load(folder)
    assert result.verdict is not None
    seal = decision.sha256((folder / decision.FILE_NAME).read_text(encoding='utf-8'))
    if chosen.json:
        print(json.dumps(_in_short(result, folder, seal)))
    else:
        terminal.print_result(result)
        _print([f'Report: {visible(folder / "report.html")}', f'decision_sha256, for gate and report: {seal}'])
    return BLESSED if result.verdict.blessed else NOT_BLESSED


def _evaluate_files() -> ModuleType:
    """The module, which needs TFX."""
    if importlib.util.find_spec('tfx') is None:  # before seconds of imports that it would end
        raise _needs_tfx('tfx')
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')  # of TensorFlow's native half; what it fails at is raised, too
    try:
        with warnings.catch_warnings():
            # Google's libraries warn of what they will need one day: nobody who evaluates a model can act on it.
            warnings.filterwarnings('ignore', category=FutureWarning, module=r'google\.')
            from privacy_component.component import evaluate_files
    except ModuleNotFoundError as error:
        if (error.name or '').startswith('privacy_component'):
            raise
        raise _needs_tfx(error.name) from error
    for name in ('absl', 'apache_beam'):
        logging.getLogger(name).setLevel(logging.ERROR)  # what there is to say stands in the result
    return evaluate_files


def _needs_tfx(name: str | None) -> PrivacyInputError:
    return PrivacyInputError(f"evaluate needs {name}, which is not installed: pip install 'privacy-component[tfx]'.")


def _in_short(result: PrivacyResult, folder: Path, seal: str) -> dict[str, Any]:
    from privacy_component.report.wording import verdict_word

    assert result.verdict is not None
    return {
        'verdict': verdict_word(result.verdict),
        'blessed': result.verdict.blessed,
        'reasons': result.verdict.reasons,
        'warnings': result.verdict.warnings,
        'checks': [dataclasses.asdict(check) for check in result.checks],
        'rows': result.rows(),
        'num_suppressed': result.num_suppressed,
        'metrics': str(folder),
        'decision_sha256': seal,
    }


def _gate(chosen: argparse.Namespace) -> int:
    from privacy_component.evaluation.replay import read_config, replay

    config = None if chosen.config is None else read_config(chosen.config)
    replayed = replay(chosen.metrics, config, chosen.decision_sha256)
    _print(_lines(replayed))
    return BLESSED if replayed.verdict.blessed else NOT_BLESSED


def _print(lines: Iterable[str]) -> None:
    """Prints, and stays silent once nobody reads any more, as behind `| head`: the exit code is what counts."""
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush when Python ends


def _lines(replayed: Replay) -> list[str]:
    from privacy_component.report.wording import headline, verdict_word, visible

    verdict = replayed.verdict
    return [
        f'{verdict_word(verdict)}. {headline(verdict)}',
        *(f'  - {visible(reason)}' for reason in verdict.reasons),
        *(f'  warning: {visible(warning)}' for warning in verdict.warnings),
        _beside_the_record(replayed),
        *_without_seal(replayed.is_sealed),
    ]


def _without_seal(is_sealed: bool) -> list[str]:
    return [] if is_sealed else ['There is no decision.json beside the metrics: nobody can tell if they changed.']


def _beside_the_record(replayed: Replay) -> str:
    if replayed.recorded is None:
        return 'The evaluation recorded no verdict.'
    if replayed.is_same_config and replayed.largest_difference:
        return (
            'This is the recorded verdict, with the same outcomes and reasons; figures differ by '
            f'{replayed.largest_difference:.0e} of their size, for it was decided with {replayed.versions}.'
        )
    if replayed.is_same_config:
        return 'This is the recorded verdict, bit for bit.'
    was = 'blessed' if replayed.recorded.blessed else 'not blessed'
    return f"By another config than the evaluation's, by which the model was {was}."


def _report(chosen: argparse.Namespace) -> int:
    from privacy_component.evaluation.replay import damage_named, load_checked, replay

    try:
        from privacy_component.report.formats import as_format
    except ModuleNotFoundError as error:
        raise PrivacyInputError(
            f"the report needs {error.name}, which is not installed: pip install 'privacy-component[report]'."
        ) from error
    is_sealed = replay(chosen.metrics, None, chosen.decision_sha256).is_sealed
    result, _ = load_checked(chosen.metrics, chosen.decision_sha256)
    with damage_named(chosen.metrics):
        page = as_format(result, chosen.out)
    _write(Path(chosen.out), page, Path(chosen.metrics))
    _print(_without_seal(is_sealed))
    return 0


def _write(out: Path, page: str, metrics: Path) -> None:
    """Writes the page, but over none of the files that it was made from."""
    folder = metrics if metrics.is_dir() else metrics.parent
    sources = [path for path in (metrics, *folder.glob('*.json')) if path.is_file()]
    if out.exists() and any(out.samefile(path) for path in sources):
        raise PrivacyInputError(f'--out {out} is a file of the evaluation, which the page would replace: name another.')
    out.write_text(page, encoding='utf-8')


def _history(chosen: argparse.Namespace) -> int:
    try:
        from privacy_component.component.metadata_history import connection_to, past_evaluations
    except ModuleNotFoundError as error:
        raise PrivacyInputError("history reads ML Metadata: pip install 'privacy-component[tfx]'.") from error
    from privacy_component.report import over_time, terminal

    past = past_evaluations(connection_to(chosen.metadata, chosen.metadata_config), chosen.pipeline)
    if chosen.json:
        _print(json.dumps(dataclasses.asdict(one)) for one in past)
    else:
        terminal.print_history(past)
    if chosen.picture:
        over_time.draw_history(past, Path(chosen.picture))
    return 0


def _compare(chosen: argparse.Namespace) -> int:
    from privacy_component.evaluation.past_evaluation import side_by_side
    from privacy_component.evaluation.replay import load_checked
    from privacy_component.report import terminal

    first, second = (load_checked(path)[0] for path in (chosen.first, chosen.second))
    terminal.print_side_by_side(first, second, side_by_side(first, second))
    return 0
