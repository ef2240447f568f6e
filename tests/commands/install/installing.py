"""How tests connect an assistant and look at its file."""

import tomllib
from pathlib import Path

import pytest

from pc_mcp.commands.install.clients import CLIENTS, config_path
from pc_mcp.commands.install.commands import install, uninstall
from pc_mcp.commands.install.json_text import parse
from pc_mcp.commands.install.machine import Machine

SECTION = {client.id: client.section for client in CLIENTS.values()}
MARKED = {"vscode", "cursor", "codex"}  # those that read a file with a byte-order mark
clients = pytest.mark.parametrize("client", CLIENTS)


def path_of(client: str, machine: Machine) -> Path:
    return config_path(client, machine.platform, machine.environment, machine.home)


def file_with(client: str, machine: Machine, content: str | bytes) -> Path:
    path = path_of(client, machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def connect(client: str, machine: Machine, *, sandbox: bool = True, dry_run: bool = False, config=None) -> None:
    assert install(client, sandbox=sandbox, config=config, dry_run=dry_run, machine=machine) == 0


def disconnect(client: str, machine: Machine, *, dry_run: bool = False) -> None:
    assert uninstall(client, dry_run=dry_run, machine=machine) == 0


def read(client: str, path: Path) -> dict:
    text = path.read_text(encoding="utf-8-sig")
    return tomllib.loads(text) if client == "codex" else parse(text, comments=client in {"vscode", "cursor"})


def entry(client: str, path: Path) -> dict:
    return read(client, path)[SECTION[client]]["pc-mcp"]


def others(client: str, path: Path) -> dict:
    """What the file says besides our entry."""
    root = read(client, path)
    root[SECTION[client]].pop("pc-mcp")
    return root


def beside(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.iterdir() if found != path)


def version_of(path: Path) -> tuple[int, int, int]:
    """What differs once a file was written again; that it was read changes nothing."""
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
