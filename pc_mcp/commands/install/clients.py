"""The clients that can be connected: where each keeps its configuration, and what an entry looks like there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pc_mcp.commands.install.environment import (
    CODEX,
    CODEX_WINDOWS,
    EVERYWHERE,
    SDK,
    SDK_WINDOWS,
    is_variable,
    needed,
    only,
)
from pc_mcp.runtime.failures import Failure
from pc_mcp.runtime.places import forget_what_is_no_folder
from pc_mcp.runtime.variables import ENV_PREFIX

NAME = "pc-mcp"
"""What the entry is called in every client."""
CARRIED = ("XDG_DATA_HOME",)
"""Written into an entry as they are where a client does not hand them on: the place of the sign-in."""
EMPTIED = ("PYTHONPATH",)
"""Emptied where a client hands on everything: what a project's shell names there is none of a server's business."""

AUTHORIZATION = "Authorization"

Format = Literal["json", "jsonc", "toml"]


class NotOverHttp(Failure):
    """The client cannot be connected to a server over HTTP."""


class ClientNotFound(Failure):
    """It cannot be said where the client keeps its configuration."""


@dataclass(frozen=True, slots=True)
class Client:
    """An MCP client.

    section: the object of its file that holds the servers; restart: what a person does for it to be read anew;
    is_typed: whether an entry says that it is started as a program (`"type": "stdio"`);
    writes_back: whether it keeps its file in memory while it runs, and may write that over what is there;
    is_typed_over_http: the same of an entry with an address (`"type": "http"`);
    headers: the member of an entry with the headers that it sends over HTTP; None where an entry can have none;
    hands_on: the variables that a server gets of its environment by platform (`win32`, or any other), all where
    it is None; forwards: the member of an entry that names further ones, if entries can have one;
    command: what starts it in a shell.
    """

    id: str
    title: str
    format: Format
    section: str
    restart: str
    is_typed: bool = False
    is_typed_over_http: bool = False
    writes_back: bool = False
    headers: str | None = "headers"
    hands_on: Mapping[str, frozenset[str]] | None = None
    forwards: str | None = None
    command: str | None = None

    @property
    def is_strict(self) -> bool:
        """Whether its file is JSON and nothing else: no comments, no byte-order mark."""
        return self.format == "json"

    def entry(
        self, command: list[str], platform: str, environment: Mapping[str, str], settings: Sequence[str] = ()
    ) -> dict[str, Any]:
        """What makes the client start `command` with what that needs of the environment.

        settings: the variables that set something. Of what may be secret the name is written at most.
        """
        entry: dict[str, Any] = {"type": "stdio"} if self.is_typed else {}
        entry |= {"command": command[0], "args": command[1:]}
        if self.forwards:
            entry[self.forwards] = [*needed(platform), *settings]
        elif self.hands_on and (carried := only(CARRIED, environment, platform)):
            entry["env"] = carried
        elif self.hands_on is None:
            entry["env"] = dict.fromkeys(EMPTIED, "")
        return entry

    def http_entry(self, url: str, secret: str) -> dict[str, Any]:
        """What makes the client ask the server at `url`. Raises `NotOverHttp`."""
        entry: dict[str, Any] = {"type": "http"} if self.is_typed_over_http else {}
        return entry | {"url": url, self.check_over_http(): {AUTHORIZATION: f"Bearer {secret}"}}

    def check_over_http(self) -> str:
        """The member of an entry with the headers. Raises `NotOverHttp` where there can be none."""
        if self.headers is None:
            raise NotOverHttp(
                f"The file of {self.title} cannot name a server over HTTP with the header that it needs. Let "
                f"{self.title} start one: pc-mcp install {self.id}"
            )
        return self.headers

    def environment(self, entry: Mapping[str, Any], platform: str, environment: Mapping[str, str]) -> dict[str, str]:
        """What a server that `entry` starts gets of the client's environment."""
        if self.hands_on is None:
            handed_on = dict(environment)
        else:
            usual = self.hands_on["win32" if platform == "win32" else "posix"]
            handed_on = only({*usual, *self.forwarded(entry)}, environment, platform)
        own = {name: value for name, value in self.own_variables(entry).items() if is_variable(name, value)}
        handed_on |= own
        forget_what_is_no_folder(handed_on, platform)  # as the server does
        return handed_on

    def own_variables(self, entry: Mapping[str, Any]) -> dict[str, str]:
        """The variables that an entry sets."""
        own = entry.get("env")
        return {name: str(value) for name, value in own.items()} if isinstance(own, dict) else {}

    def forwarded(self, entry: Mapping[str, Any]) -> list[str]:
        """The variables that an entry asks for, as plain names or as objects with a name."""
        listed = entry.get(self.forwards) if self.forwards else None
        names = [
            each.get("name") if isinstance(each, dict) else each
            for each in (listed if isinstance(listed, list) else ())
        ]
        return [name for name in names if isinstance(name, str)]

    def may_forward(self, name: object) -> bool:
        """Whether an entry may ask for a variable of this name."""
        return isinstance(name, str) and (name in EVERYWHERE or name.upper().startswith(ENV_PREFIX))


