"""Runs a server over stdio, and ends it at once when it is asked to.

A signal and a closed pipe end a server at once: what is under way is cancelled, and the process
exits with 0. Where the client only has nothing more to say, the calls under way get some seconds.
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCMessage

from pc_mcp.protocol.jsonrpc import OpenRequests, lines, read
from pc_mcp.protocol.server import Server
from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.signals import on_signal
from pc_mcp.runtime.streams import closed_at_start
from pc_mcp.runtime.waiting import Worker, run

logger = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""How long calls under way may take once the client has closed our standard input."""
_CHUNK_BYTES = 65536
_LAST_WORDS_SECONDS = 0.5


class NobodyListens(Failure):
    """There is nobody to serve."""


def serve_stdio(server: Server) -> None:
    """Serves one client over standard input and output until either is closed or a signal comes.

    Raises `NobodyListens` where standard output was closed from the start.
    """
    if 1 in closed_at_start():
        raise NobodyListens("standard output is closed, so nobody could read an answer: start it from an MCP client.")
    with _standard_streams() as (source, wire):
        client = _Client(source, wire)
        with on_signal(client.end):
            logger.info("serving over standard input and output")
            run(client.serve, server)
    logger.info("stopped")


@contextlib.contextmanager
def _standard_streams() -> Iterator[tuple[socket.socket, int]]:
    """A socket that brings standard input, and the descriptor of the protocol's output.

    Nothing can interrupt who reads standard input, so a daemon thread does. Standard output belongs
    to the protocol: whatever else writes to descriptor 1 goes to standard error.
    """
    ours, theirs = socket.socketpair()

    def pump() -> None:
        with contextlib.suppress(OSError):
            while chunk := os.read(0, _CHUNK_BYTES):
                ours.sendall(chunk)
        with contextlib.suppress(OSError):
            ours.shutdown(socket.SHUT_WR)

    wire = os.dup(1)
    os.dup2(2, 1)
    threading.Thread(target=pump, name="stdin", daemon=True).start()
    yield theirs, wire


class _Client:
    """The one client, at the other end of the pipes."""

    def __init__(self, source: socket.socket, wire: int) -> None:
        self._source = source
        self._wire = wire
        self._open = OpenRequests()
        self._stop: Callable[[], object] | None = None
        self._ended = False

    def end(self) -> None:
        """Ends `serve` at once; from a signal handler too, and before it has begun."""
        self._ended = True
        if self._stop:
            self._stop()

    async def serve(self, server: Server) -> None:
        """Until there is nothing more to read, or nobody to write to."""
        self._listening = anyio.CancelScope()
        self._stop = partial(asyncio.get_running_loop().call_soon_threadsafe, self._listening.cancel)
        if self._ended:  # before there was a loop to tell
            self._listening.cancel()
        to_server, read_stream = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        write_stream, from_server = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen, to_server, write_stream.clone())
            tasks.start_soon(self._tell, from_server)
            await server.run_over(read_stream, write_stream)
            self._stop = None
            self._listening.cancel()
            tasks.cancel_scope.deadline = anyio.current_time() + _LAST_WORDS_SECONDS

    async def _listen(
        self,
        to_server: MemoryObjectSendStream[SessionMessage | Exception],
        to_client: MemoryObjectSendStream[SessionMessage],
    ) -> None:
        """Hands on what the client sends; what cannot be read is answered here."""
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async with to_server, to_client:
                with self._listening:
                    source, writer = await asyncio.open_connection(sock=self._source)
                    with contextlib.closing(writer):
                        async for line in lines(partial(source.read, _CHUNK_BYTES)):
                            message, refusal = read(line)
                            if message:
                                self._open.note(message)
                                await to_server.send(SessionMessage(message))
                            elif refusal:
                                await to_client.send(SessionMessage(refusal))
                        with anyio.move_on_after(GRACE_SECONDS):
                            await self._open.all_answered()

    async def _tell(self, from_server: MemoryObjectReceiveStream[SessionMessage]) -> None:
        """Writes what the server says, until nobody can read it any more."""
        write: Callable[[bytes], None] | None = self._write
        async with from_server:
            with Worker("stdout") as writer:
                async for said in from_server:
                    message: JSONRPCMessage = said.message
                    line = message.model_dump_json(by_alias=True, exclude_unset=True) + "\n"
                    try:
                        if write:
                            await writer.do(partial(write, line.encode()))
                    except OSError:
                        logger.debug("the client closed the pipe")
                        write = None
                        self._listening.cancel()
                    self._open.close(message)

    def _write(self, line: bytes) -> None:
        """Raises `OSError`."""
        left = memoryview(line)
        while left:
            left = left[os.write(self._wire, left) :]
