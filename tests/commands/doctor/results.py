"""What the tests of the doctor ask of its results."""

import socket
from collections.abc import Callable

from pc_mcp.sandbox import Sandbox

CHECKS = ["program", "configuration", "certificates", "sign-in service", "Partner Center", "clock"]
CHECKS += ["token store", "signed in", "role", "clients"]
Doctor = Callable[..., dict[str, tuple[str, str]]]


def states(found: dict[str, tuple[str, str]]) -> dict[str, str]:
    """The checks that are not all right."""
    return {check: state for check, (state, _) in found.items() if state != "ok"}


def asked_a_person(sandbox: Sandbox) -> bool:
    return any("/authorize" in request.path or "/devicecode" in request.path for request in sandbox.entra.requests)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
