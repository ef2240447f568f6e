"""`pc-mcp install` and `uninstall` with files as each client has them: ours is changed, nothing else is."""

import errno
import json
import os
import shlex
import stat
import tomllib
from pathlib import Path

import pytest

from pc_mcp.commands.install.clients import CLIENTS, config_path
from pc_mcp.commands.install.commands import install, uninstall
from pc_mcp.commands.install.files import ClientFile, _refused, found
from pc_mcp.commands.install.json_text import parse
from pc_mcp.commands.install.machine import Machine
from pc_mcp.runtime.failures import Failure
from tests.commands.client_files import CLAUDE_DESKTOP, CURSOR, EXAMPLES, VSCODE

SECTION = {client.id: client.section for client in CLIENTS.values()}
MARKED = {"vscode", "cursor", "codex"}  # those that read a file with a byte-order mark
clients = pytest.mark.parametrize("client", CLIENTS)


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


def file_with(client: str, machine: Machine, content: str | bytes) -> Path:
    path = path_of(client, machine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def connect(client: str, machine: Machine, *, sandbox: bool = True, dry_run: bool = False, config=None) -> None:
    assert install(client, sandbox=sandbox, config=config, dry_run=dry_run, machine=machine) == 0


def disconnect(client: str, machine: Machine, *, dry_run: bool = False) -> None:
    assert uninstall(client, dry_run=dry_run, machine=machine) == 0


def read(client: str, path: Path) -> dict:
    text = path.read_text(encoding="utf-8-sig")
    return tomllib.loads(text) if client == "codex" else parse(text, comments=client in {"vscode", "cursor"})


def entry(client: str, path: Path) -> dict:
    return read(client, path)[SECTION[client]]["pc-mcp"]


def others(client: str, path: Path) -> dict:
    """What the file says besides our entry."""
    root = read(client, path)
    root[SECTION[client]].pop("pc-mcp")
    return root


def beside(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.iterdir() if found != path)


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


@clients
@pytest.mark.parametrize("content", ["", "\n", " \r\n"])
def test_an_empty_file_is_filled_and_is_as_before_afterwards(client, content, machine):
    path = file_with(client, machine, content)
    connect(client, machine)
    assert entry(client, path)["args"][-1] == "--sandbox"
    disconnect(client, machine)
    assert path.read_bytes() == content.encode()


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
    before, kept = path.stat(), beside(path)
    capsys.readouterr()
    connect(client, machine)
    assert path.stat() == before
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


MALFORMED = [
    ("claude-desktop", '{\n  "mcpServers": {\n    "a": {},\n  }\n}', 3, "a trailing comma, which"),
    ("claude-desktop", '{\n  // mine\n  "mcpServers": {}\n}', 2, "a comment, which"),
    ("claude-desktop", "{\n", 2, "property name"),
    ("claude-desktop", '{"a": 1} x', 1, "extra data"),
    ("claude-desktop", '\n{"a": NaN}', 2, "NaN is no JSON"),
    ("claude-desktop", "\n[]", 2, "it is no object"),
    ("claude-desktop", '"text"', 1, "it is no object"),
    ("claude-desktop", '{\n"mcpServers": []}', 2, "mcpServers is no object"),
    ("claude-code", '{\n  "mcpServers": {\n    "a": {},\n  }\n}', 3, "a trailing comma, which"),
    ("claude-code", '{\n  "numStartups": 34, // mine\n  "mcpServers": {}\n}', 2, "a comment, which"),
    ("claude-code", '{\n  "numStartups": 34,\n  "proj', 3, "unterminated string"),
    ("claude-code", '{\n"mcpServers": null}', 2, "mcpServers is no object"),
    ("claude-code", '{"mcpServers": {\n"pc-mcp": "x"}}', 2, "pc-mcp is no object"),
    ("claude-code", '{"mcpServers": {},\n"mcpServers": {}}', 2, "is there a second time"),
    ("claude-code", "[" * 100_000, 1, "nested too deeply"),
    ("claude-code", f'{{"a": {"1" * 5000}}}', 1, "a number is too long"),
    ("vscode", '{\n/* \n */ "servers": {\n', 4, "property name"),
    ("vscode", '{\n// "x\n"servers": "y', 3, ""),
    ("vscode", '{"servers": [\n]}', 1, "servers is no object"),
    ("cursor", '{"mcpServers": {,}', 1, ""),
    ("cursor", '{\n  // mine\n  "mcpServers": {\n    "a" {}\n  }\n}', 4, "expecting ':'"),
    ("cursor", '{\n  "mcpServers": "none"\n}', 2, "mcpServers is no object"),
    ("vscode", '{\n  "servers": {\n    /* mine\n  }\n}', 3, ""),
    ("cursor", '{"a": "\n"}', 1, "invalid control character. The file"),
    ("cursor", '{"a": "x', 1, "unterminated string. The file"),
    ("cursor", '// one\r// two\r\n{"a": 1,\r]', 4, ""),
    ("codex", 'a = 1\nb = "x\n', 2, ""),
    ("codex", "[a]\n[a]\n", 2, "cannot declare"),
    ("codex", "a = [1,\n", 2, "invalid value"),
    ("codex", 'mcp_servers = "x"\n', 1, "mcp_servers is no table"),
    ("codex", "[[mcp_servers]]\n", 1, "mcp_servers is no table"),
    ("codex", "\n[mcp_servers]\npc-mcp = 1\n", 3, "pc-mcp is no table"),
    ("codex", 'mcp_servers = { a = { command = "x" } }\n', 1, "cannot be changed safely"),
    ("codex", '[mcp_servers]\npc-mcp = { command = "x" }\n', 2, "cannot be changed safely"),
]


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


@pytest.mark.parametrize(("client", "content", "line", "fault"), MALFORMED)
def test_what_the_client_could_not_read_is_refused_and_left_as_it_was(client, content, line, fault, machine):
    path = file_with(client, machine, content)
    with pytest.raises(Failure) as caught:
        connect(client, machine)
    told = str(caught.value)
    assert told.startswith(f"{path}, line {line}: ")
    assert fault in told.partition(". The file")[0] + ". The file"
    correct = "Please" if "safely" in fault else "Correct that line and try again, or"
    assert f"The file was left as it was. {correct} add there by hand: " in told
    assert SECTION[client] in told.partition("by hand")[2]
    assert path.read_bytes().decode() == content
    assert beside(path) == []


@pytest.mark.parametrize(
    ("client", "content"), [(client, content) for client, content, _, fault in MALFORMED if "safely" not in fault]
)
def test_what_cannot_be_read_is_not_taken_apart_either(client, content, machine):
    if content.count("mcpServers") == 2:
        content = content.replace("{}", '{"pc-mcp": {}}')
    path = file_with(client, machine, content)
    with pytest.raises(Failure, match=r"line \d+: .*left as it was.*remove \"pc-mcp\" there by hand"):
        disconnect(client, machine)
    assert path.read_bytes().decode() == content
    assert beside(path) == []


@clients
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\ufeff{}".encode("utf-16-le"), "is UTF-16 text and was left as it was. Save it as UTF-8"),
        (b"{}\n\xff", "line 2: this is not UTF-8 text. The file was left as it was"),
    ],
)
def test_text_in_another_encoding_is_refused(client, content, words, machine):
    path = file_with(client, machine, content)
    with pytest.raises(Failure, match=words):
        connect(client, machine)
    assert path.read_bytes() == content


