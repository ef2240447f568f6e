"""A server over HTTP inside the test's own process, and those who ask it."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from pc_mcp.protocol.http import serve_http
from pc_mcp.protocol.server import build_server
from pc_mcp.settings import Settings
from tests.commands.processes import SOON

T = TypeVar("T")

SECRET = "a-secret-of-callers-that-only-the-tests-know"
WITH_SECRET = {"PC_MCP_HTTP__SECRET": SECRET}
"""The variable that makes a server ask for it."""
AUTHORIZATION = {"Authorization": f"Bearer {SECRET}"}

ACCEPT = "application/json, text/event-stream"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
LIST_TOOLS = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/list",
    "params": {
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    },
}
REQUESTS = {
    "legacy": (INITIALIZE, {}),
    "auto": (LIST_TOOLS, {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"}),
}


def posted(url: str, era: str = "auto", **headers: str) -> httpx2.Response:
    """The answer to a first request of a client of that era, without a secret unless a header has it."""
    body, own = REQUESTS[era]
    return httpx2.post(url, json=body, headers={"Accept": ACCEPT, **own, **headers}, timeout=SOON)


@contextlib.asynccontextmanager
async def asking(url: str, mode: str = "auto", headers: dict[str, str] = AUTHORIZATION) -> AsyncIterator[Client]:
    """A client that sends the secret."""
    async with (
        create_mcp_http_client(headers=headers) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


def while_served(work: Callable[[str], T], *, host: str = "127.0.0.1", **options: Any) -> T:
    """What `work`, called with the server's URL in a thread of its own, gives or raises; the server ends then.

    options: of `serve_http`; it asks for no secret unless they say so.
    """
    given: list[T] = []
    raised: list[BaseException] = []

    def run(url: str) -> None:
        try:
            given.append(work(url))
        except BaseException as error:
            raised.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    threads: list[threading.Thread] = []

    def on_ready(url: str) -> None:
        threads.append(threading.Thread(target=run, args=[url]))
        threads[0].start()

    serve_http(build_server(Settings()), host, 0, on_ready, **{"secret": None} | options)
    threads[0].join(SOON)
    if raised:
        raise raised[0]
    return given[0]


def connected(url: str, sent: bytes = b"") -> socket.socket:
    """A connection on which so much of a request was sent."""
    address = httpx2.URL(url)
    connection = socket.create_connection((address.host, address.port), timeout=SOON)
    connection.sendall(sent.replace(b"HOST", f"{address.host}:{address.port}".encode()))
    return connection


def received(connection: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionError:
        """Ended without ceremony."""
    finally:
        connection.close()
    return b"".join(parts)
