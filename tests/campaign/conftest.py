import pytest

from tests.campaign import worlds


@pytest.fixture(scope='session')
def templates(tmp_path_factory) -> worlds.Templates:
    """The worlds that cases are copied from."""
    return worlds.Templates(tmp_path_factory.mktemp('worlds'))
