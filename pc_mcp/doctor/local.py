"""What can be checked without asking anybody: program, configuration, folders, proxy, certificates, clients."""

import itertools
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from pc_mcp import __version__, proxies
from pc_mcp.accounts import NO_CLIENT_ID
from pc_mcp.doctor.report import Finding
from pc_mcp.install.commands import Connection, Machine, connections
from pc_mcp.prompting import PromptFileError, prompts_in
from pc_mcp.settings import (
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
_SANDBOX = "--sandbox"
_NO_TENANT = "no tenant yet, which the connected assistants do not need: they ask the simulated customers"
_TENANT = (
    "To ask your own customers, set auth.client_id and auth.tenant_id, as docs/sign-in.md describes, and connect again "
    "without --sandbox."
)


def program() -> Finding:
    """Which program this is."""
    python = f"Python {platform.python_version()}"
    return Finding("program", "ok", f"pc-mcp {__version__}, {python}, {platform.system()}")


def configuration(
    config: Path | None, environment: Mapping[str, str], *, only_sandbox: bool
) -> tuple[Finding, Settings | None]:
    """Where the settings come from, and the settings, where they are valid.

    only_sandbox: whether the simulated customers are all that is connected; they need no sign-in.
    """
    try:
        settings = load_settings(config)
    except ConfigurationError as error:
        mend = "Correct that; docs/settings.md describes every setting."
        return Finding(CONFIGURATION, "wrong", str(error), mend), None
    file = config_file(config)
    names = variables_set(environment)
    sources = [str(file) if file else f"no file {usual_config_file()}"]
    sources += [f"environment: {', '.join(names)}"] if names else []
    found = f"{'; '.join(sources)}; mode {settings.auth.mode}, cloud {settings.partner_center.cloud}"
    if only_sandbox and settings.auth == AuthSettings():
        return Finding(CONFIGURATION, "not set up", f"{'; '.join(sources)}; {_NO_TENANT}", _TENANT), settings
    if settings.auth.mode != "token" and settings.auth.client_id is None:
        return Finding(CONFIGURATION, "wrong", found, NO_CLIENT_ID), settings
    return Finding(CONFIGURATION, "ok", found), settings


def prompts(folder: Path) -> Finding:
    """Whether the team's own prompts can be used; with a malformed one the server does not start."""
    try:
        found = prompts_in(folder)
    except PromptFileError as error:
        return Finding(PROMPTS, "wrong", str(error), "Correct that: until then the server does not start.")
    if not found:
        mend = "Put the files there, or correct prompts.folder."
        return Finding(PROMPTS, "warning", f"no *.md file is in {folder}", mend)
    return Finding(PROMPTS, "ok", f"{', '.join(sorted(found))}, of {folder}")


def exports(folder: Path) -> Finding:
    """Whether a file can be written into the folder for exports; nothing is left there."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".pc-mcp-") as file:
            file.write(b"x")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        mend = "Free space, change the folder's permissions, or let exports.folder name another one."
        return Finding(EXPORTS, "wrong", f"no file can be written into {folder}: {reason}", mend)
    return Finding(EXPORTS, "ok", f"files can be written into {folder}")


def certificates() -> Finding:
    """Which proxy is used, and by which certificates others are known."""
    try:
        used = [f"{scheme} through {place}" for scheme, place in proxies.proxies().items()]
        named = proxies.certificates()
    except proxies.NetworkRefused as error:
        return Finding(CERTIFICATES, "wrong", error.what, error.advice)
    return Finding(CERTIFICATES, "ok", f"{', '.join(used) or 'no proxy'}; {', '.join(named) or 'those of the system'}")


def connected(machine: Machine) -> list[Connection]:
    """The clients that start us, and those whose file cannot be read."""
    return list(connections(machine))


def only_sandbox(found: Sequence[Connection]) -> bool:
    """Whether clients start us, and each with the simulated customers."""
    commands = [connection.command for connection in found if connection.command is not None]
    return bool(commands) and all(_SANDBOX in command for command in commands)


def clients(found: Sequence[Connection]) -> list[Finding]:
    """Whether what the clients start is there."""
    none = Finding(CLIENTS, "warning", "no assistant is connected", "Run: pc-mcp install claude-desktop")
    return [_client(connection) for connection in found] or [none]


def _client(connection: Connection) -> Finding:
    title, again = connection.client.title, f"Connect it again: pc-mcp install {connection.client.id}"
    if connection.command is None:
        return Finding(title, "warning", connection.fault or "its file cannot be read")
    program, *arguments = connection.command
    found = " ".join([f"starts {program}", *arguments])
    if not os.path.isabs(program):
        return Finding(title, "warning", f"{found}, which it may not find without an absolute path", again)
    if not os.path.isfile(program):
        return Finding(title, "wrong", f"{found}, which is not there", again)
    for option, value in itertools.pairwise(arguments):
        if option == "--config" and not os.path.isfile(value):
            return Finding(title, "wrong", f"{found}, where {value} is not there", again)
    return Finding(title, "ok", found)
