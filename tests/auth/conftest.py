"""A sandbox with its sign-in service, and a computer on which nothing opens a browser."""

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pc_mcp.sandbox import Sandbox, World, running


@pytest.fixture
def service(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    """The sandbox with its sign-in service, whose certificate is trusted."""
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    with running(world, entra=True) as sandbox:
        monkeypatch.setenv("SSL_CERT_FILE", str(sandbox.ca_file))
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        sandbox.entra.switches.device_code_interval = 1
        yield sandbox


@pytest.fixture
def browser(service: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser in which a person signs in as the first account that is offered."""
    monkeypatch.setenv("BROWSER", f"{shlex.quote(sys.executable)} -P -m pc_mcp.sandbox.person %s")
