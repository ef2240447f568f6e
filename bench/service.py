"""A Partner Center that costs as little as can be: every page is rendered before the first request.

It runs in a process of its own: `python -m bench.service LATENCY_MS NAME:DEVICES:BATCH_SIZE:PAGE_SIZE …`.
The sandbox makes each page when it is asked for one, which takes longer than reading it does; here
what a client needs for a page is nearly all there is to wait for.
"""

import asyncio
import selectors
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from bench.processes import announce, announced
from bench.world import BenchCustomer

TOKEN = "bench-token"
_TOKEN_HEADER = b"\r\nms-continuationtoken: "
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

Answers = Mapping[tuple[bytes, bytes], bytes]


@contextmanager
def serving(customers: Iterable[BenchCustomer], latency_ms: float = 0) -> Iterator[str]:
    """The service in a process of its own, ready to answer; yields its base URL."""
    wanted = [f"{c.name}:{c.devices}:{c.batch_size}:{c.page_size}" for c in customers]
    with announced("bench.service", str(latency_ms), *wanted) as base_url:
        yield base_url


class _Connection(asyncio.Protocol):
    def __init__(self, answers: Answers, latency_seconds: float) -> None:
        self._answers = answers
        self._latency = latency_seconds
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._received.endswith(b"\r\n\r\n"):
            return
        head, self._received = self._received, b""
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        _, _, rest = head.lower().partition(_TOKEN_HEADER)
        # Lower case would spoil the token, so it is cut out of what was received.
        start = len(head) - len(rest)
        token = head[start : head.index(b"\r\n", start)] if rest else b""
        answer = self._answers.get((path, token), _NOT_FOUND)
        if self._latency:
            asyncio.get_running_loop().call_later(self._latency, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _rendered(customers: Sequence[BenchCustomer]) -> dict[tuple[bytes, bytes], bytes]:
    answers: dict[tuple[bytes, bytes], bytes] = {}
    profiles: list[bytes] = []
    for customer in customers:
        for path, token, body in customer.answers():
            answers[path.encode(), token.encode()] = _with_head(body)
            if path.count("/") == 3:
                profiles.append(body)
    listed = b'{"totalCount":%d,"items":[%s]}' % (len(profiles), b",".join(profiles))
    answers[b"/v1/customers", b""] = _with_head(listed)
    return answers


def _with_head(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def _serve(customers: Sequence[BenchCustomer], latency_ms: float) -> None:
    answers = _rendered(customers)
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(answers, latency_ms / 1000), "127.0.0.1", 0
    )
    host, port = server.sockets[0].getsockname()
    announce(f"http://{host}:{port}")
    await server.serve_forever()


def _customer(text: str) -> BenchCustomer:
    name, *sizes = text.rsplit(":", 3)
    return BenchCustomer(name, *map(int, sizes))


if __name__ == "__main__":
    # epoll rounds its time-outs up to whole milliseconds, and a page would take longer than it should.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_serve([_customer(text) for text in sys.argv[2:]], float(sys.argv[1])))
