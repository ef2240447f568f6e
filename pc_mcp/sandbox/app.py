"""The REST API over HTTP: who may ask, what answers, and the log of what was asked."""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from pc_mcp.sandbox import errors
from pc_mcp.sandbox.errors import ServiceError, error_body, throttled_body
from pc_mcp.sandbox.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Callable, MutableSequence

    from starlette.types import Receive, Scope, Send

    from pc_mcp.sandbox.switches import Switches
    from pc_mcp.sandbox.world import World

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON = "application/json; charset=utf-8"


@dataclass
class RecordedRequest:
    """A request as it came: `path` percent-encoded with its query, `headers` by lower-case name.

    `answer_bytes` is the length of the answer's body, once there is one.
    """

    method: str
    path: str
    headers: dict[str, str]
    answer_bytes: int = 0


def _refuse(token: str) -> None:
    raise ServiceError(errors.TOKEN_REFUSED)


def build_app(
    world: World,
    switches: Switches,
    token: str,
    log: MutableSequence[RecordedRequest],
    admit: Callable[[str], None] = _refuse,
) -> Starlette:
    """The API under `/v1` as an ASGI application that appends every request to `log`.

    Only GET is allowed; every request needs `Authorization: Bearer` with `token`, or with a token
    for which `admit` raises no `ServiceError`.
    """
    app = Starlette()
    # Routes match the decoded path, in which a slash of a batch id is lost.
    app.router.default = _Api(world, switches, token, log, admit)
    return app


class _Api:
    def __init__(
        self,
        world: World,
        switches: Switches,
        token: str,
        log: MutableSequence[RecordedRequest],
        admit: Callable[[str], None],
    ) -> None:
        self._resources = Resources(world, switches)
        self._switches = switches
        self._token = token.encode()
        self._log = log
        self._admit_other = admit
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        path = scope["raw_path"].decode("ascii")
        query = scope["query_string"].decode("ascii")
        target = f"{path}?{query}" if query else path
        recorded = RecordedRequest(request.method, target, dict(request.headers))
        self._log.append(recorded)
        self._count += 1
        number = self._count

        scripted = self._switches.scripted_for(unquote(target))
        wait = None if scripted and scripted.hang else self._switches.latency_seconds
        if wait != 0 and await client_left(receive, wait):
            return
        if scripted:
            answer = Response(scripted.body, scripted.status, scripted.headers)
        else:
            answer = self._fault(number) or self._answer(request, path)
        _add_headers(answer, request)
        recorded.answer_bytes = len(answer.body)
        await answer(scope, receive, send)

    def _fault(self, number: int) -> Response | None:
        switches = self._switches
        if switches.throttle_every and number % switches.throttle_every == 0:
            seconds = switches.retry_after_seconds
            headers = {} if seconds is None else {"Retry-After": str(seconds)}
            return self._json(throttled_body(seconds), 429, headers)
        if switches.fail_every and number % switches.fail_every == 0:
            if switches.fail_status == 500:
                return self._json(error_body(500, "An unexpected error occurred."), 500)
            page = errors.UNAVAILABLE_PAGE
            return Response(page, switches.fail_status, media_type="text/html")
        return None

    def _answer(self, request: Request, path: str) -> Response:
        try:
            self._admit(request)
            return self._json(self._resources.get(path, request.query_params, request.headers))
        except ServiceError as error:
            return self._json(error_body(error.code, error.description), error.status, error.headers)

    def _admit(self, request: Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ServiceError(errors.NO_TOKEN)
        if not hmac.compare_digest(token.encode(), self._token):
            self._admit_other(token)
        if request.method != "GET":
            raise ServiceError(errors.NOT_ALLOWED, {"Allow": "GET"})

    def _json(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        if self._switches.byte_order_mark:
            body = _BYTE_ORDER_MARK + body
        return Response(body, status, {"Content-Type": _JSON, **(headers or {})})


def _add_headers(answer: Response, request: Request) -> None:
    """The headers of "Partner Center REST headers", but for those that a script has set."""
    headers = {
        "MS-RequestId": request.headers.get("MS-RequestId") or str(uuid4()),
        "MS-CorrelationId": request.headers.get("MS-CorrelationId") or str(uuid4()),
        "MS-CV": f"{base64.b64encode(os.urandom(12)).decode()}.0",
        "MS-ServerId": "030020344",
        "Date": formatdate(usegmt=True),
    }
    if request.headers.get("ValidateMfa", "").lower() == "true":
        headers["isMfaCompliant"] = "true"
    for name, value in headers.items():
        answer.headers.setdefault(name, value)


async def client_left(receive: Receive, within: float | None) -> bool:
    """Whether the client, or the sandbox, ended the connection in that many seconds."""
    try:
        async with asyncio.timeout(within):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True
