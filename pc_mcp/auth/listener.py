"""Signing in through the browser: a listener on loopback that takes one answer.

It is this program's own, since MSAL's waits in a thread that nothing can cancel and binds every
address in a container. It takes exactly one POST, with the right `state` and `Host`; anything else
is answered 400 and changes nothing.
"""

import errno
import hmac
import html
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl

import anyio
import anyio.abc
import h11

MAX_BODY_BYTES = 64 * 1024
PORTS_TRIED = 10
REQUEST_SECONDS = 10
_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Connection", "close"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the page in the browser says in the end."""

    worked: bool
    words: str


class LoopbackListener:
    """Waits on loopback for the sign-in service's form_post. Use as an async context manager.

    It listens at 127.0.0.1 and, where there is IPv6, at the same port of ::1: the browser is sent
    to `localhost`, which may be either, and at the one that is left free another program could wait.
    """

    async def __aenter__(self) -> Self:
        self._listeners, self._port = await _listeners()
        self._taken = False
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        with anyio.CancelScope(shield=True):  # each of them, also when the sign-in is called off
            for listener in self._listeners:
                await listener.aclose()

    @property
    def redirect_uri(self) -> str:
        """Entra takes any port of http://localhost for a desktop application's redirect URI."""
        return f"http://localhost:{self._port}"

    async def answer_once(self, state: str, finish: Callable[[Mapping[str, str]], Awaitable[Outcome]]) -> Outcome:
        """Waits for the one POST with the right `state`, hands its fields to `finish`, shows the outcome."""
        outcome: list[Outcome] = []
        async with anyio.create_task_group() as tasks:

            async def handle(stream: anyio.abc.SocketStream) -> None:
                async with stream:
                    with suppress(anyio.BrokenResourceError, h11.ProtocolError, TimeoutError):
                        if result := await self._handle(stream, state, finish):
                            outcome.append(result)
                if outcome:
                    tasks.cancel_scope.cancel()

            for listener in self._listeners:
                tasks.start_soon(listener.serve, handle)
        return outcome[0]

    async def _handle(
        self,
        stream: anyio.abc.SocketStream,
        state: str,
        finish: Callable[[Mapping[str, str]], Awaitable[Outcome]],
    ) -> Outcome | None:
        """One connection: the outcome where it brought the answer, None where it did not."""
        connection = h11.Connection(h11.SERVER)
        fields = None
        with suppress(h11.RemoteProtocolError, TimeoutError, ValueError), anyio.fail_after(REQUEST_SECONDS):
            fields = await self._fields(connection, stream)
        given = fields.get("state", "").encode() if fields else b""
        if fields is None or self._taken or not hmac.compare_digest(given, state.encode()):
            await _respond(
                connection, stream, 400, browser_page(Outcome(False, "This is not a sign-in that is waited for."))
            )
            return None
        self._taken = True
        outcome = await finish(fields)
        with suppress(anyio.BrokenResourceError, h11.ProtocolError):
            await _respond(connection, stream, 200, browser_page(outcome))
        return outcome

    async def _fields(self, connection: h11.Connection, stream: anyio.abc.SocketStream) -> dict[str, str] | None:
        """The fields of a form posted to this listener; None for any other request.

        Raises `h11.RemoteProtocolError` for what is no HTTP, and `ValueError` for too many fields.
        """
        request: h11.Request | None = None
        body = bytearray()
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                try:
                    connection.receive_data(await stream.receive())
                except anyio.EndOfStream:
                    connection.receive_data(b"")
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_BODY_BYTES:
                    return None
            else:
                break
        if request is None or not self._is_form_for_us(request):
            return None
        return dict(parse_qsl(body.decode("ascii", errors="replace"), keep_blank_values=True, max_num_fields=32))

    def _is_form_for_us(self, request: h11.Request) -> bool:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers}
        return (
            request.method == b"POST"
            and request.target == b"/"
            and headers.get("host") in {f"{host}:{self._port}" for host in ("localhost", "127.0.0.1", "[::1]")}
            and headers.get("content-type", "").split(";")[0].strip() == "application/x-www-form-urlencoded"
        )


async def _listeners() -> tuple[list[anyio.abc.Listener[anyio.abc.SocketStream]], int]:
    """Listeners at a free port of both loopback addresses, and that port. Raises `OSError`."""
    for _ in range(PORTS_TRIED):
        first = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        port = int(first.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610
        try:
            second = await anyio.create_tcp_listener(local_host="::1", local_port=port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [first], port  # no IPv6 here
            await first.aclose()
        else:
            return [first, second], port
    raise OSError(errno.EADDRINUSE, "no port is free at both addresses of localhost")


async def _respond(connection: h11.Connection, stream: anyio.abc.SocketStream, status: int, body: bytes) -> None:
    headers = [*_HEADERS, ("Content-Length", str(len(body)))]
    response = h11.Response(status_code=status, headers=headers)
    answer = connection.send(response) or b""
    with suppress(h11.LocalProtocolError):  # an answer to HEAD has no body
        answer += (connection.send(h11.Data(data=body)) or b"") + (connection.send(h11.EndOfMessage()) or b"")
    await stream.send(answer)


def browser_page(outcome: Outcome) -> bytes:
    """The page that the browser shows in the end; everything in it is escaped."""
    title = "You are signed in" if outcome.worked else "You are not signed in"
    closing = "You can close this window and go back to where you came from."
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>pc-mcp: {html.escape(title)}</title>"
        "<style>:root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;"
        "margin:15vh auto;padding:0 1rem;overflow-wrap:anywhere}</style></head>"
        f"<body><main><h1>{html.escape(title)}</h1><p>{html.escape(outcome.words)}</p>"
        f"<p>{html.escape(closing)}</p></main></body></html>\n"
    ).encode()
