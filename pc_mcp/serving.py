"""Runs a server over stdio or HTTP, and ends it at once when it is asked to.

A signal, a closed pipe and the client's goodbye all end a server the same way: what is under way
is cancelled, the connections are closed, and the process exits with 0.
"""

import contextlib
import errno
import io
import logging
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import anyio
import uvicorn
from typing_extensions import Buffer

from pc_mcp.failures import Failure
from pc_mcp.partner_center.clouds import LOOPBACK_HOSTS
from pc_mcp.server import Server

logger = logging.getLogger(__name__)

MCP_PATH = "/mcp"
_CHUNK_BYTES = 65536
_LAST_WORDS_SECONDS = 0.5


class AddressRefused(Failure):
    """The server cannot listen there; the text says why."""


def serve_stdio(server: Server) -> None:
    """Serves one client over standard input and output until either is closed or a signal comes."""
    with _interruptible_stdio() as end, _on_signal(end):
        logger.info("serving over standard input and output")
        # The client is gone where its pipe is: nothing is left to tell it.
        with contextlib.suppress(*_GONE):
            _run_ignoring_closed_pipes(server)
    logger.info("stopped")


def serve_http(server: Server, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serves any number of clients over Streamable HTTP on a loopback address until a signal comes.

    `on_ready` gets the URL once connections are accepted; port 0 takes a free one. Requests with a
    foreign `Host` or `Origin` are refused, so that no web page can reach the server through a
    browser. Raises `AddressRefused`.
    """
    if host not in LOOPBACK_HOSTS:
        raise AddressRefused(
            f"pc-mcp serves HTTP on 127.0.0.1, localhost or ::1 only, not on {host}: callers are not "
            "signed in, and all of them would act with your rights."
        )
    with _listening_socket(host, port) as listener:
        bound_port = listener.getsockname()[1]
        url = f"http://{f'[{host}]' if ':' in host else host}:{bound_port}{MCP_PATH}"
        app = server.streamable_http_app(host=host, streamable_http_path=MCP_PATH)
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", server_header=False)
        http = _HttpServer(config, lambda: on_ready(url))
        with _on_signal(http.stop):
            anyio.run(http.serve, [listener])
    logger.info("stopped")


_GONE = (BrokenPipeError, ConnectionResetError)


def _run_ignoring_closed_pipes(server: Server) -> None:
    try:
        anyio.run(server.run_stdio_async)
    except* _GONE:
        logger.debug("the client closed the pipe")


@contextlib.contextmanager
def _interruptible_stdio() -> Iterator[Callable[[], None]]:
    """Gives the SDK a standard input that can be ended from within: yields what ends it.

    The SDK reads standard input in a thread that nothing can interrupt, so a signal would have to
    wait for the client. Here a daemon thread reads it instead, and passes it on through a socket
    that `end` closes. Standard output belongs to the protocol: whatever else writes to descriptor 1
    goes to standard error, and a failure to write ends the server too.
    """
    ours, theirs = socket.socketpair()

    def end() -> None:
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_RDWR)

    def pump() -> None:
        with contextlib.suppress(OSError):
            while chunk := os.read(0, _CHUNK_BYTES):
                ours.sendall(chunk)
        end()

    wire = _Wire(os.dup(1), ours, end)
    os.dup2(2, 1)
    before = sys.stdin, sys.stdout
    sys.stdin = io.TextIOWrapper(theirs.makefile("rb"), encoding="utf-8")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(wire), encoding="utf-8")
    threading.Thread(target=pump, name="stdin", daemon=True).start()
    try:
        yield end
    finally:
        sys.stdin, sys.stdout = before
        end()


class _Wire(io.FileIO):
    """Standard output for the protocol. A write that fails, or that nobody reads after the end, ends it.

    ended: a socket that is readable once the server is to end; end: what ends it.
    """

    def __init__(self, descriptor: int, ended: socket.socket, end: Callable[[], None]) -> None:
        super().__init__(descriptor, "wb")
        self._ended = ended
        self._end = end
        self._seconds_left = _LAST_WORDS_SECONDS

    def write(self, data: Buffer, /) -> int:
        """Writes a part of `data`. Raises `OSError`."""
        try:
            if os.name != "posix":
                return super().write(data)
            self._wait_for_reader()
            # As much as a pipe that takes anything takes without waiting.
            return super().write(memoryview(data).cast("B")[: select.PIPE_BUF])
        except OSError:
            self._end()
            raise

    def _wait_for_reader(self) -> None:
        _, writable, _ = select.select([self._ended], [self], [])
        if not writable:
            _, writable, _ = select.select([], [self], [], self._seconds_left)
        if not writable:
            self._seconds_left = 0
            raise BrokenPipeError(errno.EPIPE, "the client does not read")


@contextlib.contextmanager
def _on_signal(end: Callable[[], None]) -> Iterator[None]:
    """Calls `end` on SIGINT and SIGTERM; a second signal ends the process without ceremony."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    came: list[int] = []

    def first(number: int, _: object) -> None:
        came.append(number)  # nothing is logged here: the signal may have come while a line was written
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        end()

    for number in before:
        signal.signal(number, first)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in came:
            logger.info("ended by %s", signal.Signals(each).name)


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
