"""Stock levels: read by the shop, refilled by the supplier; logfmt lines on stderr."""

import json
import random
import sys
import threading
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from web import Answer, serve

CONFIGURATION = Path("/srv/stock/stock.toml")
levels: dict[str, int] = {f"P{number:04d}": 200 for number in range(1, 301)}
guard = threading.Lock()


def handle(method: str, path: str, body: bytes) -> Answer:
    """Tell a level, or take in a delivery note."""
    started = time.perf_counter()
    status, content = _refill(body) if method == "POST" else _level(path.rsplit("/", 1)[-1])
    took = (time.perf_counter() - started) * 1000
    write("info", "request", method=method, path=path, status=status, dur=f"{took:.2f}ms")
    return status, content


def _level(sku: str) -> Answer:
    with guard:
        if sku not in levels:
            return 404, {"error": "no such product"}
        levels[sku] = max(0, levels[sku] - random.randrange(3))
        left = levels[sku]
    if left < 20:
        write("warn", "stock low", sku=sku, left=left)
    return 200, {"level": left}


def _refill(body: bytes) -> Answer:
    try:
        note = json.loads(body)
        with guard:
            levels[note["sku"]] = levels[note["sku"]] + int(note["quantity"])
    except (ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
        write("error", "delivery note refused", bytes=len(body), err=reason)
        return 400, {"error": "unreadable delivery note"}
    write("info", "delivery booked", sku=note["sku"], quantity=note["quantity"])
    return 200, {"booked": note["sku"]}


def write(level: str, message: str, **fields: object) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    pairs = {"ts": now, "level": level, "service": "stock", "msg": message, **fields}
    line = " ".join(f"{key}={_quoted(str(value))}" for key, value in pairs.items())
    print(line, file=sys.stderr, flush=True)


def _quoted(value: str) -> str:
    return json.dumps(value) if any(mark in value for mark in ' "=') else value


def configure() -> int:
    """The port to listen on; a configuration that cannot be read ends the process."""
    try:
        settings = tomllib.loads(CONFIGURATION.read_text())
        return int(settings["server"]["port"])
    except (tomllib.TOMLDecodeError, KeyError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        write("fatal", "configuration refused", file=str(CONFIGURATION), err=reason)
        raise SystemExit(78) from error


if __name__ == "__main__":
    write("info", "starting", version=sys.argv[1])
    port = configure()
    write("info", "listening", port=port, products=len(levels))
    serve(("stock1", port), handle)
