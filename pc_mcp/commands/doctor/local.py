"""What can be checked without asking anybody: program, configuration, folders, proxy, certificates, clients."""

import os
import platform
import socket
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pc_mcp import __version__
from pc_mcp.commands.doctor.report import CheckResult
from pc_mcp.commands.install.clients import Client
from pc_mcp.commands.install.environment import SETTINGS, missing, pasted
from pc_mcp.commands.install.machine import Connection, Machine, connections
from pc_mcp.commands.install.program import typed
from pc_mcp.protocol.prompts import NoPromptFolder, PromptFileError, prompts_in
from pc_mcp.runtime import network
from pc_mcp.runtime.guides import SETTINGS_GUIDE, SIGN_IN_GUIDE
from pc_mcp.runtime.ids import ARE_ONE, id_fault
from pc_mcp.runtime.text import visible
from pc_mcp.settings import (
    ENV_CONFIG,
    AuthSettings,
    ConfigurationError,
    Settings,
    config_file,
    load_settings,
    usual_config_file,
    variables_set,
)

CONFIGURATION = "configuration"
CERTIFICATES = "certificates"
PROMPTS = "prompts"
EXPORTS = "exports"
CLIENTS = "clients"
ENVIRONMENT = "environment"
_ASK_SECONDS = 2.0
_MOST_SHOWN = 200  # characters of an address that stands in a client's file
_CONFIG = "--config"
_CORRECT = f"Correct that; {SETTINGS_GUIDE} describes every setting."
_NO_TENANT = "no tenant yet, which the connected assistants do not need: they ask the simulated customers"
NO_CLIENT = CheckResult(CLIENTS, "warning", "no assistant is connected", "Run: pc-mcp install claude-desktop")
_SET_UP = (
    "set auth.client_id and auth.tenant_id, which your administrator gives you "
    f"(the guide for that is {SIGN_IN_GUIDE}), with"
)
_INSTALL = ("pc-mcp", "install", "CLIENT", "--client-id", "ID", "--tenant-id", "ID")


def program() -> CheckResult:
    """Which program this is."""
    python = f"Python {platform.python_version()}"
    return CheckResult("program", "ok", f"pc-mcp {__version__}, {python}, {platform.system()}")


def configuration(
    config: Path | None, environment: Mapping[str, str], connected: Sequence[Connection]
) -> tuple[CheckResult, Settings | None]:
    """Where the settings come from, and the settings, where they are valid.

    connected: the simulated customers, where they are all that is connected, need no sign-in, and of a server that
    is asked over HTTP it is not known.
    """
    try:
        settings = load_settings(config)
    except ConfigurationError as error:
        return CheckResult(CONFIGURATION, "wrong", str(error), _CORRECT), None
    file = config_file(config)
    names = variables_set(environment)
    sources = [str(file) if file else f"no file {usual_config_file()}"]
    sources[0] += ", which the connected assistants name" if config and config == _config_of_all(connected) else ""
    sources += [f"environment: {', '.join(names)}"] if names else []
    found = f"{'; '.join(sources)}; mode {settings.auth.mode}, cloud {settings.partner_center.cloud}"
    again = typed([*_INSTALL, *config_option(config)])
    if only_sandbox(connected) and settings.auth == AuthSettings():
        mend = f"To ask your own customers, {_SET_UP}: {again}"
        return CheckResult(CONFIGURATION, "not set up", f"{'; '.join(sources)}; {_NO_TENANT}", mend), settings
    if settings.auth.mode != "token" and settings.auth.client_id is None:
        lacks = f"{found}; no application to sign in as"
        if asked := _asked_servers(connected):
            return CheckResult(
                CONFIGURATION, "not set up", f"{lacks}, but {asked}", f"Else {_SET_UP}: {again}"
            ), settings
        mend = f"{_SET_UP[:1].upper()}{_SET_UP[1:]}: {again}"
        return CheckResult(CONFIGURATION, "wrong", f"{lacks}{_for_whom(connected)}", mend), settings
    if fault := _faulty_id(settings.auth):
        return CheckResult(CONFIGURATION, "warning", f"{found}; {fault}", f"Correct that: {again}"), settings
    return CheckResult(CONFIGURATION, "ok", found), settings


def _asked_servers(connected: Sequence[Connection]) -> str:
    """That every assistant asks a server that runs by itself, with settings that cannot be seen here; else nothing."""
    urls = sorted({visible(each.url)[:_MOST_SHOWN] for each in connected if each.url})
    if not urls or not all(each.url for each in connected):
        return ""
    return f"the server at {', '.join(urls)} has a configuration of its own: simulated customers need none of this"


