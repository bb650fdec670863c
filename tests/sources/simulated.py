"""An HTTP server whose answers, and whose faults, a test decides."""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Answer:
    body: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: bool = False
    """The connection ends in the middle of the body."""


@dataclass
class Asked:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


class SimulatedServer:
    """Answers with `answer`, but for the numbered requests that `faults` names, the first being 1.

    Where a fault is a function, it is called with the true answer and gives the faulty one.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: dict[int, Any] = {}
        self.counted = 0
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        self.port = self.http.server_port
        self.lock = threading.Lock()

    def __enter__(self):
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def counts(self, asked: Asked) -> bool:
        """Whether a request is one of those that faults are numbered by."""
        return True

    def answer(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def respond(self, asked: Asked) -> Answer:
        with self.lock:
            self.asked.append(asked)
            fault = None
            if self.counts(asked):
                self.counted += 1
                fault = self.faults.get(self.counted)
            if isinstance(fault, Answer):
                return fault
            true = self.answer(asked)
            return fault(true) if fault else true


def broken(true: Answer) -> Answer:
    """A fault: half of the true answer."""
    return Answer(true.body, true.status, true.headers, broken=True)


def handler_of(server: SimulatedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do(self) -> None:
            parts = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            body = json.loads(raw) if raw else None
            asked = Asked(self.command, parts.path, query, dict(self.headers), body)
            self.send(server.respond(asked))

        do_GET = do_POST = do_DELETE = do_HEAD = do

        def send(self, answer: Answer) -> None:
            text = answer.body if isinstance(answer.body, str | bytes) else json.dumps(answer.body)
            body = text if isinstance(text, bytes) else text.encode()
            kind = "text/plain" if isinstance(answer.body, str) else "application/json"
            self.send_response(answer.status)
            for key, value in {"Content-Type": kind, **answer.headers}.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body[: len(body) // 2] if answer.broken else body)
            if answer.broken:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
