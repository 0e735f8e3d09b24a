"""Runs the digits pipeline on this machine: python -m pipelines.references.local_runner."""

import sys

from pipelines.taxi import local_runner

FOLDER = local_runner.FOLDER.with_name('demo-references')
TITLE = 'One model, two verdicts: by its losses alone, and beside eight reference models.'


def main(arguments=None):
    """Runs the demo from scratch and returns the exit code: 1 if a component failed."""
    return local_runner.main(arguments, 'pipelines.references.demo', FOLDER, TITLE)


if __name__ == '__main__':
    sys.exit(main())
