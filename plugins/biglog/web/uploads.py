"""`/api/v1/uploads`: files that people bring to be analysed at once."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import FileResponse

from biglog import lake
from biglog.web.access import may_write
from biglog.web.desk import AtDesk, Desk
from biglog.web.nights import STORED_PAGE
from biglog.web.problems import Problem
from biglog.web.trigger import token_of, trigger_dag

router = APIRouter(prefix="/uploads", tags=["uploads"])
SUFFIXES = (".txt", ".log", ".csv", ".gz", ".zst", ".json", ".jsonl")
DAG = "analyse_upload"
ENDING = "|".join(one[1:] for one in SUFFIXES)
NAME = re.compile(rf"[A-Za-z0-9_-]{{1,70}}_\d{{8}}_\d{{6}}(\.({ENDING})){{1,2}}")


def safe_name(function: str, file: str, at: datetime) -> str:
    """``function_YYYYMMDD_HHMMSS.ext``: only the suffix of what the caller named is kept."""
    suffixes = [one.lower() for one in Path(file).suffixes]
    if not suffixes or suffixes[-1] not in SUFFIXES:
        raise Problem(415, f"a file like {file[:80]!r} is not read; send {', '.join(SUFFIXES)}")
    packed = suffixes[-1] in (".gz", ".zst") and len(suffixes) > 1 and suffixes[-2] in SUFFIXES
    kept = suffixes[-2] + suffixes[-1] if packed else suffixes[-1]
    word = re.sub(r"[^A-Za-z0-9-]+", "-", function).strip("-")[:60] or "upload"
    return f"{word}_{at:%Y%m%d_%H%M%S}{kept}"


def folder(desk: Desk) -> Path:
    return desk.site.settings.home / "uploads"


@router.post("", status_code=201, dependencies=[Depends(may_write)])
async def upload(
    request: Request,
    desk: AtDesk,
    file: Annotated[str, Query(max_length=300, description="The file's own name.")],
    function: Annotated[str, Query(max_length=100, description="What it is from.")] = "upload",
    format: Annotated[str, Query(max_length=60)] = "auto",
) -> dict[str, Any]:
    """Keep the body as a file and start its analysis."""
    path = free(folder(desk), safe_name(function, file, datetime.now(UTC)))
    size = await keep(request, path)
    said = {"path": path.name, "format": format}
    try:
        run = await trigger_dag(DAG, said, token=token_of(request))
    except Problem as refused:
        # The file is here: a person can start the DAG by hand, so the upload is no failure.
        return {"name": path.name, "bytes": size, "run_id": None, "dag_id": DAG, "conf": said,
                "reason": refused.detail}  # fmt: skip
    return {"name": path.name, "bytes": size, "run_id": run, "dag_id": DAG, "conf": said}


def free(at: Path, name: str) -> Path:
    """The name, or the next free one where two came in one second."""
    at.mkdir(parents=True, exist_ok=True)
    path, number = at / name, 1
    stem, dot, suffix = name.partition(".")
    function, day, clock = stem.rsplit("_", 2)
    while path.exists():
        number += 1
        path = at / f"{function}-{number}_{day}_{clock}{dot}{suffix}"
    return path


async def keep(request: Request, path: Path) -> int:
    size = 0
    with lake.replacing(path) as draft, draft.open("wb") as out:
        async for piece in request.stream():
            out.write(piece)
            size += len(piece)
        if size == 0:
            raise Problem(422, "the file is empty; choose one with lines in it")
    return size


@router.get("")
def list_uploads(desk: AtDesk) -> dict[str, Any]:
    rows = uploads(desk)
    return {"uploads": rows, "total_entries": len(rows)}


def uploads(desk: Desk) -> list[dict[str, Any]]:
    """What was brought, the latest first, and which results lie beside it."""
    at = folder(desk)
    files = [p for p in at.glob("*") if NAME.fullmatch(p.name)] if at.is_dir() else []
    files.sort(key=lambda p: (p.stat().st_mtime, p.name), reverse=True)
    return [
        {
            "name": path.name,
            "bytes": path.stat().st_size,
            "at": datetime.fromtimestamp(path.stat().st_mtime, UTC),
            "results": results(path),
        }
        for path in files[:200]
    ]


def summary(desk: Desk, name: str) -> dict[str, Any]:
    """What the analysis of an upload said: counts, and the oddest kinds of line."""
    path = folder(desk) / name
    if not NAME.fullmatch(name) or "summary.json" not in results(path):
        raise Problem(404, "there is no result of that upload; its analysis may still be running")
    found: dict[str, Any] = json.loads(beside(path, "summary.json").read_text("utf-8"))
    return found


def beside(path: Path, result: str) -> Path:
    """Where the analysis of an upload puts its files."""
    return path.with_name(f"{path.name}.result") / result


def results(path: Path) -> list[str]:
    """Names of the result files of an upload."""
    at = beside(path, "")
    return sorted(p.name for p in at.glob("[!.]*")) if at.is_dir() else []


@router.get("/{name}/{result}")
def show_result(name: str, result: str, desk: AtDesk) -> FileResponse:
    """One result file: a page, or a table to download."""
    at = folder(desk) / name
    if not NAME.fullmatch(name) or result not in results(at):
        raise Problem(404, "there is no such upload or result")
    path = beside(at, result)
    if path.suffix == ".html":
        return FileResponse(path, media_type="text/html", headers=STORED_PAGE)
    return FileResponse(path, filename=f"{Path(name).stem}.{result}", headers=STORED_PAGE)
