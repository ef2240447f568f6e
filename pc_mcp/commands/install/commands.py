"""The commands `install` and `uninstall`: what they change is shown, and what to do next is said."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pc_mcp.commands.install.address import checked_address
from pc_mcp.commands.install.clients import CLIENTS, Client
from pc_mcp.commands.install.configuration import checked_ids, with_ids
from pc_mcp.commands.install.entry import ClientText, FileRefused, Unchangeable
from pc_mcp.commands.install.environment import missing, pasted
from pc_mcp.commands.install.files import ClientFile, found, text_of
from pc_mcp.commands.install.json_text import Malformed
from pc_mcp.commands.install.machine import Machine, connection_of, notes_on, this_machine
from pc_mcp.commands.install.program import (
    PassingProgram,
    Running,
    check_found_alone,
    name_in_a_shell,
    program,
    script_folders,
    typed,
)
from pc_mcp.commands.terminal import say, say_aside
from pc_mcp.runtime.guides import SIGN_IN_GUIDE
from pc_mcp.runtime.text import visible
from pc_mcp.settings import ENV_CONFIG, ConfigurationError, Settings, load_settings, usual_config_file, variables_set

_MOST_SHOWN = 200  # characters of an address that stands in a client's file


@dataclass(frozen=True, slots=True)
class Change:
    """A file, the text that it is to have, and what of it is ours: the lines that go and those that come.

    marked: whether a byte-order mark at its beginning stays; private: whether only its owner is to read it.
    """

    file: ClientFile
    text: str
    old: str = ""
    new: str = ""
    marked: bool = True
    private: bool = False

    @property
    def is_needed(self) -> bool:
        marked = not self.marked and bool(self.file.mark)
        return self.text != self.file.text or marked or (self.private and self.file.is_open)

    def make(self) -> Path | None:
        """Writes the text; the backup, where there was something to keep. Raises `FileRefused`."""
        backup = self.file.back_up()
        self.file.replace(self.text, marked=self.marked, private=self.private)
        return backup

    def difference(self) -> Iterator[str]:
        """Our own lines; whatever else is in the file may be somebody's secret."""
        yield f"{self.file.path}:"
        if self.file.mark and not self.marked:
            yield "- (a byte-order mark, which the client cannot read)"
        yield from (f"- {line}" for line in self.old.splitlines())
        yield from (f"+ {line}" for line in self.new.splitlines())


def name_clients(*, connected: bool) -> int:
    """Says which clients there are; the exit status is that of wrong usage. connected: which have our entry."""
    machine = this_machine()
    for client in CLIENTS.values():
        say_aside(f"  {client.id:<16}{client.title:<16}{_state(client, machine, connected=connected)}".rstrip())
    return ConfigurationError.exit_status


def _state(client: Client, machine: Machine, *, connected: bool) -> str:
    connection = connection_of(client, machine)
    if connection and connection.url:
        return f"connected, to the server at {visible(connection.url)[:_MOST_SHOWN]}"
    if connection and connection.command:
        return "connected" + (", to the simulated customers" if connection.is_sandbox else "")
    if connected:
        return ""
    return "found on this computer" if machine.has(client) else "not found on this computer"


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
        f"or {', '.join(others)} or {last} in its place. To your own customers, with the ids that your administrator "
        f"gives you (the guide for that is {SIGN_IN_GUIDE}):\n\n"
        f"  {called} install {first} --client-id ID --tenant-id ID\n  {called} login{note}"
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
        configuration, settings = _with_ids(settings_file, ids)
    else:
        settings = load_settings(config)
    carried = named or (settings_file if _is_to_be_named(settings_file, machine, written=bool(ids)) else None)
    command = _command(machine, carried, sandbox=sandbox)
    started = client.entry(command, machine.platform, machine.environment, variables_set(machine.environment))
    entry = _with_entry(client, machine, started)
    notes = list(notes_on(client, machine))
    if dry_run:
        _show([change for change in (configuration, entry) if change and change.is_needed])
        return 0
    if configuration:
        _write_ids(configuration)
    _connect(client, entry, "the simulated customers" if sandbox else "Partner Center", {"Starts": typed(command)})
    _say_next(_steps(client, settings, named, sandbox=sandbox))
    _say_notes(notes)
    if not sandbox and not client.forwards:
        _say_network(client, machine)
        _say_variables(client, machine, settings_file)
    return 0


def _is_to_be_named(settings_file: Path, machine: Machine, *, written: bool) -> bool:
    """Whether the usual file is where only this environment leads to, which a client may not hand on."""
    if machine.platform == "win32" or not machine.environment.get("XDG_CONFIG_HOME"):
        return False
    elsewhere = machine.platform == "darwin" or settings_file.parent.parent != machine.home / ".config"
    return elsewhere and (written or os.path.lexists(settings_file))


def _command(machine: Machine, config: str | Path | None, *, sandbox: bool) -> list[str]:
    """What the client is to start."""
    check_found_alone(sys.executable, machine.environment)
    options = ["--sandbox"] if sandbox else []
    options += ["--config", os.path.abspath(config)] if config else []
    return [*program(_running(), machine.platform, machine.environment), "serve", *options]


def _running() -> Running:
    return Running(sys.argv[0], sys.executable, script_folders())


