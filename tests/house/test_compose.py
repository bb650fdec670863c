"""docker-compose.yml names only what exists: services, mounts, queues, pools and variables."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]


def example_variables() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    return dict(re.match(r"(\w+)=(.*)", line).groups() for line in lines if re.match(r"\w+=", line))


def test_the_services_a_production_needs():
    assert {
        "postgres", "redis", "airflow-init", "airflow-apiserver", "airflow-scheduler",
        "airflow-dag-processor", "airflow-triggerer", "worker-cpu", "worker-gpu", "mail", "grafana",
    } == set(SERVICES)  # fmt: skip
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]
    assert SERVICES["mail"]["profiles"] == ["mail"]
    assert SERVICES["grafana"]["profiles"] == ["grafana"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_mount_exists(name):
    for mount in SERVICES[name].get("volumes", []):
        source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", mount).split(":")[0]
        if source.startswith("."):
            assert (ROOT / source).exists(), f"{name} mounts {source}"
        else:
            assert source in COMPOSE["volumes"], f"{name} mounts an unnamed volume {source}"


def test_every_dependency_is_a_service():
    for name, service in SERVICES.items():
        assert set(service.get("depends_on", {})) <= set(SERVICES), name


def test_what_outlives_a_failure_is_watched():
    for name in set(SERVICES) - {"airflow-init", "mail", "grafana"}:
        assert "healthcheck" in SERVICES[name], name


def test_no_secret_has_a_default():
    for variable, default in re.findall(
        r"\$\{(\w*(?:PASSWORD|SECRET|FERNET_KEY))(:-[^}]*)?\}", TEXT
    ):
        assert not default, f"{variable} has a default"
    for variable, value in example_variables().items():
        if re.search(r"PASSWORD$|SECRET$|FERNET_KEY$", variable):
            assert value == "", f".env.example gives {variable} a value"


def test_every_required_variable_is_in_the_example():
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert required <= set(example_variables())


def test_the_workers_serve_the_queues_that_the_dags_name():
    dags = "".join(path.read_text("utf-8") for path in (ROOT / "dags").glob("*.py"))
    queues = set(re.findall(r'queue="(\w+)"', dags)) | {"default"}
    served = set()
    for name in ("worker-cpu", "worker-gpu"):
        command = SERVICES[name]["command"]
        value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", command[command.index("-q") + 1])
        served.update(value.split(","))
    assert queues == served


def test_the_pools_that_the_dags_name_are_made():
    dags = "".join(path.read_text("utf-8") for path in (ROOT / "dags").glob("*.py"))
    made = re.findall(r"airflow pools set (\w+)", (ROOT / "docker" / "init.sh").read_text("utf-8"))
    assert set(re.findall(r'pool="(\w+)"', dags)) == set(made)


def test_airflow_and_biglog_do_not_share_a_database_or_a_role():
    environment = SERVICES["airflow-scheduler"]["environment"]
    airflow = re.search(
        r"//(\w+):.*@postgres/(\w+)", environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    )
    biglog = re.search(r"//(\w+):.*@postgres/(\w+)", environment["BIGLOG_DB_URL"])
    assert airflow.groups() == ("airflow", "airflow")
    assert biglog.groups() == ("biglog", "biglog")
    script = (ROOT / "docker" / "postgres" / "10-databases.sh").read_text("utf-8")
    for role, database in (airflow.groups(), biglog.groups()):
        assert f"CREATE ROLE {role} LOGIN" in script
        assert f"CREATE DATABASE {database} OWNER {role}" in script


def test_the_client_accepts_the_file(tmp_path):
    version = shutil.which("docker") and subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    )
    if not version or version.returncode:
        pytest.skip("no docker compose client on this machine")
    env = tmp_path / ".env"
    env.write_text("".join(f"{name}=x\n" for name in example_variables()))
    file = str(ROOT / "docker-compose.yml")
    command = ["docker", "compose", "--env-file", str(env), "-f", file, "config"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_make_env_fills_every_secret(tmp_path):
    for name in (".env.example", "docker/make_env.py"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, target)
    script = ["python3", str(tmp_path / "docker" / "make_env.py")]
    assert subprocess.run(script, check=False, capture_output=True).returncode == 0
    written = (tmp_path / ".env").read_text("utf-8")
    for name in example_variables():
        if re.search(r"PASSWORD$|SECRET$|FERNET_KEY$|START$", name):
            assert re.search(rf"(?m)^{name}=\S+$", written), name
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    again = subprocess.run(script, check=False, capture_output=True)
    assert again.returncode == 2
    assert (tmp_path / ".env").read_text("utf-8") == written
