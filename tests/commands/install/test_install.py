"""`pc-mcp install` and `uninstall` with files as each client has them: ours is changed, nothing else is."""

import json
import os
import stat
import tomllib
from pathlib import Path

import pytest

from pc_mcp.commands.install.clients import CLIENTS
from pc_mcp.commands.install.json_text import parse
from pc_mcp.commands.install.machine import Machine
from tests.commands.client_files import CLAUDE_DESKTOP, CURSOR, EXAMPLES, VSCODE
from tests.commands.install.installing import (
    MARKED,
    SECTION,
    beside,
    clients,
    connect,
    disconnect,
    entry,
    file_with,
    others,
    path_of,
    read,
    version_of,
)


@clients
def test_without_a_file_or_its_folder_both_are_made_and_taken_back(client, machine):
    path = path_of(client, machine)
    connect(client, machine)
    found = entry(client, path)
    assert Path(found["command"]).is_absolute()
    assert Path(found["command"]).is_file()
    assert found["args"][-2:] == ["serve", "--sandbox"]
    assert others(client, path) == {SECTION[client]: {}}
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600
    disconnect(client, machine)
    assert not path.exists()


@pytest.mark.slow
def test_where_a_client_is_not_install_says_so(machine, capsys):
    for client in CLIENTS:
        connect(client, machine)
        shown = capsys.readouterr().out
        assert f"Note: {CLIENTS[client].title} was not found on this computer" in shown
        connect(client, machine)  # its folder is there now, with our file alone
        assert "was not found on this computer" in capsys.readouterr().out
        path_of(client, machine).with_name(".claude" if client == "claude-code" else "its-own").mkdir()
        connect(client, machine)
        assert "was not found" not in capsys.readouterr().out
        disconnect(client, machine)


@pytest.mark.parametrize("storage", ["", "[]", '{"userDataProfiles": [{"location": 1}]}', "[" * 100_000])
def test_the_profiles_of_vscode_are_counted_whatever_it_says_of_them(machine, capsys, storage):
    user = path_of("vscode", machine).parent
    (user / "profiles" / "3f0c9d5e").mkdir(parents=True)
    (user / "globalStorage").mkdir()
    (user / "globalStorage" / "storage.json").write_text(storage)
    connect("vscode", machine)
    assert "Note: VS Code has profiles (3f0c9d5e), each of which reads a file of its own" in capsys.readouterr().out


def test_the_profiles_of_vscode_that_read_a_file_of_their_own_are_named(machine, capsys):
    user = path_of("vscode", machine).parent
    profiles = [
        {"location": "a", "name": "Help desk\x1b[2J"},
        {"location": "b", "name": "Shared", "useDefaultFlags": {"mcp": True}},
        {"location": "c", "name": "Lyon", "useDefaultFlags": None},
    ]
    for profile in profiles:
        (user / "profiles" / str(profile["location"])).mkdir(parents=True)
    (user / "globalStorage").mkdir()
    (user / "globalStorage" / "storage.json").write_text(json.dumps({"userDataProfiles": profiles}))
    connect("vscode", machine)
    shown = capsys.readouterr().out
    assert "VS Code has profiles (Help desk" in shown
    assert ", Lyon)" in shown
    assert "Shared" not in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_that_writes_its_file_back_is_to_be_quit_first(client, machine, capsys):
    connect(client, machine)
    said = f"quit {CLIENTS[client].title} before you connect it" in capsys.readouterr().out
    assert said == (client in {"claude-desktop", "claude-code"})


