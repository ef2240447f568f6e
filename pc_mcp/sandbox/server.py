"""The sandbox as a real HTTP server on loopback, in a thread or in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import threading
from collections import deque
from typing import TYPE_CHECKING

import uvicorn

from pc_mcp.sandbox.app import RecordedRequest, build_app
from pc_mcp.sandbox.switches import Switches
from pc_mcp.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from starlette.applications import Starlette

SANDBOX_TOKEN = "sandbox-token"
"""The access token that a sandbox accepts unless another is given; no secret."""


class Sandbox:
    """A running sandbox: where it listens, what it serves, what it was asked.

    `base_url` ends in `/v1`. `switches` may be turned while it runs; `requests` grows with each
    request and may be cleared.
    """

    def __init__(self, base_url: str, token: str, world: World, switches: Switches) -> None:
        self.base_url = base_url
        self.token = token
        self.world = world
        self.switches = switches
        self.requests: list[RecordedRequest] = []


@contextlib.contextmanager
def running(
    world: World | None = None, switches: Switches | None = None, token: str = SANDBOX_TOKEN
) -> Iterator[Sandbox]:
    """A sandbox on a free port of 127.0.0.1, in a thread with an event loop of its own.

    It accepts connections when the block begins; when the block ends it stops at once, also while
    a request hangs or a connection is kept alive.
    """
    with _listen("127.0.0.1", 0) as listener:
        sandbox = Sandbox(_base_url(listener), token, world or World(), switches or Switches())
        app = build_app(sandbox.world, sandbox.switches, token, sandbox.requests)
        started = threading.Event()
        server = _Server(app, started.set)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), name="sandbox", daemon=True)
        thread.start()
        started.wait()
        try:
            yield sandbox
        finally:
            server.stop()
            thread.join()


def serve_forever(
    host: str = "127.0.0.1",
    port: int = 0,
    world: World | None = None,
    switches: Switches | None = None,
    token: str = SANDBOX_TOKEN,
    *,
    on_ready: Callable[[str], None] = lambda base_url: None,
) -> None:
    """Serve until SIGINT or SIGTERM, then return at once; for the main thread.

    `on_ready` gets the base URL as soon as connections are accepted. Raises `ValueError` for a
    host that is not loopback, because the token is known to all, and `OSError` when the port is
    taken.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"the sandbox listens on loopback only, not on {host}")
    with _listen(host, port) as listener:
        base_url = _base_url(listener)
        log: deque[RecordedRequest] = deque(maxlen=1)  # nobody reads it, and it must not grow
        app = build_app(world or World(), switches or Switches(), token, log)
        asyncio.run(_Server(app, lambda: on_ready(base_url)).serve([listener]))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where the protocol is named does asyncio turn Nagle's algorithm off, and each answer
    # comes 40 ms sooner.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Elsewhere the option would let two servers share the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
        listener.bind((host, port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


def _base_url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


class _Server(uvicorn.Server):
    """Uvicorn that starts and stops on an event, and stops without waiting for any client."""

    def __init__(self, app: Starlette, on_ready: Callable[[], object]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                date_header=False,
                server_header=False,
            )
        )
        self._on_ready = on_ready
        self._stopping = asyncio.Event()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def main_loop(self) -> None:
        self._on_ready()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # Every request ends as soon as its connection is gone, hanging ones included.
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks)

    def stop(self) -> None:
        """End `serve`; may be called from any thread, once it is ready."""
        self._loop.call_soon_threadsafe(self._stopping.set)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take a signal as the wish to stop, and do not raise it again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handled = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.stop()
