"""The command line: `gate` decides again, `report` writes the page again, `history` and `compare` look back.

Nothing is imported before it is needed, and no error ends with the exit code of a verdict.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from privacy_component.errors import PrivacyInputError, printable

if TYPE_CHECKING:
    from privacy_component.evaluation.replay import Replay

BLESSED = 0
NOT_BLESSED = 1
COULD_NOT_DECIDE = 2  # argparse ends with it too, where the command line is wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Returns:
      The exit code. Of `gate`: 0 blessed, 1 not blessed, 2 could not decide.
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
        prog='python -m privacy_component', description='What an evaluation has left behind.'
    )
    commands = parser.add_subparsers(required=True)
    gate = _command(commands, 'gate', _gate, 'decide again; exit code 0 blessed, 1 not blessed, 2 could not decide')
    gate.add_argument('--config', metavar='PATH', help="a PrivacyConfig as JSON; the evaluation's own if left out")
    what = 'write the report again, or the verdict for CI systems and model cards; needs privacy-component[report]'
    report = _command(commands, 'report', _report, what)
    report.add_argument(
        '--out', metavar='FILE', required=True, help='.html for the page, .xml for JUnit, .md or .json for a model card'
    )
    _add_history(commands)
    _add_compare(commands)
    return parser


def _add_history(commands: argparse._SubParsersAction) -> None:
    what = 'list every past evaluation in ML Metadata, the oldest first; needs privacy-component[tfx]'
    history = commands.add_parser('history', help=what, description=what)
    store = history.add_mutually_exclusive_group(required=True)
    store.add_argument('--metadata', metavar='FILE', help="a pipeline's metadata.sqlite")
    store.add_argument(
        '--metadata-config', metavar='FILE', help='a ConnectionConfig in text format, for MySQL or PostgreSQL'
    )
    history.add_argument('--pipeline', metavar='NAME', help='only the evaluations of this pipeline')
    history.add_argument('--json', action='store_true', help='print JSON, one evaluation a line')
    history.add_argument('--picture', metavar='FILE', help='also draw them, as .png or .svg')
    history.set_defaults(run=_history)


def _add_compare(commands: argparse._SubParsersAction) -> None:
    what = 'show two evaluations side by side'
    compare = commands.add_parser('compare', help=what, description=what)
    for name in ('first', 'second'):
        compare.add_argument(name, metavar=name.upper(), help='a privacy_metrics.json, or the directory it is in')
    compare.set_defaults(run=_compare)


def _command(
    commands: argparse._SubParsersAction, name: str, run: Callable[[argparse.Namespace], int], what: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=what, description=what)
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
    parser.set_defaults(run=run)
    return parser


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
    import dataclasses
    import json

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
