"""Which environment variables a server needs where they are set, and which of them a client hands on to it."""

import json
import os
from collections.abc import Iterable, Mapping

from pc_mcp.runtime.variables import CERTIFICATES, DISPLAYS, REMOTE_SHELL

SETTINGS = "settings"
_MOST_SHOWN = 200  # characters of a value
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
PLACES = ("XDG_DATA_HOME", "XDG_CONFIG_HOME")
KEYRING = ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR")
# Whether a browser can be opened in front of the person, and which one.
BROWSER = ("BROWSER", *REMOTE_SHELL)
DISPLAY = (*DISPLAYS, "XAUTHORITY", "XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE")

# What clients hand on by themselves; the shorter list where versions differ.
# The SDK of TypeScript, from which most clients are made ("getDefaultEnvironment").
SDK = frozenset({"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"})
SDK_WINDOWS = frozenset(
    {"APPDATA", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PROCESSOR_ARCHITECTURE", "PROGRAMFILES"}
    | {"SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "USERNAME", "USERPROFILE"}
)
# Codex ("DEFAULT_ENV_VARS" of its rmcp-client).
CODEX = frozenset({"HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "USER"})
CODEX_WINDOWS = frozenset(
    {"APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROGRAMDATA", "PROGRAMFILES"}
    | {"PROGRAMFILES(X86)", "PROGRAMW6432", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERDOMAIN", "USERNAME"}
    | {"USERPROFILE"}
)


def needs(platform: str) -> Mapping[str, tuple[str, ...]]:
    """The variables that a server uses where they are set, by what they are for. platform: as `sys.platform`."""
    proxies = PROXIES if platform == "win32" else (*PROXIES, *map(str.lower, PROXIES))
    network = {"the proxy": proxies, "certificates": CERTIFICATES}
    if platform == "win32":
        return network
    local = {"the place of its files": PLACES, "the browser": BROWSER}
    if platform == "darwin":
        return {**local, **network}
    return {"the keyring": KEYRING, "the display": DISPLAY, **local, **network}


def needed(platform: str) -> list[str]:
    """The names of those variables."""
    return [name for names in needs(platform).values() for name in names]


EVERYWHERE = frozenset(needed("linux")) | frozenset(needed("win32"))
"""Those of any platform."""


def missing(
    environment: Mapping[str, str], handed_on: Mapping[str, str], platform: str, settings: Iterable[str]
) -> dict[str, list[str]]:
    """What is set and needed and not handed on, by what it is for. settings: the variables that set something."""
    found: dict[str, list[str]] = {}
    for purpose, names in {**needs(platform), SETTINGS: settings}.items():
        if absent := [name for name in names if environment.get(name) and name not in handed_on]:
            found[purpose] = absent
    return found


def pasted(names: Iterable[str], environment: Mapping[str, str], *, beside_others: bool) -> str:
    """The member of an entry that gives a server these variables, as it is pasted into a client's file.

    beside_others: the entry has such a member, which gets lines. A value that may hold a password, or is long, is not
    shown; it is said which.
    """
    values = {name: environment[name] for name in names}
    shown = {name: value for name, value in values.items() if "@" not in value and len(value) <= _MOST_SHOWN}
    lines = json.dumps(shown, ensure_ascii=False)
    text = "" if not shown else f'to its "env": {lines[1:-1]}' if beside_others else f'"env": {lines}'
    if hidden := [name for name in values if name not in shown]:
        text += f"{', and' if text else ''} {', '.join(hidden)} by hand, whose value may be secret"
    return text.strip()


def can_be_handed_on(text: str) -> bool:
    """Whether a process can be given this as an argument, or as the value of a variable."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half a character, as JSON can hold one
        return False


def is_variable(name: str, value: str) -> bool:
    """Whether a process can be given a variable of this name with this value."""
    return bool(name) and "=" not in name and can_be_handed_on(name) and can_be_handed_on(value)


def only(names: Iterable[str], environment: Mapping[str, str], platform: str) -> dict[str, str]:
    """The variables of these names; on Windows, names have no case."""
    if platform != "win32":
        wanted = set(names)
        return {name: value for name, value in environment.items() if name in wanted}
    wanted = {name.upper() for name in names}
    return {name: value for name, value in environment.items() if name.upper() in wanted}
