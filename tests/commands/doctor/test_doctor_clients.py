"""What `pc-mcp doctor` says of the assistants: their files, their entries, the environment that they hand on."""

import json
import os
import re
import socket
import sys
from pathlib import Path

import pytest

from pc_mcp.commands.cli import main
from pc_mcp.settings import ConfigurationError, load_settings
from tests.commands.doctor.results import CHECKS, states


def test_clients_are_listed_with_what_is_wrong_with_them(doctor, login, tmp_path, capsys):
    login()
    for client in ("claude-code", "codex", "cursor", "vscode"):
        assert main(["install", client, "--sandbox"]) == 0
    codex = tmp_path / ".codex" / "config.toml"
    codex.write_text('[mcp_servers.pc-mcp]\ncommand = "/gone\\u001b[31m/pc-mcp"\nargs = ["serve"]\n')
    (tmp_path / ".cursor" / "mcp.json").write_text('{"mcpServers": {"pc-mcp": {"command": "pc-mcp", "args": 1}}}')
    (tmp_path / ".config" / "Code" / "User" / "mcp.json").write_text("{\n[")
    found = doctor(1)
    assert found["Claude Code"][0] == "ok"
    assert found["Claude Code"][1].endswith("serve --sandbox")
    assert found["Codex"] == (
        "wrong",
        "starts /gone[31m/pc-mcp serve, which is not there. Connect it again: pc-mcp install codex",
    )
    assert found["Cursor"][0] == "warning"
    assert "may not find without an absolute path" in found["Cursor"][1]
    assert found["VS Code"][0] == "warning"
    assert "line 2: " in found["VS Code"][1]
    config = tmp_path / "mine.toml"
    config.touch()
    assert main(["install", "claude-code", "--config", str(config)]) == 0
    config.unlink()
    state, words = doctor(1, "--config", os.devnull)["Claude Code"]
    assert state == "wrong"
    assert f"cannot serve: The configuration file {config} cannot be read: No such file or directory. Correct" in words
    assert words.endswith("or connect it with another file: pc-mcp install claude-code --config FILE")


@pytest.mark.parametrize("command", ["/gone/pc-mcp", "pc-mcp"])
def test_an_entry_is_to_be_made_again_with_the_options_that_it_has(doctor, login, tmp_path, command):
    login()
    team = tmp_path / "the team.toml"
    team.touch()
    for options, again in (
        (["--sandbox"], " --sandbox"),
        (["--config", str(team)], f" --config '{team}'"),
        (["--sandbox", "--config", str(team)], f" --sandbox --config '{team}'"),
    ):
        entry = {"command": command, "args": ["serve", *options]}
        (tmp_path / ".claude.json").write_text(json.dumps({"mcpServers": {"pc-mcp": entry}}))
        words = doctor(int(command != "pc-mcp"))["Claude Code"][1]
        assert words.endswith(f"Connect it again: pc-mcp install claude-code{again}")


def test_the_file_that_every_connected_assistant_names_is_the_one_that_is_examined(doctor, env, monkeypatch, tmp_path):
    team, other = tmp_path / "team.toml", tmp_path / "other.toml"
    sections = {"PARTNER_CENTER": ["BASE_URL"], "AUTH": ["AUTHORITY", "TENANT_ID", "CLIENT_ID", "TOKEN_STORE"]}
    for section, names in sections.items():
        lines = [f"{name.lower()} = {json.dumps(env[f'PC_MCP_{section}__{name}'])}\n" for name in names]
        with team.open("a") as file:
            file.write(f"[{section.lower()}]\n{''.join(lines)}")
    for name in [name for name in os.environ if name.startswith("PC_MCP_")]:
        monkeypatch.delenv(name)
    for client in ("claude-code", "codex"):
        assert main(["install", client, "--config", str(team)]) == 0
    assert main(["install", "cursor", "--sandbox"]) == 0
    found = doctor(1)
    assert states(found) == {"signed in": "wrong", "role": "not checked"}
    assert found["configuration"][1].startswith(f"{team}, which the connected assistants name; mode delegated")
    assert found["signed in"][1].endswith(f"Run: pc-mcp login --config {team}")
    assert doctor(1, "--config", os.devnull)["configuration"][1].startswith(os.devnull)
    other.write_text("")
    assert main(["install", "codex", "--config", str(other)]) == 0
    assert doctor(1)["configuration"][1].startswith(f"no file {tmp_path}")
    other.write_text("[auth]\ntenant = 'x'\n")
    found = doctor(1)
    assert found["Claude Code"][0] == "ok"
    assert "which cannot serve: There is no setting auth.tenant. Did you mean auth.tenant_id?" in found["Codex"][1]


