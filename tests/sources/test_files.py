"""Objects in a real S3 server and files on a real SFTP server above, their copies below."""

import asyncio
import gzip
import logging
import socket
import threading

import asyncssh
import httpx
import pytest
import s3fs
from moto.server import ThreadedMotoServer

from biglog.errors import BadInput, TryAgain
from biglog.settings import SourceSettings
from biglog.sources.collect import collect
from biglog.sources.connection import Connection

DATE = "2026-11-02"


def pull(path, home, known):
    source = SourceSettings("shop", path, connection="there")
    return collect(source, DATE, home, {"there": known}.__getitem__)


def closed_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


# S3


@pytest.fixture(scope="module")
def s3():
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def aws(endpoint, **extra):
    return Connection(
        login="AKIAREADER",
        password="s3cret",
        extra={"endpoint_url": endpoint, "region_name": "eu-central-1"} | extra,
    )


@pytest.fixture
def bucket(s3):
    system = s3fs.S3FileSystem(
        key="k", secret="s", endpoint_url=s3, skip_instance_cache=True, use_listings_cache=False
    )
    system.mkdir("logs")
    system.pipe(f"logs/shop/dt={DATE}/app.log.2.gz", gzip.compress(b"old\n"))
    system.pipe(f"logs/shop/dt={DATE}/app.log.1", b"middle\n")
    system.pipe(f"logs/shop/dt={DATE}/app.log", b"new\n" * 3)
    system.pipe("logs/shop/dt=2026-11-03/app.log", b"tomorrow\n")
    yield system
    system.rm("logs", recursive=True)


S3_PATH = "s3://logs/shop/dt={date}/app.log*"


def test_objects_of_the_date_oldest_lines_first(tmp_path, s3, bucket):
    found = pull(S3_PATH, tmp_path, aws(s3))
    assert [one.name for one in found] == ["app.log.2.gz", "app.log.1", "app.log"]
    assert gzip.decompress(found[0].read_bytes()) == b"old\n"
    assert found[2].read_text() == "new\n" * 3
    assert found[2].parts[-4:] == ("logs", "shop", f"dt={DATE}", "app.log")


def test_an_object_that_did_not_change_is_not_fetched_again(tmp_path, s3, bucket):
    kept = {one.name: one.stat().st_ino for one in pull(S3_PATH, tmp_path, aws(s3))}
    bucket.pipe(f"logs/shop/dt={DATE}/app.log", b"NEW\n" * 3)  # of the same size
    found = pull(S3_PATH, tmp_path, aws(s3))
    again = {one.name for one in found if one.stat().st_ino != kept[one.name]}
    assert again == {"app.log"}
    assert found[2].read_text() == "NEW\n" * 3


def test_nothing_there_is_nothing(tmp_path, s3, bucket):
    assert pull("s3://logs/shop/dt={date}/*.json", tmp_path, aws(s3)) == ()
    assert pull("s3://logs/nowhere/{date}/*.json", tmp_path, aws(s3)) == ()


def test_a_bucket_that_is_not_there(tmp_path, s3, bucket):
    with pytest.raises(
        BadInput, match="is not there; create the bucket or folder, or correct path"
    ):
        pull("s3://no-such-bucket/*.log", tmp_path, aws(s3))


def test_a_server_that_is_away(tmp_path):
    endpoint = f"http://127.0.0.1:{closed_port()}"
    known = aws(endpoint, config_kwargs={"retries": {"max_attempts": 0}})
    with pytest.raises(TryAgain, match=r"s3://logs/a\.log: .*tried again later"):
        pull("s3://logs/a.log", tmp_path, known)


def test_a_login_that_may_not(tmp_path, s3, bucket):
    httpx.post(f"{s3}/moto-api/reset-auth", content=b"0")  # from now on, logins are looked at
    try:
        with pytest.raises(BadInput, match="not allowed") as refused:
            pull(S3_PATH, tmp_path, aws(s3))
    finally:
        httpx.post(f"{s3}/moto-api/reset-auth", content=b"inf")
    assert "s3cret" not in str(refused.value)