def test_a_write_protected_file_is_refused(machine):
    path = file_with("cursor", machine, CURSOR)
    path.chmod(0o444)
    with pytest.raises(Failure, match="is write-protected and was left as it was"):
        connect("cursor", machine)
    assert path.read_text() == CURSOR
    assert beside(path) == []
    path.chmod(0o644)
    connect("cursor", machine)
    before, kept = path.read_text(), beside(path)
    path.chmod(0o444)
    connect("cursor", machine)  # is right as it is
    with pytest.raises(Failure, match="is write-protected and was left as it was"):
        disconnect("cursor", machine)
    assert (path.read_text(), beside(path)) == (before, kept)


def test_what_is_no_file_is_not_replaced_by_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    file = ClientFile(pipe, b"")
    for change in (lambda: file.replace("{}"), file.back_up, file.remove):
        with pytest.raises(Failure, match="is no file that can be written, and was left as it was"):
            change()
    assert [found.name for found in tmp_path.iterdir()] == ["pipe"]
    assert pipe.is_fifo()


def test_what_may_not_be_written_is_said_with_what_to_do(machine):
    refused = _refused(Path("mcp.json"), "written", PermissionError(errno.EACCES, "Permission denied"))
    assert str(refused) == (
        "mcp.json cannot be written: Permission denied. The file was left as it was. Quit the application that uses "
        "it, check that you may write there, and try again."
    )


def test_a_folder_in_place_of_the_file_and_a_file_in_place_of_the_folder_are_refused(machine):
    path = path_of("cursor", machine)
    path.mkdir(parents=True)
    with pytest.raises(Failure, match=r"mcp\.json cannot be read: .*left as it was\. Correct that"):
        connect("cursor", machine)
    machine.home.joinpath(".codex").write_text("a file")
    with pytest.raises(Failure, match=r"config\.toml cannot be (read|written): .*left as it was"):
        connect("codex", machine)
    assert machine.home.joinpath(".codex").read_text() == "a file"


def test_a_link_is_followed_and_permissions_stay(machine):
    target = machine.home / "dotfiles" / "cursor.json"
    target.parent.mkdir()
    target.write_text(CURSOR)
    target.chmod(0o640)
    link = path_of("cursor", machine)
    link.parent.mkdir()
    link.symlink_to(target)
    connect("cursor", machine)
    assert link.is_symlink()
    assert "pc-mcp" in target.read_text()
    modes = {stat.S_IMODE(found.stat().st_mode) for found in target.parent.iterdir()}
    assert os.name != "posix" or modes == {0o640}
    assert beside(target) == ["cursor.json.before-pc-mcp"]
    disconnect("cursor", machine)
    assert link.is_symlink()
    assert target.read_text() == CURSOR


