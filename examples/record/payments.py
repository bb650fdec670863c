"""Card payments: each charge asks the bank over TLS; JSON lines on stderr."""

import json
import random
import socket
import ssl
import sys
import time
from datetime import UTC, datetime
from typing import Any

from web import Answer, here, serve

BANK = ("bank1", 8443)
TRUSTED = "/srv/tls/authority.pem"


def handle(method: str, path: str, body: bytes) -> Answer:
    """Charge an order: approved, declined, or the bank could not be asked."""
    if (method, path) != ("POST", "/charge"):
        return 404, {"error": "no such page"}
    order = json.loads(body)
    write("INFO", "charge received", order_id=order["order"], amount=order["amount"])
    started = time.perf_counter()
    try:
        verdict = ask_bank(f"{order['order']} {order['amount']}\n")
    except OSError as error:
        reason = f"{type(error).__name__}: {error}"
        write("ERROR", "bank call failed", order_id=order["order"], error=reason)
        return 503, {"error": "bank unreachable"}
    took = round((time.perf_counter() - started) * 1000, 1)
    return decide(order, verdict, took)


def decide(order: dict[str, Any], verdict: str, took: float) -> Answer:
    if verdict != "approved":
        write("WARN", "charge declined", order_id=order["order"], reason=verdict, bank_ms=took)
        return 402, {"error": f"declined: {verdict}"}
    receipt = f"R{random.randrange(10**6):06d}"
    write("INFO", "charge approved", order_id=order["order"], receipt=receipt, bank_ms=took)
    return 200, {"receipt": receipt}


def ask_bank(question: str) -> str:
    """One TLS connection per charge, as the bank's protocol wants it."""
    context = ssl.create_default_context(cafile=TRUSTED)
    with (
        socket.create_connection(BANK, timeout=0.6) as plain,
        context.wrap_socket(plain, server_hostname="bank1") as channel,
    ):
        channel.sendall(question.encode())
        return channel.recv(200).decode().strip()


def write(level: str, message: str, **fields: Any) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record = {"ts": now, "level": level, "logger": "payments.charge", "host": here()}
    print(json.dumps({**record, "message": message, **fields}), file=sys.stderr, flush=True)


if __name__ == "__main__":
    write("INFO", "payments 1.9.2 listening", port=8100)
    serve(("pay1", 8100), handle)
