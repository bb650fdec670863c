"""Migrations are applied once, in order, whole; views follow their files; copies restore."""

import shutil
from pathlib import Path

import pytest
from database import address, administer, fresh
from sqlalchemy import make_url, text
from two_nights import FIRST, SECOND, fill, incident, night

from biglog.errors import BadInput
from biglog.store import backup, connect, read, write
from biglog.store.migrate import migrate, status

SQL = Path(__file__).parents[2] / "sql"


@pytest.fixture
def sql(tmp_path):
    """A small directory of migrations to change at will."""
    folder = tmp_path / "sql"
    (folder / "views").mkdir(parents=True)
    shutil.copy(SQL / "001_extension.sql", folder)
    shutil.copy(SQL / "002_schemas.sql", folder)
    shutil.copy(SQL / "grants.sql", folder)
    (folder / "003_a.sql").write_text("CREATE TABLE biglog.a (x int);\n", "utf-8")
    (folder / "views/010_first.sql").write_text(
        "CREATE VIEW biglog_report.first AS SELECT x FROM biglog.a;\n", "utf-8"
    )
    (folder / "views/020_second.sql").write_text(
        "CREATE VIEW biglog_report.second AS SELECT x FROM biglog_report.first;\n", "utf-8"
    )
    return folder


def states(engine, folder):
    return {one.name: one.state for one in status(engine, folder)}


def test_the_real_files_apply_once_to_an_empty_database(empty_database):
    assert set(states(empty_database, SQL).values()) == {"pending"}
    first = migrate(empty_database, SQL)
    assert [one.name for one in first[:2]] == ["001_extension.sql", "002_schemas.sql"]
    assert migrate(empty_database, SQL) == ()
    assert set(states(empty_database, SQL).values()) == {"applied"}


def test_a_new_file_is_applied_alone(empty_database, sql):
    migrate(empty_database, sql)
    (sql / "004_b.sql").write_text("CREATE TABLE biglog.b (x int);", "utf-8")
    assert states(empty_database, sql)["004_b.sql"] == "pending"
    assert [one.name for one in migrate(empty_database, sql)] == ["004_b.sql"]


def test_a_failing_migration_leaves_nothing_and_can_be_repaired(empty_database, sql):
    bad = sql / "004_bad.sql"
    bad.write_text("CREATE TABLE biglog.b (x int); SELECT 1/0;", "utf-8")
    with pytest.raises(BadInput, match=r"004_bad\.sql failed: division by zero"):
        migrate(empty_database, sql)
    assert states(empty_database, sql)["003_a.sql"] == "applied"
    bad.write_text("CREATE TABLE biglog.b (x int);", "utf-8")
    migrate(empty_database, sql)
    assert states(empty_database, sql)["004_bad.sql"] == "applied"


def change(sql):
    (sql / "003_a.sql").write_text("CREATE TABLE biglog.a (y int);", "utf-8")


def forget(sql):
    (sql / "003_a.sql").unlink()


def squeeze(sql):
    (sql / "002_schemas.sql").rename(sql / "001_schemas.sql")


def misname(sql):
    (sql / "4-b.sql").write_text("SELECT 1", "utf-8")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (change, r"003_a\.sql was changed after it was applied"),
        (forget, r"003_a, which this version does not know"),
        (squeeze, "have one number"),
        (misname, r"4-b\.sql: expected a name like"),
    ],
)
def test_a_past_that_does_not_fit_is_refused(empty_database, sql, how, words):
    migrate(empty_database, sql)
    how(sql)
    with pytest.raises(BadInput, match=words):
        migrate(empty_database, sql)


def test_a_late_number_is_refused(empty_database, sql):
    (sql / "003_a.sql").rename(sql / "005_a.sql")
    migrate(empty_database, sql)
    (sql / "004_b.sql").write_text("SELECT 1", "utf-8")
    with pytest.raises(BadInput, match=r"004_b\.sql comes before 005"):
        migrate(empty_database, sql)


def test_line_ends_of_a_checkout_are_no_change(empty_database, sql):
    migrate(empty_database, sql)
    (sql / "003_a.sql").write_bytes(b"CREATE TABLE biglog.a (x int);\r\n")
    assert migrate(empty_database, sql) == ()


