"""Where each client keeps its configuration, and which program it is told to start."""

import json
import re
import sys
from pathlib import Path

import pytest

from pc_mcp.commands.install.clients import CLIENTS, config_path
from pc_mcp.commands.install.commands import how_to_connect, install, uninstall
from pc_mcp.commands.install.machine import Machine, connections
from pc_mcp.commands.install.program import Running, check_found_alone, name_in_a_shell, program, script_folders
from pc_mcp.runtime.failures import Failure
from tests.commands.client_files import CLAUDE_DESKTOP

HOME = Path("home")
PACKAGE = Path("Packages", "Claude_pzs8sxrjxfjjc", "LocalCache", "Roaming", "Claude")


@pytest.mark.parametrize(
    ("client", "platform", "environment", "expected"),
    [
        ("claude-desktop", "win32", {"APPDATA": "roaming"}, "roaming/Claude/claude_desktop_config.json"),
        ("claude-desktop", "win32", {}, "home/AppData/Roaming/Claude/claude_desktop_config.json"),
        (
            "claude-desktop",
            "darwin",
            {"XDG_CONFIG_HOME": "xdg"},
            "home/Library/Application Support/Claude/claude_desktop_config.json",
        ),
        ("claude-desktop", "linux", {}, "home/.config/Claude/claude_desktop_config.json"),
        ("claude-desktop", "linux", {"XDG_CONFIG_HOME": "xdg"}, "xdg/Claude/claude_desktop_config.json"),
        ("claude-code", "win32", {"APPDATA": "roaming"}, "home/.claude.json"),
        ("claude-code", "darwin", {}, "home/.claude.json"),
        ("claude-code", "linux", {}, "home/.claude.json"),
        ("claude-code", "linux", {"CLAUDE_CONFIG_DIR": "elsewhere"}, "elsewhere/.claude.json"),
        ("vscode", "win32", {"APPDATA": "roaming"}, "roaming/Code/User/mcp.json"),
        ("vscode", "darwin", {}, "home/Library/Application Support/Code/User/mcp.json"),
        ("vscode", "linux", {}, "home/.config/Code/User/mcp.json"),
        ("vscode", "linux", {"XDG_CONFIG_HOME": "xdg"}, "xdg/Code/User/mcp.json"),
        ("cursor", "win32", {"APPDATA": "roaming"}, "home/.cursor/mcp.json"),
        ("cursor", "darwin", {}, "home/.cursor/mcp.json"),
        ("cursor", "linux", {"XDG_CONFIG_HOME": "xdg"}, "home/.cursor/mcp.json"),
        ("codex", "win32", {"APPDATA": "roaming"}, "home/.codex/config.toml"),
        ("codex", "darwin", {}, "home/.codex/config.toml"),
        ("codex", "linux", {}, "home/.codex/config.toml"),
        ("codex", "linux", {"CODEX_HOME": "elsewhere"}, "elsewhere/config.toml"),
    ],
)
def test_each_client_has_its_file_on_each_platform(client, platform, environment, expected):
    assert config_path(client, platform, environment, HOME) == Path(expected)


def test_a_packaged_claude_desktop_has_its_file_in_its_package(tmp_path):
    environment = {"LOCALAPPDATA": str(tmp_path), "APPDATA": str(tmp_path / "roaming")}
    standard = config_path("claude-desktop", "win32", environment, HOME)
    assert standard == tmp_path / "roaming" / "Claude" / "claude_desktop_config.json"
    (tmp_path / PACKAGE.parents[2]).mkdir(parents=True)
    packaged = tmp_path / PACKAGE / "claude_desktop_config.json"
    assert config_path("claude-desktop", "win32", environment, HOME) == packaged
    assert config_path("claude-desktop", "win32", {}, HOME) != packaged


