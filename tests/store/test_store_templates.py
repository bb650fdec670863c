"""What people change in the catalogue above, what the nights that follow make of it below."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biglog import corrections, installation, lake, pipeline, settings
from biglog.errors import BadInput
from biglog.records import LINES
from biglog.store import read, templates, write

FIRST, SECOND, THIRD = "2026-11-19", "2026-11-20", "2026-11-21"
WHO = "ana"


@pytest.fixture
def site(database, tmp_path):
    (tmp_path / "sources.toml").write_text("", "utf-8")
    return installation.Site(settings.load(tmp_path), database)


def arrive(site, source, date, contents):
    """The lines as ingest would have left them."""
    path = lake.lines(site.settings.lake, source, date)
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {"line_id": n, "file": "a.log", "line_no": n + 1, "content": content, "count": 1}
        for n, content in enumerate(contents)
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=LINES), path)


def parse(site, contents, date=FIRST, source="shop"):
    """The lines parsed; the patterns and ids that they got."""
    arrive(site, source, date, contents)
    pipeline.parse(site, date, source)
    return ids(site, date, source), [read.templates(site.engine)[one].pattern
                                     for one in ids(site, date, source)]  # fmt: skip


def ids(site, date=FIRST, source="shop"):
    table = pq.read_table(lake.events(site.settings.lake, source, date))
    return table["template_id"].to_pylist()


def counted(site, date):
    return read.template_totals(site.engine, [date])


NAMES = ("cyrus", "news", "alice", "bob")
LOGINS = [f"login ok name={name}" for name in NAMES]
ASKED = ["GET /a 200", "GET /b 500", "GET /c 200", "GET /d 404"]


class TestByItself:
    def test_another_run_gives_the_same_ids(self, site):
        once = parse(site, LOGINS + ASKED)
        edits = [templates.history(site.engine, one) for one in once[0]]
        assert parse(site, LOGINS + ASKED) == once
        assert [templates.history(site.engine, one) for one in once[0]] == edits

    def test_what_widens_late_in_a_night_covers_its_first_line(self, site, monkeypatch):
        """Two batches: the second makes one template of what the first took for two."""
        lines = ["login ok name=news", "logout name=bob", *LOGINS]
        known = settings.load(site.settings.home)
        small = settings.replace(known, lines=settings.replace(known.lines, batch_lines=2))
        site = installation.Site(small, site.engine)

        found, patterns = parse(site, lines)
        assert patterns == ["login ok name=<*>", "logout name=bob", *["login ok name=<*>"] * 4]
        assert len(set(found)) == 2
        assert parse(site, lines) == (found, patterns)

    def test_a_merge_by_itself_is_on_record_and_the_younger_counts_under_the_elder(self, site):
        (elder,), _ = parse(site, ["login ok name=cyrus"], FIRST)
        # Pinned for a night, so that the second name makes a template of its own.
        corrections.pin(site.engine, elder, WHO)
        (younger,), _ = parse(site, ["login ok name=news"], SECOND)
        corrections.undo(site.engine, elder, WHO)

        found, _ = parse(site, ["login ok name=alice", "login ok name=news"], THIRD)
        assert set(found) == {elder}
        assert templates.find(site.engine, younger).merged_into == elder
        (edit,) = templates.history(site.engine, younger)
        assert (edit.action, edit.detail, edit.author) == ("merge", f"into {elder}", "biglog")
        assert counted(site, SECOND) == {elder: 1}

        corrections.undo(site.engine, younger, WHO)
        assert templates.find(site.engine, younger).pinned
        found, _ = parse(site, ["login ok name=alice", "login ok name=news"], THIRD)
        assert found == [elder, younger]

    def test_two_sources_share_an_id_whatever_each_saw_first(self, site):
        shop, _ = parse(site, LOGINS, source="shop")
        web, _ = parse(site, ["login ok name=zoe", "login ok name=yan"], source="web")
        assert set(shop) == set(web)
        assert len(read.templates(site.engine)) == 1

    def test_two_partitions_at_once_make_one_catalogue(self, site):
        """The same new lines, in four threads: two nights of two sources."""
        wanted = [(source, date) for source in ("shop", "web") for date in (FIRST, SECOND)]
        for number, (source, date) in enumerate(wanted):
            arrive(site, source, date, [*LOGINS[number:], *ASKED, *LOGINS[:number]])
        with ThreadPoolExecutor(4) as pool:
            runs = [pool.submit(pipeline.parse, site, date, source) for source, date in wanted]
            assert [one.result().rows_out for one in runs] == [8] * 4

        found = [set(ids(site, date, source)) for source, date in wanted]
        assert found == [set(read.templates(site.engine))] * 4
        assert len(found[0]) == 2

    def test_two_processes_at_once_make_one_catalogue(self, site, database_url):
        for source in ("shop", "web"):
            arrive(site, source, FIRST, LOGINS + ASKED)
        script = (
            "import sys; from pathlib import Path;"
            " from biglog import installation, pipeline;"
            " pipeline.parse(installation.open_site(Path(sys.argv[1])), *sys.argv[2:])"
        )
        home, plugins = str(site.settings.home), str(Path(lake.__file__).parents[1])
        runs = [
            subprocess.Popen(
                [sys.executable, "-c", script, home, FIRST, source],
                env={"PYTHONPATH": plugins, "BIGLOG_DB_URL": database_url, "PATH": "/usr/bin"},
            )
            for source in ("shop", "web")
        ]
        assert [one.wait(timeout=120) for one in runs] == [0, 0]
        assert ids(site, source="shop") == ids(site, source="web")
        assert set(ids(site)) == set(read.templates(site.engine))


class TestByAPerson:
    def test_a_name_stays(self, site):
        (one, *_), _ = parse(site, LOGINS)
        corrections.rename(site.engine, one, "  login\nof a user ", WHO)
        parse(site, [*LOGINS, "login ok name=zoe"], SECOND)
        assert templates.find(site.engine, one).name == "login of a user"

    def test_a_pinned_template_stays_as_it_is(self, site):
        (one,), _ = parse(site, ["login ok name=cyrus"])
        corrections.pin(site.engine, one, WHO)
        found, patterns = parse(site, LOGINS, SECOND)
        assert patterns == ["login ok name=cyrus", *["login ok name=<*>"] * 3]
        assert found[0] == one

        corrections.pin(site.engine, one, WHO, pinned=False)
        assert not templates.find(site.engine, one).pinned

    def test_merged_lines_count_under_the_other_in_all_nights(self, site):
        (begun, ended), _ = parse(site, ["job 7 begun by ana", "now job 7 is at its end"])
        joined = corrections.merge(site.engine, ended, begun, WHO, wanted="<*>job <*>")
        assert joined.template_id == begun

        found, patterns = parse(site, ["now job 8 is at its end", "job 9 begun by bob"], SECOND)
        assert found == [begun] * 2
        assert patterns == ["<*>job <*>"] * 2
        events = pq.read_table(lake.events(site.settings.lake, "shop", SECOND))
        assert events["parameters"].to_pylist() == [
            ["now ", "8 is at its end"],
            ["", "9 begun by bob"],
        ]
        assert counted(site, FIRST) == counted(site, SECOND) == {begun: 2}
        history = read.counts(site.engine, [FIRST])
        assert set(history["template_id"].to_pylist()) == {begun}

    def test_a_source_that_had_only_the_merged_one_finds_the_other(self, site):
        (one,), _ = parse(site, ["alpha begun"], source="shop")
        (other,), _ = parse(site, ["alpha ended"], source="web")
        corrections.merge(site.engine, other, one, WHO)
        assert parse(site, ["alpha ended"], SECOND, "web") == ([one], ["alpha <*>"])

    def test_a_split_by_values_gives_each_its_own(self, site):
        (asked, *_), _ = parse(site, ASKED)
        parts = corrections.split(site.engine, asked, WHO, slot=2)
        assert sorted(one.pattern for one in parts) == ["GET <*> 200", "GET <*> 404", "GET <*> 500"]

        _, patterns = parse(site, [*ASKED, "GET /e 503"], SECOND)
        assert patterns == [
            "GET <*> 200", "GET <*> 500", "GET <*> 200", "GET <*> 404", "GET <*> <*>",
        ]  # fmt: skip
        assert read.history(site.engine, SECOND, 28, "m").first_seen.keys() >= {
            one.template_id for one in parts
        }

    def test_a_split_by_patterns(self, site):
        (asked, *_), _ = parse(site, ASKED)
        (failed,) = corrections.split(site.engine, asked, WHO, patterns=["GET <*> 500"])
        found, _ = parse(site, ASKED, SECOND)
        assert found == [asked, failed.template_id, asked, asked]
        assert parse(site, ASKED, SECOND)[0] == found

    def test_earlier_nights_can_be_counted_the_same_way(self, site):
        (asked, *_), _ = parse(site, ASKED)
        parse(site, ASKED, SECOND)
        lake.lines(site.settings.lake, "shop", SECOND).unlink()  # too old to be kept
        (failed,) = corrections.split(site.engine, asked, WHO, patterns=["GET <*> 500"])

        assert corrections.recount(site, asked) == 1
        assert counted(site, FIRST) == {asked: 3, failed.template_id: 1}
        assert counted(site, SECOND) == {asked: 4}


class TestUndoing:
    def test_each_change_is_taken_back_in_turn(self, site):
        (begun, ended), _ = parse(site, ["job 7 begun", "job 7 ended"])
        before = read.templates(site.engine)
        corrections.rename(site.engine, begun, "jobs", WHO)
        corrections.merge(site.engine, ended, begun, WHO)
        assert templates.find(site.engine, begun).pattern == "job <*> <*>"

        assert corrections.undo(site.engine, begun, "bob").action == "merge"
        assert corrections.undo(site.engine, begun, "bob").action == "rename"
        assert read.templates(site.engine) == before
        (version,) = templates.versions(site.engine, begun)
        assert version["pattern"] == "job <*> begun"
        edits = templates.history(site.engine, begun)
        assert [(one.author, one.action, one.undone) for one in edits] == [
            ("bob", "undo", False),
            ("bob", "undo", False),
            ("ana", "merge", True),
            ("ana", "rename", True),
        ]
        with pytest.raises(BadInput, match="nothing to undo"):
            corrections.undo(site.engine, begun, WHO)
        assert parse(site, ["job 8 begun", "job 8 ended"], SECOND)[0] == [begun, ended]

    def test_lines_of_an_undone_split_are_the_parent_s_again(self, site):
        (asked, *_), _ = parse(site, ASKED)
        corrections.split(site.engine, asked, WHO, patterns=["GET <*> 500"])
        parse(site, ASKED, SECOND)
        corrections.undo(site.engine, asked, WHO)
        assert parse(site, ASKED, THIRD)[0] == [asked] * 4
        assert counted(site, SECOND) == {asked: 4}
        (again,) = corrections.split(site.engine, asked, WHO, patterns=["GET <*> 500"])
        assert parse(site, ASKED, THIRD)[0][1] == again.template_id

    def test_what_a_later_change_rests_on_is_not_taken_back(self, site):
        (one, two, three), _ = parse(site, ["job 7 begun", "job 7 ended", "job 7 paused"])
        corrections.merge(site.engine, two, one, WHO)
        corrections.merge(site.engine, one, three, WHO)
        assert templates.find(site.engine, two).merged_into == three
        corrections.undo(site.engine, two, WHO)
        assert templates.find(site.engine, two).merged_into == one
        corrections.rename(site.engine, one, "jobs", WHO)
        with pytest.raises(BadInput, match=f"undo {one} first"):
            corrections.undo(site.engine, two, WHO)


class TestRefusing:
    @pytest.fixture
    def known(self, site):
        (one, two), _ = parse(site, ["job 7 begun", "disk full"])
        return one, two

    def test_an_unknown_id_names_the_nearest(self, site, known):
        with pytest.raises(BadInput, match=f"the nearest: {known[0]}"):
            corrections.pin(site.engine, known[0][:8], WHO)
        with pytest.raises(BadInput, match="templates list"):
            templates.find(site.engine, "?")

    def test_what_makes_no_sense_says_why(self, site, known):
        one, two = known
        for call, words in (
            (lambda: corrections.merge(site.engine, one, one, WHO), "expected two templates"),
            (lambda: corrections.merge(site.engine, one, two, WHO), "no word in common"),
            (lambda: corrections.split(site.engine, one, WHO), "give --at N or --pattern"),
            (lambda: corrections.split(site.engine, one, WHO, slot=4), "counted from 1"),
            (lambda: corrections.split(site.engine, one, WHO, patterns=["x"]), "no part of"),
        ):
            with pytest.raises(BadInput, match=words):
                call()
        assert templates.history(site.engine, one) == ()

    def test_a_merged_template_names_where_it_went(self, site):
        (third, fourth), _ = parse(site, ["cpu 1 hot", "cpu 1 cold"], SECOND)
        corrections.merge(site.engine, third, fourth, WHO)
        with pytest.raises(BadInput, match=f"was merged into {fourth}"):
            corrections.pin(site.engine, third, WHO)


def test_variables_are_replaced_with_the_partition(site):
    (took, *_), _ = parse(site, ["query took 5 ms", "query took 250 ms", "query took 1500 ms"])
    (one,) = read.variables(site.engine, took)
    assert (one.kind, one.unit, one.count, one.distinct) == ("duration", "s", 3, 3)
    assert (one.minimum, one.p50, one.maximum) == (0.005, 0.25, 1.5)
    assert one.top == (("1500", 1), ("250", 1), ("5", 1))

    parse(site, ["query took 7 ms"])
    (one,) = read.variables(site.engine, took)
    assert (one.count, one.maximum) == (1, 0.007)

    lake.lines(site.settings.lake, "shop", FIRST).unlink()
    pipeline.parse(site, FIRST, "shop")
    assert read.variables(site.engine, took) == ()


def test_hostile_values_are_kept_as_text(site):
    evil = "'; DROP TABLE biglog.template; -- \0 {{7*7}} <script> %s"
    (one, *_), _ = parse(site, [f'say "{evil}" 5', f'say "{evil}" 6'])
    assert read.variables(site.engine, one)
    corrections.rename(site.engine, one, evil, evil)
    assert templates.find(site.engine, one).name == evil.replace("\0", "?")
    assert write.MINER not in {each.author for each in templates.history(site.engine, one)}
