"""Why a host gave no answer, and what to do about it: in the same words wherever it is told."""

import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

import httpx2

from pc_mcp.runtime.network.proxies import Route, route_to
from pc_mcp.runtime.variables import CERTIFICATES

_STATUS = re.compile(r"(\d{3})\b")
# OpenSSL's X509_V_ERR codes.
_OUT_OF_DATE = frozenset({9, 10, 11, 12})
_OF_ANOTHER_HOST = frozenset({62, 64})
_REASONS: Mapping[type[BaseException], str] = {
    ssl.SSLError: "the secure connection failed",
    socket.gaierror: "its name is not known",
    ConnectionRefusedError: "the connection was refused",
    httpx2.TimeoutException: "no answer in time",
}


class Cause(Enum):
    """CERTIFICATE and PROXY stay as they are until somebody changes something; the rest may pass."""

    CERTIFICATE = auto()
    PROXY = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Obstacle:
    """what: such as `its name is not known`; advice: sentences, or empty where the cause says nothing of it."""

    cause: Cause
    what: str
    advice: str = ""

    def words(self, host: str) -> str:
        """host: who cannot be reached, as it begins a sentence."""
        return f"{host} cannot be reached: {self.what}. {self.advice}".strip()


def obstacle(error: httpx2.RequestError, url: str) -> Obstacle:
    """What kept `url` from answering. Nothing of what others wrote is passed on."""
    route = route_to(url)
    by = f" (through the proxy {route.place})" if route.place else ""
    if isinstance(error, httpx2.ProxyError):
        return _proxy(error, route)
    for raised in _causes(error):
        if isinstance(raised, ssl.SSLCertVerificationError):
            what = f"its certificate is not trusted ({raised.verify_message}){by}"
            return Obstacle(Cause.CERTIFICATE, what, _trust(raised.verify_code))
        for error_type, words in _REASONS.items():
            if isinstance(raised, error_type):
                return Obstacle(Cause.OTHER, words + by)
    return Obstacle(Cause.OTHER, f"the connection failed ({type(error).__name__}){by}")


def proxy_sign_in(route: Route) -> str:
    """What to do where a proxy wants to know who asks."""
    name = route.named_by if route.named_by.isupper() else "HTTPS_PROXY"
    if route.proxy is not None and route.proxy.auth:
        return (
            f"Correct the user name and password in {name} (special characters are percent-encoded there), or ask the "
            "network's administrator how programs sign in to the proxy: by Windows or Kerberos alone pc-mcp cannot."
        )
    return (
        f"Give {name} a user name and password, http://USER:PASSWORD@HOST:PORT, or ask the network's administrator "
        "for a way that needs none."
    )


def _proxy(error: httpx2.ProxyError, route: Route) -> Obstacle:
    found = _STATUS.match(str(error))
    status = int(found[1]) if found else None
    if status == httpx2.codes.PROXY_AUTHENTICATION_REQUIRED:
        return Obstacle(Cause.PROXY, f"the proxy {route.place} wants a sign-in (HTTP 407)", proxy_sign_in(route))
    said = f" (HTTP {status})" if status else ""
    what = f"the proxy {route.place} refused to connect to it{said}"
    advice = "Ask the network's administrator to allow it, or correct the proxy"
    return Obstacle(Cause.PROXY, what, f"{advice} ({route.named_by}) or what goes without one (NO_PROXY).")


def _trust(code: int) -> str:
    """What to do about a certificate, without what is done already."""
    if code in _OUT_OF_DATE:
        return (
            "Check this computer's clock. If it is right the certificate is out of date: tell the administrator of "
            "the service, or of the company's proxy where one opens connections."
        )
    if code in _OF_ANOTHER_HOST:
        return "Check the address in the settings; if it is right, somebody else may be answering."
    for name in CERTIFICATES:
        if os.environ.get(name):
            return (
                f"Where a company's proxy opens connections, add the proxy's root certificate (PEM) to what {name} "
                "names; it is not among those. Else somebody may be listening."
            )
    return (
        "Where a company's proxy opens connections, set SSL_CERT_FILE to a file with the proxy's certificate (PEM); "
        "else somebody may be listening."
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what led to it, the first cause first."""
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    yield from reversed(chain)