def _for_whom(connected: Sequence[Connection]) -> str:
    """Which assistants start a server that needs the configuration."""
    titles = [each.client.title for each in connected if each.command is not None and not each.is_sandbox]
    return f", which {' and '.join(titles)} need{'s' if len(titles) == 1 else ''}" if titles else ""


def unused(configured: CheckResult) -> CheckResult:
    """What was found of settings that can be read, for a server of the simulated customers, which takes no sign-in."""
    if configured.state == "not set up":
        return configured
    return CheckResult(CONFIGURATION, "ok", f"{configured.found}; the simulated customers need no sign-in of it")


def _faulty_id(auth: AuthSettings) -> str | None:
    """Which id cannot be right, and why; a setting may be typed by hand."""
    for name, value in {"client_id": auth.client_id, "tenant_id": auth.tenant_id}.items():
        if value is not None and (fault := id_fault(value, may_be_domain=name == "tenant_id")):
            return f"auth.{name} {fault}"
    if auth.client_id and auth.client_id == auth.tenant_id:
        return f"auth.client_id and auth.tenant_id {ARE_ONE}"
    return None


def not_connected(client: Client) -> CheckResult:
    """That the one client that was asked for does not start us."""
    return CheckResult(client.title, "wrong", "is not connected", f"Run: pc-mcp install {client.id}")


def environment(connection: Connection, machine: Machine, handed_on: Mapping[str, str]) -> CheckResult:
    """Whether the server that the client starts gets what it needs of the environment.

    machine: with this shell's environment; handed_on: what of it the server gets.
    """
    client = connection.client
    if client.hands_on is None:
        return CheckResult(ENVIRONMENT, "ok", f"{client.title} hands on all of its own, taken to be this shell's")
    absent = _absent(connection, machine, handed_on)
    if not absent:
        names = ", ".join(sorted(handed_on))
        return CheckResult(
            ENVIRONMENT, "ok", f"{client.title} hands on {names}; nothing else that is set here is needed"
        )
    listed = "; ".join(f"{', '.join(names)} ({purpose})" for purpose, names in absent.items())
    mend = "Connect it first." if connection.command is None else _by_hand(connection, machine, absent)
    if client.forwards and connection.command:
        mend = f"Connect it again: {typed(_connecting(connection))}"
    return CheckResult(ENVIRONMENT, "warning", f"{client.title} does not hand on what is set here: {listed}", mend)


def _absent(connection: Connection, machine: Machine, handed_on: Mapping[str, str]) -> dict[str, list[str]]:
    """What a server needs of the machine's environment and does not get, by what it is for."""
    settings = [ENV_CONFIG, *variables_set(machine.environment)]
    absent = missing(machine.environment, handed_on, machine.platform, settings)
    # Where the entry names the configuration file, it need not be found.
    found = {"XDG_CONFIG_HOME", ENV_CONFIG} if connection.config else set()
    named = {purpose: [name for name in names if name not in found] for purpose, names in absent.items()}
    return {purpose: names for purpose, names in named.items() if names}


def _by_hand(connection: Connection, machine: Machine, absent: Mapping[str, Sequence[str]]) -> str:
    """What a person adds to the entry, and what to the configuration file."""
    entered = [name for purpose, names in absent.items() if purpose != SETTINGS for name in names]
    steps = []
    if entered:
        what = pasted(entered, machine.environment, beside_others=bool(connection.entry.get("env")))
        steps.append(f'Where the server needs it, add to the entry "pc-mcp" in {connection.path}: {what}.')
    if settings := absent.get(SETTINGS):
        steps.append(f"Write what {', '.join(settings)} say into the configuration file, as settings.")
    return " ".join(steps)


def prompts(folder: Path) -> CheckResult:
    """Whether the team's own prompts can be used; with a malformed file the server does not start."""
    try:
        found = prompts_in(folder)
    except PromptFileError as error:
        until = "has only the prompts that it brings" if isinstance(error, NoPromptFolder) else "does not start"
        return CheckResult(PROMPTS, "wrong", str(error), f"Correct that: until then the server {until}.")
    if not found:
        mend = "Put the files there, or correct prompts.folder."
        return CheckResult(PROMPTS, "warning", f"no *.md file is in {folder}", mend)
    return CheckResult(PROMPTS, "ok", f"{', '.join(sorted(found))}, of {folder}")