def test_views_that_build_on_each_other_are_made_again_with_their_grants(empty_database, sql):
    migrate(empty_database, sql)
    url = empty_database.url.render_as_string(hide_password=False)
    administer(url, "GRANT SELECT ON biglog_report.second TO PUBLIC")
    (sql / "views/010_first.sql").write_text(
        "CREATE VIEW biglog_report.first AS SELECT 1.5 AS y, x FROM biglog.a;", "utf-8"
    )
    (sql / "views/030_third.sql").write_text(
        "CREATE VIEW biglog_report.third AS SELECT 1 AS z;", "utf-8"
    )
    done = [one.name for one in migrate(empty_database, sql)]

    assert done == ["views/010_first.sql", "views/020_second.sql", "views/030_third.sql"]
    with empty_database.connect() as connection:
        assert list(connection.execute(text("SELECT * FROM biglog_report.first")).keys()) == [
            "y",
            "x",
        ]
        for view, role in (
            ("second", "public"),
            ("second", "biglog_reader"),
            ("third", "biglog_reader"),
        ):
            held = text("SELECT has_table_privilege(:role, :view, 'SELECT')")
            parameters = {"role": role, "view": f"biglog_report.{view}"}
            assert connection.execute(held, parameters).scalar()


def test_a_view_whose_file_is_gone_goes(empty_database, sql):
    migrate(empty_database, sql)
    (sql / "views/020_second.sql").unlink()
    migrate(empty_database, sql)
    with empty_database.connect() as connection:
        assert (
            connection.execute(text("SELECT to_regclass('biglog_report.second')")).scalar() is None
        )


def test_without_the_right_to_make_roles_a_notice_says_so(server, empty_database, sql):
    url = empty_database.url.render_as_string(hide_password=False)
    name = f"plain_{empty_database.url.database}"
    administer(
        url,
        f"CREATE ROLE {name} LOGIN",
        "CREATE EXTENSION vector",
        f"GRANT CREATE ON DATABASE {empty_database.url.database} TO {name}",
    )
    engine = connect.engine(make_url(url).set(username=name).render_as_string(hide_password=False))
    grants = (sql / "grants.sql").read_text("utf-8").replace("biglog_reader", f"{name}_reader")
    (sql / "grants.sql").write_text(grants, "utf-8")
    done = migrate(engine, sql)
    engine.dispose()

    assert done[-1].name == "grants.sql"
    assert "may not create it: an administrator should run" in done[-1].notices[0]
    administer(url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_two_migrators_at_once_apply_once(server, sql):
    from test_store_races import both

    with fresh(server, "template0") as url:
        engine = connect.engine(url)
        done = both(lambda: migrate(engine, sql), lambda: migrate(engine, sql))
        assert sorted(len(one) for one in done) == [0, 5]
        engine.dispose()


def sizes(engine):
    with engine.connect() as connection:
        tables = connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'biglog' ORDER BY 1")
        ).scalars()
        return {
            one: connection.execute(text(f"SELECT count(*) FROM biglog.{one}")).scalar()
            for one in list(tables)
        }


def test_a_copy_restores_to_the_same_rows(server, database, database_url, tmp_path):
    fill(database)
    path = tmp_path / "copies" / "night.dump"
    assert backup.backup(database_url, path) == path.stat().st_size
    assert [one.name for one in path.parent.iterdir()] == ["night.dump"]

    with fresh(server, "template0") as url:
        backup.restore(path, url)
        engine = connect.engine(url)
        migrate(engine, SQL)
        assert sizes(engine) == sizes(database)
        assert sum(sizes(engine).values()) > 40
        assert read.night(engine, SECOND) == read.night(database, SECOND)
        engine.dispose()


def test_a_copy_is_never_restored_over_tables(database, database_url, tmp_path):
    backup.backup(database_url, tmp_path / "one.dump")
    with pytest.raises(BadInput, match="holds BigLog's tables already"):
        backup.restore(tmp_path / "one.dump", database_url)
    with pytest.raises(BadInput, match="no backup at"):
        backup.restore(tmp_path / "two.dump", database_url)


def test_a_failed_copy_leaves_the_old_one(server, database_url, tmp_path):
    path = tmp_path / "one.dump"
    path.write_bytes(b"old")
    with pytest.raises(Exception, match="pg_dump failed"):
        backup.backup(address(server, "nowhere"), path)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"old"]


def test_old_nights_go_and_what_is_known_stays(database):
    fill(database)
    write.publish(database, night(FIRST, incidents=(incident(FIRST, "i0"),)))
    gone = backup.retention(database, 10, today="2026-11-30")

    assert (gone["template_count"], gone["coverage"], gone["incident"]) == (3, 2, 0)
    assert read.nights(database) == (FIRST, SECOND)  # kept for its incident
    assert len(read.templates(database)) == 3
    assert read.history(database, SECOND, 28, "eyes:mean@4").first_seen
    assert backup.retention(database, 10, today="2026-11-30") == dict.fromkeys(gone, 0)

    later = backup.retention(database, 10, today="2026-12-30", keep_incident_days=20)
    assert later["incident"] == 2
    assert read.nights(database) == ()
    with pytest.raises(BadInput, match="expected 1 or more"):
        backup.retention(database, 0, today="2026-12-30")
