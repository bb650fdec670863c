"""One HTTP request and its answer, for the recorded Python services."""

import json
import logging
import socket
import time
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

JSON = dict[str, Any]
Answer = tuple[int, JSON]
Handle = Callable[[str, str, bytes], Answer]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        logging.getLogger("http.server").warning("connection from %s broke", client_address[0])


def serve(address: tuple[str, int], handle: Handle) -> None:
    """Answer requests for ever; ``handle`` gets method, path, body."""

    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = handle(self.command, self.path, body)
            _send(self, status, json.dumps(content).encode())

        do_GET = do_POST = do_PUT = do_HEAD = answer

        def log_message(self, format: str, *args: Any) -> None:
            """Silent: the services write their own request line."""

    Server(address, Exchange).serve_forever()


def _send(exchange: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    exchange.send_response(status)
    exchange.send_header("Content-Type", "application/json")
    exchange.send_header("Content-Length", str(len(body)))
    exchange.end_headers()
    if exchange.command != "HEAD":
        exchange.wfile.write(body)


def call(host: str, path: str, body: JSON | None = None, *, timeout: float = 0.8) -> Answer:
    """Ask another service (``host`` is ``name:port``); raises OSError or ValueError."""
    connection = HTTPConnection(host, timeout=timeout)
    try:
        if body is None:
            connection.request("GET", path)
        else:
            connection.request("POST", path, json.dumps(body))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def log_as_text(name: str) -> logging.Logger:
    """A logger that writes ``date time LEVEL name: message`` in UTC on stderr."""
    logging.Formatter.converter = time.gmtime
    form = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(format=form, level=logging.INFO)
    return logging.getLogger(name)


def here() -> str:
    return socket.gethostname()