@clients
def test_a_byte_order_mark_goes_where_the_client_cannot_read_it_even_beside_a_right_entry(client, machine):
    path = file_with(client, machine, EXAMPLES[client])
    connect(client, machine)
    right = path.read_bytes()
    marked = b"\xef\xbb\xbf" + right
    path.write_bytes(marked)
    connect(client, machine)
    assert path.read_bytes() == (marked if client in MARKED else right)
    backups = [path.with_name(name).read_bytes() for name in beside(path)]
    assert (marked in backups) == (client not in MARKED)


def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(machine):
    path = path_of("codex", machine)
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(Failure, match="is a pipe, no file"):
        connect("codex", machine)


def test_a_file_that_is_far_too_large_is_refused(machine):
    path = file_with("cursor", machine, "")
    os.truncate(path, 60_000_000)
    with pytest.raises(Failure, match="is far too large for a configuration"):
        connect("cursor", machine)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files to others")
def test_root_leaves_the_files_of_a_person_alone(machine):
    """With `sudo`, a file that root wrote is one that the person could not read."""
    path = file_with("cursor", machine, CURSOR)
    os.chown(path, 65534, 65534)
    with pytest.raises(Failure, match=r"belongs to another user.*without sudo"):
        connect("cursor", machine)
    assert path.read_text() == CURSOR
    assert beside(path) == []
    os.chown(machine.home, 65534, 65534)
    with pytest.raises(Failure, match=r"belongs to another user.*without sudo"):
        connect("codex", machine)
    assert not (machine.home / ".codex").exists()


def test_links_that_go_round_in_a_circle_are_refused(machine):
    path = path_of("codex", machine)
    path.parent.mkdir()
    path.symlink_to(path)
    with pytest.raises(Failure, match="cannot be read"):
        connect("codex", machine)


def test_no_backup_is_written_over_and_none_is_made_twice(machine):
    path = file_with("claude-desktop", machine, CLAUDE_DESKTOP)
    first = path.with_name(f"{path.name}.before-pc-mcp")
    first.write_text("of another time")
    connect("claude-desktop", machine)
    second = path.with_name(f"{path.name}.before-pc-mcp-2")
    assert (first.read_text(), second.read_text()) == ("of another time", CLAUDE_DESKTOP)
    connect("claude-desktop", machine)
    assert beside(path) == [first.name, second.name]


def test_when_the_connection_is_over_its_backups_have_another_name(machine, capsys):
    """So that one without an entry beside it says that the entry was lost."""
    path = file_with("claude-desktop", machine, CLAUDE_DESKTOP)
    connect("claude-desktop", machine)
    disconnect("claude-desktop", machine)
    assert beside(path) == []  # the file is what the backup was
    for old, new in (("Space", "F1"), ("F1", "F2")):
        connect("claude-desktop", machine)
        path.write_text(path.read_text().replace(old, new))
        disconnect("claude-desktop", machine)
    names = [f"{path.name}.kept-by-pc-mcp{end}" for end in ("", "-2", "-3", "-4")]
    assert beside(path) == names
    assert str(path.with_name(names[-1])) in capsys.readouterr().out
    assert path.with_name(names[0]).read_text() == CLAUDE_DESKTOP


def test_a_backup_in_another_encoding_or_a_folder_of_its_name_is_passed_over(machine):
    path = file_with("claude-desktop", machine, CLAUDE_DESKTOP)
    first, second, third = (path.with_name(f"{path.name}.before-pc-mcp{end}") for end in ("", "-2", "-3"))
    first.write_bytes("\ufeff{}".encode("utf-16-le"))
    second.mkdir()
    connect("claude-desktop", machine)
    assert third.read_text() == CLAUDE_DESKTOP
    disconnect("claude-desktop", machine)
    assert path.read_text() == CLAUDE_DESKTOP


def test_a_file_that_another_program_changes_meanwhile_is_left_to_it(machine):
    path = file_with("claude-code", machine, "{}")
    file = found(path)
    path.write_text('{"numStartups": 35}')
    with pytest.raises(Failure, match=r"was changed by another program at the same moment.*Try again"):
        file.replace('{"mcpServers": {}}')
    assert path.read_text() == '{"numStartups": 35}'
    path.unlink()
    with pytest.raises(Failure, match=r"cannot be removed: .*left as it was"):
        file.remove()
    assert beside(path) == []


def test_a_path_that_is_no_text_is_refused(machine):
    path = file_with("cursor", machine, CURSOR)
    with pytest.raises(Failure, match="cannot be written as text"):
        found(path).replace('{"command": "/opt/\udcff/pc-mcp"}')
    assert path.read_text() == CURSOR


def test_a_place_where_nothing_can_be_written_is_refused(machine):
    path = file_with("cursor", machine, CURSOR)
    file = found(path)
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("a file")
    for change in (lambda: file.replace("{}"), file.back_up):
        with pytest.raises(Failure, match=r"cannot be (written|backed up): .*left as it was"):
            change()
    assert path.parent.read_text() == "a file"


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
    assert f"1. Set auth.client_id and auth.tenant_id, which docs/sign-in.md explains: {again}\n" in shown
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
