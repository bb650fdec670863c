"""`.env` from `.env.example`: every empty secret gets a fresh value; an existing .env is kept."""

import base64
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECRETS = ("PASSWORD", "SECRET")


def fill(line: str) -> str:
    """The line with a value where it names a secret and has none. URL-safe, so it fits a DSN."""
    name, mark, value = line.partition("=")
    if not mark or value or name.startswith("#"):
        return line
    if name == "AIRFLOW_FERNET_KEY":
        return f"{name}={base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"
    if name == "BIGLOG_SCHEDULE_START":
        return f"{name}={datetime.now(UTC):%Y-%m-%d}"
    if name.endswith(SECRETS):
        length = 64 if name.endswith("SECRET") else 24
        return f"{name}={secrets.token_urlsafe(length)}"
    return line


def main() -> int:
    target = ROOT / ".env"
    if target.exists():
        sys.stderr.write(f"{target} exists and is kept; delete it first for new secrets\n")
        return 2
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    target.touch(mode=0o600)
    target.write_text("\n".join(map(fill, lines)) + "\n", "utf-8")
    sys.stdout.write(f"{target} written, readable by you alone\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
