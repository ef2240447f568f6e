"""Whether the sign-in service and Partner Center can be reached, and what their clocks say."""

import contextlib
import email.utils
import time
from dataclasses import dataclass, field

import httpx2

from pc_mcp.commands.doctor.report import CheckResult
from pc_mcp.partner_center.body import NotReadable, parsed
from pc_mcp.partner_center.http import Host, HttpResponse
from pc_mcp.runtime.network import BodyRefused, NetworkRefused, obstacle, proxy_sign_in, route_to
from pc_mcp.settings import Settings

SIGN_IN_SERVICE = "sign-in service"
PARTNER_CENTER = "Partner Center"
CLOCK = "clock"
MOST_SKEW_SECONDS = 300
_NETWORK = "Check the network, the proxy (HTTPS_PROXY) and"


@dataclass(frozen=True, slots=True)
class _NoResponse:
    """Why there is none; mend: what to do, where that is known better than to look at the network."""

    reason: str
    mend: str = ""


@dataclass
class Network:
    """Asks what needs no sign-in; `skews` collects by how many seconds the others' clocks are ahead."""

    settings: Settings
    seconds: float
    skews: list[float] = field(default_factory=list)

    async def sign_in_service(self) -> CheckResult:
        """Whether the sign-in service describes itself, for the tenant ("OpenID Connect discovery")."""
        auth = self.settings.auth
        authority = self.settings.authority
        tenant = auth.tenant_id or "organizations"
        answer = await self._get(f"{authority}/{tenant}/v2.0/.well-known/openid-configuration")
        if isinstance(answer, _NoResponse):
            setting = "auth.authority" if auth.authority else "partner_center.cloud"
            return _unreachable(SIGN_IN_SERVICE, authority, answer, setting)
        body = _object(answer)
        if answer.status == httpx2.codes.OK and "token_endpoint" in body:
            return CheckResult(SIGN_IN_SERVICE, "ok", f"{authority} answers for {tenant}")
        if answer.status == httpx2.codes.BAD_REQUEST and "error" in body:
            mend = "Set auth.tenant_id to the partner's own tenant id or domain."
            return CheckResult(SIGN_IN_SERVICE, "wrong", f"{authority} does not know the tenant {tenant}", mend)
        return _odd(SIGN_IN_SERVICE, authority, answer, "auth.authority")

    async def partner_center(self) -> CheckResult:
        """Whether Partner Center refuses a request without a sign-in, as it should."""
        root = self.settings.partner_center.api_root
        answer = await self._get(f"{root}/v1/customers?size=1")
        if isinstance(answer, _NoResponse):
            return _unreachable(PARTNER_CENTER, root, answer, "partner_center.base_url")
        if answer.status == httpx2.codes.UNAUTHORIZED:
            return CheckResult(PARTNER_CENTER, "ok", f"{root} answers")
        return _odd(PARTNER_CENTER, root, answer, "partner_center.base_url")

    def clock(self) -> CheckResult:
        """How far this computer's clock is from those that answered."""
        if not self.skews:
            return CheckResult(CLOCK, "not checked", "no service said what time it is")
        skew = max(self.skews, key=abs)
        if abs(skew) <= MOST_SKEW_SECONDS:
            return CheckResult(CLOCK, "ok", f"agrees with the services' within {max(1, round(abs(skew)))} s")
        found = f"this computer's is {_span(abs(skew))} {'behind' if skew > 0 else 'ahead'}"
        return CheckResult(CLOCK, "wrong", found, "Set the computer's clock: sign-ins fail until it is right.")

    async def _get(self, url: str) -> HttpResponse | _NoResponse:
        """The answer, or why there is none: as the tools ask, with their limits."""
        try:
            async with Host(url, timeout_seconds=self.seconds, connections=1) as host:
                answer = await host.get("", {"Accept": "application/json"})
        except NetworkRefused as error:
            return _NoResponse(error.what, error.advice)
        except BodyRefused as error:
            return _NoResponse(f"its answer cannot be read ({error})")
        except httpx2.InvalidURL:
            return _NoResponse("its address is none")
        except httpx2.RequestError as error:
            found = obstacle(error, url)
            return _NoResponse(found.what, found.advice)
        if sent := answer.headers.get("Date"):
            with contextlib.suppress(ValueError, OverflowError):
                self.skews.append(email.utils.parsedate_to_datetime(sent).timestamp() - time.time())
        return answer


def _unreachable(check: str, url: str, because: _NoResponse, setting: str) -> CheckResult:
    return CheckResult(
        check, "wrong", f"{url} cannot be reached: {because.reason}", because.mend or f"{_NETWORK} {setting}."
    )


def _odd(check: str, url: str, answer: HttpResponse, setting: str) -> CheckResult:
    """An answer that is not that service's, or not its usual one."""
    status = answer.status
    if status == httpx2.codes.NETWORK_AUTHENTICATION_REQUIRED:
        what = "this network wants a sign-in of its own first (a captive portal, HTTP 511)"
        return CheckResult(
            check, "wrong", what, "Open any page in a browser, sign in to the network there, then try again."
        )
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status == httpx2.codes.TOO_MANY_REQUESTS:
        return CheckResult(check, "wrong", f"{url} fails at the moment (HTTP {status})", "Try again in a minute.")
    if status == httpx2.codes.PROXY_AUTHENTICATION_REQUIRED:
        return CheckResult(check, "wrong", "the proxy wants a sign-in (HTTP 407)", proxy_sign_in(route_to(url)))
    return CheckResult(
        check,
        "wrong",
        f"{url} does not answer as it should (HTTP {status})",
        f"Check {setting}; a proxy, or a network that wants a sign-in of its own, may have answered instead.",
    )


def _object(answer: HttpResponse) -> dict[str, object]:
    try:
        body = parsed(answer.body())
    except NotReadable:
        return {}
    return body if isinstance(body, dict) else {}


def _span(seconds: float) -> str:
    """Minutes, or hours where there are many."""
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
