"""`pc-mcp install` as a process: what it writes makes a client start the server."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from pc_mcp.commands.install.machine import this_machine
from tests.commands.client_files import CODEX
from tests.commands.processes import COMMAND, environment, run

pytestmark = pytest.mark.slow


async def test_a_client_that_starts_what_is_written_gets_the_simulated_customers(tmp_path, mode):
    env = environment(tmp_path, APPDATA=str(tmp_path / "roaming"), LOCALAPPDATA=str(tmp_path / "local"))
    done = run("install", "claude-desktop", "--sandbox", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    (path,) = tmp_path.rglob("claude_desktop_config.json")
    entry = json.loads(path.read_text())["mcpServers"]["pc-mcp"]
    # A desktop application has no PATH of a shell and works in a folder of its own.
    server = StdioServerParameters(**entry, env=env | {"PATH": str(tmp_path)}, cwd=tmp_path)
    async with Client(server, mode=mode) as client:
        answer = await client.call_tool("find_customers", {"query": "contoso"})
    assert not answer.is_error


def test_the_commands_do_what_they_say(tmp_path):
    env = environment(tmp_path, measured=True)
    done = run("install", "codex", "--sandbox", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / ".codex" / "config.toml"
    found = tomllib.loads(path.read_text())["mcp_servers"]["pc-mcp"]
    assert done.stdout.startswith(f"Connected Codex to the simulated customers.\n  File:   {path}\n")
    assert Path(found["command"]).is_file()
    path.write_text(CODEX + "[")
    broken = run("uninstall", "codex", env=env)
    assert (broken.returncode, broken.stdout) == (1, "")
    assert broken.stderr.startswith(f"pc-mcp: {path}, line ")
    assert broken.stderr.count("\n") == 1


def test_this_machine_is_the_one_that_it_runs_on(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert this_machine().home == tmp_path
    assert this_machine().environment["HOME"] == str(tmp_path)


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks4://no proxy at all"])
async def test_the_simulated_customers_need_no_proxy_of_the_company(tmp_path, proxy):
    variables = dict.fromkeys(("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"), proxy)
    env = environment(tmp_path, **variables, no_proxy="intranet")
    server = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "serve", "--sandbox"], env=env)
    async with Client(server) as client:
        answer = await client.call_tool("find_customers", {"query": "contoso"})
    assert not answer.is_error


@pytest.mark.parametrize("command", ["serve", "login", "status"])
@pytest.mark.parametrize(
    "variables",
    [{"HTTPS_PROXY": "socks4://127.0.0.1:1"}, {"ALL_PROXY": "http://[::1"}, {"SSL_CERT_FILE": "/nowhere/company.pem"}],
)
def test_a_proxy_or_certificate_that_cannot_be_used_ends_a_command_with_one_line(command, variables, tmp_path):
    (name,) = variables
    done = run(command, env=environment(tmp_path, **variables))
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"pc-mcp: .*{name}.*, or unset it\.\n", done.stderr)


@pytest.mark.parametrize("client", ["claude-desktop", "codex"])
async def test_an_entry_finds_the_configuration_in_an_environment_without_the_variable_that_leads_there(
    client, tmp_path
):
    """`export_devices` is there where the setting is read."""
    folder = tmp_path / "elsewhere" / "pc-mcp"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(f"[exports]\nfolder = '{tmp_path}'\n")
    env = environment(tmp_path, XDG_CONFIG_HOME=str(folder.parent))
    assert run("install", client, "--sandbox", env=env).returncode == 0
    (path,) = [*tmp_path.rglob("claude_desktop_config.json"), *tmp_path.rglob(".codex/config.toml")]
    text = path.read_text()
    entry = (tomllib.loads(text)["mcp_servers"] if client == "codex" else json.loads(text)["mcpServers"])["pc-mcp"]
    server = StdioServerParameters(command=entry["command"], args=entry["args"], env={"HOME": str(tmp_path)})
    async with Client(server) as started:
        assert "export_devices" in [tool.name for tool in (await started.list_tools()).tools]
