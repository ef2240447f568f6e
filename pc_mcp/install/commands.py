"""The commands `install` and `uninstall`: what they change is shown, and what to do next is said."""

import difflib
import io
import itertools
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pc_mcp.failures import Failure
from pc_mcp.install.clients import CLIENTS, Client, config_path, hidden_path
from pc_mcp.install.configuration import with_ids
from pc_mcp.install.entry import ClientText, FileRefused, Unchangeable
from pc_mcp.install.files import ClientFile, found, text_of
from pc_mcp.install.json_text import Malformed
from pc_mcp.install.program import PassingProgram, Running, name_in_a_shell, program, script_folders, typed
from pc_mcp.settings import (
    ENV_CONFIG,
    ConfigurationError,
    Settings,
    load_settings,
    usual_config_file,
    variables_set,
)


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


@dataclass(frozen=True, slots=True)
class Change:
    """A file, and the text that it is to have."""

    file: ClientFile
    text: str

    @property
    def is_needed(self) -> bool:
        return self.text != self.file.text

    def make(self) -> Path | None:
        """Writes the text; the backup, where there was something to keep. Raises `FileRefused`."""
        backup = self.file.back_up()
        self.file.replace(self.text)
        return backup

    def difference(self) -> Iterator[str]:
        """The lines of a unified diff, with their ends."""
        path = str(self.file.path)
        for line in difflib.unified_diff(_lines(self.file.text), _lines(self.text), path, path):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Connection:
    """What a client's file says of us: the command that it starts, or `fault`, why that cannot be told."""

    client: Client
    path: Path
    command: list[str] | None = None
    fault: str | None = None

    @property
    def is_sandbox(self) -> bool:
        """Whether the command serves the simulated customers."""
        return "--sandbox" in (self.command or [])

    @property
    def config(self) -> str | None:
        """The configuration file that the command names."""
        options = itertools.pairwise(self.command or [])
        return next((value for option, value in options if option == "--config"), None)


def this_machine() -> Machine:
    """The machine and the user of this process."""
    return Machine(sys.platform, os.environ, Path.home())


def how_to_connect() -> str:
    """The commands that connect an assistant, as they are typed on this machine."""
    note = ""
    try:
        called = name_in_a_shell(program(_running(), sys.platform, os.environ))
    except PassingProgram as error:
        called, note = "pc-mcp", f"\n\n{error}"
    first, *others, last = CLIENTS
    return (
        f"  {called} install {first} --sandbox\n\n"
        f"or {', '.join(others)} or {last} in its place. To your own customers, with the ids that docs/sign-in.md "
        f"explains:\n\n  {called} install {first} --client-id ID --tenant-id ID\n  {called} login{note}"
    )


def install(
    client_id: str,
    *,
    sandbox: bool,
    config: Path | None,
    dry_run: bool,
    ids: Mapping[str, str] | None = None,
    machine: Machine | None = None,
) -> int:
    """Connects a client. Raises a `Failure` with every file left as it was; the exit status is 0.

    ids: settings of the section `auth` that are written into the configuration file first.
    """
    if sandbox and ids:
        raise ConfigurationError(
            "--client-id and --tenant-id are for your own customers. Leave them out, or leave out --sandbox."
        )
    machine = machine or this_machine()
    client = CLIENTS[client_id]
    named = config or machine.environment.get(ENV_CONFIG)
    settings_file = Path(named) if named else usual_config_file()
    configuration = None
    if ids:
        file = found(settings_file)
        text, settings = with_ids(file, ids)
        configuration = Change(file, text)
    else:
        settings = load_settings(config)
    command = _command(machine, named, sandbox=sandbox)
    entry = _with_entry(client, machine, command)
    if dry_run:
        _show(change for change in (configuration, entry) if change and change.is_needed)
        return 0
    if configuration:
        _write_ids(configuration)
    _connect(client, entry, command, "the simulated customers" if sandbox else "Partner Center")
    _say_next(_steps(client, settings, named, sandbox=sandbox))
    if not sandbox:
        _say_variables(client, machine, settings_file)
    return 0


def _command(machine: Machine, config: str | Path | None, *, sandbox: bool) -> list[str]:
    """What the client is to start."""
    options = ["--sandbox"] if sandbox else []
    options += ["--config", os.path.abspath(config)] if config else []
    return [*program(_running(), machine.platform, machine.environment), "serve", *options]


def _running() -> Running:
    return Running(sys.argv[0], sys.executable, script_folders())


def _with_entry(client: Client, machine: Machine, command: list[str]) -> Change:
    """The client's file with our entry. Raises a `Failure`."""
    entry = client.entry(command)
    file = found(machine.path_for(client))
    start = machine.start_for(client, file)
    text = ClientText(client, start.text)
    try:
        return Change(file, text.with_entry(entry))
    except Malformed as error:
        raise _refused(start, error, f"add there by hand: {text.snippet(entry).strip()}") from None


