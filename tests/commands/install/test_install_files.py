"""Files that `pc-mcp install` cannot read or write as they are, and its backups: nothing is lost, and it is said."""

import os
import stat
from pathlib import Path

import pytest

from pc_mcp.commands.install.files import ClientFile, found
from pc_mcp.runtime.failures import Failure
from tests.commands.client_files import CLAUDE_DESKTOP, CURSOR, EXAMPLES
from tests.commands.install.installing import (
    MARKED,
    SECTION,
    beside,
    clients,
    connect,
    disconnect,
    file_with,
    path_of,
)

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


@pytest.mark.slow
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


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="every file can be removed here")
def test_what_may_not_be_changed_is_said_with_what_to_do():
    nobody_may = Path("/proc/self/oom_score_adj")  # not even root
    with pytest.raises(Failure) as refused:
        ClientFile(nobody_may, b"").remove()
    assert str(refused.value) == (
        f"{nobody_may} cannot be removed: Operation not permitted. The file was left as it was. Quit the application "
        "that uses it, check that you may write there, and try again."
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
