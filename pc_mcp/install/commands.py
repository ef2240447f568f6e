"""The commands `install` and `uninstall`: what they change is shown, and what to do next is said."""

import difflib
import io
import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pc_mcp.failures import Failure
from pc_mcp.install.clients import CLIENTS, Client, config_path
from pc_mcp.install.entry import ClientText, FileRefused
from pc_mcp.install.files import ClientFile, found, text_of
from pc_mcp.install.json_text import Malformed
from pc_mcp.install.program import Running, program, script_folders
from pc_mcp.settings import ENV_CONFIG, Settings, load_settings, usual_config_file, variables_set

_LOGIN = ["pc-mcp", "login"]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where this runs: platform as `sys.platform`, environment variables, and the user's home."""

    platform: str
    environment: Mapping[str, str]
    home: Path

    def path_for(self, client: Client) -> Path:
        """The file that the client reads. Raises `Failure`."""
        return config_path(client.id, self.platform, self.environment, self.home)


@dataclass(frozen=True, slots=True)
class Connection:
    """What a client's file says of us: the command that it starts, or `fault`, why that cannot be told."""

    client: Client
    path: Path
    command: list[str] | None = None
    fault: str | None = None


def this_machine() -> Machine:
    """The machine and the user of this process."""
    return Machine(sys.platform, os.environ, Path.home())


def install(
    client_id: str, *, sandbox: bool, config: Path | None, dry_run: bool, machine: Machine | None = None
) -> int:
    """Connects a client. Raises a `Failure` with every file left as it was; the exit status is 0."""
    machine = machine or this_machine()
    client = CLIENTS[client_id]
    settings = load_settings(config)
    named = config or machine.environment.get(ENV_CONFIG)
    options = ["--sandbox"] if sandbox else []
    options += ["--config", os.path.abspath(named)] if named else []
    running = Running(sys.argv[0], sys.executable, script_folders())
    command = [*program(running, machine.platform, machine.environment), "serve", *options]
    entry = client.entry(command)
    file = found(machine.path_for(client))
    text = ClientText(client, file.text)
    try:
        new = text.with_entry(entry)
    except Malformed as error:
        raise _refused(file, error, f"or add there by hand: {text.snippet(entry).strip()}") from None
    to = "the simulated customers" if sandbox else "Partner Center"
    facts = {"File": str(file.path), "Starts": _shown(command)}
    if new == file.text:
        _say(f"{client.title} is connected to {to} already; nothing was changed.", facts)
    elif dry_run:
        _say_difference(file, new)
        return 0
    else:
        backup = file.back_up()
        file.replace(new)
        _say(f"Connected {client.title} to {to}.", {**facts, "Backup": str(backup or "")})
    _say_next(_steps(client, settings, named, sandbox=sandbox))
    if not sandbox:
        _say_variables(client, machine, settings_file=named or usual_config_file())
    return 0


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
        new = text.without_entry([*earlier, ""])
    except Malformed as error:
        raise _refused(file, error, 'or remove "pc-mcp" there by hand') from None
    if dry_run:
        _say_difference(file, new)
        return 0
    facts = {"File": str(file.path)}
    if not new and new not in earlier:
        file.remove()
        facts["File"] += " (held nothing else and was removed)"
    elif new in earlier:
        file.replace(new)
        facts["File"] += " (is again as it was before)"
    else:
        facts["Backup"] = str(file.back_up())
        file.replace(new)
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


def _refused(file: ClientFile, error: Malformed, otherwise: str) -> FileRefused:
    return FileRefused(
        f"{file.path}, line {error.line}: {error.fault}. The file was left as it was. Correct that line and try "
        f"again, {otherwise}"
    )


def _steps(client: Client, settings: Settings, config: str | Path | None, *, sandbox: bool) -> Iterator[str]:
    auth = settings.auth
    if not sandbox and auth.mode == "delegated":
        if auth.client_id is None:
            yield f"Set auth.client_id and auth.tenant_id in {config or usual_config_file()}, as docs/sign-in.md says."
        option = ["--config", os.path.abspath(config)] if config else []
        yield f"Sign in: {_shown([*_LOGIN, *option])} (or later: the first question opens the browser)."
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


def _say_difference(file: ClientFile, new: str) -> None:
    path = str(file.path)
    lines = difflib.unified_diff(_lines(file.text), _lines(new), path, path)
    for line in lines:
        print(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n", end="")
    print("Nothing was written.", file=sys.stderr)


def _lines(text: str) -> list[str]:
    """Lines with their ends; only a line feed ends one."""
    return io.StringIO(text, newline="\n").readlines()


def _shown(command: list[str]) -> str:
    """A command as a person would type it."""
    return shlex.join(command) if os.name == "posix" else " ".join(f'"{c}"' if " " in c else c for c in command)
