"""GET requests to one host over one pool of connections, which are kept alive.

This is httpx2's transport without its client: a client reads cookies, redirects and authentication of
every answer, none of which may play a part here, and takes as long for it as everything else takes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

APPLICATION = "pc-mcp"
MAX_BODY_BYTES = 64 * 2**20
MAX_URLS_KEPT = 64


class BodyTooLong(Exception):
    """A body is longer than `MAX_BODY_BYTES`."""

    def __init__(self, status: int) -> None:
        super().__init__(f"It is longer than {MAX_BODY_BYTES // 2**20} MiB.")
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
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
    timeout_seconds bounds each wait for the host, not the whole answer. The environment's proxy is
    used for https; plain http is for loopback only, so no proxy may see its token.
    """

    def __init__(self, base_url: str, *, timeout_seconds: float, connections: int) -> None:
        self._base_url = base_url
        self._urls: dict[str, httpx2.URL] = {}
        timeout = httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, 10))
        self._extensions = {"timeout": timeout.as_dict()}
        self._limits = httpx2.Limits(max_connections=connections)
        self._transport: httpx2.AsyncHTTPTransport | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._transport:
            await self._transport.aclose()

    async def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """The answer to a request for `path`, joined to the base URL. Raises `httpx2.RequestError`
        or `BodyTooLong`."""
        sent = {"Accept-Encoding": "gzip, deflate", "User-Agent": APPLICATION, **headers}
        request = httpx2.Request("GET", self._url(path), headers=sent, extensions=self._extensions)
        if self._transport is None:
            self._transport = httpx2.AsyncHTTPTransport(limits=self._limits, proxy=_proxy_for(self._base_url))
        response = await self._transport.handle_async_request(request)
        try:
            chunks, length = list[bytes](), 0
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                length += len(chunk)
                if length > MAX_BODY_BYTES:
                    raise BodyTooLong(response.status_code)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, chunks, length)

    def _url(self, path: str) -> httpx2.URL:
        """Every page of a list has the same URL, which takes a while to check."""
        if path not in self._urls:
            if len(self._urls) >= MAX_URLS_KEPT:
                self._urls.clear()
            self._urls[path] = httpx2.URL(self._base_url + path)
        return self._urls[path]


def _proxy_for(base_url: str) -> str | None:
    parts = urlsplit(base_url)
    if parts.scheme != "https" or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy
