"""Runs the taxi pipeline on this machine, once per trainer: python -m pipelines.taxi.local_runner."""

import argparse
import logging
import shutil
import sys
from pathlib import Path

from pipelines.taxi.terminal import log_to

FOLDER = Path(__file__).parents[2] / 'build' / 'demo'


def main(arguments=None):
    """Runs the demo from scratch and returns the exit code: 1 if a component failed."""
    folder = _empty_folder(arguments)
    log = folder / 'log.txt'
    with log_to(log) as console:
        try:
            _run(console, folder)
        except Exception as error:
            logging.exception('The demo failed.')
            console.print(f'{type(error).__name__}: {_first_line(error)} The log: {log}', style='red', markup=False)
            return 1
    return 0


def _empty_folder(arguments):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--folder', type=Path, help='where everything is written; empty or new (otherwise build/demo)')
    folder = parser.parse_args(arguments).folder
    if folder is None:
        shutil.rmtree(FOLDER, ignore_errors=True)
    elif folder.exists() and any(folder.iterdir()):
        parser.error(f'{folder} is not empty; name a new folder.')
    folder = folder or FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(console, folder):
    console.print('One pipeline, two ways to train: the model that leaks its training data must not be pushed.')
    with console.status('Importing TensorFlow and TFX'):
        from pipelines.taxi import demo  # not at the top: what this writes belongs in the log
    demo.run(console, folder)


def _first_line(error):
    return next(iter(str(error).splitlines()), 'no message').rstrip('.') + '.'


if __name__ == '__main__':
    sys.exit(main())
