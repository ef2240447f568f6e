"""Runs a server over Streamable HTTP on a loopback address, and ends it at once when it is asked to."""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator

import uvicorn
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pc_mcp.protocol.http_limits import Limits, OutOfDescriptors
from pc_mcp.protocol.http_secret import OnlyWithSecret, Secret
from pc_mcp.protocol.jsonrpc import read
from pc_mcp.protocol.server import Server
from pc_mcp.runtime.failures import AddressRefused
from pc_mcp.runtime.network import LOOPBACK_HOSTS, MCP_PATH
from pc_mcp.runtime.signals import on_signal
from pc_mcp.runtime.waiting import run

logger = logging.getLogger(__name__)


def serve_http(
    server: Server,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    secret: Secret | None,
    limits: Limits | None = None,
) -> None:
    """Serves clients over Streamable HTTP on a loopback address until a signal comes.

    secret: what callers must send; None: nothing.

    `on_ready` gets the URL once connections are accepted; port 0 takes a free one. Requests with a
    foreign `Host` or `Origin` are refused, so that no web page can reach the server through a
    browser. Raises `AddressRefused`.
    """
    if host not in LOOPBACK_HOSTS:
        raise AddressRefused(
            f"pc-mcp serves HTTP on 127.0.0.1, localhost or ::1 only, not on {host}: all callers "
            "act with your rights, and what they send and get is not encrypted."
        )
    with _listening_socket(host, port) as listener:
        bound_port = listener.getsockname()[1]
        url = f"http://{f'[{host}]' if ':' in host else host}:{bound_port}{MCP_PATH}"
        limits = limits or Limits.of_this_process()
        app: ASGIApp = server.streamable_http_app(
            host=host,
            streamable_http_path=MCP_PATH,
            max_request_body_size=limits.body_bytes,
            max_sessions=limits.sessions,
            session_idle_timeout=limits.session_seconds,
        )
        app = limits.whole_requests(_answering_every_request(app))
        if secret:
            app = OnlyWithSecret(app, secret)
        http = _HttpServer(limits.configured(app), lambda: on_ready(url))
        with on_signal(http.stop):
            run(http.serve, [listener])
    logger.info("stopped")


def _answering_every_request(app: ASGIApp) -> ASGIApp:
    """`app`, but for what is no request, to which it would answer a library's own words, or nothing where an id is
    neither text nor a whole number. The body is to come whole, in one message."""

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await app(scope, receive, send)
            return
        first: list[Message] = [await receive()]
        body: bytes = first[0].get("body", b"")
        _, refusal = read(body)
        if body and refusal:
            text = refusal.model_dump_json(by_alias=True, exclude_unset=True)
            await Response(text, 400, media_type="application/json")(scope, receive, send)
            return

        async def again() -> Message:
            return first.pop() if first else await receive()

        await app(scope, again, send)

    return answering


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is named does asyncio send small answers without delay.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
        listener.bind((host, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise AddressRefused(f"pc-mcp cannot listen on {host}:{port}: {reason}.") from None
    return listener


class _HttpServer(uvicorn.Server):
    """Uvicorn that leaves signals to us and does not wait for clients when it stops."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(OutOfDescriptors(self.server_state.connections))
        await super().startup(sockets)
        self._on_ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Ends `serve`: streams are cut, what is under way is cancelled."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await self.lifespan.shutdown()
