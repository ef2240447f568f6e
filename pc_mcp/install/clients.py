"""The clients that can be connected: where each keeps its configuration, and what an entry looks like there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pc_mcp.failures import Failure

NAME = "pc-mcp"
"""What the entry is called in every client."""

Format = Literal["json", "jsonc", "toml"]


class ClientNotFound(Failure):
    """It cannot be said where the client keeps its configuration."""


@dataclass(frozen=True, slots=True)
class Client:
    """An MCP client.

    section: the object of its file that holds the servers; typed: whether an entry says that it is
    started as a program (`"type": "stdio"`); restart: what a person does for it to be read anew.
    """

    id: str
    title: str
    format: Format
    section: str
    typed: bool
    restart: str

    def entry(self, command: list[str]) -> dict[str, Any]:
        """What makes the client start `command`."""
        kind = {"type": "stdio"} if self.typed else {}
        return {**kind, "command": command[0], "args": command[1:]}


CLIENTS: Mapping[str, Client] = {
    client.id: client
    for client in (
        Client(
            "claude-desktop",
            "Claude Desktop",
            "json",
            "mcpServers",
            False,
            "Quit Claude Desktop (closing its window is not enough) and start it again.",
        ),
        Client("claude-code", "Claude Code", "json", "mcpServers", True, "Start Claude Code again."),
        Client(
            "vscode",
            "VS Code",
            "jsonc",
            "servers",
            True,
            "Start VS Code again, or start pc-mcp with its command MCP: List Servers.",
        ),
        Client("cursor", "Cursor", "jsonc", "mcpServers", True, "Start Cursor again."),
        Client("codex", "Codex", "toml", "mcp_servers", False, "Start Codex again."),
    )
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
            "hand as docs/connect.md shows."
        )
    return folders[0] if folders else None
