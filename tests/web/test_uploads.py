"""Files brought by people: a safe name, a limit, and the run that judges them."""

import re
from datetime import UTC, datetime

import pytest

from biglog import lake
from biglog.web import uploads
from biglog.web.problems import Problem

AT = datetime(2026, 11, 20, 2, 14, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("function", "file", "name"),
    [
        ("order", "app.log", "order_20261120_021407.log"),
        ("order", "APP.LOG", "order_20261120_021407.log"),
        ("order", "app.log.gz", "order_20261120_021407.log.gz"),
        ("order", "app.2026.zst", "order_20261120_021407.zst"),
        ("../../etc/passwd", "../../x.txt", "etc-passwd_20261120_021407.txt"),
        ("订单", "a.csv", "upload_20261120_021407.csv"),
        ("a b;rm -rf", "x.jsonl", "a-b-rm--rf_20261120_021407.jsonl"),
    ],
)
def test_only_the_suffix_of_a_name_is_kept(function, file, name):
    assert uploads.safe_name(function, file, AT) == name
    assert uploads.NAME.fullmatch(name)


@pytest.mark.parametrize("file", ["x.exe", "x", "x.log.exe", "", ".log/..", "x.html"])
def test_other_suffixes_are_refused(file):
    with pytest.raises(Problem, match="not read"):
        uploads.safe_name("a", file, AT)


def test_an_upload_is_kept_whole_and_its_run_asked_for(call, site, monkeypatch):
    asked = []

    async def started(dag_id, conf, *, token):
        asked.append((dag_id, conf["path"], bool(token)))
        return "manual__1"

    monkeypatch.setattr(uploads, "trigger_dag", started)
    operator = call("OP")
    answer = operator.post("/api/v1/uploads?file=app.log&function=order", content=b"a\nb\n" * 1000)
    assert answer.status_code == 201
    made = answer.json()
    assert re.fullmatch(r"order_\d{8}_\d{6}\.log", made["name"])
    assert (made["bytes"], made["run_id"]) == (4000, "manual__1")
    assert asked == [("analyse_upload", made["name"], True)]
    assert (site.settings.home / "uploads" / made["name"]).read_bytes() == b"a\nb\n" * 1000
    again = operator.post("/api/v1/uploads?file=app.log&function=order", content=b"c").json()
    assert again["name"] != made["name"]
    assert made["name"] in operator.get("/upload").text


def test_where_the_run_does_not_start_the_answer_says_what_to_do(call, site, monkeypatch):
    async def refused(dag_id, conf, *, token):
        raise Problem(404, "Airflow did not start analyse_upload: the DAG is not known yet")

    monkeypatch.setattr(uploads, "trigger_dag", refused)
    made = call("OP").post("/api/v1/uploads?file=a.txt", content=b"x").json()
    assert made["run_id"] is None
    assert made["conf"] == {"path": made["name"], "format": "auto"}
    assert "not known yet" in made["reason"]
    assert (site.settings.home / "uploads" / made["name"]).exists()


@pytest.mark.parametrize(
    ("query", "content", "status"),
    [("file=a.exe", b"x", 415), ("file=a.log", b"", 422), ("", b"x", 422)],
)
def test_what_is_no_log_is_refused_and_leaves_nothing(call, site, query, content, status):
    answer = call("OP").post(f"/api/v1/uploads?{query}", content=content)
    assert answer.status_code == status
    folder = site.settings.home / "uploads"
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_file_larger_than_the_limit_is_refused_while_it_comes(call, site, monkeypatch):
    from biglog.web import limits

    monkeypatch.setattr(limits, "UPLOAD", 1000)
    pieces = (b"x" * 300 for _ in range(10))
    answer = call("OP").post("/api/v1/uploads?file=a.log", content=pieces)
    assert answer.status_code == 413
    assert list((site.settings.home / "uploads").iterdir()) == []


def test_results_are_served_by_name_only(call, site):
    folder = site.settings.home / "uploads"
    beside = folder / "order_20261120_021407.log.result"
    beside.mkdir(parents=True)
    (folder / "order_20261120_021407.log").write_text("x")
    (beside / "result.csv").write_text("score\n1\n")
    (beside / "page.html").write_text("<title>judged</title>")
    (folder / "secret.txt").write_text("secret")
    viewer = call("VIEWER")
    listed = viewer.get("/api/v1/uploads").json()["uploads"]
    assert [(u["name"], u["results"]) for u in listed] == [
        ("order_20261120_021407.log", ["page.html", "result.csv"])
    ]
    page = viewer.get("/api/v1/uploads/order_20261120_021407.log/page.html")
    assert "sandbox" in page.headers["content-security-policy"]
    table = viewer.get("/api/v1/uploads/order_20261120_021407.log/result.csv")
    assert table.headers["content-disposition"].startswith("attachment")
    for bad in (
        "order_20261120_021407.log/..%2Fsecret.txt",
        "..%2Fsecret.txt/result.csv",
        "secret.txt/result.csv",
        "order_20261120_021407.log/none",
    ):
        assert viewer.get(f"/api/v1/uploads/{bad}").status_code == 404


def test_a_judged_file_has_a_page(call, site):
    from biglog.uploads import FileResult, OddKind, result_folder

    name = "order_20261120_021407.log"
    path = site.settings.home / "uploads" / name
    kind = OddKind("disk <script> <*>", 3, 17, 0.91, "never seen in 12 nights")
    result = FileResult(name, 120, 3, 9, "12 nights", "lines.csv", (kind,))
    result_folder(path).mkdir(parents=True)
    path.write_text("x")
    lake.write_json(result_folder(path) / "summary.json", FileResult, result)
    viewer = call("VIEWER")
    assert f"/biglog/upload/{name}?lang=en" in viewer.get("/upload?lang=en").text
    page = viewer.get(f"/upload/{name}?lang=en").text
    assert "120 lines of 9 kinds; 3 lines are odd." in page
    assert "disk &lt;script&gt;" in page
    assert "never seen in 12 nights" in page
    assert viewer.get("/upload/other_20261120_021407.log").status_code == 404
