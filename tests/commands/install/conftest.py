"""What tests of `install` have in common: a user with nothing configured."""

import os

import pytest

from pc_mcp.commands.install.machine import Machine


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Machine:
    """A user of Linux with nothing configured."""
    for name in [name for name in os.environ if name.startswith(("PC_MCP_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return Machine("linux", {}, tmp_path)
