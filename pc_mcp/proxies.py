"""The proxies and certificates that the environment names: HTTP clients cannot even be made with wrong ones."""

import os
import ssl
import urllib.request
from urllib.parse import urlsplit

import httpx2

from pc_mcp.failures import Failure

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class NetworkRefused(Failure):
    """A proxy or certificate that the environment names cannot be used; `advice` says what would be right."""

    exit_status = 2

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(f"{what}. {advice}")
        self.what = what
        self.advice = advice


def proxies() -> dict[str, str]:
    """Host and port of the proxies, by scheme; user names and passwords are nobody's business.

    Raises `NetworkRefused`.
    """
    found = urllib.request.getproxies()
    places = {scheme: _place(found[scheme]) for scheme in ("https", "http", "all") if found.get(scheme)}
    if bad := [f"{scheme.upper()}_PROXY" for scheme, place in places.items() if place is None]:
        names = " and ".join(bad)
        advice = f"Set {names} to an address such as http://proxy.example.com:8080, or unset it."
        raise NetworkRefused(f"{names} names no proxy that can be used", advice)
    return {scheme: place for scheme, place in places.items() if place is not None}


def certificates() -> list[str]:
    """The variables that name certificates, with what they name. Raises `NetworkRefused`."""
    named = {name: os.environ[name] for name in _CERTIFICATES if os.environ.get(name)}
    shown = [f"{name}={value}" for name, value in named.items()]
    if named:
        try:
            # As `httpx2.create_ssl_context` does, but that loads all it takes to connect.
            file, folder = (os.environ.get(name) for name in _CERTIFICATES)
            ssl.create_default_context(cafile=file or None, capath=None if file else folder)
        except OSError:  # ssl.SSLError too
            advice = f"Let {' or '.join(named)} name certificates (PEM) that can be read, or unset it."
            raise NetworkRefused(f"{', '.join(shown)} cannot be used", advice) from None
    return shown


def check_network() -> None:
    """Raises `NetworkRefused` unless HTTP clients can be made."""
    proxies()
    certificates()


def _place(url: str) -> str | None:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        httpx2.Proxy(parts.geturl())
        port = f":{parts.port}" if parts.port else ""
    except (ValueError, httpx2.InvalidURL):
        return None
    return f"{parts.hostname}{port}" if parts.hostname and parts.scheme in {"http", "https"} else None
