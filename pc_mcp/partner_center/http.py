"""GET requests to one host over one pool of connections, which are kept alive.

This is httpx2's transport without its client: a client reads cookies, redirects and authentication of
every answer, none of which may play a part here, and takes as long for it as everything else takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import httpx2
from anyio.lowlevel import checkpoint

from pc_mcp.runtime.network import ACCEPTED_CODING, PIECE_BYTES, Body, BodyRefused, route_to

APPLICATION = "pc-mcp"
MAX_BODY_BYTES = 64 * 2**20
MAX_URLS_KEPT = 64


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer, whose unpacked body came in `chunks` of `length` bytes altogether."""

    status: int
    headers: httpx2.Headers
    chunks: list[bytes]
    length: int

    def body(self) -> bytes:
        """The whole body. To join a large one takes time, during which other threads go on."""
        return b"".join(self.chunks)


class Host:
    """Sends GET requests to `base_url`. Use as an async context manager, which owns the connections.

    What it takes to connect is loaded with the first request: a server must start without it.
    timeout_seconds bounds each wait for the host, not the whole answer. It goes through the proxy of
    `route_to`.
    """

    def __init__(self, base_url: str, *, timeout_seconds: float, connections: int) -> None:
        self.base_url = base_url
        self._urls: dict[str, httpx2.URL] = {}
        timeout = httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, 10))
        self._extensions = {"timeout": timeout.as_dict()}
        self._connections = connections
        self._transport: httpx2.AsyncHTTPTransport | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._transport:
            await self._transport.aclose()

    async def get(self, path: str, headers: Mapping[str, str]) -> HttpResponse:
        """The answer to a request for `path`, joined to the base URL.

        Raises `httpx2.RequestError` (`BodyRefused` for a body that is not read) and `NetworkRefused`.
        """
        sent = {"Accept-Encoding": ACCEPTED_CODING, "User-Agent": APPLICATION, **headers}
        request = httpx2.Request("GET", self._url(path), headers=sent, extensions=self._extensions)
        if self._transport is None:
            self._transport = route_to(self.base_url).async_transport(max_connections=self._connections)
        response = await self._transport.handle_async_request(request)
        try:
            chunks = await _read(response)
        except BodyRefused as refused:
            refused.status = response.status_code
            raise
        finally:
            await response.aclose()
        return HttpResponse(response.status_code, response.headers, chunks, sum(map(len, chunks)))

    def _url(self, path: str) -> httpx2.URL:
        """Every page of a list has the same URL, which takes a while to check."""
        if path not in self._urls:
            if len(self._urls) >= MAX_URLS_KEPT:
                self._urls.clear()
            self._urls[path] = httpx2.URL(self.base_url + path)
        return self._urls[path]


async def _read(response: httpx2.Response) -> list[bytes]:
    body = Body(response.headers.get("Content-Encoding"), MAX_BODY_BYTES)
    chunks: list[bytes] = []
    async for chunk in response.aiter_raw():
        for piece in body.pieces(chunk):
            chunks.append(piece)
            if len(piece) == PIECE_BYTES:  # there is more to unpack: others first
                await checkpoint()
    body.end()
    return chunks