def test_codex_is_asked_to_hand_on_what_the_keyring_the_display_and_the_proxy_need(machine):
    config = machine.home / "mine.toml"
    config.touch()
    theirs = Machine("linux", {"PC_MCP_AUTH__CLIENT_SECRET": "secret"}, machine.home)
    path = file_with("codex", machine, '[mcp_servers.pc-mcp]\ncommand = "x"\nenv_vars = ["MINE", { name = "OTHER" }]\n')
    connect("codex", theirs, sandbox=False, config=config)
    asked = entry("codex", path)["env_vars"]
    assert asked[:2] == ["MINE", {"name": "OTHER"}]
    assert {"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "DISPLAY", "WAYLAND_DISPLAY"} <= set(asked[2:])
    assert {"HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE", "XDG_DATA_HOME", "BROWSER"} <= set(asked[2:])
    assert "PC_MCP_AUTH__CLIENT_SECRET" in asked
    assert len(asked[2:]) == len(set(asked[2:]))
    before = path.read_text()
    connect("codex", theirs, sandbox=False, config=config)
    assert path.read_text() == before
    for platform, none in (("win32", "DISPLAY"), ("darwin", "DBUS_SESSION_BUS_ADDRESS")):
        path.unlink()
        connect("codex", Machine(platform, {}, machine.home))
        asked = entry("codex", path)["env_vars"]
        assert "HTTPS_PROXY" in asked
        assert none not in asked


def test_where_the_sign_in_is_kept_is_written_for_a_client_that_does_not_hand_it_on(machine):
    variables = {"XDG_DATA_HOME": str(machine.home / "data"), "HTTPS_PROXY": "http://adele:secret@proxy"}
    theirs = Machine("linux", variables, machine.home)
    path = file_with("claude-desktop", theirs, CLAUDE_DESKTOP)
    connect("claude-desktop", theirs)
    assert entry("claude-desktop", path)["env"] == {"XDG_DATA_HOME": str(machine.home / "data")}
    disconnect("claude-desktop", theirs)
    assert path.read_text() == CLAUDE_DESKTOP


@pytest.mark.slow
@clients
@pytest.mark.parametrize("content", ["", "\n", " \r\n"])
def test_an_empty_file_is_filled_and_is_as_before_afterwards(client, content, machine):
    path = file_with(client, machine, content)
    connect(client, machine)
    assert entry(client, path)["args"][-1] == "--sandbox"
    disconnect(client, machine)
    assert path.read_bytes() == content.encode()


@pytest.mark.slow
@clients
@pytest.mark.parametrize("content", ["{}", "{}\n", '{"SECTION": {}}', '{\n  "SECTION": {}\n}\n'])
def test_a_file_without_any_server_gets_ours_and_is_as_before_afterwards(client, content, machine):
    before = content.replace("SECTION", SECTION[client])
    if client == "codex":
        before = "[mcp_servers]\n" if "SECTION" in content else "# none yet\n"
    path = file_with(client, machine, before)
    connect(client, machine)
    assert list(read(client, path)[SECTION[client]]) == ["pc-mcp"]
    disconnect(client, machine)
    assert path.read_text() == before


@clients
@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_on_windows_and_macos_the_file_of_that_platform_is_written_beside_other_servers(client, platform, machine):
    environment = {"APPDATA": str(machine.home / "roaming"), "LOCALAPPDATA": str(machine.home / "local")}
    theirs = Machine(platform, environment if platform == "win32" else {}, machine.home)
    path = file_with(client, theirs, EXAMPLES[client])
    connect(client, theirs)
    assert Path(entry(client, path)["command"]).is_absolute()
    assert others(client, path) == read_example(client)
    disconnect(client, theirs)
    assert path.read_text() == EXAMPLES[client]


@pytest.mark.slow
@clients
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_other_servers_comments_and_layout_stay_byte_for_byte(client, line_end, mark, machine):
    before = mark + EXAMPLES[client].replace("\n", line_end).encode()
    path = file_with(client, machine, before)
    connect(client, machine)
    after = path.read_bytes()
    following = iter(after)
    kept = before if client in MARKED else before.removeprefix(mark)
    assert all(byte in following for byte in kept)  # nothing else was taken away
    assert after.startswith(mark) == (client in MARKED or not mark)
    assert after.count(b"\r\n") == (after.count(b"\n") if line_end == "\r\n" else 0)
    assert others(client, path) == read_example(client)
    disconnect(client, machine)
    assert path.read_bytes() == kept


def read_example(client: str) -> dict:
    text = EXAMPLES[client]
    return tomllib.loads(text) if client == "codex" else parse(text, comments=True)


@clients
def test_without_a_backup_our_entry_alone_is_cut_out(client, machine):
    path = file_with(client, machine, EXAMPLES[client])
    connect(client, machine)
    (backup,) = beside(path)
    path.with_name(backup).unlink()
    disconnect(client, machine)
    assert path.read_text() == EXAMPLES[client]


@clients
def test_what_was_changed_since_stays_when_our_entry_goes(client, machine):
    path = file_with(client, machine, EXAMPLES[client])
    connect(client, machine)
    changed = path.read_text().replace("adele", "diego").replace("mcp-server-", "diego-")
    path.write_text(changed)
    disconnect(client, machine)
    assert path.read_text() == EXAMPLES[client].replace("adele", "diego").replace("mcp-server-", "diego-")
    assert path.with_name(f"{path.name}.kept-by-pc-mcp-2").read_text() == changed


def test_an_entry_comes_after_the_others_with_their_indentation_and_leaves_comments_where_they_are(machine):
    path = file_with("vscode", machine, VSCODE)
    connect("vscode", machine)
    text = path.read_text()
    command = json.dumps(entry("vscode", path)["command"])
    ours = f'\t\t"pc-mcp": {{\n\t\t\t"type": "stdio",\n\t\t\t"command": {command},\n'
    assert f"}}, // the last one\n{ours}" in text
    path = file_with("cursor", machine, CURSOR)
    connect("cursor", machine)
    assert '"hunter2" } }, // local\n        "pc-mcp": {\n            "type": "stdio",\n' in path.read_text()


@clients
def test_an_entry_that_is_right_already_changes_nothing_and_says_so(client, machine, capsys):
    path = file_with(client, machine, EXAMPLES[client])
    connect(client, machine)
    before, kept = version_of(path), beside(path)
    capsys.readouterr()
    connect(client, machine)
    assert version_of(path) == before
    assert beside(path) == kept
    assert "connected to the simulated customers already; nothing was changed" in capsys.readouterr().out


@clients
def test_another_way_to_serve_replaces_only_the_arguments(client, machine, tmp_path):
    path = file_with(client, machine, EXAMPLES[client])
    connect(client, machine)
    config = tmp_path / "mine.toml"
    config.touch()
    os.chdir(tmp_path)
    connect(client, machine, sandbox=False, config=Path("mine.toml"))
    assert entry(client, path)["args"][-3:] == ["serve", "--config", str(config)]
    assert others(client, path) == read_example(client)
    disconnect(client, machine)
    assert path.read_text() == EXAMPLES[client]


@clients
def test_what_a_person_added_to_our_entry_is_kept(client, machine):
    path = file_with(client, machine, "")
    connect(client, machine)
    text = path.read_text()
    if client == "codex":
        text += 'startup_timeout_sec = 20 # slow\n\n[mcp_servers.pc-mcp.env]\nHTTPS_PROXY = "http://proxy:8080"\n'
    elif '"env": {' in text:
        text = text.replace('"env": {', '"env": {"HTTPS_PROXY": "http://proxy:8080",')
    else:
        text = text.replace('"pc-mcp": {', '"pc-mcp": {"env": {"HTTPS_PROXY": "http://proxy:8080"},')
    path.write_text(text)
    connect(client, machine, sandbox=False)
    found = entry(client, path)
    assert found["env"].pop("HTTPS_PROXY") == "http://proxy:8080"
    assert found["env"] in ({}, {"PYTHONPATH": ""})
    assert found["args"][-1] == "serve"
    if client == "codex":
        assert "startup_timeout_sec = 20 # slow\n" in path.read_text()
    added = path.read_text()
    disconnect(client, machine)
    assert read(client, path).get(SECTION[client], {}) == {}
    assert [name for name in beside(path) if path.with_name(name).read_text() == added]


@pytest.mark.parametrize("added", ["startup_timeout_sec = 20\n", "# Asked for by the help desk\n"])
def test_what_a_person_wrote_into_the_entry_is_in_a_backup_even_where_an_earlier_file_comes_back(machine, added):
    path = file_with("codex", machine, EXAMPLES["codex"])
    connect("codex", machine)
    path.write_text(path.read_text() + added)
    disconnect("codex", machine)
    assert path.read_text().startswith(EXAMPLES["codex"].rstrip())
    assert [name for name in beside(path) if added in path.with_name(name).read_text()]


@pytest.mark.parametrize(
    ("client", "content"),
    [
        ("cursor", '{"mcpServers": {"pc-mcp": {"url": "https://example.com/mcp"}, "b": {}}}'),
        ("codex", '[mcp_servers.pc-mcp]\nurl = "https://example.com/mcp"\n\n[mcp_servers.b]\n'),
    ],
)
def test_an_entry_of_another_kind_is_replaced_as_a_whole(client, content, machine):
    path = file_with(client, machine, content)
    connect(client, machine)
    assert "url" not in entry(client, path)
    assert others(client, path) == {SECTION[client]: {"b": {}}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "content", "expected"),
    [
        ("claude-desktop", "{}", '{\n  "mcpServers": {\n    "pc-mcp": {\n      "command": '),
        ("claude-desktop", '{"mcpServers": {}}', '{"mcpServers": {"pc-mcp": {"command": '),
        ("claude-desktop", '{"a": 1}', '{"a": 1, "mcpServers": {"pc-mcp": {"command": '),
        ("claude-desktop", '{\n "mcpServers": {}\n}\n', '{\n "mcpServers": {\n  "pc-mcp": {\n   "command": '),
        ("claude-desktop", '{\n\t"a": 1}', '{\n\t"a": 1,\n\t"mcpServers": {\n\t\t"pc-mcp": {\n\t\t\t"command": '),
        ("vscode", "// none yet\n", '// none yet\n{\n  "servers": {\n    "pc-mcp": {\n      "type": '),
        ("vscode", '{"servers": {}, }', '{"servers": {"pc-mcp": {"type": '),
        ("vscode", '{"a": [1,],}', '{"a": [1,], "servers": {"pc-mcp": {"type": '),
        ("vscode", '{\n  "servers": {\n    // none yet\n  }\n}', '// none yet\n    "pc-mcp": {\n      '),
        ("codex", 'model = "x"', 'model = "x"\n\n[mcp_servers.pc-mcp]\ncommand = '),
        ("codex", "[mcp_servers]\n", "[mcp_servers]\n\n[mcp_servers.pc-mcp]\ncommand = "),
        ("codex", "[ mcp_servers . 'pc-mcp' ] # mine", "[ mcp_servers . 'pc-mcp' ] # mine\ncommand = "),
    ],
)
def test_the_entry_follows_the_style_of_the_file_which_comes_back_whole(client, content, expected, machine):
    path = file_with(client, machine, content)
    connect(client, machine)
    assert expected in path.read_text()
    if "pc-mcp" not in content:
        disconnect(client, machine)
        assert path.read_text() == content


