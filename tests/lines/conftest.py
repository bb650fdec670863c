"""Files that logs are read from."""

import pytest


@pytest.fixture
def landed(tmp_path):
    def write(data, name="app.log"):
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write
