"""The command line as a person runs it, in this process, with an encoder done by eye."""

import sys
import zlib

import numpy as np
import pytest

from biglog import answers, installation, pipeline
from biglog.cli.main import main
from biglog.errors import BadInput


class Words:
    """A text is its words, each a direction of its own; it knows ASCII letters only."""

    model_id = "words:1"
    dim = 384

    def encode(self, texts):
        rows = [self.row(text) for text in texts]
        return np.array(rows, np.float32).reshape(len(rows), self.dim)

    def readable(self, texts):
        return np.array([bool(self.known(text)) for text in texts], bool)

    def known(self, text):
        return [one for one in text.lower().split() if one.isascii() and one.isalpha()]

    def row(self, text):
        words = self.known(text)
        if not words:
            raise BadInput(f"cannot embed {text[:60]!r}: no known word")
        row = np.zeros(self.dim)
        for word in words:
            row[zlib.crc32(word.encode()) % self.dim] += 1.0
        return row / np.linalg.norm(row)

    def similarity(self, cosine):
        return np.clip(np.asarray(cosine, float), 0.0, 1.0)


@pytest.fixture
def words(monkeypatch):
    encoder = Words()
    for room in (answers, installation, pipeline):
        monkeypatch.setattr(room, "encoder", lambda _: encoder)
    return encoder


@pytest.fixture
def biglog(monkeypatch, capfd, tmp_path):
    """Runs `biglog …`; gives the exit code, stdout and stderr."""
    monkeypatch.setenv("BIGLOG_HOME", str(tmp_path / "home"))

    def run(*given):
        monkeypatch.setattr(sys, "argv", ["biglog", *map(str, given)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        out, err = capfd.readouterr()
        return left.value.code or 0, out, err

    return run


@pytest.fixture
def refused(biglog):
    """Runs `biglog …`, which must refuse in one line; gives that line."""

    def run(*given, code=2):
        got, out, err = biglog(*given)
        assert (got, out) == (code, ""), err
        assert err.startswith("biglog"), err
        assert err.count("\n") == 1, err
        return err

    return run


@pytest.fixture
def log(tmp_path):
    """Writes lines to a file of that name."""

    def write(name, *lines, end="\n"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + end, "utf-8")
        return path

    return write
