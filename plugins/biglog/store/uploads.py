"""Files that people asked to have analysed at once, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from biglog.errors import BadInput
from biglog.store.read import Rows, rows
from biglog.store.text import clean
from biglog.store.write import insert

COLUMNS = (
    "upload_id, name, sha256, bytes, source, date::text AS date, author, state, reason,"
    " report_path, created_at, updated_at"
)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file; its partition is (source, date), a source of its own."""

    upload_id: str
    name: str
    sha256: str
    bytes: int
    source: str
    date: str
    author: str
    state: str = "waiting"  # waiting, running, done, failed
    reason: str = ""
    report_path: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


def save_upload(engine: Engine, upload: Upload) -> None:
    """Note a file that arrived. Its id must be new."""
    row = {
        "upload_id": upload.upload_id,
        "name": upload.name,
        "sha256": upload.sha256,
        "bytes": upload.bytes,
        "source": upload.source,
        "date": upload.date,
        "author": upload.author,
        "state": upload.state,
    }
    with engine.begin() as connection:
        insert(connection, "upload", [row])


def set_state(
    engine: Engine, upload_id: str, state: str, *, reason: str = "", report_path: str = ""
) -> None:
    """Raises BadInput where there is no such upload."""
    with engine.begin() as connection:
        done = connection.execute(
            text(
                "UPDATE biglog.upload SET state = :state, reason = :reason,"
                " report_path = :report_path, updated_at = now() WHERE upload_id = :id"
            ),
            {
                "id": upload_id,
                "state": state,
                "reason": clean(reason),
                "report_path": clean(report_path),
            },
        )
    if done.rowcount == 0:
        raise BadInput(f"there is no upload {upload_id!r}")


def upload(engine: Engine, upload_id: str) -> Upload:
    """Raises BadInput where there is no such upload."""
    with engine.connect() as connection:
        query = f"SELECT {COLUMNS} FROM biglog.upload WHERE upload_id = :id"
        found = rows(connection, query, id=upload_id)
    if not found:
        raise BadInput(f"there is no upload {upload_id!r}")
    return Upload(**found[0])


def uploads(engine: Engine, *, limit: int = 50) -> tuple[Upload, ...]:
    """The latest first."""
    with engine.connect() as connection:
        found: Rows = rows(
            connection,
            f"SELECT {COLUMNS} FROM biglog.upload ORDER BY created_at DESC, upload_id LIMIT :limit",
            limit=limit,
        )
    return tuple(Upload(**one) for one in found)
