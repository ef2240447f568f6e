"""Answers that go wrong on the wire, which no ASGI message can say: written to the connection itself."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, cast

from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from pc_mcp.sandbox.switches import Fault

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_TRANSPORT = "transport"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""`struct linger`: on, for no time at all."""


class Protocol(H11Protocol):
    """HTTP/1.1 that gives the application its connection, in the scope's `state`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, _TRANSPORT: transport}


async def send_faulty(
    answer: Response, fault: Fault, drip_seconds: float, scope: Scope, receive: Receive, send: Send
) -> None:
    """Sends `answer` as `fault` says; returns when the connection is gone, or free for another request."""
    transport = cast("asyncio.Transport", scope["state"][_TRANSPORT])
    body = bytes(answer.body)
    if fault is Fault.LENGTH_TOO_SHORT:
        await Response(body[: len(body) // 2], answer.status_code, _headers(answer))(scope, receive, send)
        transport.write(body[len(body) // 2 :])
        return
    transport.write(_sent_at_once(answer, body, fault))
    if fault in (Fault.RESET, Fault.RESET_IN_BODY):
        # Closed in this way, a connection ends with RST.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    elif fault in (Fault.CUT_SHORT, Fault.NO_LAST_CHUNK):
        transport.close()
    elif fault is Fault.DRIP:
        for byte in body:
            if await client_left(receive, drip_seconds):
                return
            transport.write(bytes([byte]))
        transport.close()
    await client_left(receive, None)


def _sent_at_once(answer: Response, body: bytes, fault: Fault) -> bytes:
    """What comes of an answer before something happens."""
    half = body[: len(body) // 2]
    match fault:
        case Fault.RESET_IN_BODY | Fault.CUT_SHORT:
            return _head(answer, f"content-length: {len(body)}") + half
        case Fault.NO_LAST_CHUNK:
            return _head(answer, "transfer-encoding: chunked") + b"%x\r\n%b\r\n" % (len(half), half)
        case Fault.LENGTH_TOO_LONG:
            return _head(answer, f"content-length: {len(body) + 1}") + body
        case Fault.HANG_AFTER_HEADERS | Fault.DRIP:
            return _head(answer, f"content-length: {len(body)}")
        case _:
            return b""


async def client_left(receive: Receive, within: float | None) -> bool:
    """Whether the client, or the sandbox, ended the connection in that many seconds."""
    try:
        async with asyncio.timeout(within):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


def _head(answer: Response, framing: str) -> bytes:
    lines = [f"HTTP/1.1 {answer.status_code} Said", framing, *map(": ".join, _headers(answer).items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _headers(answer: Response) -> dict[str, str]:
    """All but how long the body is."""
    return {name: value for name, value in answer.headers.items() if name != "content-length"}
