"""The command line's grammar: versions, help, wrong usage, and what each ends with."""

import subprocess
import sys
from pathlib import Path

import pytest

from pc_mcp import __version__
from pc_mcp.cli import main, parser
from tests.commands.processes import COMMAND, environment

COMMANDS = ["serve", "demo", "login", "logout", "status", "install", "uninstall", "doctor", "sandbox"]


@pytest.fixture(params=["module", "script"])
def command(request) -> list[str]:
    script = Path(sys.executable).with_name("pc-mcp.exe" if sys.platform == "win32" else "pc-mcp")
    return COMMAND if request.param == "module" else [str(script)]


def outcome(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)


def test_the_module_and_the_console_script_are_the_same_command(command, tmp_path):
    ended = subprocess.run(
        [*command, "--version"], env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert (ended.stdout, ended.stderr) == (f"pc-mcp {__version__}\n", "")


def test_help_names_every_command(capsys):
    assert outcome(["--help"]) == 0
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert f"\n    {name}" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    assert outcome([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: pc-mcp {name} ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["serve", "--bogus"], "unrecognized arguments: --bogus"),
        (["serve", "--http", "8700"], "'8700' is no HOST:PORT, such as 127.0.0.1:8700"),
        (["serve", "--http", ":8700"], "is no HOST:PORT"),
        (["serve", "--http", "127.0.0.1:"], "is no HOST:PORT"),
        (["serve", "--http", "127.0.0.1:65536"], "is no HOST:PORT"),
        (["serve", "--http", "127.0.0.1:٨"], "is no HOST:PORT"),
        (["serve", "--config"], "expected one argument"),
        (["login", "--password", "x"], "unrecognized arguments: --password x"),
        (["login", "--config"], "expected one argument"),
        (["logout", "--json"], "unrecognized arguments: --json"),
        (["status", "somebody"], "unrecognized arguments: somebody"),
        (["demo", "extra"], "unrecognized arguments: extra"),
        (["sandbox", "--latency-ms", "-1"], "'-1' is no whole number from 0 up"),
        (["sandbox", "--latency-ms", "60001"], "at most 60000 milliseconds"),
        (["sandbox", "--throttle-every", "often"], "'often' is no whole number from 0 up"),
        (["sandbox", "--fail-status", "418"], "invalid choice: 418"),
        (["sandbox", "--seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(arguments, words, capsys):
    assert outcome(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert words in shown.err
    assert "Traceback" not in shown.err


@pytest.mark.parametrize(
    ("text", "address"),
    [("127.0.0.1:0", ("127.0.0.1", 0)), ("[::1]:8700", ("::1", 8700)), ("localhost:1", ("localhost", 1))],
)
def test_an_address_is_a_host_and_a_port(text, address):
    assert parser().parse_args(["serve", "--http", text]).http == address


def test_what_a_pipe_cannot_take_is_replaced(tmp_path):
    """On Windows, what is printed to a file or a pipe is in the code page of the country."""
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor" / "mcp.json").write_text('{"mcpServers": {"東京": {}}}', encoding="utf-8")
    ended = subprocess.run(
        [*COMMAND, "install", "cursor", "--sandbox", "--dry-run"],
        env=environment(tmp_path, PYTHONIOENCODING="cp1252"),
        capture_output=True,
        check=True,
    )
    assert b'+{"mcpServers": {"??": {}, "pc-mcp"' in ended.stdout


def test_a_reader_that_leaves_early_ends_a_command_without_a_word(tmp_path):
    with subprocess.Popen(
        [*COMMAND, "install", "cursor", "--dry-run"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() in {b"", b"Nothing was written.\n"}
        assert process.wait(30) == 1
