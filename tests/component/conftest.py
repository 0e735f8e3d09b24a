import pytest

from tests.component.world import World


@pytest.fixture
def world(tmp_path):
    """A leaky world, on disk."""
    return World(tmp_path).write()
