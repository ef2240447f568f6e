"""What `pc-mcp install` says and what it keeps to itself: dry runs, secrets, what to do next."""

import json
import shlex

import pytest

from pc_mcp.commands.install.clients import CLIENTS
from pc_mcp.commands.install.machine import Machine
from pc_mcp.runtime.failures import Failure
from tests.commands.client_files import EXAMPLES
from tests.commands.install.installing import SECTION, clients, connect, disconnect, entry, file_with, path_of


@clients
def test_a_dry_run_shows_our_own_lines_alone_and_writes_nothing(client, machine, capsys):
    path = file_with(client, machine, EXAMPLES[client])
    connect(client, machine, dry_run=True)
    shown = capsys.readouterr()
    first, *lines = shown.out.splitlines()
    assert first == f"{path}:"
    assert all(line.startswith("+ ") for line in lines)
    assert '"--sandbox"' in lines[-1] or "env_vars" in lines[-1]
    assert shown.err == "Nothing was written.\n"
    assert path.read_text() == EXAMPLES[client]
    connect(client, machine)
    capsys.readouterr()
    connected = path.read_text()
    disconnect(client, machine, dry_run=True)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"{path}:"
    assert lines
    assert all(line.startswith("- ") for line in lines)
    assert path.read_text() == connected


SECRET = "hunter2-of-another-server"


@clients
@pytest.mark.parametrize("indent", [None, 2])
def test_a_dry_run_shows_no_secret_of_another_server_nor_of_our_own_entry(client, indent, machine, capsys):
    servers = {"other": {"command": "x", "env": {"TOKEN": SECRET}}, "pc-mcp": {"command": "y", "env": {"P": SECRET}}}
    before = json.dumps({SECTION[client]: servers}, indent=indent)
    if client == "codex":
        before = f'[mcp_servers.other.env]\nTOKEN = "{SECRET}"\n[mcp_servers.pc-mcp]\ncommand = "y"\n'
        before += f'env = {{ P = "{SECRET}" }}\n[mcp_servers.last]\nenv = {{ TOKEN = "{SECRET}" }}\n'
    file_with(client, machine, before)
    connect(client, machine, dry_run=True)
    disconnect(client, machine, dry_run=True)
    shown = capsys.readouterr().out
    assert SECRET not in shown
    assert "and: env" in shown


@pytest.mark.parametrize("client", ["claude-code", "vscode", "cursor"])
def test_a_project_that_names_modules_of_its_own_brings_none_into_the_server(client, machine):
    """Such clients hand on the whole of their environment; what a person wrote there stays."""
    path = file_with(client, machine, "")
    connect(client, machine)
    assert entry(client, path)["env"] == {"PYTHONPATH": ""}
    disconnect(client, machine)
    assert path.read_text() == ""
    comment = "" if client == "claude-code" else " // mine"
    path.write_text(f'''{{"{SECTION[client]}": {{"pc-mcp": {{"command": "x",
    "env": {{{comment}
      "A": "b",
      "PYTHONPATH": "/theirs"}}}}}}}}''')
    connect(client, machine)
    assert entry(client, path)["env"] == {"A": "b", "PYTHONPATH": "/theirs"}
    assert comment in path.read_text()
    path.write_text(path.read_text().replace(',\n      "PYTHONPATH": "/theirs"', ""))
    connect(client, machine)
    assert entry(client, path)["env"] == {"A": "b", "PYTHONPATH": ""}
    assert comment in path.read_text()


def test_a_dry_run_that_would_change_nothing_says_so(machine, capsys):
    connect("cursor", machine)
    capsys.readouterr()
    connect("cursor", machine, dry_run=True)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "There is nothing to change.\n")


def test_a_dry_run_without_a_file_makes_no_folder(machine, capsys):
    connect("cursor", machine, dry_run=True)
    assert '+ {"mcpServers": {"pc-mcp": {' in capsys.readouterr().out
    assert not path_of("cursor", machine).parent.exists()


@clients
def test_disconnecting_what_is_not_connected_changes_nothing(client, machine, capsys):
    disconnect(client, machine)
    assert not path_of(client, machine).exists()
    path = file_with(client, machine, EXAMPLES[client])
    disconnect(client, machine)
    assert path.read_text() == EXAMPLES[client]
    assert capsys.readouterr().out.count("is not connected; nothing was changed.") == 2


def test_no_secret_of_the_environment_or_the_configuration_reaches_a_file(machine, monkeypatch, capsys):
    config = machine.home / "mine.toml"
    config.write_text('[auth]\nmode = "token"\naccess_token = "secret-in-file"\n')
    monkeypatch.setenv("PC_MCP_AUTH__CLIENT_SECRET", "secret-in-environment")
    seen = Machine(machine.platform, {"PC_MCP_AUTH__CLIENT_SECRET": "secret-in-environment"}, machine.home)
    for client in CLIENTS:
        connect(client, seen, sandbox=False, config=config)
        assert "secret-in" not in path_of(client, machine).read_text()
    shown = capsys.readouterr().out
    assert "secret-in" not in shown
    assert "may not see the environment variables of this shell (PC_MCP_AUTH__CLIENT_SECRET)" in shown


def test_what_to_do_next_depends_on_what_is_missing(machine, capsys):
    connect("claude-desktop", machine)
    assert "pc-mcp login" not in capsys.readouterr().out
    connect("claude-desktop", machine, sandbox=False)
    shown = capsys.readouterr().out
    again = "pc-mcp install claude-desktop --client-id ID --tenant-id ID"
    guide = "docs/sign-in.md in the repository of pc-mcp"
    step = (
        f"1. Set auth.client_id and auth.tenant_id, which your administrator gives you (the guide for that is {guide})"
    )
    assert f"{step}: {again}\n" in shown
    assert "2. Sign in: pc-mcp login (or later" in shown
    assert "3. Quit Claude Desktop" in shown
    config = machine.home / "my settings.toml"
    config.write_text('[auth]\nclient_id = "00000000-0000-4000-8000-00000000000a"\n')
    connect("claude-desktop", machine, sandbox=False, config=config)
    shown = capsys.readouterr().out
    assert f"1. Sign in: pc-mcp login --config {shlex.quote(str(config))} (or" in shown


@pytest.mark.parametrize("content", ["[auth", "[auth]\ntenant = 'x'\n"])
def test_a_configuration_that_would_keep_the_server_from_starting_connects_nothing(content, machine):
    config = machine.home / "mine.toml"
    config.write_text(content)
    with pytest.raises(Failure) as caught:
        connect("cursor", machine, config=config)
    assert caught.value.exit_status == 2
    assert not path_of("cursor", machine).exists()
