"""Which proxy a request goes through: the rule of `httpx2` for the environment, or the system's settings."""

import os
import ssl
from dataclasses import dataclass
from urllib.request import getproxies

import httpx2

# httpx2 applies its rule inside of a client only, which costs each page of a long list as much as everything else
# that is done for it. What a client decides is compared with this in `tests/network`.
from httpx2._utils import URLPattern, get_environment_proxies

from pc_mcp.runtime.network.certificates import tls
from pc_mcp.runtime.network.refused import NetworkRefused

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
MCP_PATH = "/mcp"
"""Where on such a host `serve --http` answers."""


@dataclass(frozen=True, slots=True)
class Route:
    """How a host is reached. proxy: None where it is asked directly; named_by: the variable, or the
    system's settings, that name the proxy; secure: over TLS."""

    proxy: httpx2.Proxy | None = None
    named_by: str = ""
    secure: bool = True

    @property
    def place(self) -> str | None:
        """Host and port of the proxy; the user name and password are nobody's business."""
        return None if self.proxy is None else self.proxy.url.netloc.decode("ascii", errors="replace")

    def transport(self, **options: int) -> httpx2.HTTPTransport:
        """What sends requests this way, and blocks. options: of `httpx2.Limits`."""
        return httpx2.HTTPTransport(
            verify=self._tls(), proxy=self.proxy, trust_env=False, limits=httpx2.Limits(**options)
        )

    def async_transport(self, **options: int) -> httpx2.AsyncHTTPTransport:
        """What sends requests this way. options: of `httpx2.Limits`."""
        limits = httpx2.Limits(**options)
        return httpx2.AsyncHTTPTransport(verify=self._tls(), proxy=self.proxy, trust_env=False, limits=limits)

    def _tls(self) -> ssl.SSLContext:
        """Where nothing is secured, certificates need not be loaded, which takes longer than many an answer."""
        return tls() if self.secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def route_to(url: str) -> Route:
    """How `url` is reached. Plain http is for loopback, and loopback is never asked through a proxy.

    Raises `NetworkRefused` where the proxy that is named for it cannot be one.
    """
    target = httpx2.URL(url)
    if target.scheme != "https" or target.host in LOOPBACK_HOSTS:
        return Route(secure=target.scheme == "https")
    for pattern, proxy in _rules():
        if pattern.matches(target):
            return Route() if proxy is None else _route(pattern.scheme, proxy)
    return Route()


def _rules() -> list[tuple[URLPattern, str | None]]:
    """The environment's proxies by what they are for, the most exact first; None: no proxy."""
    blank = {f"{scheme}://" for scheme, address in getproxies().items() if not address.strip()}
    found = [(URLPattern(to), proxy) for to, proxy in get_environment_proxies().items() if to not in blank]
    return sorted(found, key=lambda rule: rule[0])


def _route(scheme: str, address: str) -> Route:
    variable = f"{scheme or 'all'}_proxy"
    is_set = any(os.environ.get(name) for name in (variable, variable.upper()))
    named_by = variable.upper() if is_set else "The system's settings"
    kind, _, place = address.partition("://")
    try:
        proxy = httpx2.Proxy(f"{kind.strip()}://{place.strip()}")
    except (ValueError, httpx2.InvalidURL):
        raise _unusable(named_by) from None
    if not proxy.url.host:
        raise _unusable(named_by)
    if proxy.url.scheme == "https":
        proxy.ssl_context = tls()
    return Route(proxy, named_by)


def _unusable(named_by: str) -> NetworkRefused:
    # The address is not told: it may hold a password.
    name = named_by if named_by.isupper() else "HTTPS_PROXY"
    kinds = "http://, https://, socks5:// or socks5h://"
    advice = f"Set {name} to an address such as http://proxy.example.com:8080 ({kinds}), or unset it."
    return NetworkRefused(f"{named_by} names no proxy that can be used", advice)