def test_a_packaged_claude_desktop_keeps_the_servers_that_it_has_read_elsewhere(tmp_path):
    environment = {"LOCALAPPDATA": str(tmp_path), "APPDATA": str(tmp_path / "roaming")}
    machine = Machine("win32", environment, tmp_path)
    usual = tmp_path / "roaming" / "Claude" / "claude_desktop_config.json"
    usual.parent.mkdir(parents=True)
    usual.write_text(CLAUDE_DESKTOP)
    (tmp_path / PACKAGE.parents[2]).mkdir(parents=True)
    packaged = tmp_path / PACKAGE / usual.name
    assert install("claude-desktop", sandbox=True, config=None, dry_run=False, machine=machine) == 0
    assert usual.read_text() == CLAUDE_DESKTOP
    written = json.loads(packaged.read_text())
    del written["mcpServers"]["pc-mcp"]
    assert written == json.loads(CLAUDE_DESKTOP)
    assert uninstall("claude-desktop", dry_run=False, machine=machine) == 0
    assert packaged.read_text() == CLAUDE_DESKTOP
    usual.write_text("[")
    packaged.unlink()
    with pytest.raises(Failure, match=rf"^{re.escape(str(usual))}, line 1: "):
        install("claude-desktop", sandbox=True, config=None, dry_run=False, machine=machine)
    assert not packaged.exists()


def test_of_several_packages_the_one_with_a_file_is_taken_else_none(tmp_path):
    environment = {"LOCALAPPDATA": str(tmp_path)}
    folders = [tmp_path / "Packages" / f"Claude_{name}" / "LocalCache" / "Roaming" / "Claude" for name in "ab"]
    for folder in folders:
        folder.mkdir(parents=True)
    with pytest.raises(Failure, match=r"Several packages of Claude Desktop.*Claude_a.*Claude_b.*by hand"):
        config_path("claude-desktop", "win32", environment, HOME)
    (folders[1] / "claude_desktop_config.json").touch()
    assert config_path("claude-desktop", "win32", environment, HOME).parent == folders[1]
    folders[1].joinpath("claude_desktop_config.json").unlink()
    (found,) = connections(Machine("win32", environment, tmp_path))
    assert (found.client.id, found.command) == ("claude-desktop", None)
    assert "Several packages" in (found.fault or "")


@pytest.mark.parametrize("client", CLIENTS.values(), ids=lambda client: client.id)
def test_an_entry_names_the_program_and_its_arguments(client):
    entry = client.entry(["/opt/pc-mcp", "serve", "--sandbox"], "linux", {})
    assert (entry.pop("command"), entry.pop("args")) == ("/opt/pc-mcp", ["serve", "--sandbox"])
    assert list(entry) in ([], ["type", "env"], ["env_vars"])


def script(folder: Path, name: str = "pc-mcp") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    return folder / name


def test_the_program_is_the_script_that_runs(tmp_path):
    started = script(tmp_path / "tools")
    other = script(tmp_path / "bin")
    running = Running(str(started), sys.executable, [other.parent])
    assert program(running, "linux", {}) == [str(started)]


def test_on_windows_the_program_has_its_ending_even_where_it_was_started_without(tmp_path):
    started = script(tmp_path / "Scripts", "pc-mcp.exe")
    for name in ("pc-mcp", "pc-mcp.exe"):
        running = Running(str(started.with_name(name)), sys.executable, [])
        assert program(running, "win32", {}) == [str(started)]


def test_started_as_a_module_it_is_the_script_beside_the_interpreter_else_the_interpreter(tmp_path):
    module = str(tmp_path / "pc_mcp" / "__main__.py")
    installed = script(tmp_path / "bin")
    assert program(Running(module, sys.executable, [installed.parent]), "linux", {}) == [str(installed)]
    assert program(Running(module, sys.executable, [tmp_path]), "linux", {}) == [
        sys.executable,
        "-P",
        "-E",
        "-m",
        "pc_mcp",
    ]


def test_a_relative_path_becomes_absolute_and_a_link_stays_one(tmp_path, monkeypatch):
    target = script(tmp_path / "tool")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pc-mcp").symlink_to(target)
    monkeypatch.chdir(tmp_path)
    assert program(Running("bin/pc-mcp", sys.executable, []), "linux", {}) == [str(tmp_path / "bin" / "pc-mcp")]


