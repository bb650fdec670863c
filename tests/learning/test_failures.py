"""Failures that hosts announce: found with the time that is left, by the past alone."""

import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from biglog import offline
from biglog.errors import BadInput
from biglog.learning import directory, failures
from biglog.learning import failures_measured as measured
from biglog.learning.failures import Plan
from biglog.learning.failures_told import (
    ALL,
    SECOND,
    Ahead,
    ahead,
    episodes,
    names_hosts,
    read_failures,
)
from biglog.learning.failures_windows import cells_of, see, tally

PROJECT = Path(__file__).resolve().parents[2]
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
PLAN = Plan(horizon=1800, lead=300, by="", one_host=False, share=0.01)
LOOK = PLAN.look


def line(minutes, host, text):
    return (
        f"{(BEGIN + timedelta(minutes=minutes)).isoformat(timespec='seconds')} {host} app: {text}"
    )


def hours(*, hosts=("db1", "db2", "web1"), rounds=12, gap=400, announced=True, seed=3):
    """Lines and failures' rows: a host fails once in ``gap`` minutes, told 20 minutes before."""
    rng = random.Random(seed)
    lines, told = [], ["host,time"]
    end = rounds * gap
    for host in hosts:
        for minute in range(0, end, 3):
            for _ in range(rng.choice((0, 0, 1, 2, 6))):
                lines.append((minute + rng.random(), host, f"request {rng.randrange(999)} served"))
            if rng.random() < 0.2:
                lines.append((minute + rng.random(), host, "cache refreshed"))
        for at in (n * gap + rng.randrange(100, gap - 20) for n in range(rounds)):
            told.append(f"{host},{(BEGIN + timedelta(minutes=at)).isoformat()}")
            if announced:
                lines += [(at - 20 + rng.random(), host, f"bank {n} corrected") for n in range(3)]
                lines += [(at - 19 + rng.random(), host, "fan speed raised")]
    return [line(*one) for one in sorted(lines)], told


@pytest.fixture
def write(tmp_path):
    def run(name, lines):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    return run


@pytest.fixture
def trained(write):
    """Trains on the lines and failures given; gives the card and the arrays."""

    def run(lines, told, plan=PLAN, **how):
        failed = read_failures(write("failures.csv", told))
        return failures.train([write("app.log", lines)], failed, plan, **how)

    return run


def features(path, failed, look=LOOK, plan=PLAN):
    known = {}
    batches = offline.parse_files([path], "auto", catalogue=known)
    counted = tally(batches, known, look, by=plan.by, one_host=plan.one_host)
    windows = see(counted, failed, look)
    names = sorted(known, key=lambda one: known[one].pattern)
    return windows.rows, cells_of(windows, names, look, unknown=0.5).toarray(), len(names)


def test_what_announces_failures_is_found_with_its_lead_time(trained):
    card, _ = trained(*hours())
    seen = card.figures
    assert seen["failures"] == seen["warned"] >= 5
    assert 0.45 <= seen["recall"] <= 0.7  # no window before the announcement can know
    assert seen["false_positive_rate"] <= 0.02
    assert 13 * 60 <= seen["lead_median"] <= 20 * 60
    best = max(one["average_precision"] for one in failures.read_plan(card).plain.values())
    assert seen["average_precision"] > best + 0.2


def test_what_nothing_announces_is_not_found(trained):
    lines, told = hours(announced=False)
    rng = np.random.default_rng(1)
    hosts = [one.split(",")[0] for one in told[1:]]
    at = rng.uniform(60, 4700, len(hosts))
    told = ["host,time", *(f"{host},{BEGIN.timestamp() + 60 * one:.0f}"
                           for host, one in zip(hosts, at, strict=True))]  # fmt: skip
    seen = trained(lines, told)[0].figures
    assert seen["recall_at_share"] < 0.2
    assert seen["auroc"] < 0.75


