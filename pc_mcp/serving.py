"""Runs a server over stdio, and ends it at once when it is asked to.

A signal, a closed pipe and the client's goodbye all end a server the same way: what is under way
is cancelled, the pipes are closed, and the process exits with 0.
"""

import contextlib
import errno
import io
import logging
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator

import anyio
from typing_extensions import Buffer

from pc_mcp.server import Server
from pc_mcp.signals import on_signal

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 65536
_LAST_WORDS_SECONDS = 0.5


def serve_stdio(server: Server) -> None:
    """Serves one client over standard input and output until either is closed or a signal comes."""
    with _interruptible_stdio() as end, on_signal(end):
        logger.info("serving over standard input and output")
        # The client is gone where its pipe is: nothing is left to tell it.
        with contextlib.suppress(*_GONE):
            _run_ignoring_closed_pipes(server)
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
