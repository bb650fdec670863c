"""Which lines tell of the speaker's own fault, and what is quoted of them; all made up."""

import pytest

from biglog.incidents.admitted import admitted


@pytest.mark.parametrize(
    ("line", "clause"),
    [
        ("FATAL: sorry, too many clients already", "too many clients already"),
        ("could not write <*>: No space left on device", "No space left on device"),
        ("the database system is in recovery mode", "the database system is in recovery mode"),
        ("oom_reaper: reaped process <*>", "oom_reaper"),
        ("configuration refused: line <*>, column <*>", "configuration refused"),
        ("cannot read the configuration of <*>", "cannot read the configuration of …"),
        ("peer certificate has expired (<*>)", "peer certificate has expired (…)"),
        ("WARNING: maxmemory <*> is below use", "WARNING: maxmemory … is below use"),
        ("recovery of <*> failed; will retry", "recovery of … failed"),
        ("已启动，证书已过期。", "证书已过期"),
    ],
)
def test_a_fault_of_its_own_is_quoted_as_the_clause_that_tells_it(line, clause):
    assert admitted(line) == clause


@pytest.mark.parametrize(
    "line",
    [
        "reloading configuration",
        "recovery complete",
        "certificate renewed for <*>",
        "maxmemory set to <*>",
        "configuration checked, no errors",
        "remounted read-only for the backup",
        "moved to another room",
        "重新加载配置",
        "配置已恢复，没有错误",
        "",
    ],
)
def test_words_that_are_no_fault_alone_tell_of_none(line):
    assert admitted(line) == ""


def test_failure_in_another_sentence_or_line_is_another_matter():
    assert admitted("configuration loaded; request failed") == ""
    assert admitted("Configuration loaded. Request failed") == ""
    assert admitted("configuration of v1.2 failed") == "configuration of v1.2 failed"
    assert admitted("request failed\nconfiguration loaded") == ""


def test_a_long_clause_is_quoted_from_the_fault_on_and_cut():
    said = admitted(f"process {'a ' * 40}met a deadlock while waiting for {'b ' * 40}")
    assert said.startswith("deadlock while waiting")
    assert said.endswith("…")
    assert len(said) <= 60


def test_what_is_quoted_cannot_divide_a_reason():
    said = admitted("disk “data; main” read-only: cannot write; giving up")
    assert said
    assert not set("“”;") & set(said)


def test_what_came_from_an_error_of_another_program_is_cut_at_its_line_end():
    assert admitted(r"raised Error('FATAL: not yet accepting connections\nDETAIL: wait") == (
        "not yet accepting connections"
    )
    assert admitted("call failed: SSLError: [SSL: CERTIFICATE_VERIFY_FAILED] verify failed") == (
        "CERTIFICATE_VERIFY_FAILED"
    )
