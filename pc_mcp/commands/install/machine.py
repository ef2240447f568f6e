"""Where this runs, which clients are there, and what the file of each says of us."""

import itertools
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pc_mcp.commands.install.clients import CLIENTS, Client, config_path, hidden_path, is_there, vscode_profiles
from pc_mcp.commands.install.entry import ClientText
from pc_mcp.commands.install.environment import can_be_handed_on, is_variable
from pc_mcp.commands.install.files import ClientFile, found
from pc_mcp.commands.install.json_text import Malformed
from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.places import home
from pc_mcp.runtime.text import visible


@dataclass(frozen=True, slots=True)
class Machine:
    """Where this runs: platform as `sys.platform`, environment variables, and the user's home."""

    platform: str
    environment: Mapping[str, str]
    home: Path

    def path_for(self, client: Client) -> Path:
        """The file that the client reads. Raises `Failure`."""
        return config_path(client.id, self.platform, self.environment, self.home)

    def start_for(self, client: Client, file: ClientFile) -> ClientFile:
        """What `file` begins as: where it is new, it keeps what the client has read elsewhere so far."""
        hidden = hidden_path(client.id, self.platform, self.environment, self.home) if file.raw is None else None
        return found(hidden) if hidden else file

    def has(self, client: Client) -> bool:
        """Whether the client seems to be installed: its command is there, or it has made files of its own."""
        if client.command and shutil.which(client.command, path=self.environment.get("PATH", "")):
            return True
        try:
            return is_there(client.id, self.path_for(client))
        except Failure:  # there are several
            return True


@dataclass(frozen=True, slots=True)
class Connection:
    """What a client's file says of us: the entry with the command that it starts.

    fault: why the client cannot read that, or why it cannot be told; is_lost: whether `install` wrote an entry
    that is not there any more.
    """

    client: Client
    path: Path
    entry: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None
    is_lost: bool = False

    @property
    def command(self) -> list[str] | None:
        """The program with its arguments; None where it starts none."""
        if not self.entry or self.url:
            return None
        arguments = self.entry.get("args")
        return [str(self.entry.get("command", "")), *map(str, arguments if isinstance(arguments, list) else [])]

    @property
    def url(self) -> str | None:
        """The address of the server that it asks over HTTP instead."""
        url = self.entry.get("url")
        return str(url) if url and "command" not in self.entry else None

    @property
    def is_sandbox(self) -> bool:
        """Whether the command serves the simulated customers."""
        return "--sandbox" in (self.command or [])

    @property
    def config(self) -> str | None:
        """The configuration file that the command names."""
        options = itertools.pairwise(self.command or [])
        return next((value for option, value in options if option == "--config" and can_be_handed_on(value)), None)

    def environment(self, machine: Machine) -> dict[str, str]:
        """What the server that the client starts gets of the machine's environment, which is also the client's."""
        return self.client.environment(self.entry, machine.platform, machine.environment)


def this_machine() -> Machine:
    """The machine and the user of this process. Raises `Failure`."""
    return Machine(sys.platform, dict(os.environ), home())


def notes_on(client: Client, machine: Machine) -> Iterator[str]:
    """What a person should know of the client on this computer."""
    path = machine.path_for(client)
    if not machine.has(client):
        yield (
            f"{client.title} was not found on this computer; until it is, the entry waits in {path}. An edition with "
            "another name, such as a preview, reads a file of its own: copy the entry into it."
        )
    if client.id == "vscode" and (profiles := vscode_profiles(path)):
        names = ", ".join(visible(name[:60]) for name in profiles[:10])
        yield (
            f"VS Code has profiles ({names}), each of which reads a file of its own; {path} is the default "
            "profile's. In another one, run MCP: Open User Configuration and add the same entry there."
        )
    if client.writes_back:
        yield (
            f"quit {client.title} before you connect it: while it runs it may write its file back as it knows it, "
            "without the entry. If it ran just now, quit it and run the same command again; pc-mcp doctor says whether "
            "the entry is there."
        )


def connections(machine: Machine) -> Iterator[Connection]:
    """The clients that have our entry, or had it, and those whose file cannot be read; nothing is changed."""
    for client in CLIENTS.values():
        if connection := connection_of(client, machine):
            yield connection


def connection_of(client: Client, machine: Machine) -> Connection | None:
    """What the client's file says of us, if it does."""
    path = Path()
    try:
        file = found(machine.path_for(client))
        path = file.path
        entry = ClientText(client, file.text).entry()
    except Failure as error:
        return Connection(client, path, fault=str(error))
    except Malformed as error:
        return Connection(client, path, fault=f"{path}, line {error.line}: {error.fault}.")
    if entry is None:
        return Connection(client, path, is_lost=True) if file.backups() else None
    # An entry that says nothing is one all the same.
    entry = entry or {"command": ""}
    if file.mark and client.is_strict:
        return Connection(client, path, entry, fault=f"{path} begins with a byte-order mark, which it cannot read")
    connection = Connection(client, path, entry)
    return replace(connection, fault=fault) if (fault := _not_startable(connection)) else connection


def _not_startable(connection: Connection) -> str | None:
    """What of an entry no process can be given."""
    if not all(map(can_be_handed_on, connection.command or [])):
        return f"{connection.path} gives it a command with a character that no command can have"
    for name, value in connection.client.own_variables(connection.entry).items():
        if not is_variable(name, value):
            return f"{connection.path} gives it the variable {name!a}, whose name or value no variable can have"
    return None
