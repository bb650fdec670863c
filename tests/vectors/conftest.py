"""A BERT as small as it gets, shaped like a published release, and the shipped model."""

from pathlib import Path

import pytest
from releases import write_release

from biglog.vectors.encoder import BertEncoder, load_encoder

PROJECT = Path(__file__).resolve().parents[2]
SHIPPED = PROJECT / "pretrained" / "biglog-small"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write_release(tmp_path / "release")


@pytest.fixture(scope="session")
def shipped() -> BertEncoder:
    return load_encoder(SHIPPED)
