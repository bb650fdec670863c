"""Configuration files, keys and tables that the services of a recording start from."""

import os
import pwd
import subprocess
from pathlib import Path

from sandbox import HOSTS, PGSQL, USERS

PGDATA = Path("/srv/pgdata")
PGSPACE = Path("/srv/pgspace")
REDIS = Path("/srv/redis")
POSTGRESQL = """
listen_addresses = '10.0.0.30'
unix_socket_directories = '/srv/pgsock'
max_connections = 40
shared_buffers = 64MB
fsync = off
timezone = UTC
log_timezone = UTC
log_line_prefix = '%m [%p] %q%u@%d '
log_connections = on
log_disconnections = on
log_lock_waits = on
deadlock_timeout = 200ms
log_min_duration_statement = 80
log_min_duration_sample = 0
log_statement_sample_rate = 0.35
log_autovacuum_min_duration = 0
autovacuum_naptime = 10s
autovacuum_max_workers = 1
checkpoint_timeout = 30s
max_parallel_workers_per_gather = 0
scram_iterations = 256
io_method = sync
"""
ACCESS = """local   all all trust
host    all all 10.0.0.0/24 scram-sha-256
"""
SCHEMA = (
    "CREATE ROLE shop LOGIN PASSWORD 'shop-secret'",
    "CREATE ROLE worker LOGIN PASSWORD 'worker-secret'",
    "CREATE ROLE report LOGIN PASSWORD 'report-secret'",
    "CREATE ROLE backup LOGIN PASSWORD 'backup-secret' IN ROLE pg_read_all_data",
    "CREATE TABLESPACE audit LOCATION '/srv/pgspace'",
    "CREATE TABLE customers (id serial PRIMARY KEY, password text)",
    "INSERT INTO customers (password) SELECT 'pw' || n FROM generate_series(1, 2000) n",
    "CREATE TABLE products (id serial PRIMARY KEY, name text, category int, price numeric(8, 2),"
    " views int DEFAULT 0, sold int DEFAULT 0)",
    "INSERT INTO products (name, category, price)"
    " SELECT (ARRAY['lamp', 'chair', 'desk', 'shelf', 'rug', 'vase'])[1 + n % 6] || ' ' || n,"
    " n % 12, 5 + n % 90 FROM generate_series(1, 300) n",
    "CREATE TABLE orders (id serial PRIMARY KEY, customer_id int, total numeric(10, 2),"
    " created_at timestamptz DEFAULT now())",
    "INSERT INTO orders (customer_id, total)"
    " SELECT 1 + n % 2000, n % 400 FROM generate_series(1, 200000) n",
    "CREATE INDEX orders_customer ON orders (customer_id)",
    "CREATE TABLE coupons (code text PRIMARY KEY, percent int)",
    "INSERT INTO coupons SELECT 'SAVE' || n, n FROM generate_series(5, 30, 5) n",
    "CREATE TABLE newsletter (customer_id int PRIMARY KEY)",
    "CREATE TABLE audit_log (id bigserial, customer_id int, what text,"
    " page char(1800) DEFAULT '') TABLESPACE audit",
    "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO shop, worker",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shop",
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO report",
    "ANALYZE",
)
REDIS_CONF = """
bind 10.0.0.31
protected-mode no
loglevel verbose
logfile /srv/raw/redis.log
dir /srv/redis
save 3 40
stop-writes-on-bgsave-error yes
"""
NGINX_CONF = """
daemon off;
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log stderr info;
events { worker_connections 256; }
http {
  include /etc/nginx/mime.types;
  log_format shop '$remote_addr - $remote_user [$msec] "$request" $status $body_bytes_sent '
                  '"$http_referer" "$http_user_agent" $request_time $upstream_response_time '
                  '$upstream_addr';
  access_log /srv/raw/nginx_access.log shop;
  client_max_body_size 64k;
  limit_req_zone $binary_remote_addr zone=visitors:1m rate=40r/s;
  include /srv/upstream.conf;
  server {
    listen 10.0.0.10:80;
    root /srv/www;
    location /static/ { }
    location = /favicon.ico { }
    location = /robots.txt { }
    location / {
      limit_req zone=visitors burst=60 nodelay;
      proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_connect_timeout 500ms;
      proxy_read_timeout 1500ms;
    }
  }
}
"""
RSYSLOG_CONF = """
module(load="imuxsock" SysSock.Name="/dev/log")
template(name="raw" type="string"
  string="%timegenerated:::date-rfc3339% %HOSTNAME% %syslogtag%%msg:::drop-last-lf%\\n")
*.* action(type="omfile" file="/srv/raw/syslog.log" template="raw")
"""
SSHD_CONF = """
ListenAddress 10.0.0.10:22
HostKey /srv/ssh/host_key
UsePAM yes
PrintMotd no
MaxStartups 60
PidFile /run/sshd.pid
"""


def prepare() -> None:
    """Write everything the services read before they start."""
    _write_files()
    _make_pages()
    _make_folders()
    _make_certificates()
    _make_ssh_keys()
    _make_cluster()