@pytest.mark.slow
def test_removing_the_first_or_middle_server_keeps_the_commas_right(machine):
    for order in (["pc-mcp", "a", "b"], ["a", "pc-mcp", "b"], ["a", "b", "pc-mcp"]):
        for indent in (None, 2):
            servers = {name: {"command": name} for name in order}
            path = file_with("cursor", machine, json.dumps({"mcpServers": servers}, indent=indent))
            disconnect("cursor", machine)
            left = {"mcpServers": {"a": {"command": "a"}, "b": {"command": "b"}}}
            assert path.read_text() == json.dumps(left, indent=indent)


def test_removing_a_table_keeps_the_comments_of_the_next_one(machine):
    ours = '[mcp_servers.pc-mcp]\ncommand = "x"\n\n[mcp_servers.pc-mcp.env]\nA = "b"\n'
    path = file_with("codex", machine, f'a = 1\n\n{ours}\n# About the next\n[mcp_servers.other]\ncommand = "y"\n')
    disconnect("codex", machine)
    assert path.read_text() == 'a = 1\n\n# About the next\n[mcp_servers.other]\ncommand = "y"\n'


@pytest.mark.parametrize(
    "before",
    ["// hi\r{}\r", "{}// hi\r", '{"mcpServers": {"x": {"command": "keep"}} // hi\r}', "/* \r */\r\n// a\r//b\r\n{}"],
)
def test_a_comment_ends_where_its_line_does_on_any_platform(before, machine):
    content = before.replace("{}", '{"mcpServers":{"x":{"command":"keep"}}}')
    path = file_with("cursor", machine, content)
    connect("cursor", machine)
    servers = parse(path.read_bytes().decode(), comments=True)["mcpServers"]
    assert servers["x"] == {"command": "keep"}
    assert set(servers) == {"x", "pc-mcp"}
    disconnect("cursor", machine)
    assert path.read_bytes().decode() == content


@pytest.mark.slow
def test_a_value_of_many_lines_is_taken_apart_once(machine, monkeypatch):
    lines = "\n".join(f'  "a]{number}", # [' for number in range(3000))
    odd = 'x = """\n[no]\n\\"""\na"" ]"""""\ny = \'\'\'\n[no] "\n\'\'\'\'\nz = { a = [ "]" ], b = \'}\' }\n'
    path = file_with("codex", machine, f'{odd}many = [\n{lines}\n]\n["a]"."b"]  # [\nc = "\\"["\n')
    read_before = tomllib.loads(path.read_text())
    sizes: list[int] = []
    loads = tomllib.loads
    monkeypatch.setattr(tomllib, "loads", lambda text: sizes.append(len(text)) or loads(text))
    connect("codex", machine)
    assert sum(sizes) < 20 * path.stat().st_size
    assert {**loads(path.read_text()), "mcp_servers": 0} == {**read_before, "mcp_servers": 0}
    before = path.read_text()
    disconnect("codex", machine)
    assert loads(path.read_text()) == read_before
    assert before != path.read_text()
