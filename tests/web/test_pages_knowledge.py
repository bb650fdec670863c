"""Entries through the API: written, changed under a version, found, kept in revisions."""

import pytest

DISK = {
    "title": "磁盘写满",
    "content": "## 现象\n\nNo space left on device\n\n## 步骤\n\n先看 `df -h`。",
    "category": "host",
    "tags": ["disk", "inode"],
}
URL = "/api/v1/knowledge"


@pytest.fixture
def op(call):
    return call("OP")


@pytest.fixture
def disk(op):
    return op.post(URL, json=DISK).json()


def test_a_new_entry_reads_back(op):
    made = op.post(URL, json={**DISK, "comment": "first"})
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    entry = op.get(f"/api/v1/{made.headers['location']}")
    assert entry.headers["content-type"] == "application/json"
    kept = entry.json()
    assert {k: kept[k] for k in DISK} == DISK
    assert (kept["language"], kept["source"], kept["state"]) == ("zh", "human", "published")


def test_a_change_names_the_version_it_changes(op, disk):
    url = f"{URL}/{disk['id']}"
    new = {**DISK, "title": "磁盘写满（新）"}
    assert op.put(url, json=new).status_code == 428
    assert op.put(url, json=new, headers={"If-Match": '"7"'}).status_code == 412
    done = op.put(url, json=new, headers={"If-Match": '"1"'})
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    assert op.put(url, json=DISK, headers={"If-Match": '"1"'}).status_code == 412
    assert op.get(url).json()["title"] == "磁盘写满（新）"


def test_an_entry_read_before_is_not_sent_again(op, disk):
    answer = op.get(f"{URL}/{disk['id']}", headers={"If-None-Match": '"1"'})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_deleted_entry_is_gone_and_its_revisions_stay(op, disk):
    url = f"{URL}/{disk['id']}"
    assert op.delete(url).status_code == 428
    assert op.request("DELETE", url, headers={"If-Match": '"1"'}).status_code == 204
    assert op.get(url).status_code == 404
    assert op.post(f"{URL}/search", json={"query": "磁盘"}).json()["results"] == []
    rows = op.get(f"{url}/revisions").json()["revisions"]
    assert [(one["action"], one["author"]) for one in rows] == [("delete", "op"), ("create", "op")]


def test_search_answers_in_both_languages_and_says_why(op, disk):
    other = op.post(URL, json={"title": "Certificate expired", "content": "x509 expired"}).json()
    found = op.post(f"{URL}/search", json={"query": "disk full", "top_k": 3}).json()
    first = found["results"][0]
    assert (first["rank"], first["id"], first["title"]) == (1, disk["id"], "磁盘写满")
    assert 0 < first["score"] <= 1
    assert "disk" in first["matched"]
    assert found["mode"] == "words"
    assert found["degraded"]
    chinese = op.post(f"{URL}/search", json={"query": "证书过期"}).json()["results"]
    assert chinese[0]["id"] == other["id"]


def test_an_edit_is_found_at_once(op, disk):
    ask = {"query": "watermelon"}
    assert op.post(f"{URL}/search", json=ask).json()["results"] == []
    change = {**DISK, "content": "watermelon"}
    op.put(f"{URL}/{disk['id']}", json=change, headers={"If-Match": '"1"'})
    assert [r["id"] for r in op.post(f"{URL}/search", json=ask).json()["results"]] == [disk["id"]]


@pytest.mark.parametrize(
    ("url", "body", "status"),
    [
        ("/search", {"query": ""}, 422),
        ("/search", {"query": "   "}, 422),
        ("/search", {"query": "x" * 2001}, 422),
        ("/search", {"query": "disk", "top_k": 51}, 422),
        ("/search", {"query": "disk", "top_k": 0}, 422),
        ("/search", {"query": "disk", "colour": "red"}, 422),
        ("", {"title": "", "content": "x"}, 422),
        ("", {"title": "x"}, 422),
        ("", {"title": "x", "content": "y", "state": "secret"}, 422),
    ],
)
def test_a_refusal_is_a_problem_with_a_sentence(op, url, body, status):
    answer = op.post(f"{URL}{url}", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"].startswith("/body")
    assert problem["errors"][0]["message"]


def test_the_same_entry_twice_is_a_conflict(op, disk):
    assert op.post(URL, json=DISK).status_code == 409


def test_filters_and_pages(op, disk):
    op.post(URL, json={"title": "b", "content": "x", "category": "web", "state": "draft"})
    titles = lambda query: [e["title"] for e in op.get(URL + query).json()["entries"]]  # noqa: E731
    assert titles("?category=host") == ["磁盘写满"]
    assert titles("?state=draft") == ["b"]
    assert titles("?tag=inode") == ["磁盘写满"]
    assert len(titles("?limit=1")) == 1
    assert op.get(f"{URL}?limit=1").json()["total_entries"] == 2
    assert op.get(f"{URL}?limit=0").status_code == 422
