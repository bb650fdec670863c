"""A cause's reason, as incidents word it, in the reader's language."""

import pytest

from biglog.incidents.admitted import admitted
from biglog.reports.cards import told
from biglog.reports.limits import PAGE
from biglog.reports.voice import voice

EN, ZH = voice("en", "UTC"), voice("zh", "UTC")


@pytest.mark.parametrize(
    ("line", "clause"),
    [
        ("FATAL: sorry, too many clients already", "too many clients already"),
        ("<*>: configuration file <*>: cannot parse", "configuration file …: cannot parse"),
        ("own certificate “main”: error <*>", 'own certificate "main": error …'),
        ("WARNING: maxmemory <*> " + "is " * 40, ("WARNING: maxmemory … " + "is " * 40)[:59] + "…"),
    ],
)
def test_the_clause_that_a_service_is_quoted_with_is_told_in_both_languages(line, clause):
    reason = f"cache: it reports “{admitted(line)}” itself; it shows trouble of its own."
    assert told(reason, EN, PAGE[0]) == f"reports “{clause}” itself; shows trouble of its own"
    assert told(reason, ZH, PAGE[0]) == f"自己报告了“{clause}”；自身也有异常"