_CLAUDE_DESKTOP = Client(
    "claude-desktop",
    "Claude Desktop",
    "json",
    "mcpServers",
    "Quit Claude Desktop (closing its window is not enough) and start it again.",
    writes_back=True,
    headers=None,
    hands_on={"posix": SDK, "win32": SDK_WINDOWS},
)
_CLAUDE_CODE = Client(
    "claude-code",
    "Claude Code",
    "json",
    "mcpServers",
    "Start Claude Code again.",
    is_typed=True,
    is_typed_over_http=True,
    writes_back=True,
    command="claude",
)
_VSCODE = Client(
    "vscode",
    "VS Code",
    "jsonc",
    "servers",
    "Start VS Code again, or start pc-mcp with its command MCP: List Servers.",
    is_typed=True,
    is_typed_over_http=True,
    command="code",
)
_CURSOR = Client("cursor", "Cursor", "jsonc", "mcpServers", "Start Cursor again.", is_typed=True, command="cursor")
_CODEX = Client(
    "codex",
    "Codex",
    "toml",
    "mcp_servers",
    "Start Codex again.",
    hands_on={"posix": CODEX, "win32": CODEX_WINDOWS},
    headers="http_headers",
    forwards="env_vars",
    command="codex",
)
CLIENTS: Mapping[str, Client] = {
    client.id: client for client in (_CLAUDE_DESKTOP, _CLAUDE_CODE, _VSCODE, _CURSOR, _CODEX)
}


def config_path(client: str, platform: str, environment: Mapping[str, str], home: Path) -> Path:
    """The file that a client reads for this user, whether or not it exists.

    platform: as `sys.platform`. Raises `ClientNotFound` where several may be meant.
    """
    match client:
        case "claude-desktop":
            packaged = _packaged_claude(environment, home) if platform == "win32" else None
            folder = packaged or _application_data(platform, environment, home) / "Claude"
            return folder / "claude_desktop_config.json"
        case "claude-code":
            return Path(environment.get("CLAUDE_CONFIG_DIR") or home) / ".claude.json"
        case "vscode":
            return _application_data(platform, environment, home) / "Code" / "User" / "mcp.json"
        case "cursor":
            return home / ".cursor" / "mcp.json"
        case _:
            return Path(environment.get("CODEX_HOME") or home / ".codex") / "config.toml"


def hidden_path(client: str, platform: str, environment: Mapping[str, str], home: Path) -> Path | None:
    """The file that a client reads only until there is the one at `config_path`, if that is so."""
    if client == "claude-desktop" and platform == "win32" and _packaged_claude(environment, home):
        return _application_data(platform, environment, home) / "Claude" / "claude_desktop_config.json"
    return None


def is_there(client: str, path: Path) -> bool:
    """Whether an application has made more than the file at `path`, which may be ours alone."""
    match client:
        case "claude-code":
            return (path.parent / ".claude").is_dir()
        case "vscode":
            return _holds_more(path) or _holds_more(path.parent)
        case _:
            return _holds_more(path)


def vscode_profiles(path: Path) -> list[str]:
    """The names of the profiles that do not read the file at `path`, which is that of the default one."""
    folders = [folder.name for folder in _within(path.parent / "profiles") if folder.is_dir()]
    try:
        known = json.loads((path.parent / "globalStorage" / "storage.json").read_bytes())["userDataProfiles"]
        profiles = {each["location"]: each for each in known}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        profiles = {}
    own = [name for name in folders if not (profiles.get(name, {}).get("useDefaultFlags") or {}).get("mcp")]
    return sorted(str(profiles.get(name, {}).get("name", name)) for name in own)


def _holds_more(path: Path) -> bool:
    """Whether something lies beside `path` that is neither a backup of it nor a part of one."""
    return any(not found.name.lstrip(".").startswith(path.name.lstrip(".")) for found in _within(path.parent))


def _within(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _application_data(platform: str, environment: Mapping[str, str], home: Path) -> Path:
    """Where desktop applications keep what belongs to a user."""
    if platform == "win32":
        return Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
    if platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config")


def _packaged_claude(environment: Mapping[str, str], home: Path) -> Path | None:
    """The folder of a Claude Desktop that Windows keeps as a package (MSIX), which today's installers
    and the Store make; a file there hides the one in %APPDATA%\\Claude from such an application."""
    local = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    folders = [
        package / "LocalCache" / "Roaming" / "Claude" for package in sorted((local / "Packages").glob("Claude_*"))
    ]
    if len(folders) > 1:
        folders = [folder for folder in folders if (folder / "claude_desktop_config.json").exists()] or folders
    if len(folders) > 1:
        listed = ", ".join(map(str, folders))
        raise ClientNotFound(
            f"Several packages of Claude Desktop are installed: {listed}. Remove all but one, or add the server by "
            "hand, in claude_desktop_config.json of the one that you use: "
            '{"mcpServers": {"pc-mcp": {"command": "THE PATH OF pc-mcp", "args": ["serve"]}}}'
        )
    return folders[0] if folders else None
