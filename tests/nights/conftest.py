"""Three recorded nights of three sources, in a home of the test's own."""

import shutil

import pytest
from inbox import listening
from small_nights import DATES, LINES, RECORDED, SOURCE, SOURCES, head

from biglog import installation, settings


@pytest.fixture(scope="session")
def recordings(tmp_path_factory):
    """The first LINES lines of every source and night, as plain files."""
    folder = tmp_path_factory.mktemp("landing")
    for name in SOURCES:
        (folder / name).mkdir()
        for date in DATES:
            text = head(RECORDED / name / f"{date}.log.zst", LINES)
            (folder / name / f"{date}.log").write_text(text, "utf-8")
    return folder


@pytest.fixture
def home(tmp_path, recordings):
    """A home whose landing folder may be spoilt."""
    shutil.copytree(recordings, tmp_path / "landing")
    tables = [
        SOURCE.format(name=name, format=form, service=service, host=host)
        for name, (form, service, host) in SOURCES.items()
    ]
    (tmp_path / "sources.toml").write_text("\n".join(tables), "utf-8")
    return tmp_path


@pytest.fixture
def site(home, database):
    return installation.Site(settings.load(home), database)


@pytest.fixture
def inbox():
    with listening() as one:
        yield one
