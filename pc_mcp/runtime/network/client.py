"""The HTTP client for what blocks, with limits on all that it is answered."""

import time

import httpx2

from pc_mcp.runtime.network.bodies import ACCEPTED_CODING, Body
from pc_mcp.runtime.network.proxies import route_to


class BoundedClient(httpx2.Client):
    """Follows no redirect, waits `seconds` for an answer at most, and reads `most_bytes` of it.

    The proxy is that of `route_to`, whatever host is asked.
    """

    def __init__(self, *, seconds: float, most_bytes: int) -> None:
        super().__init__(
            timeout=seconds,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept-Encoding": ACCEPTED_CODING},
            transport=_Bounded(seconds, most_bytes),
        )


class _Bounded(httpx2.BaseTransport):
    """Hands on answers that are whole already. Raises `httpx2.RequestError` or `NetworkRefused`."""

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._transports: dict[tuple[bool, str | None], httpx2.HTTPTransport] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        until = time.monotonic() + self._seconds
        response = self._transport_to(str(request.url)).handle_request(request)
        try:
            body = Body(response.headers.get("Content-Encoding"), self._most_bytes)
            content = bytearray()
            for chunk in response.iter_raw():
                for piece in body.pieces(chunk):
                    content += piece
                if time.monotonic() > until:
                    raise httpx2.ReadTimeout("The answer takes too long.")
            body.end()
        finally:
            response.close()
        headers = [
            (name, value)
            for name, value in response.headers.multi_items()
            if name.lower() not in {"content-encoding", "content-length", "transfer-encoding"}
        ]
        return httpx2.Response(response.status_code, headers=headers, content=bytes(content))

    def close(self) -> None:
        for transport in self._transports.values():
            transport.close()

    def _transport_to(self, url: str) -> httpx2.HTTPTransport:
        route = route_to(url)
        key = (route.secure, None if route.proxy is None else str(route.proxy.url))
        if key not in self._transports:
            self._transports[key] = route.transport()
        return self._transports[key]