def test_a_client_file_that_is_write_protected_and_right_is_right(doctor, login, tmp_path):
    login()
    assert main(["install", "cursor"]) == 0
    (tmp_path / ".cursor" / "mcp.json").chmod(0o444)
    assert doctor(0)["Cursor"][0] == "ok"


@pytest.mark.slow
def test_an_entry_that_a_running_application_wrote_over_is_missed(doctor, tmp_path, capsys):
    file = tmp_path / ".config" / "Claude" / "claude_desktop_config.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"theme": "dark"}')
    assert main(["install", "claude-desktop"]) == 0
    file.write_text('{"theme": "light"}')
    state, words = doctor(1)["Claude Desktop"]
    assert state == "warning"
    assert f"our entry is not in {file} any more" in words
    assert "Quit Claude Desktop, which may have written its file back, then run: pc-mcp install claude-desktop" in words
    assert main(["uninstall", "claude-desktop"]) == 0  # whoever took it out by hand
    assert "Claude Desktop" not in doctor(1)


def test_a_file_that_the_client_cannot_read_for_its_byte_order_mark_is_found(doctor, tmp_path):
    assert main(["install", "claude-desktop", "--sandbox"]) == 0
    file = tmp_path / ".config" / "Claude" / "claude_desktop_config.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    state, words = doctor(1)["Claude Desktop"]
    assert (state, words.partition("byte-order mark")[1]) == ("wrong", "byte-order mark")
    assert words.endswith("Connect it again: pc-mcp install claude-desktop --sandbox")
    assert main(["install", "claude-desktop", "--sandbox"]) == 0
    assert doctor(1)["Claude Desktop"][0] == "ok"


SESSION = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere", "DISPLAY": ":7"}


def test_it_looks_with_the_environment_of_a_client(doctor, login, monkeypatch, tmp_path):
    """Codex hands on little: nothing of this shell's settings but what its entry asks for."""
    login()
    for name, value in SESSION.items():
        monkeypatch.setenv(name, value)
    assert main(["install", "codex"]) == 0
    found = doctor(0, "--client", "codex")
    assert list(found) == ["program", "environment", *CHECKS[1:-1], "Codex"]
    assert found["environment"][0] == "ok"
    assert "DBUS_SESSION_BUS_ADDRESS, DISPLAY, HOME" in found["environment"][1]
    file = tmp_path / ".codex" / "config.toml"
    file.write_text(re.sub(r"env_vars = .*\n", "", file.read_text()))
    found = doctor(1, "--client", "codex")
    state, words = found["environment"]
    assert state == "warning"
    assert "DBUS_SESSION_BUS_ADDRESS (the keyring); DISPLAY (the display); XDG_DATA_HOME (the place of its" in words
    assert "PC_MCP_AUTH__CLIENT_ID" in words
    assert words.endswith("Connect it again: pc-mcp install codex")
    assert "no application to sign in as" in found["configuration"][1]
    assert os.environ["DISPLAY"] == ":7"
    assert main(["install", "codex"]) == 0
    assert doctor(0, "--client", "codex")["environment"][0] == "ok"


def test_what_a_clients_own_entry_sets_is_seen_and_what_it_lacks_is_to_be_written_there(doctor, monkeypatch, tmp_path):
    config = tmp_path / "mine.toml"
    config.touch()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert main(["install", "claude-desktop", "--config", str(config)]) == 0
    (file,) = tmp_path.rglob("claude_desktop_config.json")
    written = json.loads(file.read_text())
    written["mcpServers"]["pc-mcp"]["env"]["BROWSER"] = "mine"
    file.write_text(json.dumps(written))
    found = doctor(1, "--client", "claude-desktop")
    state, words = found["environment"]
    assert state == "warning"
    assert "SSL_CERT_FILE" in words
    assert "BROWSER" not in words
    assert "XDG_" not in words
    assert f'add to the entry "pc-mcp" in {file}: to its "env": "SSL_CERT_FILE": "' in words
    assert found["configuration"][1].startswith(f"{config}, which the connected assistants name; mode delegated")


def test_that_a_client_hands_on_less_than_this_shell_has_is_mentioned(doctor, login):
    login()
    assert main(["install", "claude-desktop"]) == 0
    state, words = doctor(0)["Claude Desktop"]
    assert state == "ok"
    assert words.endswith("pc-mcp doctor --client claude-desktop looks with that.")
    assert main(["install", "claude-desktop", "--sandbox"]) == 0
    assert "--client" not in doctor(0)["Claude Desktop"][1]


