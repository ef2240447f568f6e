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
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import uvicorn

from pc_mcp.sandbox.app import RecordedRequest, build_app
from pc_mcp.sandbox.switches import Switches
from pc_mcp.sandbox.wire import Protocol
from pc_mcp.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableSequence
    from types import FrameType

    from starlette.types import ASGIApp

    from pc_mcp.sandbox.entra import Entra, EntraRequest

T = TypeVar("T")

SANDBOX_TOKEN = "sandbox-token"
"""The access token that a sandbox accepts unless another is given; no secret."""

_ROUNDS_TO_CONNECT = 3
"""Rounds of the event loop from a connection's acceptance until its protocol hears of it."""


class Sandbox:
    """A running sandbox: where it listens, what it serves, what it was asked.

    `base_url` ends in `/v1`. `switches` may be turned while it runs; `requests` grows with each
    request, unless it is bounded, and may be cleared.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        world: World,
        switches: Switches,
        requests: MutableSequence[RecordedRequest],
        entra: Entra | None = None,
    ) -> None:
        self.base_url = base_url
        self.token = token
        self.world = world
        self.switches = switches
        self.requests = requests
        self._entra = entra

    @property
    def entra(self) -> Entra:
        """The sign-in service; `RuntimeError` when the sandbox runs without one."""
        if self._entra is None:
            raise RuntimeError("this sandbox has no sign-in service: start it with running(entra=True)")
        return self._entra

    @property
    def authority(self) -> str:
        """`https://localhost:PORT/` and the partner's tenant id."""
        return self.entra.authority

    @property
    def ca_file(self) -> Path:
        """The certificate (PEM) that whoever talks to the sign-in service has to trust."""
        return self.entra.ca_file

    @property
    def client_id(self) -> str:
        """The public client's."""
        return self.entra.client_id

    @property
    def tenant_id(self) -> str:
        """The partner's."""
        return self.entra.tenant_id


@contextlib.contextmanager
def running(
    world: World | None = None,
    switches: Switches | None = None,
    token: str = SANDBOX_TOKEN,
    *,
    port: int = 0,
    entra: bool = False,
    requests_kept: int | None = None,
) -> Iterator[Sandbox]:
    """A sandbox on 127.0.0.1, in a thread with an event loop of its own; `port` 0 takes a free one.

    With `entra` there is a sign-in service too, whose tokens are accepted besides `token`. They
    accept connections when the block begins; when the block ends they stop at once, also while
    a request hangs or a connection is kept alive. `requests_kept` bounds what each of them
    remembers of what it was asked (None: all of it), for one that runs long.
    """
    world = world or World()
    with contextlib.ExitStack() as stack:
        service = stack.enter_context(_sign_in_service(world, 0, _log(requests_kept))) if entra else None
        listener = stack.enter_context(_listen("127.0.0.1", port))
        sandbox = Sandbox(_base_url(listener), token, world, switches or Switches(), _log(requests_kept), service)
        app = _api(world, sandbox.switches, token, sandbox.requests, service)
        stack.enter_context(_in_thread(app, listener, "sandbox"))
        yield sandbox


def serve_forever(
    host: str = "127.0.0.1",
    port: int = 0,
    world: World | None = None,
    switches: Switches | None = None,
    token: str = SANDBOX_TOKEN,
    *,
    on_ready: Callable[[str], None] = lambda base_url: None,
    on_entra: Callable[[Entra], None] | None = None,
    entra_port: int = 0,
) -> None:
    """Serve until SIGINT or SIGTERM, then return at once; for the main thread.

    `on_ready` gets the base URL as soon as connections are accepted. With `on_entra` there is a
    sign-in service too, on `entra_port` of 127.0.0.1; it is handed over before `on_ready`. Raises
    `ValueError` for a host that is not loopback, because the token is known to all, and `OSError`
    when a port is taken.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"the sandbox listens on loopback only, not on {host}")
    world = world or World()
    # Nobody reads the logs, and they must not grow.
    log: MutableSequence[RecordedRequest] = _log(1)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(_listen(host, port))
        service = None
        if on_entra:
            service = stack.enter_context(_sign_in_service(world, entra_port, _log(1)))
            on_entra(service)
        app = _api(world, switches or Switches(), token, log, service)
        base_url = _base_url(listener)
        asyncio.run(_Server(app, lambda: on_ready(base_url)).serve([listener]))


def _log(kept: int | None) -> MutableSequence[T]:
    return [] if kept is None else deque(maxlen=kept)


def _api(
    world: World,
    switches: Switches,
    token: str,
    log: MutableSequence[RecordedRequest],
    service: Entra | None,
) -> ASGIApp:
    if service is None:
        return build_app(world, switches, token, log)
    return build_app(world, switches, token, log, service.admit)


@contextlib.contextmanager
def _sign_in_service(world: World, port: int, log: MutableSequence[EntraRequest]) -> Iterator[Entra]:
    # Cryptography and JWTs take long to import, and most sandboxes do without.
    from pc_mcp.sandbox.entra.service import entra_at  # noqa: PLC0415

    with (
        _listen("127.0.0.1", port) as listener,
        entra_at(listener.getsockname()[1], world, log) as entra,
        _in_thread(entra.app(), listener, "sandbox sign-in", entra.server_file),
    ):
        yield entra


@contextlib.contextmanager
def _in_thread(app: ASGIApp, listener: socket.socket, name: str, certificate: Path | None = None) -> Iterator[None]:
    started = threading.Event()
    server = _Server(app, started.set, certificate)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), name=name, daemon=True)
    thread.start()
    started.wait()
    try:
        yield
    finally:
        server.stop()
        thread.join()


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
    """Uvicorn that starts and stops on an event, and stops without waiting for any client.

    `certificate` is a PEM file with key and certificate, for https.
    """

    def __init__(self, app: ASGIApp, on_ready: Callable[[], object], certificate: Path | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                date_header=False,
                server_header=False,
                ssl_certfile=certificate,
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
        # asyncio loses a connection, still open, whose server is closed before its protocol has heard of it.
        with contextlib.suppress(NotImplementedError):  # on Windows
            for listener in sockets or []:
                self._loop.remove_reader(listener)
        for _ in range(_ROUNDS_TO_CONNECT):
            await asyncio.sleep(0)
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
