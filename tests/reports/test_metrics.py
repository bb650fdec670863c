"""The metrics of a night in the report, in both languages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from biglog.records import Curve, MetricAnomaly, MetricCoverage, MetricNight
from biglog.reports.limits import PAGE
from biglog.reports.metrics import amount, table
from biglog.reports.render import render
from biglog.reports.voice import voice
from biglog.settings import ReportSettings
from reports.night import DATE, HOSTILE, at, busy_night
from reports.reading import read

CURVE = Curve(
    values=(1.0, 2.0, None, *[1.0] * 7, 48.0, *[1.5] * 85),
    usual=(None, 1.0, 1.0, *[1.0] * 93),
    first=10,
    last=13,
)
LOAD = MetricAnomaly(
    DATE, 'node_load1{instance="db1:9100"}', at("02:20"), 48.2, 1.2, 0.71,
    "48.2, usual 1.2: far above what is usual; the last 12 points have left their usual level",
    source="prometheus", before=timedelta(minutes=5), after=timedelta(minutes=40), points=10,
    rank=1, curve=CURVE,
)  # fmt: skip
DISK = MetricAnomaly(
    DATE, "disk free", at("20:00"), 0.00123, 0.4, 0.6, "a sign of a later version",
    source="node", rank=2,
)  # fmt: skip
COVERAGE = (
    MetricCoverage(DATE, "node", "complete", 3, 4320, 4300, 1),
    MetricCoverage(DATE, "prometheus", "complete", 12, 17280, 17000, 4, gone=2),
)


def night(*anomalies, coverage=COVERAGE):
    return replace(busy_night(), metrics=MetricNight(DATE, coverage, anomalies))


def page(one, locale="en"):
    return read(render(one, ReportSettings(), locale))


def between(text, start, end):
    return text[text.index(start) : text.index(end, text.index(start))]


def test_the_section_says_what_was_odd():
    text = page(night(LOAD, DISK)).text()
    for words in (
        "15 series with 21,600 points came from 2 sources; 21,300 points had enough before them",
        "prometheus: series that came on every earlier night and not on this one: 2",
        'node_load1{instance="db1:9100"} prometheus · far above the usual; 12 points away from '
        "its usual level",
        "02:15 – 03:00 45 min 48.2 1.2 0.71 #1",
        "disk free node · a sign of a later version 20:00 0.00123 0.4 0.60",
        "3 weaker anomalies are not listed.",
    ):
        assert words in text, words


def test_the_same_in_chinese():
    text = page(night(LOAD, DISK), "zh").text()
    for words in (
        "共 2 个来源，15 个序列，21,600 个点；其中 21,300 个点之前有足够的数据可供比较。",
        "prometheus：此前每晚都有、今晚没有的序列：2 个",
        "远高于平常；已有 12 个点偏离平常水平",
        "同一时段有 1 个指标异常，最异常的是 "
        'node_load1{instance="db1:9100"}，为 48.2，平常为 1.2（02:15 – 03:00）',
        "另有 3 个较弱的异常未列出。",
    ):
        assert words in text, words


def test_an_incident_says_which_metrics_were_odd_at_its_time():
    other = replace(LOAD, series="cpu", rank=3)
    text = page(night(LOAD, DISK, other)).text()
    card = between(text, "▲ Critical 86", "◆ High 71")
    assert (
        'Metrics at that time: 2 anomalies, the oddest node_load1{instance="db1:9100"} at 48.2 '
        "where 1.2 is usual (02:15 – 03:00)"
    ) in card
    assert "Metrics at that time" not in page(night(DISK)).text().split("High 71")[0]


def test_the_curve_is_drawn_with_its_usual_and_its_odd_time():
    found = table(night(LOAD), voice("en", "UTC"), PAGE[0])
    spark = found.rows[0].spark
    assert spark.values.startswith("M1 33.0h.1L3 32.4M7 33.0h.1L9 33.0")
    assert "L21 3.0" in spark.values
    assert spark.usual.startswith("M3 33.0h.1L5 33.0")
    assert (spark.left, spark.width) == (20, 8)
    html = render(night(LOAD), ReportSettings(), "en")
    assert '<rect class="odd" x="20" y="0" width="8" height="36"/>' in html


@pytest.mark.parametrize(
    ("coverage", "words"),
    [
        ((), "not analysed yet: the DAG analyse_metrics does it, or biglog metrics run --date 2"),
        ((MetricCoverage(DATE, "node", "missing", reason="no file"),), "node: Missing: no file"),
        ((MetricCoverage(DATE, "node", "missing"),), "No metrics came"),
        ((MetricCoverage(DATE, "node", "complete", 1, 9),), "too few points before these"),
        ((MetricCoverage(DATE, "node", "complete", 1, 90, 60),), "No metric left its usual course"),
    ],
)  # fmt: skip
def test_a_night_without_anomalies_says_why(coverage, words):
    assert words in page(night(coverage=coverage)).text()


def test_without_metrics_there_is_no_section():
    html = render(busy_night(), ReportSettings(), "en")
    assert 'id="metrics"' not in html
    assert 'href="#metrics"' not in html
    assert 'href="#metrics"' in render(night(), ReportSettings(), "en")


def test_hostile_names_and_numbers_stay_text():
    strange = [float("1e308"), -1e308, 0.0, 1e-300]
    crimes = [
        replace(
            LOAD, series=text, source=text, reason=text, value=strange[i % 4], rank=i + 1,
            expected=None, curve=Curve((strange[0], strange[1]), (None, None), 0, 1),
        )
        for i, text in enumerate(HOSTILE)
    ]  # fmt: skip
    gaps = tuple(MetricCoverage(DATE, text, "failed", reason=text) for text in HOSTILE)
    html = render(night(*crimes, coverage=gaps), ReportSettings(), "en")
    shown = read(html)
    assert len(html) < 1_000_000
    assert not {"img"} & {tag for tag, _ in shown.elements}
    assert len(shown.all("script")) == 1
    assert not [one for _, given in shown.elements for one in given if one.startswith("on")]
    html.encode("utf-8")


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "0"), (48.2, "48.2"), (1234.5, "1,234"), (0.4202, "0.42"), (0.00123, "0.00123"),
        (-0.5, "-0.5"), (4.1e9, "4.1B"), (3.2e-9, "3.2e-09"), (1e30, "1e+30"),
    ],
)  # fmt: skip
def test_numbers_of_any_size_are_read_at_a_glance(value, told):
    assert amount(value, voice("en", "UTC")) == told
