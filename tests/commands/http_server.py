"""A server over HTTP inside the test's own process, and raw requests to it."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from typing import TypeVar

import httpx2

from pc_mcp.server import build_server
from pc_mcp.serving_http import serve_http
from pc_mcp.settings import Settings
from tests.commands.processes import SOON

T = TypeVar("T")


def while_served(work: Callable[[str], T], *, host: str = "127.0.0.1", **options: object) -> T:
    """What `work`, called with the server's URL in a thread of its own, gives or raises; the server ends then."""
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

    serve_http(build_server(Settings()), host, 0, on_ready, **options)
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
