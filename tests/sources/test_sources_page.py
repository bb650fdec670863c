"""docs/sources.md, its snippets loaded and its sample lines read."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from biglog.lines.formats import load_formats
from biglog.lines.read import read
from biglog.settings import LineSettings, SourceSettings, load_sources
from biglog.sources.collect import STORES, WEB
from biglog.sources.connection import parse

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sources.md"
TEXT = PAGE.read_text("utf-8")
SECTIONS = {
    title: body for title, body in re.findall(r"(?ms)^### ([^\n]+)\n(.*?)(?=^#{2,3} |\Z)", TEXT)
}


def blocks(kind, text=TEXT):
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", text)


def sources(toml, tmp_path):
    path = tmp_path / "sources.toml"
    path.write_text(toml, "utf-8")
    return load_sources(path)


def test_all_snippets_are_one_valid_file(tmp_path):
    known = sources("\n".join(blocks("toml")), tmp_path)
    assert len(known) == len(re.findall(r"(?m)^\[\[source\]\]$", TEXT)) > 10
    for one in known:
        assert one.format == "auto" or one.format in load_formats()


def test_every_kind_of_source_has_a_snippet(tmp_path):
    known = sources("\n".join(blocks("toml")), tmp_path)
    schemes = {one.path.partition("://")[0].removesuffix("+https") for one in known}
    assert {*STORES, "s3", "sftp", "https"} <= schemes
    assert schemes & set(WEB)


def test_every_setting_that_only_sources_elsewhere_have_is_shown():
    used = set(re.findall(r"(?m)^(\w+) = ", "\n".join(blocks("toml"))))
    wanted = {"connection", "query", "tenant", "page_size", "slices"}
    assert wanted <= used
    assert wanted <= {one.name for one in fields(SourceSettings)}


def test_connections_are_written_as_the_page_says():
    uri, row = re.findall(r"(?m)^BIGLOG_CONN_LOGS='(.+)'$", TEXT)
    assert (parse(uri).login, parse(uri).password) == ("reader", "p@ss")
    assert parse(row).extra == parse(uri).extra == {"ca": "/etc/ca.pem"}


@pytest.mark.parametrize("shipper", SECTIONS)
def test_a_shippers_line_is_read_as_the_page_says(tmp_path, shipper):
    body = SECTIONS[shipper]
    (source,) = sources("".join(blocks("toml", body)), tmp_path)
    (sample,) = blocks("jsonl", body)
    (expected,) = re.findall(r"(?m)^\| (2026-.+?) \|$", body)
    path = tmp_path / "shop.log"
    path.write_text(sample, "utf-8")
    (batch,) = read([path], source, LineSettings())
    (row,) = batch.lines.to_pylist()
    at = row["timestamp"].isoformat(timespec="microseconds").replace("+00:00", "Z")
    shown = [at, row["level"], row["host"], row["service"], row["content"]]
    assert shown == expected.split(" | ")
    assert batch.bad.num_rows == 0


def test_vectors_logfmt_reads_as_its_json(tmp_path):
    (line,) = blocks("logfmt")
    path = tmp_path / "shop.log"
    path.write_text(line, "utf-8")
    (batch,) = read([path], SourceSettings("shop", "", format="logfmt"), LineSettings())
    (row,) = batch.lines.to_pylist()
    assert (row["level"], row["host"], row["service"], row["content"]) == (
        "ERROR", "pay1", "cart", "charge failed",
    )  # fmt: skip


def test_yaml_snippets_are_yaml():
    found = [yaml.safe_load(one) for one in blocks("yaml")]
    assert [sorted(one) for one in found] == [["sinks"], ["exporters", "processors"]]


def test_the_shippers_of_the_page():
    assert list(SECTIONS) == [
        "Fluentd", "Fluent Bit", "Logstash", "Vector", "OpenTelemetry collector",
    ]  # fmt: skip
