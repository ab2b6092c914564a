import pytest

from data.skeletons.store import open_store
from tests.data.skeletons.small_store import write_store


@pytest.fixture
def store(tmp_path):
    write_store(tmp_path / "store")
    return open_store(tmp_path / "store")
