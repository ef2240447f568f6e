"""A double of Partner Center beside the sandbox: a loopback HTTP server that answers with whatever bytes a test
gives it, and a client that asks it. The sandbox is for what a service does; this is for what none should."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio.abc import ByteStream, SocketAttribute

from pc_mcp.auth import Account, ConfiguredAccount
from pc_mcp.partner_center import PartnerCenter, Transport
from pc_mcp.runtime.clouds import checked_base_url

ACCOUNT = ConfiguredAccount("an account", "sandbox-token")
CORRELATION_ID = "7b2c6d3e-6d3a-4a86-9a55-0b1f2c3d4e5f"
CUSTOMER_ID = "47021739-3426-40bf-9601-61b4b6d7c793"


@dataclass(frozen=True)
class Request:
    """A request as it came: the target still encoded, headers by lower-case name."""

    target: str
    headers: dict[str, str]

    @property
    def id(self) -> str:
        return self.headers["ms-requestid"]


HANG = None
"""No answer until the client leaves."""

HANG_UP = b""
"""The connection is closed without an answer."""

Answer = bytes | None
AnswerTo = Callable[[Request], Awaitable[Answer]]


@dataclass
class Service:
    """Gives `answers` in their order, then the last one again; `answer_to` is asked first, if set.

    left: a client ended the connection on which it would have got `HANG`.
    """

    base_url: str
    answers: list[Answer] = field(default_factory=list)
    answer_to: AnswerTo | None = None
    requests: list[Request] = field(default_factory=list)
    asked: anyio.Event = field(default_factory=anyio.Event)
    left: anyio.Event = field(default_factory=anyio.Event)

    async def serve(self, connection: ByteStream) -> None:
        """One connection, for as long as the client knows where each answer ends."""
        async with connection:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                is_kept = True
                while is_kept:
                    is_kept = await self._answer(connection)

    async def _answer(self, connection: ByteStream) -> bool:
        """Whether the connection is kept."""
        request = await _request(connection)
        self.requests.append(request)
        self.asked.set()
        if self.answer_to:
            answer = await self.answer_to(request)
        else:
            answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        if answer is None:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await connection.receive()
            self.left.set()
            return False
        await connection.send(answer)
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        return b"content-length: %d" % len(body) in lines and b"connection: close" not in lines


async def _request(connection: ByteStream) -> Request:
    head = b""
    while b"\r\n\r\n" not in head:
        head += await connection.receive()
    first, *lines = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Request(first.split(" ")[1], {name.lower(): value.strip() for name, _, value in pairs})


@asynccontextmanager
async def serving(*answers: Answer, answer_to: AnswerTo | None = None) -> AsyncIterator[Service]:
    """A service on a free port, for as long as the block lasts."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(SocketAttribute.local_port)
        service = Service(f"http://127.0.0.1:{port}", list(answers), answer_to)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, service.serve)
            yield service
            tasks.cancel_scope.cancel()


def raw(body: bytes = b"", status: int = 200, length: int | None = None, **headers: str) -> bytes:
    """A whole HTTP answer; `length` is what it says its length is. `_` in a header's name is `-`.

    The connection is closed behind it, unless `Connection` is another one.
    """
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named = {"Content-Length": str(len(body) if length is None else length), "Connection": "close"} | named
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("latin-1") + body


def page(*items: Any, token: Any = None, **fields: Any) -> bytes:
    """A page of a collection."""
    body = {"totalCount": len(items), "items": list(items), "continuationToken": token} | fields
    return raw(json.dumps(body).encode())


def customer(**fields: Any) -> bytes:
    """A customer, whose id is 1."""
    return raw(json.dumps({"id": "1"} | fields).encode())


@asynccontextmanager
async def asking(base_url: str, account: Account = ACCOUNT, **options: Any) -> AsyncIterator[PartnerCenter]:
    """A client of a service or a sandbox that does not wait between attempts unless told to."""
    options = {"backoff": lambda _: 0.0} | options
    async with Transport(checked_base_url(base_url), **options) as transport:
        yield PartnerCenter(transport, account, CORRELATION_ID)
