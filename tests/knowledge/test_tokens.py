"""Texts left, tokens right."""

from __future__ import annotations

import pytest

from biglog.knowledge.glossary import load_glossary, wishes
from biglog.knowledge.tokens import language, phrases, stem, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("磁盘空间不足", ["磁盘", "盘空", "空间", "间不", "不足"]),
        ("锁", ["锁"]),
        ("ＭＹＳＱＬ", ["mysql"]),  # full width
        ("java.io.IOException", ["java.io.ioexception", "java", "io", "ioexcept", "except"]),
        ("KubePodCrashLooping", ["kubepodcrashloop", "kub", "pod", "crash", "loop"]),
        ("the disk is full", ["disk", "full"]),
        ("{{ $labels.namespace }} quota", ["quota"]),
        ("ORA-00942", ["ora-00942", "ora", "00942"]),
    ],
)
def test_tokens(text, expected):
    assert tokens(text) == expected


@pytest.mark.parametrize(
    "family",
    [
        ("fail", "fails", "failed", "failing"),
        ("replica", "replicas"),
        ("expire", "expires", "expired", "expiring", "expiration"),
        ("connect", "connected", "connection", "connections"),
        ("retry", "retries", "retried"),
        ("stop", "stopped", "stopping"),
    ],
)
def test_forms_of_a_word_have_one_stem(family):
    assert len({stem(word) for word in family}) == 1


def test_words_of_different_meaning_keep_apart():
    assert len({stem(w) for w in ("pass", "past", "process", "status", "stat", "disk")}) == 6


def test_joined_and_separate_writing_meet():
    assert "not+readi" in phrases("Node is not ready")
    assert "not+readi" in phrases("KubeNodeNotReady")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("数据库连接超时", "zh"),
        ("执行 kubectl get pods -A 查看状态，确认节点是否就绪并检查事件", "zh"),
        ("connection refused", "en"),
        ("", "en"),
    ],
)
def test_language(text, expected):
    assert language(text) == expected


def test_a_chinese_question_also_asks_in_english():
    asked = {w.word: {c.tokens for c in w.choices} for w in wishes("证书过期", load_glossary())}
    assert ("certificat", "expir") in asked["证书过期"]


def test_every_glossary_line_says_something():
    glossary = load_glossary()
    assert len(glossary.chinese) > 350
    silent = [w for w, means in glossary.chinese.items() if not any(tokens(m) for m in means)]
    assert silent == []