def test_an_object_is_cut_into_the_parts_it_is_read_in(tmp_path, s3, bucket):
    big = b"0123456789abcdef" * (300 * 1024)  # a little more than one block
    bucket.pipe(f"logs/shop/dt={DATE}/app.log", big)
    assert pull(S3_PATH, tmp_path, aws(s3))[-1].read_bytes() == big


# SFTP


class Sshd:
    """A real SSH server with one user and one folder, in a thread of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.loop = asyncio.new_event_loop()

    def __enter__(self):
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        asyncio.run_coroutine_threadsafe(self.listen(), self.loop).result(10)
        return self

    async def listen(self):
        class OneUser(asyncssh.SSHServer):
            def begin_auth(self, username):
                return True

            def password_auth_supported(self):
                return True

            def validate_password(self, username, password):
                return (username, password) == ("reader", "s3cret")

        self.server = await asyncssh.create_server(
            OneUser,
            "127.0.0.1",
            0,
            server_host_keys=[self.key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(self.folder)),
        )
        self.port = self.server.get_port()

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.server.close)
        self.loop.call_soon_threadsafe(self.loop.stop)

    @property
    def host_key(self):
        return self.key.export_public_key().decode().strip()


@pytest.fixture
def sshd(tmp_path):
    folder = tmp_path / "there"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / f"app-{DATE}.log").write_text("today\n")
    (folder / "logs" / f"app-{DATE}.log.1").write_text("this morning\n" * 200_000)
    (folder / "logs" / "app-2026-11-03.log").write_text("tomorrow\n")
    with Sshd(folder) as server:
        yield server


def ssh(server, **extra):
    return Connection(
        host="127.0.0.1",
        port=server.port,
        login="reader",
        password="s3cret",
        extra={"host_key": server.host_key, "known_hosts": "/nowhere"} | extra,
    )


def test_files_over_sftp(tmp_path, sshd):
    found = pull("sftp:///logs/app-{date}.log*", tmp_path, ssh(sshd))
    assert [one.name for one in found] == [f"app-{DATE}.log.1", f"app-{DATE}.log"]
    assert found[0].read_text() == "this morning\n" * 200_000
    inode = found[0].stat().st_ino
    again = pull("sftp:///logs/app-{date}.log*", tmp_path, ssh(sshd))
    assert again[0].stat().st_ino == inode


def test_a_server_with_another_key_is_not_talked_to(tmp_path, sshd, caplog):
    caplog.set_level(logging.DEBUG)
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with pytest.raises(BadInput, match="is not known by its ssh-ed25519 key; check it"):
        pull("sftp:///logs/*.log", tmp_path, ssh(sshd, host_key=other))
    assert "s3cret" not in caplog.text


def test_a_server_in_known_hosts(tmp_path, sshd):
    path = tmp_path / "known_hosts"
    path.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    known = ssh(sshd, host_key="", known_hosts=str(path))
    assert len(pull("sftp:///logs/app-{date}.log*", tmp_path, known)) == 2


def test_a_wrong_password(tmp_path, sshd):
    known = Connection("127.0.0.1", sshd.port, "reader", "wrong", {"host_key": sshd.host_key})
    with pytest.raises(BadInput, match=r"refused \(Authentication failed"):
        pull("sftp:///logs/*.log", tmp_path, known)


def test_a_folder_of_a_date_without_files(tmp_path, sshd):
    assert pull("sftp:///logs/{yyyy}/{mm}/*.log", tmp_path, ssh(sshd)) == ()


def test_a_folder_that_is_not_there(tmp_path, sshd):
    with pytest.raises(BadInput, match="is not there; create the bucket or folder"):
        pull("sftp:///elsewhere/*.log", tmp_path, ssh(sshd))


def test_an_sftp_server_that_is_away(tmp_path, sshd):
    known = Connection("127.0.0.1", closed_port(), "reader", "s3cret")
    with pytest.raises(TryAgain, match="tried again later"):
        pull("sftp:///logs/*.log", tmp_path, known)