@pytest.mark.parametrize(
    "folder",
    [
        "cache/uv/archive-v0/0CrPEm4q/bin",
        "cache/uv/environments-v2/pc-mcp-1/bin",
        ".local/pipx/.cache/abc/bin",
        ".cache/pipx/2f1c4a7d5e8b9f0/bin",
        "Library/Caches/pipx/2f1c4a7d5e8b9f0/bin",
        "AppData/Local/pipx/pipx/Cache/2f1c4a7d5e8b9f0/Scripts",
        "Cache/uv/ARCHIVE-V1/x/Scripts",
    ],
)
def test_a_program_that_lies_in_a_cache_is_refused(tmp_path, folder):
    passing = script(tmp_path / folder)
    with pytest.raises(Failure, match=r"lies in a cache.*copy of its repository, with: uv tool install \. "):
        program(Running(str(passing), sys.executable, []), "linux", {})
    link = tmp_path / "pc-mcp"
    link.symlink_to(passing)
    with pytest.raises(Failure, match="lies in a cache"):
        program(Running(str(link), sys.executable, []), "linux", {})
    with pytest.raises(Failure, match="lies in a cache"):
        program(Running("x", str(passing.with_name("python")), []), "linux", {})


@pytest.mark.parametrize(
    ("variable", "folder"), [("UV_CACHE_DIR", "mine/x/bin"), ("XDG_CACHE_HOME", "mine/pipx/x/bin")]
)
def test_a_cache_of_another_name_is_known_by_the_environment(tmp_path, variable, folder):
    passing = script(tmp_path / folder)
    with pytest.raises(Failure, match="lies in a cache"):
        program(Running(str(passing), sys.executable, []), "linux", {variable: str(tmp_path / "mine")})


@pytest.mark.parametrize(
    "folder", [".local/share/pipx/venvs/pc-mcp/bin", ".local/pipx/venvs/pc-mcp/bin", ".cache/x/bin"]
)
def test_a_program_that_was_installed_to_stay_is_taken(tmp_path, folder):
    staying = script(tmp_path / folder)
    environment = {"XDG_CACHE_HOME": str(tmp_path / ".cache")}
    assert program(Running(str(staying), sys.executable, []), "linux", environment) == [str(staying)]


def test_a_person_calls_it_by_its_name_only_where_the_shell_finds_it(tmp_path, monkeypatch):
    staying = script(tmp_path / "my tools")
    staying.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert name_in_a_shell([str(staying)]) in {f"'{staying}'", f'"{staying}"'}
    assert name_in_a_shell(["/opt/python", "-P", "-m", "pc_mcp"]) == "/opt/python -P -m pc_mcp"
    (tmp_path / "pc-mcp").symlink_to(staying)
    assert name_in_a_shell([str(staying)]) == "pc-mcp"
    assert name_in_a_shell([str(script(tmp_path / "other"))]) != "pc-mcp"


def test_how_to_connect_says_so_where_the_program_lies_in_a_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", [str(script(tmp_path / ".cache" / "pipx" / "abc" / "bin"))])
    assert how_to_connect().splitlines()[0] == "  pc-mcp install claude-desktop --sandbox"
    assert "lies in a cache" in how_to_connect().splitlines()[-1]


@pytest.mark.slow
def test_a_program_that_only_a_variable_of_this_shell_leads_to_is_refused():
    check_found_alone(sys._base_executable, {})
    check_found_alone(sys.executable, {"PYTHONPATH": "."})
    check_found_alone("/nowhere/python", {"PYTHONPATH": "."})
    with pytest.raises(Failure, match=r"found by PYTHONPATH alone.*uv tool install \."):
        check_found_alone(sys._base_executable, {"PYTHONPATH": "."})


def test_the_script_of_this_installation_is_found():
    (command,) = program(Running("x", sys.executable, script_folders()), sys.platform, {})
    assert Path(command).is_absolute()
    assert Path(command).stem == "pc-mcp"