def test_a_client_that_is_not_connected_is_told_how(doctor):
    found = doctor(1, "--client", "codex")
    assert found["Codex"] == ("wrong", "is not connected. Run: pc-mcp install codex")
    assert found["environment"][1].endswith("Connect it first.")


def test_a_client_that_hands_on_everything_is_looked_at_with_everything(doctor, login):
    login()
    assert main(["install", "cursor"]) == 0
    found = doctor(0, "--client", "cursor")
    assert found["environment"] == ("ok", "Cursor hands on all of its own, taken to be this shell's")


NO_COMMAND, NO_VARIABLE = "with a character that no command can have", "whose name or value no variable can have"
ODD_ENTRIES = [
    ({"args": ["serve", "--config", "\0"]}, NO_COMMAND),
    ({"args": ["serve", "--config", "\ud800"]}, NO_COMMAND),
    ({"command": "/bin/\0"}, NO_COMMAND),
    ({"env": {"B=": "x"}}, NO_VARIABLE),
    ({"env": {"": "x"}}, NO_VARIABLE),
    ({"env": {"HOME": "\ud800"}}, NO_VARIABLE),
    ({"env": {"\ud800": "\0"}}, NO_VARIABLE),
    ({"args": {"a": 1}, "env": ["x"], "env_vars": 5}, ""),
    ({"env": {"HOME": "", "XDG_CONFIG_HOME": "relative"}, "args": ["serve", "--config"]}, ""),
]


@pytest.mark.slow
@pytest.mark.usefixtures("doctor")
@pytest.mark.parametrize("options", [[], ["--client", "cursor"]])
def test_whatever_stands_in_the_entry_of_a_client_is_a_result(tmp_path, capsys, options):
    file = tmp_path / ".cursor" / "mcp.json"
    file.parent.mkdir()
    for odd, words in ODD_ENTRIES:
        file.write_text(json.dumps({"mcpServers": {"pc-mcp": {"command": sys.executable, "args": ["serve"], **odd}}}))
        main(["doctor", "--json", *options])
        checks = {each["check"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
        assert words in checks["Cursor"]["found"]
        assert not words or checks["Cursor"]["state"] == "wrong"
    with pytest.raises(ConfigurationError, match="has a character that no path can have"):
        load_settings(Path("\0"))


def test_a_server_over_http_that_does_not_run_is_found(doctor, login, tmp_path):
    login()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        assert main(["install", "cursor", "--http", address]) == 0
        state, words = doctor(0)["Cursor"]
        assert (state, words.partition("/mcp, ")[2]) == ("ok", "which has to run, and something listens there")
    state, words = doctor(1)["Cursor"]
    assert state == "wrong"
    assert words.endswith(f"which has to run, and does not. Start it: pc-mcp serve --http {address}")
    (tmp_path / ".cursor" / "mcp.json").write_text('{"mcpServers": {"pc-mcp": {"url": "https://mcp.invalid/mcp"}}}')
    assert doctor(0)["Cursor"][0] == "not checked"


def test_a_client_of_the_simulated_customers_needs_nothing_of_the_real_service(doctor):
    assert main(["install", "cursor", "--sandbox"]) == 0
    nobody = {"PC_MCP_PARTNER_CENTER__BASE_URL": "https://127.0.0.1:1", "PC_MCP_AUTH__AUTHORITY": "https://127.0.0.1:1"}
    found = doctor(0, "--client", "cursor", **nobody)
    assert found["configuration"][0] == "ok"
    assert found["Partner Center"] == ("not checked", "the simulated customers do not need it")
    assert found["Cursor"][0] == "ok"
    assert main(["install", "cursor"]) == 0
    assert doctor(1, "--client", "cursor")["Partner Center"][0] == "wrong"


def test_what_a_client_does_not_hand_on_is_shown_as_it_is_pasted_but_for_passwords(doctor, monkeypatch, capsys):
    monkeypatch.setenv("HTTPS_PROXY", "http://adele:hunter2@proxy.corp.example:3128")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    capsys.readouterr()
    assert main(["install", "claude-desktop"]) == 0
    said = capsys.readouterr().out
    found = " ".join(doctor(1, "--client", "claude-desktop")["environment"])
    for words in (said, found):
        assert "hunter2" not in words
        assert '"env": ' in words
        assert '"NO_PROXY": "127.0.0.1"' in words
        assert '"SSL_CERT_FILE": "' in words
        assert "and HTTPS_PROXY by hand, whose value may be secret" in words
    assert main(["install", "claude-desktop", "--sandbox"]) == 0
    assert "the network" not in capsys.readouterr().out
