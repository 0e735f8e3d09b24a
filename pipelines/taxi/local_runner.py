"""Runs the taxi pipeline on this machine, once per trainer: python -m pipelines.taxi.local_runner."""

import argparse
import importlib
import logging
import shutil
import sys
from pathlib import Path

from pipelines.taxi.terminal import log_to

FOLDER = Path(__file__).parents[2] / 'build' / 'demo'
TITLE = 'One pipeline, two ways to train: the model that leaks its training data must not be pushed.'


def main(arguments=None, demo='pipelines.taxi.demo', folder=FOLDER, title=TITLE):
    """Runs a demo from scratch.

    Args:
      arguments: of the command line.
      demo: the module whose `run` it is.
      folder: where everything is written unless the command line says otherwise.
      title: what it shows.

    Returns:
      The exit code: 1 if a component failed.
    """
    folder, metadata_config = _settings(arguments, folder)
    log = folder / 'log.txt'
    with log_to(log) as console:
        try:
            _run(console, demo, folder, title, metadata_config)
        except Exception as error:
            logging.exception('The demo failed.')
            console.print(f'{type(error).__name__}: {_first_line(error)} The log: {log}', style='red', markup=False)
            return 1
    return 0


def _settings(arguments, default):
    """An empty folder for all that is written, and the file that says where metadata go, or None."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--folder', type=Path, help=f'where everything is written; empty or new (otherwise {default})')
    parser.add_argument(
        '--metadata-config',
        metavar='FILE',
        help='a ConnectionConfig of ML Metadata in text format, for a server (otherwise SQLite in the folder)',
    )
    chosen = parser.parse_args(arguments)
    folder = chosen.folder
    if folder is None:
        shutil.rmtree(default, ignore_errors=True)
    elif folder.exists() and any(folder.iterdir()):
        parser.error(f'{folder} is not empty; name a new folder.')
    folder = folder or default
    folder.mkdir(parents=True, exist_ok=True)
    return folder, chosen.metadata_config


def _run(console, demo, folder, title, metadata_config):
    console.print(title)
    with console.status('Importing TensorFlow and TFX'):
        # Not at the top: what this writes belongs in the log.
        module = importlib.import_module(demo)
        connection_to = importlib.import_module('privacy_component.component.metadata_history').connection_to
    if metadata_config is None:
        module.run(console, folder)
    else:
        module.run(console, folder, connection_to(None, metadata_config))


def _first_line(error):
    return next(iter(str(error).splitlines()), 'no message').rstrip('.') + '.'


if __name__ == '__main__':
    sys.exit(main())
