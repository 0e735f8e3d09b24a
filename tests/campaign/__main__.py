"""Runs the whole campaign and writes its counts to docs/campaign.md."""

import sys

import pytest

if __name__ == '__main__':
    sys.exit(pytest.main(['tests/campaign', '--write-campaign']))
