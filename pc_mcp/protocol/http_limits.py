"""What callers over HTTP may hold: so many connections, and each only as long as it asks something.

A connection *waits* while it has no whole request that is being answered. Whoever waits too long
is let go of, and where there are too many connections, whoever has waited longest makes room for
the next caller: connections that ask nothing keep nobody else from asking.
"""

import asyncio
import contextlib
import errno
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import uvicorn
from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

logger = logging.getLogger(__name__)

_NO_DESCRIPTORS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_SAID_AGAIN_SECONDS = 60
_TAKEN_IN_BODIES = 8
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


def _connections() -> int:
    """A quarter of the files that the process may have open: as many more may be accepted at once."""
    if sys.platform == "win32":
        return 250
    import resource  # noqa: PLC0415 - Windows has none

    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 250 if allowed == resource.RLIM_INFINITY else max(4, min(250, allowed // 4))


@dataclass(frozen=True, slots=True)
class Limits:
    """connections: at a time; request_seconds: how long a connection may take until it has sent a
    whole request; header_bytes and body_bytes: of a request; sessions: of clients of the older
    protocol, at a time; session_seconds: how long one that asks nothing is kept."""

    connections: int
    request_seconds: float = 15
    header_bytes: int = 16_384
    body_bytes: int = 1_048_576
    sessions: int = 1_000
    session_seconds: float = 1_800

    @classmethod
    def of_this_process(cls) -> "Limits":
        """As many connections as the process has files to open for."""
        return cls(_connections())

    def whole_requests(self, app: ASGIApp) -> ASGIApp:
        """`app`, for the requests whose body comes to its end and is not too large."""
        limited = RequestBodyLimitMiddleware(_WholeRequests(app), self.body_bytes)
        return _TakenInFirst(limited, _TAKEN_IN_BODIES * self.body_bytes)

    def configured(self, app: ASGIApp) -> uvicorn.Config:
        """The configuration of a web server that keeps them, and logs only what is wrong with itself."""
        return uvicorn.Config(
            _ending_quietly(app),
            http=_Connection,
            ws="none",
            log_config=None,
            log_level=logging.ERROR,
            access_log=False,
            server_header=False,
            limit_concurrency=self.connections,
            timeout_keep_alive=self.request_seconds,  # type: ignore[arg-type]  # it is handed to `call_later`
            h11_max_incomplete_event_size=self.header_bytes,
            backlog=min(self.connections, 128),
        )


class _TakenInFirst:
    """Takes in the rest of a body that is too large before that is answered, up to so many bytes: a client that is
    still sending when the connection is closed would never read why."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_whole = False

        async def noted() -> Message:
            nonlocal is_whole
            message = await receive()
            is_whole = message["type"] != "http.request" or not message.get("more_body")
            return message

        async def send_after_the_rest(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                left = self._most_bytes
                while left > 0 and not is_whole:
                    left -= len((await noted()).get("body", b"")) or 1
            await send(message)

        await self._app(scope, noted, send_after_the_rest)


class _WholeRequests:
    """Hands on the requests whose body came to its end; nothing is logged of who leaves before that."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        first: list[Message] = [await receive()]
        if first[0]["type"] != "http.request" or first[0].get("more_body"):
            return

        async def again() -> Message:
            return first.pop() if first else await receive()

        await self._app(scope, again, send)


def _ending_quietly(app: ASGIApp) -> ASGIApp:
    """The web server cancels what is under way only when it ends, and would call that an error."""

    async def quiet(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return quiet


class _Connection(H11Protocol):
    """A connection that is let go of when it waits too long, or when it is in the way of others."""

    _waits_since = 0.0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()
        # Uvicorn's own limit counts those that are gone already, and whoever only waits.
        most, self.limit_concurrency = self.limit_concurrency, None
        if most is not None and len(self.connections) > most and not drop_one(self.connections - {self}):
            self.limit_concurrency = 0  # it answers 503 to what this one asks

    def data_received(self, data: bytes) -> None:
        # The limit holds for what is incomplete: whatever came in one go would be under it.
        size = self.config.h11_max_incomplete_event_size or len(data)
        for start in range(0, len(data), size):
            if not self.transport.is_closing():
                super().data_received(data[start : start + size])
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._unset_keepalive_if_required()  # `_watch` has the same time for it, and says what is wrong
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lose_patience()
        super().connection_lost(exc)

    @property
    def waits_since(self) -> float | None:
        """Since when, by the loop's clock; None while a request is being answered."""
        return self._waits_since if self._patience else None

    def drop(self) -> None:
        """Ends the connection at once."""
        self.connections.discard(self)
        self._lose_patience()
        self.transport.abort()

    def _watch(self) -> None:
        answering = self.cycle is not None and not (self.cycle.response_complete or self.cycle.more_body)
        if answering or self.transport.is_closing():
            self._lose_patience()
        elif self._patience is None:
            self._waits_since = self.loop.time()
            self._patience = self.loop.call_later(self.timeout_keep_alive, self._too_slow)

    def _lose_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        half_a_header = bool(self.conn.trailing_data[0])
        half_a_body = self.cycle is not None and not self.cycle.response_started
        if half_a_header or half_a_body:
            self.transport.write(_TOO_SLOW)
        self.transport.close()


def drop_one(connections: Iterable[asyncio.Protocol]) -> bool:
    """Ends the connection that has waited longest; False where none waits."""
    waiting = [each for each in connections if isinstance(each, _Connection) and each.waits_since is not None]
    if waiting:
        min(waiting, key=lambda each: each.waits_since or 0).drop()
    return bool(waiting)


class OutOfDescriptors:
    """Handles what the event loop reports when it cannot accept a connection: says so once, and makes room.

    The loop tries again by itself, but reports the failure up to `backlog` times in one go.
    """

    def __init__(self, connections: set[Any]) -> None:
        self._connections = connections
        self._said_at: float | None = None
        self._made_room = False

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not (isinstance(error, OSError) and error.errno in _NO_DESCRIPTORS and "socket" in context):
            loop.default_exception_handler(context)
            return
        now = loop.time()
        if self._said_at is None or now - self._said_at >= _SAID_AGAIN_SECONDS:
            self._said_at = now
            logger.error("no connection can be accepted for now: %s", error.strerror)
        if not self._made_room:
            self._made_room = True
            drop_one(self._connections)
            loop.call_soon(self._again)

    def _again(self) -> None:
        self._made_room = False
