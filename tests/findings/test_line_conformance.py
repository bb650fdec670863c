"""What everything that judges lines keeps to, whatever it looks for."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from biglog.findings import values, webattacks
from biglog.findings.lines import Usual, score_templates, tally_all
from findings.values_past import judged_alone, reach

LINES = {
    "template_id": pl.String,
    "template": pl.String,
    "level": pl.String,
    "host": pl.String,
    "timestamp": pl.Datetime("us", "UTC"),
}
START = datetime(2026, 3, 10, tzinfo=UTC)


class Kinds:
    """Lines judged by their template."""

    def rows(self, odd, size=400):
        rows = [("served <*>", "INFO", f"n{n % 5}") for n in range(size)]
        rows[size - odd :] = [("disk <*> is corrupt", "CRITICAL", "n3")] * odd
        return self.frame(rows)

    def frame(self, rows):
        times = [START + timedelta(seconds=n) for n in range(len(rows))]
        full = [(text, *rest, at) for (text, *rest), at in zip(rows, times, strict=True)]
        return pl.DataFrame([(one[0], *one) for one in full], LINES, orient="row")

    def judge(self, rows, past=None):
        usual = None
        if past is not None:
            usual = Usual(dict(past.group_by("template_id").len().iter_rows()), past.height)
        key = ["template_id", "level"]
        scored = score_templates(tally_all(rows), usual)
        return rows.join(scored, on=key, how="left", nulls_equal=True, maintain_order="left")

    def equal(self):
        return self.frame([("served <*>", "INFO", "n1")] * 50)


class Requests:
    """Lines judged by their request."""

    def rows(self, odd, size=400):
        good = [f"GET /product/{n % 7} HTTP/1.1 200 OK" for n in range(size - odd)]
        return self.frame([*good, *["GET /p?f=../../etc/passwd HTTP/1.1 404 Not Found"] * odd])

    def frame(self, texts):
        fields = pl.Series(['{"client":"192.0.2.1"}'] * len(texts), dtype=pl.String)
        read = webattacks.read_requests(pl.Series(texts, dtype=pl.String), fields)
        return pl.DataFrame(schema=webattacks.SCHEMA) if read is None else read

    def judge(self, rows, past=None):
        return webattacks.score_requests(rows)

    def equal(self):
        return self.frame(["POST /cart HTTP/1.1 200 OK"] * 50)


class Values:
    """Lines judged by the values inside."""

    def rows(self, odd, size=400):
        numbers = np.random.default_rng(5).lognormal(0.0, 0.5, size)
        numbers[size - odd :] = 900.0
        return self.frame(numbers)

    def frame(self, numbers):
        rows = {"line": range(len(numbers)), "place": 1, "field": "took (s)", "number": numbers}
        return (
            pl.DataFrame({**rows, "number": list(numbers)})
            .with_columns(text=pl.lit(None))
            .select(list(values.SCHEMA))
            .cast(values.SCHEMA)
        )

    def judge(self, rows, past=None):
        found = judged_alone(rows) if past is None else values.score_values(rows, reach(past))
        joined = rows.join(found, on="line", how="left", maintain_order="left")
        return joined.with_columns(
            pl.col("score").fill_null(0.0),
            pl.col("anomalous").fill_null(value=False),
            pl.col("reason").fill_null(""),
        )

    def equal(self):
        return self.frame([3.0] * 50)


@pytest.fixture(params=[Kinds(), Requests(), Values()], ids=lambda one: type(one).__name__.lower())
def judged(request):
    return request.param


def verdicts(frame):
    return frame.select("score", "anomalous", "reason").rows()


class TestEveryJudge:
    def test_no_line(self, judged):
        assert judged.judge(judged.rows(0).head(0)).is_empty()

    def test_one_line(self, judged):
        assert judged.judge(judged.rows(0).head(1))["anomalous"].to_list() == [False]

    def test_all_equal(self, judged):
        assert not judged.judge(judged.equal())["anomalous"].any()
        assert not judged.judge(judged.equal(), judged.equal())["anomalous"].any()

    def test_a_steady_file_has_none(self, judged):
        assert not judged.judge(judged.rows(0))["anomalous"].any()
        assert not judged.judge(judged.rows(0), judged.rows(0, 900))["anomalous"].any()

    @pytest.mark.parametrize("with_history", [False, True])
    def test_the_odd_are_found_and_said_why(self, judged, with_history):
        past = judged.rows(0, 900) if with_history else None
        found = judged.judge(judged.rows(3), past)
        assert found["anomalous"][-3:].all()
        assert not found["anomalous"][:-3].any()
        assert found["score"].is_between(0.0, 1.0).all()
        assert (found.filter("anomalous")["reason"] != "").all()

    def test_order_of_lines_does_not_matter(self, judged):
        rows = judged.rows(3)
        order = np.random.default_rng(7).permutation(rows.height)
        plain = verdicts(judged.judge(rows))
        assert verdicts(judged.judge(rows[order])) == [plain[n] for n in order]

    def test_same_lines_give_same_verdicts(self, judged):
        assert verdicts(judged.judge(judged.rows(3))) == verdicts(judged.judge(judged.rows(3)))

    def test_a_history_with_the_fault_in_it(self, judged):
        """One in five hundred of the history is the fault of today."""
        found = judged.judge(judged.rows(3), judged.rows(1, 2000))
        assert found["score"][-3:].min() > found["score"][:-3].max()

    def test_a_tenth_of_the_history_missing(self, judged):
        past = judged.rows(0, 900)
        thin = past[[n for n in range(past.height) if n % 10]]
        whole = judged.judge(judged.rows(3), past)["anomalous"]
        assert judged.judge(judged.rows(3), thin)["anomalous"].equals(whole)

    def test_a_gap_in_the_clock(self, judged):
        rows = judged.rows(3)
        if "timestamp" not in rows.columns:
            pytest.skip("looks at no times")
        late = pl.col("timestamp") >= START + timedelta(seconds=200)
        moved = pl.when(late).then(pl.col("timestamp") + timedelta(hours=9)).otherwise("timestamp")
        gap = judged.judge(rows.with_columns(timestamp=moved))
        assert verdicts(gap) == verdicts(judged.judge(rows))

    def test_no_times_at_all(self, judged):
        rows = judged.rows(3)
        if "timestamp" not in rows.columns:
            pytest.skip("looks at no times")
        none = rows.with_columns(timestamp=pl.lit(None, dtype=rows.schema["timestamp"]))
        assert judged.judge(none)["anomalous"][-3:].all()