def _write_ids(change: Change) -> None:
    if change.is_needed:
        backup = change.make()
        _say("Wrote the ids into the configuration file.", {"File": str(change.file.path), "Backup": str(backup or "")})
    else:
        _say("The ids are in the configuration file already.", {"File": str(change.file.path)})


def _connect(client: Client, change: Change, command: list[str], to: str) -> None:
    facts = {"File": str(change.file.path), "Starts": typed(command)}
    if change.is_needed:
        backup = change.make()
        _say(f"Connected {client.title} to {to}.", {**facts, "Backup": str(backup or "")})
    else:
        _say(f"{client.title} is connected to {to} already; nothing was changed.", facts)


def uninstall(client_id: str, *, dry_run: bool, machine: Machine | None = None) -> int:
    """Takes our entry out of a client's file. Raises a `Failure` with the file left as it was."""
    machine = machine or this_machine()
    client = CLIENTS[client_id]
    file = found(machine.path_for(client))
    text = ClientText(client, file.text)
    earlier = [kept for path in file.backups() if (kept := text_of(path)) is not None]
    try:
        if text.entry() is None:
            _say(f"{client.title} is not connected; nothing was changed.", {"File": str(file.path)})
            return 0
        change = Change(file, text.without_entry([*earlier, ""]))
        is_undone = text.comes_from(change.text)
    except Malformed as error:
        raise _refused(file, error, 'remove "pc-mcp" there by hand') from None
    if dry_run:
        _show([change])
        return 0
    facts = {"File": str(file.path)}
    if is_undone and not change.text and change.text not in earlier:
        file.remove()
        facts["File"] += " (held nothing else and was removed)"
    elif is_undone and change.text in earlier:
        file.replace(change.text)
        facts["File"] += " (is again as it was before)"
    else:
        facts["Backup"] = str(change.make())
    _say(f"Disconnected {client.title}.", facts)
    _say_next([client.restart, "A sign-in stays on this computer until you forget it with: pc-mcp logout"])
    return 0


def connections(machine: Machine) -> Iterator[Connection]:
    """The clients that have our entry, and those whose file cannot be read; nothing is changed."""
    for client in CLIENTS.values():
        path = Path()
        try:
            file = found(machine.path_for(client))
            path = file.path
            entry = ClientText(client, file.text).entry()
        except Failure as error:
            yield Connection(client, path, fault=str(error))
        except Malformed as error:
            yield Connection(client, path, fault=f"{path}, line {error.line}: {error.fault}.")
        else:
            if entry is not None:
                yield Connection(client, path, _command_of(entry))


def _command_of(entry: Mapping[str, Any]) -> list[str]:
    arguments = entry.get("args")
    return [str(entry.get("command", "")), *map(str, arguments if isinstance(arguments, list) else [])]


def _refused(file: ClientFile, error: Malformed, by_hand: str) -> FileRefused:
    """by_hand: what a person can do there instead."""
    what = f"{file.path}, line {error.line}: {error.fault}. The file was left as it was."
    if isinstance(error, Unchangeable):  # nothing is wrong with that line
        return FileRefused(f"{what} Please {by_hand}")
    return FileRefused(f"{what} Correct that line and try again, or {by_hand}")


def _steps(client: Client, settings: Settings, config: str | Path | None, *, sandbox: bool) -> Iterator[str]:
    auth = settings.auth
    if not sandbox and auth.mode == "delegated":
        option = ["--config", os.path.abspath(config)] if config else []
        if auth.client_id is None:
            again = ["pc-mcp", "install", client.id, "--client-id", "ID", "--tenant-id", "ID", *option]
            yield f"Set auth.client_id and auth.tenant_id, which docs/sign-in.md explains: {typed(again)}"
        yield f"Sign in: {typed(['pc-mcp', 'login', *option])} (or later: the first question opens the browser)."
    yield client.restart
    yield 'Ask: "Which customers do we have?"'


def _say(what: str, facts: Mapping[str, str]) -> None:
    print(what)
    for name, fact in facts.items():
        if fact:
            print(f"  {name + ':':<8}{fact}")


def _say_next(steps: Iterable[str]) -> None:
    print("Next:")
    for number, step in enumerate(steps, 1):
        print(f"  {number}. {step}")


def _say_variables(client: Client, machine: Machine, settings_file: str | Path) -> None:
    if names := variables_set(machine.environment):
        print(
            f"Note: {client.title} may not see the environment variables of this shell ({', '.join(names)}). "
            f"What they set is best written into {settings_file}."
        )


def _show(changes: Iterable[Change]) -> None:
    shown = "".join(line for change in changes for line in change.difference())
    print(shown, end="")
    print("Nothing was written." if shown else "There is nothing to change.", file=sys.stderr)


def _lines(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one."""
    return io.StringIO(text, newline="\n").readlines()