def _with_ids(path: Path, ids: Mapping[str, str]) -> tuple[Change, Settings]:
    """The configuration file with the ids, and the settings that it then gives. Raises a `Failure`."""
    file = found(path)
    found_ids = checked_ids(ids)
    made = with_ids(file, found_ids)
    old = "".join(f'{name} = "{visible(value)}"\n' for name, value in made.replaced.items())
    new = "".join(f'{name} = "{value}"\n' for name, value in found_ids.items())
    return Change(file, made.text, f"[auth]\n{old}" if old else "", f"[auth]\n{new}"), made.settings


def install_over_http(
    client_id: str, address: str, *, config: Path | None, dry_run: bool, machine: Machine | None = None
) -> int:
    """Connects a client to the server at `address`, which runs already. Raises a `Failure`; the exit status is 0."""
    from pc_mcp.protocol.http_secret import secret_of  # noqa: PLC0415 - a web server's parts are not needed otherwise

    machine = machine or this_machine()
    client = CLIENTS[client_id]
    url = checked_address(address)
    client.check_over_http()  # before a secret is made
    secret = secret_of(load_settings(config).http)
    sent = secret.kept() if secret.is_there() or not dry_run else ""
    entry = replace(_with_entry(client, machine, client.http_entry(url, sent)), private=True)
    if dry_run:
        _show([entry] if entry.is_needed else [])
        return 0
    _connect(client, entry, f"the server at {url}", {"Sends": f"the secret from {secret.where}"})
    option = ["--config", os.path.abspath(config)] if config else []
    serve = typed(["pc-mcp", "serve", "--http", urlsplit(url).netloc, *option])
    _say_next([f"Start the server, unless it runs: {serve}", client.restart, 'Ask: "Which customers do we have?"'])
    _say_notes(
        ["the file holds the secret, so only you may read it now; give it to nobody.", *notes_on(client, machine)]
    )
    return 0


def _with_entry(client: Client, machine: Machine, entry: Mapping[str, Any]) -> Change:
    """The client's file with our entry. Raises a `Failure`."""
    file = found(machine.path_for(client))
    start = machine.start_for(client, file)
    text = ClientText(client, start.text)
    try:
        made = text.with_entry(entry)
        return Change(file, made, text.own_lines(), ClientText(client, made).own_lines(), not client.is_strict)
    except Malformed as error:
        raise _refused(start, error, f"add there by hand: {text.snippet(entry).strip()}") from None


def _write_ids(change: Change) -> None:
    if change.is_needed:
        backup = change.make()
        facts = {"File": str(change.file.path), "Backup": str(backup or "")}
        _say(
            "Replaced ids in the configuration file." if change.old else "Wrote the ids into the configuration file.",
            facts,
        )
    else:
        _say("The ids are in the configuration file already.", {"File": str(change.file.path)})


def _connect(client: Client, change: Change, to: str, how: Mapping[str, str]) -> None:
    """how: what the entry makes the client do."""
    facts = {"File": str(change.file.path), **how}
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
            if not dry_run:
                file.set_aside()
            return 0
        change = Change(file, text.without_entry([*earlier, ""]), text.own_lines(), marked=not client.is_strict)
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
        file.replace(change.text, marked=change.marked)
        facts["File"] += " (is again as it was before)"
    else:
        facts["Backup"] = str(change.make())
    if backups := file.set_aside():
        facts["Backup"] = ", ".join(map(str, backups))
    _say(f"Disconnected {client.title}.", facts)
    _say_next([client.restart, "A sign-in stays on this computer until you forget it with: pc-mcp logout"])
    return 0


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
            yield (
                "Set auth.client_id and auth.tenant_id, which your administrator gives you "
                f"(the guide for that is {SIGN_IN_GUIDE}): {typed(again)}"
            )
        yield f"Sign in: {typed(['pc-mcp', 'login', *option])} (or later: the first question opens the browser)."
    yield client.restart
    yield 'Ask: "Which customers do we have?"'


def _say(what: str, facts: Mapping[str, str]) -> None:
    say(what)
    for name, fact in facts.items():
        if fact:
            say(f"  {name + ':':<8}{fact}")


def _say_next(steps: Iterable[str]) -> None:
    say("Next:")
    for number, step in enumerate(steps, 1):
        say(f"  {number}. {step}")


def _say_notes(notes: Iterable[str]) -> None:
    for note in notes:
        say(f"Note: {note}")


def _say_network(client: Client, machine: Machine) -> None:
    """What this shell says of the network and a client keeps from the server, with what to do."""
    connection = connection_of(client, machine)
    handed_on = connection.environment(machine) if connection else machine.environment
    absent = missing(machine.environment, handed_on, machine.platform, ())
    if names := [*absent.get("the proxy", ()), *absent.get("certificates", ())]:
        say(
            f"Note: {client.title} does not hand on what this shell says of the network ({', '.join(names)}). Where "
            f'the server needs it, add to the entry "pc-mcp" in {machine.path_for(client)}, behind its "args": '
            f"{pasted(names, machine.environment, beside_others=bool(connection and connection.entry.get('env')))}"
        )


def _say_variables(client: Client, machine: Machine, settings_file: str | Path) -> None:
    if names := variables_set(machine.environment):
        say(
            f"Note: {client.title} may not see the environment variables of this shell ({', '.join(names)}). "
            f"What they set is best written into {settings_file}."
        )


def _show(changes: Sequence[Change]) -> None:
    for change in changes:
        for line in change.difference():
            say(line)
    say_aside("Nothing was written." if changes else "There is nothing to change.")
