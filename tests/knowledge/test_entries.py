"""Files above, entries below."""

from __future__ import annotations

import json

import pytest

from biglog.errors import BadInput
from biglog.knowledge.read import decode, fingerprint, read_all, read_folder, to_markdown

FRONT = """---
title: Disk full on a database host
category: database
tags: [postgresql, disk]
services: [orders-db]
---

# Another heading

No space left on device
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "disk.md").write_text(FRONT, "utf-8")
    (tmp_path / "heading.md").write_text("# MySQL 死锁\n\n两个事务互相等待锁。\n", "utf-8")
    (tmp_path / "plain-name.md").write_text("restart the worker\n", "utf-8")
    (tmp_path / "_index.md").write_text("# Table of contents\n", "utf-8")
    return tmp_path


def test_markdown_takes_its_title_from_front_matter_then_heading_then_name(folder):
    found = {e.source: (e.title, e.language, e.tags) for e in read_folder(folder)}
    assert found == {
        "db/disk.md": (
            "Disk full on a database host",
            "en",
            ("postgresql", "disk", "orders-db"),
        ),
        "heading.md": ("MySQL 死锁", "zh", ()),
        "plain-name.md": ("plain-name", "en", ()),
    }


def test_an_entry_keeps_its_id_when_its_text_changes(folder):
    before = {e.source: e for e in read_folder(folder)}
    (folder / "heading.md").write_text(
        "# MySQL 死锁\n\n先看 SHOW ENGINE INNODB STATUS。\n", "utf-8"
    )
    after = {e.source: e for e in read_folder(folder)}
    assert {s: e.entry_id for s, e in before.items()} == {s: e.entry_id for s, e in after.items()}
    changed = {s for s in before if fingerprint(before[s]) != fingerprint(after[s])}
    assert changed == {"heading.md"}


@pytest.mark.parametrize(
    ("shape", "titles"),
    [
        (
            [
                {
                    "id": "5f1c",
                    "title": "事件匹配: 连接失败",
                    "content": "正文",
                    "tags": ["error"],
                    "timestamp": "2025-05-20T10:00:00",
                    "source": "event_matching",
                    "related_image": "x.png",
                }
            ],
            ["事件匹配: 连接失败"],
        ),
        (
            {
                "version": "1.0",
                "entries": [
                    {"id": 1, "question": "CPU 高怎么办", "answer": "top", "category": "system"},
                    {"id": 2, "question": "Why 502", "answer": "look upstream", "tags": ["nginx"]},
                ],
            },
            ["CPU 高怎么办", "Why 502"],
        ),
        (
            {
                "id": "kb-001",
                "title": "数据库连接超时故障排查",
                "content": "1. 检查数据库服务",
                "category": "database",
                "tags": ["mysql", "timeout"],
                "created_at": "2023-05-20T14:30:00Z",
                "relevance_score": 0.92,
            },
            ["数据库连接超时故障排查"],
        ),
    ],
)
def test_the_three_json_shapes(tmp_path, shape, titles):
    (tmp_path / "kb.json").write_text(json.dumps(shape, ensure_ascii=False), "utf-8")
    entries = read_folder(tmp_path)
    assert [e.title for e in entries] == titles
    assert len({e.entry_id for e in entries}) == len(entries)
    assert {e.source for e in entries} == {"kb.json"}


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("bad.json", b"{not json", "not JSON"),
        ("list.json", b"[1, 2]", "entry 1 is int"),
        ("untitled.json", b'[{"content": "x"}]', "needs title and content"),
        ("front.md", b"---\ntitle: [open\n---\nx", "front matter is not YAML"),
        ("listfront.md", b"---\n- a\n- b\n---\nx", "front matter must be"),
        ("bytes.md", b"\xff\xfe\xfa\xff\xff", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_broken_file_is_named_and_the_good_ones_are_kept(folder, name, content, reason):
    (folder / name).write_bytes(content)
    found = read_all(folder)
    assert len(found.entries) == 3
    assert [(b.source, reason in b.reason) for b in found.broken] == [(name, True)]


def test_gb18030_is_read():
    assert decode("磁盘已满".encode("gb18030")) == "磁盘已满"


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        read_folder(tmp_path / "nowhere")


def test_an_exported_entry_reads_back(folder, tmp_path):
    entry = next(e for e in read_folder(folder) if e.source == "db/disk.md")
    out = tmp_path / "out"
    out.mkdir()
    (out / "disk.md").write_text(to_markdown(entry), "utf-8")
    assert fingerprint(read_folder(out)[0]) == fingerprint(entry)
