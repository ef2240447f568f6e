"""Whether the sign-in service and Partner Center can be reached, and what their clocks say."""

import contextlib
import email.utils
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import httpx2

from pc_mcp.doctor.report import Finding
from pc_mcp.settings import Settings

SIGN_IN_SERVICE = "sign-in service"
PARTNER_CENTER = "Partner Center"
CLOCK = "clock"
MOST_SKEW_SECONDS = 300
_NETWORK = "Check the network, the proxy (HTTPS_PROXY) and"
_TRUST = (
    "Where a company's proxy opens connections, set SSL_CERT_FILE to a file with the proxy's certificate (PEM); else "
    "somebody may be listening."
)
_REASONS: Mapping[type[BaseException], str] = {
    ssl.SSLError: "the secure connection failed",
    socket.gaierror: "its name is not known",
    ConnectionRefusedError: "the connection was refused",
    httpx2.ProxyError: "the proxy refused the connection",
    httpx2.TimeoutException: "no answer in time",
}


@dataclass
class Network:
    """Asks what needs no sign-in; `skews` collects by how many seconds the others' clocks are ahead."""

    settings: Settings
    seconds: float
    skews: list[float] = field(default_factory=list)

    async def sign_in_service(self) -> Finding:
        """Whether the sign-in service describes itself, for the tenant ("OpenID Connect discovery")."""
        auth = self.settings.auth
        authority = auth.authority or self.settings.partner_center.cloud.authority
        tenant = auth.tenant_id or "organizations"
        answer = await self._get(f"{authority}/{tenant}/v2.0/.well-known/openid-configuration")
        if isinstance(answer, str):
            setting = "auth.authority" if auth.authority else "partner_center.cloud"
            return _unreachable(SIGN_IN_SERVICE, authority, answer, setting)
        body = _object(answer)
        if answer.status_code == httpx2.codes.OK and "token_endpoint" in body:
            return Finding(SIGN_IN_SERVICE, "ok", f"{authority} answers for {tenant}")
        if answer.status_code == httpx2.codes.BAD_REQUEST and "error" in body:
            mend = "Set auth.tenant_id to the partner's own tenant id or domain."
            return Finding(SIGN_IN_SERVICE, "wrong", f"{authority} does not know the tenant {tenant}", mend)
        return _odd(SIGN_IN_SERVICE, authority, answer, "auth.authority")

    async def partner_center(self) -> Finding:
        """Whether Partner Center refuses a request without a sign-in, as it should."""
        root = self.settings.partner_center.api_root
        answer = await self._get(f"{root}/v1/customers?size=1")
        if isinstance(answer, str):
            return _unreachable(PARTNER_CENTER, root, answer, "partner_center.base_url")
        if answer.status_code == httpx2.codes.UNAUTHORIZED:
            return Finding(PARTNER_CENTER, "ok", f"{root} answers")
        return _odd(PARTNER_CENTER, root, answer, "partner_center.base_url")

    def clock(self) -> Finding:
        """How far this computer's clock is from those that answered."""
        if not self.skews:
            return Finding(CLOCK, "not checked", "no service said what time it is")
        skew = max(self.skews, key=abs)
        if abs(skew) <= MOST_SKEW_SECONDS:
            return Finding(CLOCK, "ok", f"agrees with the services' within {max(1, round(abs(skew)))} s")
        found = f"this computer's is {_span(abs(skew))} {'behind' if skew > 0 else 'ahead'}"
        return Finding(CLOCK, "wrong", found, "Set the computer's clock: sign-ins fail until it is right.")

    async def _get(self, url: str) -> httpx2.Response | str:
        """The answer, or why there is none."""
        try:
            # As for tokens, no proxy of the environment for plain HTTP, which is for loopback alone.
            async with httpx2.AsyncClient(timeout=self.seconds, mounts={"http://": None}) as http:
                answer = await http.get(url, headers={"Accept": "application/json"})
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            return _reason(error)
        if sent := answer.headers.get("Date"):
            with contextlib.suppress(ValueError, OverflowError):
                self.skews.append(email.utils.parsedate_to_datetime(sent).timestamp() - time.time())
        return answer


def _unreachable(check: str, url: str, reason: str, setting: str) -> Finding:
    mend = _TRUST if "certificate" in reason else f"{_NETWORK} {setting}."
    return Finding(check, "wrong", f"{url} cannot be reached: {reason}", mend)


def _odd(check: str, url: str, answer: httpx2.Response, setting: str) -> Finding:
    """An answer that is not that service's, or not its usual one."""
    status = answer.status_code
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status == httpx2.codes.TOO_MANY_REQUESTS:
        return Finding(check, "wrong", f"{url} fails at the moment (HTTP {status})", "Try again in a minute.")
    if status == httpx2.codes.PROXY_AUTHENTICATION_REQUIRED:
        return Finding(check, "wrong", "the proxy wants a sign-in", "Give HTTPS_PROXY a user name and password.")
    return Finding(
        check,
        "wrong",
        f"{url} does not answer as it should (HTTP {status})",
        f"Check {setting}; a proxy, or a network that wants a sign-in of its own, may have answered instead.",
    )


def _reason(error: Exception) -> str:
    """Why there was no answer, in a few words of our own."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message})"
        for kind, words in _REASONS.items():
            if isinstance(cause, kind):
                return words
    return f"the connection failed ({type(error).__name__})"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, the first cause first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    yield from reversed(chain)


def _object(answer: httpx2.Response) -> dict[str, object]:
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _span(seconds: float) -> str:
    """Minutes, or hours where there are many."""
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