def test_later_lines_change_no_earlier_window(write):
    lines, told = hours(rounds=4)
    failed = read_failures(write("f.csv", told))
    cut = BEGIN + timedelta(minutes=800)
    late = [one for one in lines if datetime.fromisoformat(one.split(" ")[0]) >= cut]
    early = lines[: len(lines) - len(late)]
    random.Random(1).shuffle(late)
    # later times for the texts of other lines, and twice as many
    mixed = [f"{one.split(' ')[0]} {' '.join(other.split(' ')[1:])}"
             for one, other in zip(late * 2, late[::-1] * 2, strict=True)]  # fmt: skip
    before, cells, width = features(write("a.log", lines), failed)
    after, others, same = features(write("b.log", early + mixed), failed)
    assert width == same
    end = int(cut.timestamp()) * SECOND
    kept, still = (one["at"].to_numpy() <= end for one in (before, after))
    assert kept.sum() > 400
    assert before.filter(kept).equals(after.filter(still))
    np.testing.assert_array_equal(cells[kept], others[still])
    assert not before.filter(~kept).equals(after.filter(~still))


def test_a_line_at_a_window_s_end_belongs_to_the_next(write):
    failed = pl.DataFrame({"host": ["h"], "time": [0]})
    said = [line(0, "h", "one"), line(4.99, "h", "one"), line(5, "h", "one"), line(21, "h", "one")]
    rows, _, _ = features(write("a.log", said), failed)
    got = {(at - int(BEGIN.timestamp()) * SECOND) // (60 * SECOND): lines
           for at, lines in rows.select("at", "lines").iter_rows()}  # fmt: skip
    assert [got[at] for at in (5, 10, 15, 20, 25)] == [2, 3, 1, 0, 1]


def test_a_failure_is_known_from_when_it_begins_only(write):
    failed = pl.DataFrame({"host": ["h"], "time": [int(BEGIN.timestamp() + 600) * SECOND]})
    rows, _, _ = features(write("a.log", [line(n, "h", "one") for n in range(20)]), failed)
    assert rows["failed"].to_list() == [None, 0.0, 300.0, 600.0]


def test_windows_before_during_and_after(write):
    at = int(BEGIN.timestamp())
    lines = [line(n, "h", "one") for n in range(0, 240)]
    times = [at + 60 * n for n in (100, 110, 125)]
    failed = read_failures(write("f.csv", ["host,time", *(f"h,{one}" for one in times)]))
    rows, _, _ = features(write("a.log", lines), failed)
    told = episodes(failed, LOOK)
    assert told.height == 1
    until = (at + 240 * 60) * SECOND
    odd = dict(measured.label(rows, told, LOOK, until).select("at", "odd").iter_rows())
    said = {minute: odd[(at + 60 * minute) * SECOND] for minute in range(5, 240, 5)}
    assert {one for one in said if said[one] == 1} == {70, 75, 80, 85, 90}
    # sooner than the lead, during, the short window after the last time; and not over at the end
    assert {one for one in said if said[one] is None} == {
        95, 100, 105, 110, 115, 120, 125, 130, 135, *range(215, 240, 5),
    }  # fmt: skip


def test_the_order_of_lines_and_failures_says_nothing_and_a_seed_gives_one_model(trained):
    lines, told = hours()
    card, arrays = trained(lines, told)
    random.Random(5).shuffle(lines)
    shuffled = [told[0], *random.Random(6).sample(told[1:], len(told) - 1)]
    again, others = trained(lines, shuffled)
    assert dict(again.figures) == dict(card.figures)
    assert again.threshold == card.threshold
    assert arrays.keys() == others.keys()
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], others[name])


