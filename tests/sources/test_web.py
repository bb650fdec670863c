"""A web server's folder above, the copies of its files below."""

import datetime
import functools
import http.server
import logging
import os
import signal
import ssl
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from simulated import Answer, SimulatedServer

import biglog
from biglog.errors import BadInput, TryAgain
from biglog.settings import SourceSettings
from biglog.sources.asking import Patience
from biglog.sources.collect import collect
from biglog.sources.connection import Connection

DATE = "2026-11-02"


def pull(path, home, *, known=None, patience=None):
    source = SourceSettings("shop", path, connection="there" if known else "")
    patience = patience or Patience(sleep=lambda seconds: None)
    return collect(source, DATE, home, {"there": known}.__getitem__, patience)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "there"
    (folder / "logs" / "shop").mkdir(parents=True)
    for name, text in {
        f"logs/shop/app-{DATE}.log": "today\n",
        f"logs/shop/app-{DATE}.log.1": "this morning\n",
        "logs/shop/app-2026-11-03.log": "tomorrow\n",
        f"logs/shop/.app-{DATE}.log.swp": "hidden\n",
        f"logs/a b & ü-{DATE}.log": "an odd name\n",
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def site(folder):
    """Python's own web server, with its own index pages."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_files_of_an_index_page_oldest_lines_first(tmp_path, site):
    found = pull(f"{site}/logs/shop/app-{{date}}.log*", tmp_path)
    assert [one.name for one in found] == [f"app-{DATE}.log.1", f"app-{DATE}.log"]
    assert [one.read_text() for one in found] == ["this morning\n", "today\n"]


def test_wildcards_in_folders_and_odd_names(tmp_path, site):
    assert len(pull(f"{site}/l*/sh[o]p/*{{date}}.log*", tmp_path)) == 2
    (odd,) = pull(f"{site}/logs/*{{date}}.log", tmp_path)
    assert odd.read_text() == "an odd name\n"


def test_one_file_by_its_address(tmp_path, site):
    (found,) = pull(f"{site}/logs/shop/app-{{date}}.log", tmp_path)
    assert found.read_text() == "today\n"
    assert pull(f"{site}/logs/shop/web-{{date}}.log", tmp_path) == ()


def test_a_file_that_did_not_change_is_not_fetched_again(tmp_path, site, folder):
    path = f"{site}/logs/shop/app-{{date}}.log*"
    kept = {one.name: one.stat().st_ino for one in pull(path, tmp_path)}
    (folder / "logs" / "shop" / f"app-{DATE}.log").write_text("today and more\n")
    found = pull(path, tmp_path)
    again = {one.name for one in found if one.stat().st_ino != kept[one.name]}
    assert again == {f"app-{DATE}.log"}
    assert found[1].read_text() == "today and more\n"


def test_a_folder_without_an_index_page(tmp_path, site):
    with pytest.raises(BadInput, match="status 404; path needs an index page there"):
        pull(f"{site}/nowhere/*.log", tmp_path)


def test_a_server_that_is_away(tmp_path):
    with pytest.raises(TryAgain, match="on 6 tries"):
        pull("http://127.0.0.1:9/logs/*.log", tmp_path)


class Simulated(SimulatedServer):
    """Pages by their path. It knows ranges, and 403 for HEAD where an address is signed for GET."""

    def __init__(self, pages, *, signed=False):
        super().__init__()
        self.pages = pages
        self.signed = signed

    def counts(self, asked):
        return asked.method == "GET"

    def answer(self, asked):
        if asked.method == "HEAD" and self.signed:
            return Answer("", 403)
        if asked.path not in self.pages:
            return Answer("", 404)
        page = self.pages[asked.path]
        if isinstance(page, Answer):
            return page
        start = int(asked.headers.get("Range", "bytes=0-")[6:-1])
        return Answer(page[start:], 206 if start else 200, {"ETag": '"v1"'})


def break_it(true):
    return Answer(true.body, true.status, true.headers, broken=True)


def test_a_broken_connection_goes_on_in_the_middle(tmp_path):
    data = bytes(range(256)) * 4096
    with Simulated({"/a.log": data}) as server:
        server.faults = {1: break_it, 2: break_it}
        (found,) = pull(f"http://127.0.0.1:{server.port}/a.log", tmp_path)
    assert found.read_bytes() == data
    ranges = [one.headers.get("Range") for one in server.asked if one.method == "GET"]
    assert ranges == [None, f"bytes={len(data) // 2}-", f"bytes={len(data) * 3 // 4}-"]


KILLED = """
    import sys
    from pathlib import Path
    from biglog.settings import SourceSettings
    from biglog.sources.collect import collect
    collect(SourceSettings("shop", sys.argv[1]), "2026-11-02", Path(sys.argv[2]))
"""


def test_kill_9_in_the_middle_then_the_same_bytes(tmp_path):
    files = {f"/logs/{name}.log": name.encode() * 400_000 for name in "abc"}
    reached, never = threading.Event(), threading.Event()

    def hang(true):
        reached.set()
        never.wait(20)
        return true

    with Simulated({"/logs/": Answer("a.log\nb.log\nc.log\n"), **files}) as server:
        server.faults = {4: hang}  # the index, a, b
        url = f"http://127.0.0.1:{server.port}/logs/*.log"
        worker = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(KILLED), url, str(tmp_path)],
            env=os.environ | {"PYTHONPATH": str(Path(biglog.__file__).parents[1])},
        )
        assert reached.wait(30)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        never.set()
        server.asked.clear()
        found = pull(url, tmp_path)
        fetched = [one.path for one in server.asked if one.method == "GET"]
    assert [one.read_bytes() for one in found] == list(files.values())
    assert fetched == ["/logs/", "/logs/c.log"], "what was whole is not fetched again"
    assert not list(tmp_path.rglob("*.tmp")), "and the half is swept"


def test_a_connection_that_always_breaks_leaves_nothing(tmp_path):
    with Simulated({"/a.log": b"x" * 1000}) as server:
        server.faults = dict.fromkeys(range(1, 99), break_it)
        with pytest.raises(TryAgain, match=r"/a\.log: .* after 9\d\d bytes"):
            pull(f"http://127.0.0.1:{server.port}/a.log", tmp_path)
    assert not list(tmp_path.rglob("*a.log*"))


INDEXES = {
    "nginx's JSON": Answer(
        [
            {"name": "app.log", "type": "file", "size": 4},
            {"name": "old", "type": "directory"},
            {"name": "app.log.1", "type": "file", "size": 4},
        ]
    ),
    "a name a line": Answer("app.log\nold/\n\napp.log.1\n"),
    "Apache's table": Answer(
        '<a href="?C=N;O=D">Name</a><a href="/">Parent</a><a href="app.log">app.log</a>'
        '<a href="old/">old/</a><A HREF="/logs/app.log.1">app.log.1</A><a href="../up.log">up</a>'
        '<a href="http://elsewhere.example/logs/evil.log">evil</a><a name="none">x</a>',
        headers={"Content-Type": "text/html"},
    ),
}


@pytest.mark.parametrize("kind", INDEXES)
def test_kinds_of_index_pages(tmp_path, kind):
    files = dict.fromkeys(("/logs/app.log", "/logs/app.log.1"), b"log\n")
    with Simulated({"/logs/": INDEXES[kind], **files}) as server:
        found = pull(f"http://127.0.0.1:{server.port}/logs/*", tmp_path)
    assert [one.name for one in found] == ["app.log.1", "app.log"]


def test_a_signed_address_is_shown_nowhere(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    known = Connection(extra={"query": "signature=s3cret%2B&v=1"})
    with Simulated({"/a.log": b"log\n"}, signed=True) as server:
        (found,) = pull(f"http://127.0.0.1:{server.port}/a.log", tmp_path, known=known)
        server.faults = {3: Answer("", 403)}
        with pytest.raises(BadInput, match="not allowed") as refused:
            pull(f"http://127.0.0.1:{server.port}/b?.log", tmp_path, known=known)
    assert found.name == "a.log"
    assert all(one.query == {"signature": "s3cret+", "v": "1"} for one in server.asked)
    assert "s3cret" not in caplog.text + str(refused.value)
    assert not [one for one in tmp_path.rglob("*") if "s3cret" in one.name]


def test_a_gzip_file_comes_as_it_lies_there(tmp_path):
    packed = Answer(b"\x1f\x8b not unpacked", headers={"Content-Encoding": "gzip"})
    with Simulated({"/a.log.gz": packed}) as server:
        (found,) = pull(f"http://127.0.0.1:{server.port}/a.log.gz", tmp_path)
    assert found.read_bytes() == b"\x1f\x8b not unpacked"


@pytest.mark.parametrize(
    ("known", "sent"),
    [
        (Connection(login="reader", password="pw"), "Basic cmVhZGVyOnB3"),
        (Connection(extra={"token": "abc"}), "Bearer abc"),
        (Connection(extra={"api_key": "abc"}), "ApiKey abc"),
    ],
)
def test_who_asks(tmp_path, known, sent):
    with Simulated({"/a.log": b"log\n"}) as server:
        pull(f"http://127.0.0.1:{server.port}/a.log", tmp_path, known=known)
    assert {one.headers["Authorization"] for one in server.asked} == {sent}


def test_who_may_not(tmp_path):
    with Simulated({"/a.log": Answer("", 401)}) as server, pytest.raises(BadInput, match="401"):
        pull(f"http://127.0.0.1:{server.port}/a.log", tmp_path)


@pytest.fixture
def certificate(tmp_path):
    """A key and a certificate of one's own for localhost, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "own.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_certificate_of_ones_own(tmp_path, certificate):
    server = Simulated({"/a.log": b"log\n"})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    with server:
        path = f"https://localhost:{server.port}/a.log"
        with pytest.raises(BadInput, match="name the file of its certificate authority as 'ca'"):
            pull(path, tmp_path)
        (found,) = pull(path, tmp_path, known=Connection(extra={"ca": str(certificate)}))
    assert found.read_text() == "log\n"
