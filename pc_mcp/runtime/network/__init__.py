"""How everything here speaks HTTP: through which proxy, by whose certificates, and what keeps an answer from coming.

One rule for the tools, the sign-in and `doctor`, which is that of `httpx2` for the environment's proxies.
"""

from pc_mcp.runtime.network.bodies import ACCEPTED_CODING, PIECE_BYTES, Body, BodyRefused
from pc_mcp.runtime.network.certificates import named_certificates, tls
from pc_mcp.runtime.network.client import BoundedClient
from pc_mcp.runtime.network.obstacles import Cause, Obstacle, obstacle, proxy_sign_in
from pc_mcp.runtime.network.proxies import LOOPBACK_HOSTS, MCP_PATH, Route, route_to
from pc_mcp.runtime.network.refused import NetworkRefused

__all__ = [
    "ACCEPTED_CODING",
    "LOOPBACK_HOSTS",
    "MCP_PATH",
    "PIECE_BYTES",
    "Body",
    "BodyRefused",
    "BoundedClient",
    "Cause",
    "NetworkRefused",
    "Obstacle",
    "Route",
    "check_network",
    "named_certificates",
    "obstacle",
    "proxy_sign_in",
    "route_to",
    "tls",
]


def check_network(*urls: str) -> None:
    """Raises `NetworkRefused` unless connections to `urls` can be tried with what the environment names."""
    for url in urls:
        route_to(url)
    named_certificates()
