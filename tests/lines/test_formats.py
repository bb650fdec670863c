"""Every format reads its own sample lines; one that does not is no format."""

import json
from datetime import datetime
from pathlib import Path

import pytest

from biglog.errors import BadInput
from biglog.lines.detect import detect
from biglog.lines.formats import FOLDER, find_format, load_formats, read_format
from biglog.lines.read import read
from biglog.settings import LineSettings, SourceSettings

CASES = [
    pytest.param(form, sample, id=f"{form.name}-{at}")
    for form in load_formats().values()
    for at, sample in enumerate(form.sample)
]
# A plain combined line may come from either server; which name is picked says nothing.
TWINS = {"apache_access": {"apache_access", "nginx_access"}}


def file_of(tmp_path, sample):
    path = tmp_path / "sample.log"
    path.write_text((sample.after + "\n" if sample.after else "") + sample.line + "\n", "utf-8")
    return path


@pytest.mark.parametrize(("form", "sample"), CASES)
def test_a_sample_gives_what_it_promises(form, sample, tmp_path):
    source = SourceSettings("s", "x", format=form.name, redact="off")
    path = file_of(tmp_path, sample)
    batches = list(read([path], source, LineSettings(), date="2026-11-02"))
    rows = [row for batch in batches for row in batch.lines.to_pylist()]
    assert rows, [batch.bad.to_pylist() for batch in batches]
    got = rows[-1]
    for name, wanted in sample.expect.items():
        if name == "timestamp":
            wanted = datetime.fromisoformat(wanted)
        if name == "fields":
            got["fields"] = json.loads(got["fields"] or "{}")
        assert got[name] == wanted, f"{FOLDER / form.name}.toml: {name} of {sample.line!r}"


@pytest.mark.parametrize(("form", "sample"), CASES)
def test_a_sample_is_detected_as_its_format(form, sample, tmp_path):
    found = detect(file_of(tmp_path, sample))
    assert found.format in TWINS.get(form.name, {form.name})


@pytest.mark.parametrize(("form", "sample"), CASES)
def test_every_physical_line_of_a_sample_is_a_row_where_asked(form, sample, tmp_path):
    path = file_of(tmp_path, sample)
    source = SourceSettings("s", "x", redact="off")
    batches = list(read([path], source, LineSettings(), joined=False, date="2026-11-02"))
    rows = [number for batch in batches for number in batch.lines["line_no"].to_pylist()]
    assert rows == list(range(1, path.read_text("utf-8").count("\n") + 1))


def test_an_unknown_format_names_those_that_exist():
    with pytest.raises(BadInput, match=r"no format named 'nginks'; known: auto, .*nginx_access"):
        find_format("nginks")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = 'x'\ndescription = ''\npattern = 'a'", "unknown key 'pattern'"),
        ("name = 'y'\ndescription = ''", "expected the file's own 'x'"),
        ("name = 'x'\ndescription = ''\npatterns = ['(']", "no \\[\\[sample\\]\\]"),
        (
            "name = 'x'\ndescription = ''\npatterns = ['(?P<content>']\n"
            "[[sample]]\nline = ''\nexpect = {}",
            "is not a regex",
        ),
        (
            "name = 'x'\ndescription = ''\npatterns = ['(?P<level>a)']\n"
            "[[sample]]\nline = ''\nexpect = {}",
            "needs a group 'content'",
        ),
        ("name = ", "not valid TOML"),
        (
            "name = 'x'\ndescription = ''\npatterns = ['(?P<content>a)']\ncontinuation = 'some'\n"
            "[[sample]]\nline = ''\nexpect = {}",
            "continuation = 'some', expected none, trace, indent, any",
        ),
        (
            "name = 'x'\ndescription = ''\npatterns = ['(?P<content>a)']\nkinds = {pid = 'int'}\n"
            "[[sample]]\nline = ''\nexpect = {}",
            "kinds.pid = 'int', expected one of number, ",
        ),
        (
            "name = 'x'\ndescription = ''\npatterns = ['(?P<content>a)']\n"
            "kinds = {pid = 'number'}\n[[sample]]\nline = ''\nexpect = {}",
            "kinds.pid is no group of its patterns",
        ),
    ],
)
def test_a_broken_format_is_refused_in_words(text, says, tmp_path: Path):
    path = tmp_path / "x.toml"
    path.write_text(text)
    with pytest.raises(BadInput, match=says):
        read_format(path)