def write_upstream(*, without: str = "") -> None:
    """The shop instances nginx may use; the one being restarted is taken out first."""
    hosts = [host for host in ("app1", "app2") if host != without]
    servers = [f"server {HOSTS[host]}:8000 max_fails=0;" for host in hosts]
    text = "upstream shop { " + " ".join(servers) + " keepalive 16; }\n"
    Path("/srv/upstream.conf").write_text(text)


def write_stock_settings(*, port: str = "8200") -> None:
    Path("/srv/stock/stock.toml").write_text(f"[server]\nport = {port}\nworkers = 4\n")


def make_certificate(path: str, *, start: str, end: str) -> None:
    """Sign a certificate for bank1 that is valid between two UTC times (YYYYMMDDHHMMSSZ)."""
    key, request = f"{path}.key", f"{path}.csr"
    _sh(f"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {key}"
        f" -out {request} -subj /CN=bank1 -addext subjectAltName=DNS:bank1")  # fmt: skip
    _sh(f"openssl ca -batch -config /srv/tls/ca.conf -in {request} -out {path}.crt -notext"
        f" -startdate {start} -enddate {end}")  # fmt: skip
    Path(path).write_text(Path(f"{path}.crt").read_text() + Path(key).read_text())


def _write_files() -> None:
    Path("/srv/stock").mkdir()
    write_stock_settings()
    write_upstream()
    Path("/srv/redis.conf").write_text(REDIS_CONF)
    Path("/srv/nginx.conf").write_text(NGINX_CONF)
    Path("/srv/rsyslog.conf").write_text(RSYSLOG_CONF)


def _make_pages() -> None:
    assets = Path("/srv/www/static")
    assets.mkdir(parents=True)
    for name, size in {"app.css": 9120, "app.js": 48211, "logo.svg": 2310}.items():
        (assets / name).write_bytes(b" " * size)
    for number in range(1, 301):
        (assets / f"p{number}.jpg").write_bytes(b" " * (4000 + number * 37 % 3000))
    Path("/srv/www/robots.txt").write_text("User-agent: *\nDisallow: /checkout\n")


def _make_folders() -> None:
    for path, owner, size in ((PGSPACE, "postgres", "48m"), (REDIS, "redis", "16m")):
        path.mkdir()
        _sh(f"mount -t tmpfs -o size={size},mode=700,uid={_uid(owner)} tmpfs {path}")
    for path in (PGDATA, Path("/srv/pgsock")):
        path.mkdir(mode=0o700)
        os.chown(path, _uid("postgres"), pwd.getpwnam("postgres").pw_gid)
    Path("/srv/spool").mkdir()


def _make_certificates() -> None:
    tls = Path("/srv/tls")
    tls.mkdir()
    _sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650"
        " -keyout /srv/tls/authority.key -out /srv/tls/authority.pem -subj /CN=Example_Root"
        " -addext keyUsage=critical,keyCertSign,cRLSign")  # fmt: skip
    (tls / "index.txt").touch()
    (tls / "serial").write_text("1000\n")
    (tls / "ca.conf").write_text(
        "[ca]\ndefault_ca=a\n[a]\ndatabase=/srv/tls/index.txt\nnew_certs_dir=/srv/tls\n"
        "serial=/srv/tls/serial\ncertificate=/srv/tls/authority.pem\n"
        "private_key=/srv/tls/authority.key\ndefault_md=sha256\npolicy=p\nunique_subject=no\n"
        "copy_extensions=copy\n[p]\ncommonName=supplied\n"
    )
    make_certificate("/srv/tls/bank.pem", start="20200101000000Z", end="20400101000000Z")
    make_certificate("/srv/tls/expired.pem", start="20200101000000Z", end="20260101000000Z")


def _make_ssh_keys() -> None:
    folder = Path("/srv/ssh")
    folder.mkdir()
    for name in ("host_key", "user_key"):
        _sh(f"ssh-keygen -q -t ed25519 -N  -C shop -f {folder / name}", empty="-N")
    (folder / "sshd_config").write_text(SSHD_CONF)
    (folder / "password").write_text("#!/bin/sh\necho wrong-$$\n")
    (folder / "password").chmod(0o755)
    for user, number in USERS.items():
        home = Path("/srv/home") / user / ".ssh"
        home.mkdir(mode=0o700)
        keys = home / "authorized_keys"
        keys.write_text((folder / "user_key.pub").read_text())
        for path in (home, keys):
            os.chown(path, number, 100)


def _make_cluster() -> None:
    _sh(f"setpriv --reuid postgres --regid postgres --clear-groups {PGSQL}/initdb -D {PGDATA}"
        " -U postgres --auth trust --encoding UTF8 --locale C.UTF-8")  # fmt: skip
    with (PGDATA / "postgresql.conf").open("a") as settings:
        settings.write(POSTGRESQL)
    (PGDATA / "pg_hba.conf").write_text(ACCESS)


def _uid(name: str) -> int:
    return pwd.getpwnam(name).pw_uid


def _sh(command: str, *, empty: str = "") -> None:
    """Run quietly; ``empty`` names an option whose value is the empty string."""
    words = command.split()
    if empty:
        words.insert(words.index(empty) + 1, "")
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
