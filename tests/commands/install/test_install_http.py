"""`pc-mcp install CLIENT --http URL`: the client gets the address and the secret, and nobody else gets that."""

import json
import os
import signal
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pc_mcp.commands.install.clients import CLIENTS, config_path
from pc_mcp.commands.install.commands import install, install_over_http, uninstall
from pc_mcp.commands.install.json_text import parse
from pc_mcp.commands.install.machine import Machine, connection_of
from pc_mcp.protocol.http_secret import SecretFile
from pc_mcp.runtime.failures import Failure
from tests.commands.client_files import EXAMPLES
from tests.commands.http_server import SECRET, posted
from tests.commands.processes import AT_ONCE, environment, run, started, url_of

URL = "http://127.0.0.1:8700/mcp"
OVER_HTTP = [client for client in CLIENTS if client != "claude-desktop"]
over_http = pytest.mark.parametrize("client", OVER_HTTP)


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Machine:
    """A user of Linux with nothing configured."""
    for name in [name for name in os.environ if name.startswith(("PC_MCP_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return Machine("linux", {}, tmp_path)


def path_of(client: str, machine: Machine) -> Path:
    return config_path(client, machine.platform, machine.environment, machine.home)


def servers(client: str, path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8-sig")
    root = tomllib.loads(text) if client == "codex" else parse(text, comments=True)
    return root[CLIENTS[client].section]


def connect(client: str, machine: Machine, url: str = URL, *, dry_run: bool = False) -> None:
    assert install_over_http(client, url, config=None, dry_run=dry_run, machine=machine) == 0


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        ("claude-code", {"type": "http", "url": URL, "headers": {"Authorization": "Bearer {}"}}),
        ("vscode", {"type": "http", "url": URL, "headers": {"Authorization": "Bearer {}"}}),
        ("cursor", {"url": URL, "headers": {"Authorization": "Bearer {}"}}),
        ("codex", {"url": URL, "http_headers": {"Authorization": "Bearer {}"}}),
    ],
)
def test_the_entry_has_the_address_and_the_header_beside_everything_else(client, expected, machine, capsys):
    path = path_of(client, machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(EXAMPLES[client])
    path.chmod(0o644)
    before = servers(client, path)
    connect(client, machine)
    secret = SecretFile().read()
    ours = json.loads(json.dumps(expected).replace("{}", secret))
    assert servers(client, path) == {**before, "pc-mcp": ours}
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600
    said = capsys.readouterr().out
    assert f"to the server at {URL}" in said
    assert f"Sends:  the secret from {SecretFile().path}" in said
    assert "Start the server, unless it runs: pc-mcp serve --http 127.0.0.1:8700" in said
    assert "only you may read it now" in said
    assert secret not in said
    connection = connection_of(CLIENTS[client], machine)
    assert connection
    assert (connection.url, connection.command, connection.fault) == (URL, None, None)
    assert uninstall(client, dry_run=False, machine=machine) == 0
    assert path.read_text() == EXAMPLES[client]
    assert secret not in "".join(each.read_text() for each in path.parent.glob(f"{path.name}*"))


@over_http
def test_asked_again_it_changes_nothing_but_what_others_could_read(client, machine, capsys):
    connect(client, machine)
    path = path_of(client, machine)
    text = path.read_text()
    connect(client, machine)
    assert "already; nothing was changed" in capsys.readouterr().out
    path.chmod(0o644)
    connect(client, machine)
    assert path.read_text() == text
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600


@over_http
def test_a_new_secret_and_another_way_to_serve_take_the_place_of_what_is_there(client, machine):
    path = path_of(client, machine)
    assert install(client, sandbox=True, config=None, dry_run=False, machine=machine) == 0
    connect(client, machine)
    old = SecretFile().read()
    assert "command" not in servers(client, path)["pc-mcp"]
    new = SecretFile().renew()
    connect(client, machine, "[::1]:8701")
    assert new in path.read_text()
    assert old not in path.read_text()
    assert servers(client, path)["pc-mcp"]["url"] == "http://[::1]:8701/mcp"
    assert install(client, sandbox=True, config=None, dry_run=False, machine=machine) == 0
    assert servers(client, path)["pc-mcp"]["args"][-2:] == ["serve", "--sandbox"]
    assert new not in path.read_text()
    for kept in path.parent.glob(f"{path.name}.*"):
        assert os.name != "posix" or new not in kept.read_text() or stat.S_IMODE(kept.stat().st_mode) == 0o600


@over_http
def test_a_dry_run_shows_no_secret_and_makes_none(client, machine, capsys):
    connect(client, machine, dry_run=True)
    said = capsys.readouterr()
    assert URL in said.out
    assert "Bearer SECRET" in said.out
    assert "Nothing was written." in said.err
    assert not list(machine.home.rglob("*http-secret*"))
    assert not path_of(client, machine).exists()
    connect(client, machine)
    capsys.readouterr()
    SecretFile().renew()
    connect(client, machine, dry_run=True)
    assert SecretFile().read() not in capsys.readouterr().out


def test_the_secret_of_the_setting_is_written_where_there_is_one(machine, monkeypatch):
    monkeypatch.setenv("PC_MCP_HTTP__SECRET", SECRET)
    connect("cursor", machine)
    assert SECRET in path_of("cursor", machine).read_text()
    assert not list(machine.home.rglob("*http-secret*"))


def test_a_client_whose_file_takes_no_header_is_refused(machine):
    with pytest.raises(Failure, match=r"Claude Desktop cannot name a server over HTTP.*pc-mcp install claude-desktop"):
        connect("claude-desktop", machine)
    assert not list(machine.home.iterdir())


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8700/mcp",
        "http://example.com:8700/mcp",
        "http://127.0.0.1.example.com:8700/mcp",
        "http://me:pass@127.0.0.1:8700/mcp",
        "http://127.0.0.1/mcp",
        "http://127.0.0.1:99999/mcp",
        "http://127.0.0.1:8700/sse",
        "http://127.0.0.1:8700/mcp?a=b",
        "http://[::1/mcp",
        "8700",
        "",
    ],
)
def test_the_secret_is_sent_to_this_computer_only(url, machine):
    with pytest.raises(Failure, match="is no address of pc-mcp serve --http on this computer"):
        connect("cursor", machine, url)
    assert not list(machine.home.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("option", [["--sandbox"], ["--client-id", "11111111-2222-4333-8444-555555555555"]])
def test_options_of_a_server_that_a_client_starts_are_refused(option, tmp_path):
    ended = run("install", "cursor", "--http", URL, *option, env=environment(tmp_path))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "leave out --sandbox" in ended.stderr


@pytest.mark.slow
def test_a_client_that_was_connected_is_answered(tmp_path):
    env = environment(tmp_path, measured=True)
    with started("serve", "--http", "127.0.0.1:0", env=env) as process:
        url = url_of(process)
        ended = run("install", "cursor", "--http", url, env=env)
        assert ended.returncode == 0, ended.stderr
        (path,) = tmp_path.glob(".cursor/mcp.json")
        entry = json.loads(path.read_text())["mcpServers"]["pc-mcp"]
        assert posted(entry["url"]).status_code == 401
        assert posted(entry["url"], **entry["headers"]).status_code == 200
        looked = run("doctor", "--timeout", "1", env=env)
        assert f"asks the server at {url}, which has to run" in looked.stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(AT_ONCE) == 0
