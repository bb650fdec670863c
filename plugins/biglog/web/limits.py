"""How much of a request is read before it is refused."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from biglog.web.problems import problem

BODY = 1_000_000
UPLOAD = 512 * 1024 * 1024
UPLOAD_PATH = "/api/v1/uploads"


class LimitBody:
    """Stops reading a body at its limit, whatever its Content-Length says."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = UPLOAD if scope["path"].endswith(UPLOAD_PATH) else BODY
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if said.isdigit() and int(said) > limit:
            await too_large(limit)(scope, receive, send)
            return
        await self.counted(scope, receive, send, limit)

    async def counted(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        read = 0

        async def count() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise HTTPException(413, words(limit))
            return message

        await self.app(scope, count, send)


def too_large(limit: int) -> ASGIApp:
    return problem(413, words(limit))


def words(limit: int) -> str:
    return f"the body is larger than {limit:,} bytes, the most that is read"
