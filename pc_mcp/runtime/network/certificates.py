"""By whose certificates others are known: those of the system, or those that the environment names."""

import os
import ssl

import httpx2

from pc_mcp.runtime.network.refused import NetworkRefused
from pc_mcp.runtime.variables import CERTIFICATES


def tls() -> ssl.SSLContext:
    """What checks certificates, anew each time: it is changed by who connects with it.

    From Python 3.13 on an authority's certificate without a key identifier is refused, which many a
    company's is; it is taken here as by every Python before. Raises `NetworkRefused`.
    """
    try:
        context = httpx2.create_ssl_context()
    except OSError:  # ssl.SSLError too
        raise _unusable() from None
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def named_certificates() -> list[str]:
    """The variables that name certificates, with what they name. Raises `NetworkRefused`."""
    named = [f"{name}={os.environ[name]}" for name in CERTIFICATES if os.environ.get(name)]
    if named:
        try:
            # As `httpx2.create_ssl_context` does, but that loads all it takes to connect.
            file, folder = (os.environ.get(name) for name in CERTIFICATES)
            ssl.create_default_context(cafile=file or None, capath=None if file else folder)
        except OSError:  # ssl.SSLError too
            raise _unusable() from None
    return named


def _unusable() -> NetworkRefused:
    named = [name for name in CERTIFICATES if os.environ.get(name)]
    shown = ", ".join(f"{name}={os.environ[name]}" for name in named) or "The system's certificates"
    advice = f"Let {' or '.join(named) or CERTIFICATES[0]} name certificates (PEM) that can be read, or unset it."
    return NetworkRefused(f"{shown} cannot be used", advice)
