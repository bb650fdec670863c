"""The pages: what they say in two languages, and that nothing written becomes markup."""

import re
import tomllib

import pytest

from biglog.settings import PROJECT

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{ 7*7 }}"
TEMPLATES = PROJECT / "reports" / "templates" / "web"
PAGES = ["/", "/knowledge", "/knowledge/new", "/knowledge?q=disk", "/events", "/upload", "/docs"]


@pytest.fixture
def op(call):
    return call("OP")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_page_is_html_in_its_language_and_runs_only_its_own_script(op, path, lang):
    answer = op.get(path, params={"lang": lang} if "?" not in path else None,
                    headers={"Accept-Language": lang})  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert f'<html lang="{"zh-CN" if lang == "zh" else "en"}">' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)[1]
    assert re.findall(r"<script[^>]*>", answer.text) == [f'<script nonce="{nonce}">']
    assert not re.search(r"\son\w+=|target=|javascript:|\balert\(|\bconfirm\(", answer.text)


def test_every_word_is_in_both_languages():
    words = tomllib.loads((PROJECT / "plugins/biglog/web/words.toml").read_text("utf-8"))
    assert words["zh"].keys() == words["en"].keys()
    used = set()
    for file in TEMPLATES.glob("*.j2"):
        used |= set(re.findall(r'say\("(\w+)"', file.read_text("utf-8")))
        used |= set(re.findall(r"say\('(\w+)'", file.read_text("utf-8")))
    assert used - words["zh"].keys() == set()


def test_templates_never_switch_escaping_off():
    for file in TEMPLATES.glob("*.j2"):
        assert not re.search(r"\|\s*safe|autoescape|Markup", file.read_text("utf-8")), file


def test_a_hostile_entry_stays_text(op):
    body = f"# {HOSTILE}\n\n{HOSTILE}\n\n[click](javascript:alert(3))\n\n`{HOSTILE}`\n\n- {HOSTILE}"
    made = op.post(
        "/api/v1/knowledge",
        json={"title": HOSTILE, "content": body, "category": HOSTILE[:90], "tags": [HOSTILE[:50]]},
    ).json()
    for path in (f"/knowledge/{made['id']}", f"/knowledge/{made['id']}/edit", "/knowledge",
                 "/knowledge?q=alert"):  # fmt: skip
        page = op.get(path).text
        assert "alert(1)" in page
        assert re.findall(r"<script[^>]*>", page) == re.findall(r'<script nonce="[\w-]+">', page)
        assert "<img" not in page
        assert 'href="javascript' not in page
        assert "{{ 7*7 }}" in page


def test_hostile_questions_stay_text(op):
    for path in ("/knowledge", "/events"):
        page = op.get(path, params={"q": HOSTILE, "text": HOSTILE}).text
        assert "<img" not in page
        assert "<script>alert" not in page


def test_a_question_is_answered_on_the_page(op):
    for n in range(3):
        op.post("/api/v1/knowledge", json={"title": f"entry {n}", "content": "nothing"})
    op.post("/api/v1/knowledge", json={"title": "Disk full", "content": "Run df -h first"})
    page = op.get("/knowledge", params={"q": "磁盘满了", "lang": "zh"}).text
    assert page.index("Disk full") < page.index("Run df -h first")
    assert "entry 1" not in page
    assert "没有找到" in op.get("/knowledge", params={"q": "zzzz qqqq", "lang": "zh"}).text


def test_an_entry_page_keeps_the_language_in_its_links(op):
    made = op.post("/api/v1/knowledge", json={"title": "t", "content": "# a\n\n- b"}).json()
    page = op.get(f"/knowledge/{made['id']}", params={"lang": "en"}).text
    links = re.findall(r'href="(/biglog[^"]*)"', page)
    assert links
    assert [one for one in links if "lang=" not in one] == []
    assert "<li>b</li>" in page
    assert 'data-version="1"' in page


def test_pages_without_anything_say_what_to_do(op):
    assert "biglog demo" in op.get("/?lang=en").text
    assert "biglog kb import" in op.get("/knowledge?lang=en").text
    assert "No file has been uploaded" in op.get("/upload?lang=en").text