def exports(folder: Path) -> CheckResult:
    """Whether a file can be written into the folder for exports; nothing is left there."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".pc-mcp-") as file:
            file.write(b"x")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        mend = "Free space, change the folder's permissions, or let exports.folder name another one."
        return CheckResult(EXPORTS, "wrong", f"no file can be written into {folder}: {reason}", mend)
    return CheckResult(EXPORTS, "ok", f"files can be written into {folder}")


def certificates(settings: Settings) -> CheckResult:
    """Which proxies are used, and by which certificates others are known."""
    try:
        places = {service: network.route_to(url).place for service, url in settings.services.items()}
        named = network.named_certificates()
    except network.NetworkRefused as error:
        return CheckResult(CERTIFICATES, "wrong", error.what, error.advice)
    used = [f"{service} through {place}" if place else f"{service} directly" for service, place in places.items()]
    if not any(places.values()):
        used = ["no proxy"]
    return CheckResult(CERTIFICATES, "ok", f"{', '.join(used)}; {', '.join(named) or 'those of the system'}")


def connected(machine: Machine) -> list[Connection]:
    """The clients that start us, and those whose file cannot be read."""
    return list(connections(machine))


def config_to_examine(
    config: Path | None, environment: Mapping[str, str], connected: Sequence[Connection]
) -> Path | None:
    """The configuration file that is asked for, or else the one that all assistants name; None: the usual one."""
    return config if config or environment.get(ENV_CONFIG) else _config_of_all(connected)


def config_option(config: str | Path | None) -> list[str]:
    """The option that makes another command use the same file."""
    return [_CONFIG, str(config)] if config else []


def client(connection: Connection, machine: Machine) -> CheckResult:
    """Whether what the client starts is there, and can be started.

    machine: with this shell's environment; where the server gets less of it than it needs, that is mentioned.
    """
    title = connection.client.title
    if connection.command is None:
        return _without_command(connection)
    program, *arguments = connection.command
    found = " ".join([f"starts {program}", *arguments])
    config = connection.config
    again = f"Connect it again: {typed(_connecting(connection))}"
    if connection.fault:
        return CheckResult(title, "wrong", connection.fault, again)
    if not os.path.isabs(program):
        return CheckResult(title, "warning", f"{found}, which it may not find without an absolute path", again)
    if not os.path.isfile(program):
        return CheckResult(title, "wrong", f"{found}, which is not there", again)
    try:
        if config:
            load_settings(Path(config))
    except ConfigurationError as error:
        mend = f"Correct that, or connect it with another file: {typed(_connecting(connection, 'FILE'))}"
        return CheckResult(title, "wrong", f"{found}, which cannot serve: {error}", mend)
    hint = ""
    if not connection.is_sandbox and _absent(connection, machine, connection.environment(machine)):
        hint = f"It hands on less than this shell has: pc-mcp doctor --client {connection.client.id} looks with that."
    return CheckResult(title, "ok", found, hint)


def _without_command(connection: Connection) -> CheckResult:
    """What the client asks instead, what became of an entry that is not there, or why that cannot be told."""
    title, name = connection.client.title, connection.client.id
    if connection.url and not connection.fault:
        return _asked(title, connection.url)
    if not connection.is_lost:
        return CheckResult(title, "warning", connection.fault or "its file cannot be read")
    found = f"our entry is not in {connection.path} any more, beside which its backup lies"
    mend = f"Quit {title}, which may have written its file back, then run: pc-mcp install {name}"
    return CheckResult(title, "warning", found, f"{mend} (to be rid of it instead: pc-mcp uninstall {name})")


def _asked(title: str, url: str) -> CheckResult:
    """Whether a server listens where the client asks; only at addresses of this computer that is tried."""
    found = f"asks the server at {url}, which has to run"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 0
    except ValueError:
        host, port = "", 0
    if host not in network.LOOPBACK_HOSTS or not port:
        return CheckResult(title, "not checked", found)
    try:
        socket.create_connection((host, port), timeout=_ASK_SECONDS).close()
    except ConnectionRefusedError:
        return CheckResult(title, "wrong", f"{found}, and does not", f"Start it: pc-mcp serve --http {parts.netloc}")
    except OSError:
        return CheckResult(title, "not checked", found)
    return CheckResult(title, "ok", f"{found}, and something listens there")


def _connecting(connection: Connection, config: str | None = None) -> list[str]:
    """The command that makes the entry anew. config: another configuration file."""
    options = ["--sandbox"] if connection.is_sandbox else []
    return ["pc-mcp", "install", connection.client.id, *options, *config_option(config or connection.config)]


def only_sandbox(connected: Sequence[Connection]) -> bool:
    """Whether clients start us, and each with the simulated customers."""
    starting = [connection for connection in connected if connection.command is not None]
    return bool(starting) and all(connection.is_sandbox for connection in starting)


def _config_of_all(connected: Sequence[Connection]) -> Path | None:
    """The configuration file that every client names which asks for the user's own customers."""
    named = {each.config for each in connected if each.command is not None and not each.is_sandbox}
    config = named.pop() if len(named) == 1 else None
    return Path(config) if config else None