def test_predicting_warns_in_time_and_says_why(trained, write):
    card, arrays = trained(*hours())
    lines, told = hours(rounds=3, seed=8)
    later = write("later.log", lines)
    rows = failures.predict([later], card, arrays, read_failures(write("t.csv", told)))
    assert rows.columns == ["host", "at", "score", "warning", "reason"]
    assert rows["at"].is_sorted()
    assert rows["score"].is_between(0, 1).all()
    assert (rows["warning"] == (rows["score"] >= 0.5)).all()
    assert ((rows["reason"] != "") == rows["warning"]).all()
    warned = rows.filter("warning")
    for one in told[1:]:
        host, at = one.split(",")
        begins = datetime.fromisoformat(at)
        end = begins - timedelta(minutes=6 + (begins.minute - 6) % 5)
        wanted = end.strftime("%Y-%m-%dT%H:%M:00Z")
        found = warned.filter((pl.col("host") == host) & (pl.col("at") == wanted))
        assert found.height == 1, one
        assert "corrected" in found["reason"][0] or "fan speed" in found["reason"][0]
    half = write("half.log", lines[: len(lines) // 2])
    first = failures.predict([half], card, arrays, read_failures(write("t.csv", told)))
    whole = rows.filter(pl.col("at") < first["at"].max())
    part = first.filter(pl.col("at") < first["at"].max())
    assert part.equals(whole)


def test_both_methods_keep_their_arrays_and_say_why(trained, write):
    lines, told = hours(rounds=8)
    path, failed = write("a.log", lines), read_failures(write("f.csv", told))
    rows, cells, width = features(path, failed)
    odd = measured.label(rows, episodes(failed, LOOK), LOOK, int(rows["at"].max()))
    from scipy.sparse import csr_matrix

    from biglog.findings.learned import boosted

    kept = np.flatnonzero(odd["odd"].is_not_null())
    truth, sparse = odd["odd"].gather(kept).to_numpy(), csr_matrix(cells[kept])
    made = boosted.fit_boosted(sparse, truth, np.ones(len(truth)), seed=1)
    read = boosted.from_arrays(made.arrays())
    scores = made.score(sparse)
    np.testing.assert_array_equal(read.score(sparse), scores)
    from sklearn.ensemble import GradientBoostingClassifier

    theirs = GradientBoostingClassifier(
        n_estimators=boosted.TREES, max_depth=boosted.DEPTH, learning_rate=boosted.RATE,
        subsample=boosted.ROWS, max_features=boosted.COLUMNS,
        min_samples_leaf=boosted.AT_A_LEAF, random_state=1,
    ).fit(sparse.astype(np.float32), truth)  # fmt: skip
    np.testing.assert_allclose(scores, theirs.predict_proba(sparse.astype(np.float32))[:, 1])
    worst = sparse[[int(scores.argmax())]]
    pushes = made.push(worst)
    roots = made.forest.share[made.forest.roots].sum()
    margin = np.log(scores.max() / (1 - scores.max()))
    assert made.bias + roots + pushes.sum() == pytest.approx(margin)
    assert pushes.shape == (1, 2 * width + 10)


def test_a_gap_of_the_clock_has_no_windows(write):
    failed = pl.DataFrame({"host": ["h"], "time": [0]})
    ten_years = 10 * 365 * 24 * 60
    lines = [line(n, "h", "one") for n in (0, 1, ten_years, -ten_years)]
    rows, _, _ = features(write("a.log", lines), failed)
    assert rows.height <= 3 * 12
    assert rows["at"].is_sorted()
    assert (rows["silence"] >= 0).all()


HOSTILE = [
    "=cmd|' /C calc'!A0",
    '"; DROP TABLE hosts; --',
    "主机一",
    "a" * 3000,
    "../../etc",
    "all",
]


def test_hostile_names_of_hosts(write, trained):
    """Names come from a pattern here: they are values, whatever they look like."""
    lines, failed = hours(hosts=("db1",), rounds=6)
    plan = Plan(1800, 300, r"host=(.+?)(?: app)?$", one_host=False, share=0.01)
    said, told = [], ["host,time"]
    for name in HOSTILE:
        said += [f"{one} host={name}" for one in lines]
        quoted = '"' + name.replace('"', '""') + '"'
        told += [f"{quoted},{one.split(',')[1]}" for one in failed[1:]]
    card, arrays = trained(said, told, plan)
    assert card.figures["warned"] == card.figures["failures"] > 0
    rows = failures.predict([write("b.log", said[:5000])], card, arrays)
    assert set(rows["host"]) <= set(HOSTILE)
    full = failures.predict([write("c.log", said)], card, arrays)
    assert set(full["host"]) == set(HOSTILE)


def test_times_alone_are_of_all_lines_together(trained, write):
    lines, told = hours(hosts=("db1",))
    alone = ["time", *(one.split(",")[1] for one in told[1:])]
    assert not names_hosts(write("t.csv", alone))
    plan = Plan(1800, 300, "", one_host=True, share=0.01)
    card, arrays = trained(lines, alone, plan)
    assert card.figures["warned"] == card.figures["failures"]
    assert set(failures.predict([write("a.log", lines)], card, arrays)["host"]) == {ALL}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (["host,time"], "no row"),
        (["host,when", "a,1"], "host, when"),
        (["host,time", "a,yesterday"], "'yesterday'"),
        (["host,time", "a,"], "got the time ''"),
        (["host,time", ",2026-03-01"], "names no host"),
        (["host,time", "a,0001-01-01T00:00:00+14:00", "a,9e99"], "got the time"),
    ],
)
def test_failures_that_cannot_be_meant(write, told, words):
    with pytest.raises(BadInput, match=words):
        read_failures(write("f.csv", told))


