"""Runs the whole campaign and writes its counts to docs/campaign.md."""

import sys

import pytest

if __name__ == '__main__':
    # The test of what is written there comes after the writing.
    sys.exit(
        pytest.main(['tests/campaign', '--ignore=tests/campaign/test_table.py', '--write-campaign', *sys.argv[1:]])
    )
