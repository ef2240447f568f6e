"""The address of a server that runs already, to which a client is connected over HTTP."""

from urllib.parse import urlsplit

from pc_mcp.runtime.network import LOOPBACK_HOSTS, MCP_PATH
from pc_mcp.settings import ConfigurationError


def checked_address(text: str) -> str:
    """The URL of `pc-mcp serve --http`, from what a person writes of it. Raises `ConfigurationError`."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    is_ours = host in LOOPBACK_HOSTS and port and parts.scheme == "http" and parts.path in {"", "/", MCP_PATH}
    if not is_ours or parts.username is not None or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{text!r} is no address of pc-mcp serve --http on this computer, such as http://127.0.0.1:8700/mcp."
        )
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{MCP_PATH}"
