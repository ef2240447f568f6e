"""One HTTP GET to Partner Center: headers, time-outs, retries and errors ("Partner Center REST headers").

What may pass is tried again (see `retries`), and 401 once more, with a renewed token.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self, TypeVar

import anyio
import anyio.to_thread
import httpx2

from pc_mcp.auth import Account, AccountChanged, Refusal, SignInError
from pc_mcp.partner_center.body import LARGE_BODY_BYTES, NotReadable, error_code
from pc_mcp.partner_center.challenges import claims_asked
from pc_mcp.partner_center.errors import (
    AddressTooLong,
    CertificateNotTrusted,
    MalformedResponse,
    MfaMissing,
    NoToken,
    NotSignedIn,
    ProxyRefused,
    Throttled,
    Unreachable,
    error_for,
)
from pc_mcp.partner_center.http import APPLICATION, Host, HttpResponse
from pc_mcp.partner_center.pace import Pace
from pc_mcp.partner_center.retries import Failed, asked_seconds, backoff, retried, seconds_left
from pc_mcp.runtime.network import BodyRefused, Cause, NetworkRefused, obstacle

logger = logging.getLogger(__name__)

T = TypeVar("T")

SPARE_CONNECTIONS = 4
"""For short questions beside a walk that uses all of its own."""


class Transport:
    """Sends GET requests to one base URL, each in the name of an account.

    The token goes to that base URL only: paths are joined to it here, redirects are not followed,
    and no link of an answer is. Use as an async context manager, which owns the connections.
    `backoff` is the wait after so many failures where the service does not say how long to wait.
    """

    def __init__(
        self,
        base_url: str,
        *,
        locale: str = "en-US",
        timeout_seconds: float = 30,
        concurrency: int = 8,
        backoff: Callable[[int], float] = backoff,
    ) -> None:
        self._host = Host(
            f"{base_url}/v1", timeout_seconds=timeout_seconds, connections=concurrency + SPARE_CONNECTIONS
        )
        self._headers = {
            "Accept": "application/json",
            "MS-PartnerCenter-Application": APPLICATION,
            "X-Locale": locale,
        }
        self._backoff = backoff
        self._paces: defaultdict[str, Pace] = defaultdict(lambda: Pace(concurrency + SPARE_CONNECTIONS))

    async def __aenter__(self) -> Self:
        await self._host.__aenter__()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._host.__aexit__(*exc_info)

    async def get(
        self,
        path: str,
        read: Callable[[bytes], T],
        *,
        account: Account,
        correlation_id: str,
        headers: Mapping[str, str] | None = None,
    ) -> T:
        """What `read` makes of the body at `path` (percent-encoded, beginning with a slash; may have a query).

        `read` may raise `NotReadable`. Raises a `PartnerCenterError`, or `AccountChanged`, which ends the call.
        """
        sent = self._headers | {"MS-CorrelationId": correlation_id} | dict(headers or {})
        request = _Request(path, sent, account, self._paces[account.id])
        try:
            answer = await self._with_retries(request)
        except NoToken:
            raise
        except NotSignedIn as refused:
            refusal = Refusal(request.token, isinstance(refused, MfaMissing), refused.claims)
            with _signing_in():
                renewed = await account.renewed(refusal)
            if renewed is None:
                raise refused from None
            answer = await self._with_retries(request)
        try:
            if answer.length < LARGE_BODY_BYTES:
                return read(answer.body())
            # Nobody has to wait for the end of what nobody wants any more.
            return await anyio.to_thread.run_sync(lambda: read(answer.body()), abandon_on_cancel=True)
        except NotReadable as error:
            raise MalformedResponse(str(error), status=answer.status, correlation_id=correlation_id) from None

    async def _with_retries(self, request: "_Request") -> HttpResponse:
        request.headers["MS-RequestId"] = str(uuid.uuid4())
        return await retried(lambda: self._attempt(request), request.pace, self._backoff)

    async def _attempt(self, request: "_Request") -> HttpResponse:
        """One request. Raises `Failed` where the service or the network did not do what was asked, another
        `PartnerCenterError` where that was not even tried."""
        headers, pace = request.headers, request.pace
        correlation_id = headers["MS-CorrelationId"]
        # Time that has run out is no limit of the service: who has none left is cancelled in the request.
        if (wait := pace.wait_seconds) and wait > seconds_left():
            throttled = Throttled(correlation_id=correlation_id)
            throttled.wait_seconds = wait
            raise throttled
        began = anyio.current_time()
        await request.sign()  # whoever has to wait for a person holds no turn meanwhile
        try:
            async with pace.turn(correlation_id):
                await request.sign()  # somebody may have signed out while this waited
                began = anyio.current_time()
                answer = await self._host.get(request.path, headers)
        except BodyRefused as error:
            raise MalformedResponse(str(error), status=error.status, correlation_id=correlation_id) from None
        except httpx2.InvalidURL:
            raise AddressTooLong(correlation_id=correlation_id) from None
        except NetworkRefused as error:
            raise ProxyRefused.because(error.what, error.advice, correlation_id=correlation_id) from None
        except httpx2.RequestError as error:
            # Without an answer the next attempt keeps MS-RequestId, the service's idempotency key.
            unreachable = _unreachable(error, self._host.base_url, correlation_id)
            raise Failed(unreachable, began) from None
        milliseconds = (anyio.current_time() - began) * 1000
        logger.debug("GET %s: %d in %.0f ms", _without_whom(request.path), answer.status, milliseconds)
        if answer.status == httpx2.codes.OK:
            pace.answered()
            return answer
        headers["MS-RequestId"] = str(uuid.uuid4())
        body = answer.body() if answer.length < LARGE_BODY_BYTES else b""
        failure = error_for(answer.status, error_code(body), correlation_id)
        if isinstance(failure, NotSignedIn):
            failure.claims = claims_asked(answer.headers.get_list("WWW-Authenticate"))
        raise Failed(failure, began, asked_seconds(answer.headers.get("Retry-After"), body))


@dataclass(slots=True)
class _Request:
    """A request as it is sent, in the name of `account`; `token` is the last one that was sent with it."""

    path: str
    headers: dict[str, str]
    account: Account
    pace: Pace
    token: str = field(default="", repr=False)

    async def sign(self) -> None:
        """Takes the account's token as it is now."""
        with _signing_in():
            self.token = await self.account.token()
        self.headers["Authorization"] = f"Bearer {self.token}"


def _without_whom(path: str) -> str:
    """What is asked for, without of whom: `/customers/…/deviceBatches/…/devices`."""
    segments = path.partition("?")[0].split("/")
    return "/".join("…" if number and number % 2 == 0 else name for number, name in enumerate(segments))


def _unreachable(error: httpx2.RequestError, url: str, correlation_id: str) -> Unreachable:
    """Why there was no answer. Of what a certificate or a proxy is the cause is not `Unreachable` itself."""
    found = obstacle(error, url)
    error_type = {Cause.CERTIFICATE: CertificateNotTrusted, Cause.PROXY: ProxyRefused}.get(found.cause, Unreachable)
    return error_type.because(found.what, found.advice, correlation_id=correlation_id)


@contextmanager
def _signing_in() -> Iterator[None]:
    """What keeps a token from being sent is an error of the request like every other one; that the account changed
    is one of the whole call."""
    try:
        yield
    except AccountChanged:
        raise
    except SignInError as error:
        raise NoToken(str(error)) from None
