"""What can be checked without asking anybody: program, configuration, proxy, certificates, clients."""

import itertools
import os
import platform
from collections.abc import Mapping
from pathlib import Path

from pc_mcp import __version__, proxies
from pc_mcp.accounts import NO_CLIENT_ID
from pc_mcp.doctor.report import Finding
from pc_mcp.install.commands import Connection, Machine, connections
from pc_mcp.settings import (
    ConfigurationError,
    Settings,
    config_file,
    load_settings,
    usual_config_file,
    variables_set,
)

CONFIGURATION = "configuration"
CERTIFICATES = "certificates"


def program() -> Finding:
    """Which program this is."""
    python = f"Python {platform.python_version()}"
    return Finding("program", "ok", f"pc-mcp {__version__}, {python}, {platform.system()}")


def configuration(config: Path | None, environment: Mapping[str, str]) -> tuple[Finding, Settings | None]:
    """Where the settings come from, and the settings, where they are valid."""
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
    if settings.auth.mode != "token" and settings.auth.client_id is None:
        return Finding(CONFIGURATION, "wrong", found, NO_CLIENT_ID), settings
    return Finding(CONFIGURATION, "ok", found), settings


def certificates() -> Finding:
    """Which proxy is used, and by which certificates others are known."""
    try:
        used = [f"{scheme} through {place}" for scheme, place in proxies.proxies().items()]
        named = proxies.certificates()
    except proxies.NetworkRefused as error:
        return Finding(CERTIFICATES, "wrong", error.what, error.advice)
    return Finding(CERTIFICATES, "ok", f"{', '.join(used) or 'no proxy'}; {', '.join(named) or 'those of the system'}")


def clients(machine: Machine) -> list[Finding]:
    """Which clients start us, and whether what they start is there."""
    none = Finding("clients", "warning", "no assistant is connected", "Run: pc-mcp install claude-desktop")
    return [_client(connection) for connection in connections(machine)] or [none]


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
