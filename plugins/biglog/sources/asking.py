"""Requests to a server over HTTP, and how long it is waited for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from biglog.errors import BadInput, TryAgain
from biglog.sources.connection import Connection

# It tells each address at INFO, which may hold a signature.
logging.getLogger("httpx").setLevel(logging.WARNING)

BUSY = (408, 425, 429, 500, 502, 503, 504)
REFUSED = (401, 403, 407)
NO_HEAD = (403, 405, 501)
"""403: an address that is signed for GET alone."""
TIMEOUT = httpx.Timeout(120.0, connect=15.0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a busy server is asked again, and after how many seconds: each twice the last."""

    tries: int = 6
    first: float = 1.0
    longest: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time

    def wait(self, tried: int, told: float | None) -> None:
        self.sleep(min(self.longest, self.first * 2**tried if told is None else told))


@dataclass(frozen=True, slots=True)
class Server:
    """One server, who asks it, and with how much patience."""

    client: httpx.Client = field(repr=False)
    patience: Patience
    where: str
    """Its address as errors show it: without a password, a token or a query."""

    def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer, whatever it says. Raises TryAgain for a server that stays away or busy,
        BadInput where it does not let us in.
        """
        answer = self.answer(lambda: self.client.request(method, path, **sent))
        self.check(answer)
        return answer

    def look(self, path: str, headers: Mapping[str, str]) -> httpx.Response:
        """The head of the answer to a GET, by HEAD where the server knows that."""
        answer = self.answer(lambda: self.client.head(path, headers=headers))
        if answer.status_code in NO_HEAD:
            answer = self.answer(lambda: self.peek(path, headers))
        self.check(answer)
        return answer

    def peek(self, path: str, headers: Mapping[str, str]) -> httpx.Response:
        with self.client.stream("GET", path, headers=headers) as answer:
            return answer

    def answer(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """The first answer that is not that of a busy server."""
        said = ""
        for tried in range(self.patience.tries):
            told = None
            try:
                answer = send()
            except (httpx.TransportError, httpx.DecodingError) as error:
                said = str(error) or type(error).__name__
                if "CERTIFICATE_VERIFY_FAILED" in said:
                    raise BadInput(
                        f"{self.where}: {said}; name the file of its certificate authority as "
                        "'ca' in the connection's extra"
                    ) from error
            else:
                if answer.status_code not in BUSY:
                    return answer
                said, told = (
                    f"status {answer.status_code}",
                    retry_after(answer, self.patience.now()),
                )
            if tried + 1 < self.patience.tries:
                self.patience.wait(tried, told)
        raise TryAgain(f"{self.where}: {said} on {self.patience.tries} tries; tried again later")

    def check(self, answer: httpx.Response) -> None:
        if answer.status_code in REFUSED:
            raise BadInput(
                f"{self.where}: status {answer.status_code}, not allowed; give the source's "
                "connection a login that may read it"
            )


@contextmanager
def reach(url: str, known: Connection, patience: Patience) -> Iterator[Server]:
    """The server of a URL; what the URL leaves out comes from the connection."""
    base = address(url, known)
    options: dict[str, Any] = {"base_url": base, "timeout": TIMEOUT, "headers": headers(known)}
    options["params"] = httpx.QueryParams(str(known.extra.get("query", "")))
    if known.login and not known.extra.get("token"):
        options["auth"] = (known.login, known.password)
    with httpx.Client(verify=trust(known.extra), follow_redirects=True, **options) as client:
        yield Server(client, patience, base)


def address(url: str, known: Connection) -> str:
    """Scheme, host and port: ``loki+https://host`` and ``https://host`` alike, http otherwise."""
    try:
        parts, given = urlsplit(url), urlsplit(url).port
    except ValueError as error:
        raise BadInput(f"{url}: {error}; write kind://host:port/…") from error
    host = parts.hostname or known.host
    if not host:
        raise BadInput(f"{url}: no host; write kind://host:port/…, or give the connection one")
    secure = parts.scheme.endswith("https") or str(known.extra.get("use_ssl", "")).lower() == "true"
    port = given or known.port
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if secure else 'http'}://{shown}" + (f":{port}" if port else "")


def headers(known: Connection) -> Mapping[str, str]:
    if token := known.extra.get("token"):
        return {"Authorization": f"Bearer {token}"}
    if key := known.extra.get("api_key"):
        return {"Authorization": f"ApiKey {key}"}
    return {}


def trust(extra: Mapping[str, Any]) -> Any:
    """The system's certificates, else those of the connection's ``ca`` file."""
    import ssl

    ca = extra.get("ca")
    return ssl.create_default_context(cafile=str(ca)) if ca else True


def retry_after(answer: httpx.Response, now: float) -> float | None:
    """Seconds that the server asks to wait, from either form of the header."""
    text = answer.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now)
    except (TypeError, ValueError):
        return None