def test_times_are_utc_unless_they_say_otherwise(write):
    same = [
        "1772366400",
        "2026-03-01T12:00:00",
        "2026-03-01 12:00:00Z",
        "2026-03-01T20:00:00+08:00",
    ]
    failed = read_failures(write("f.csv", ["time", *same]))
    assert failed.rows() == [(ALL, 1772366400 * SECOND)]


def test_too_little_to_learn_from_is_refused_in_words(trained):
    lines, told = hours()
    with pytest.raises(BadInput, match="1 failures at 1 times"):
        trained(lines, told[:2])
    with pytest.raises(BadInput, match="none of the 1 failures is of a host"):
        trained(lines, ["host,time", "nobody,2026-03-01T10:00:00Z"])
    long = Plan(horizon=6 * 3600, lead=0, by="", one_host=False, share=0.01)
    with pytest.raises(BadInput, match="times more than 12h apart"):
        trained(lines, told, long)
    rows = pl.DataFrame({"odd": [1, 0, 1, None, 1, 0]})
    with pytest.raises(BadInput, match="windows to choose by none is before no failure"):
        failures.check_parts(rows, pl.Series(["fit", "fit", "choose", "choose", "test", "test"]))
    with pytest.raises(BadInput, match="none of the 3 lines"):
        trained(["no time here", "nor here", "at all"], told)
    with pytest.raises(BadInput, match="0 failures at 0 times"):
        trained(lines, ["host,time", "db1,2031-01-01", "db1,2032-01-01", "db1,2033-01-01"])


@pytest.mark.parametrize(
    ("horizon", "lead", "words"),
    [("soon", "0s", "'soon'"), ("30m", "30m", "leaves nothing"), ("1s", "0s", "expected 6s"),
     ("900d", "0s", "366d"), ("30m", "-5m", "'-5m'")],
)  # fmt: skip
def test_lengths_of_time_that_cannot_be_meant(horizon, lead, words):
    with pytest.raises(BadInput, match=words):
        ahead(horizon, lead)
    assert ahead("30m", "5m") == Ahead(1800, 300)


def test_the_threshold_finds_what_the_share_allows_with_the_fewest_others():
    rng = np.random.default_rng(4)
    odd = (np.arange(5000) % 50 == 0).astype(int)
    scores = rng.random(5000) * 0.5 + 0.4 * (odd & (rng.random(5000) < 0.7))
    bar = measured.bar_at(odd, scores, 0.01)
    others = np.sort(scores[odd == 0])[::-1]
    assert float((scores[odd == 0] >= bar).mean()) <= 0.01
    assert (scores[odd == 1] >= bar).sum() == (scores[odd == 1] > others[49]).sum()
    apart = measured.bar_at(odd, odd * 0.8 + 0.1, 0.01)
    assert apart == pytest.approx(0.5)
    same = np.full(9, 0.5)
    assert not (same >= measured.bar_at(np.arange(9) % 2, same, 0.1)).any()


def test_a_kill_leaves_a_whole_model_or_none(trained, tmp_path):
    card, arrays = trained(*hours(rounds=6))
    kept = tmp_path / "kept"
    directory.keep(kept, card, arrays)
    model = tmp_path / "model"
    code = (
        "import sys; from pathlib import Path; from biglog.learning import directory\n"
        f"card, arrays = directory.load(Path({str(kept)!r}))\n"
        "print('ready', flush=True)\n"
        f"while True: directory.keep(Path({str(model)!r}), card, arrays)\n"
    )
    for delay in (0.02, 0.07):
        child = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=PROJECT,
            env={"PYTHONPATH": str(PROJECT / "plugins"), "PATH": ""},
        )  # fmt: skip
        assert child.stdout.readline() == b"ready\n"
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        child.wait()
        if model.exists():
            again, others = directory.load(model)
            assert again.figures == card.figures
            assert others.keys() == arrays.keys()
