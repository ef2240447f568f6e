"""The command line's grammar: versions, help, wrong usage, and what each ends with."""

import contextlib
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from pc_mcp import __version__
from pc_mcp.commands.cli import main, parser
from pc_mcp.commands.install.clients import CLIENTS
from pc_mcp.commands.install.program import Running, program
from pc_mcp.commands.simulated import sandbox_settings
from tests.commands.processes import COMMAND, environment, run, run_to_end

COMMANDS = ["serve", "demo", "login", "logout", "status", "install", "uninstall", "doctor", "sandbox"]
COMMANDS += ["help", "version"]


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


def test_alone_it_names_every_command_in_a_line_and_the_three_to_begin_with(capsys):
    assert main([]) == 0
    text = capsys.readouterr().out
    _, _, begin, further, _ = text.split("\n\n")
    assert re.findall(r"^  (\w+) +\S.*$", begin, re.MULTILINE) == ["demo", "install", "doctor"]
    assert sorted(re.findall(r"^  (\w+) +\S.*$", begin + further, re.MULTILINE)) == sorted(COMMANDS)
    for ask in (["help"], ["--help"], ["-h"]):
        with contextlib.suppress(SystemExit):
            assert main(ask) == 0
        assert capsys.readouterr().out == text


@pytest.mark.parametrize("ask", [["version"], ["--version"], ["-V"]])
def test_the_version_can_be_asked_for_in_several_ways(ask, capsys):
    with contextlib.suppress(SystemExit):
        assert main(ask) == 0
    assert capsys.readouterr().out == f"pc-mcp {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_explains_a_command_as_the_command_itself_does(name, capsys):
    assert main(["help", name]) == 0
    explained = capsys.readouterr().out
    assert outcome([name, "--help"]) == 0
    assert capsys.readouterr().out == explained


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (["insatll"], "install"),
        (["Serve"], "serve"),
        (["log-in"], "login"),
        (["doc"], "doctor"),
        (["help", "sandox"], "sandbox"),
        (["--versoin"], "--version"),
        (["serve", "--snadbox"], "--sandbox"),
        (["serve", "sandbox"], "--sandbox"),
        (["serve", "--htpp=127.0.0.1:0"], "--http"),
        (["install", "cursor", "--client_id", "x"], "--client-id"),
        (["install", "--client_id", "x", "cursor"], "--client-id"),
        (["login", "--devicecode"], "--device-code"),
        (["doctor", "--client", "kursor"], "cursor"),
        (["install", "claude"], "claude-desktop or claude-code"),
        (["install", "vs-code"], "vscode"),
        (["install", "cluade"], "claude-desktop or claude-code"),
        (["install", "Claud"], "claude-desktop or claude-code"),
        (["connect"], "install"),
        (["setup"], "install"),
        (["Config"], "install"),
        (["configure", "claude-desktop"], "install"),
        (["disconnect"], "uninstall"),
        (["remove", "cursor"], "uninstall"),
        (["start"], "serve"),
        (["help", "signin"], "login"),
    ],
)
def test_a_misspelt_command_option_or_client_gets_the_nearest_one(arguments, nearest, capsys):
    assert outcome(arguments) == 2
    first, see = capsys.readouterr().err.splitlines()
    assert f"Did you mean {nearest}?" in first
    assert see.startswith("See: pc-mcp help")


@pytest.mark.parametrize("arguments", [["--sandbox", "serve"], ["--config", "x.toml", "serve"], ["--json"]])
def test_an_option_before_its_command_is_told_its_place(arguments, capsys):
    assert outcome(arguments) == 2
    assert f"{arguments[0]} stands after the command: pc-mcp COMMAND {arguments[0]}" in capsys.readouterr().err


def test_the_demonstration_begins_to_speak_before_it_loads_what_it_needs(tmp_path):
    for name in ("anyio", "httpx2", "mcp", "pydantic", "rich"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
    done = run("demo", env=environment(tmp_path, PYTHONPATH=str(tmp_path)))
    assert done.returncode == 7
    assert done.stdout.startswith("Six questions of a support agent")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, capsys):
    assert outcome([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: pc-mcp {name} ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], "there is no command 'fly'.\nSee: pc-mcp help\n"),
        (["list"], "there is no command 'list'.\nSee: pc-mcp help\n"),
        (["help", "\x1b[2J"], "there is no command '\\x1b[2J'."),
        (["serve", "--bogus"], "there is no option '--bogus' here."),
        (["install", "notepad"], "there is no client 'notepad'. The clients are: claude-desktop, claude-code, vscode"),
        (["serve", "--http", "8700"], "'8700' is no HOST:PORT, such as 127.0.0.1:8700"),
        (["serve", "--http", ":8700"], "is no HOST:PORT"),
        (["serve", "--http", "127.0.0.1:"], "is no HOST:PORT"),
        (["serve", "--http", "127.0.0.1:65536"], "is no HOST:PORT"),
        (["serve", "--http", "127.0.0.1:٨"], "is no HOST:PORT"),
        (["serve", "--config"], "expected one argument"),
        (["login", "--password", "x"], "there is no option '--password' here."),
        (["login", "--config"], "expected one argument"),
        (["logout", "--json"], "there is no option '--json' here."),
        (["status", "somebody"], "there is no argument 'somebody' here."),
        (["demo", "extra"], "there is no argument 'extra' here."),
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


@pytest.mark.slow
def test_what_a_pipe_cannot_take_is_replaced(tmp_path):
    """On Windows, what is printed to a file or a pipe is in the code page of the country."""
    (tmp_path / "東京.toml").touch()
    ended = subprocess.run(
        [*COMMAND, "install", "cursor", "--config", str(tmp_path / "東京.toml"), "--dry-run"],
        env=environment(tmp_path, PYTHONIOENCODING="cp1252"),
        capture_output=True,
        check=True,
    )
    assert b"??.toml" in ended.stdout


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_without_a_client_those_that_there_are_are_named_with_what_is_found(command, tmp_path):
    env = environment(tmp_path, PATH=str(tmp_path))
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "auth.json").touch()
    run("install", "cursor", "--sandbox", env=env)
    done = run(command, env=env)
    assert (done.returncode, done.stdout) == (2, "")
    first, *lines = done.stderr.splitlines()
    assert f"pc-mcp {command} CLIENT" in first
    assert [line.split()[0] for line in lines] == list(CLIENTS)
    states = dict(re.match(r" *(\S+) +(?:\S+ )*?\S+ +(.*)", f"{line}  ").groups() for line in lines)
    assert states["cursor"].strip() == "connected, to the simulated customers"
    assert states["codex"].strip() == ("found on this computer" if command == "install" else "")
    assert states["vscode"].strip().endswith("not found on this computer" if command == "install" else "Code")


HOSTILE = ("argparse.py", "json.py", "mcp.py", "pc_mcp.py", "pkgutil.py", "ssl.py", "sitecustomize.py")


@pytest.fixture
def hostile(tmp_path) -> Path:
    """A folder whose files leave a trace where one of them is imported."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in HOSTILE:
        (folder / name).write_text(f"open({str(tmp_path / 'trace')!r}, 'a').write({name!r})\n")
    return folder


@pytest.mark.slow
async def test_nothing_of_the_current_folder_is_imported(hostile, tmp_path):
    """By the console script, by what an assistant is told to start, nor by what either of them starts."""
    script = Path(sys.executable).with_name("pc-mcp.exe" if sys.platform == "win32" else "pc-mcp")
    running = Running("x", sys.executable, [])
    # Signing in to the simulated service starts a person at a browser; the variable is as a shell may have it.
    for command in ([str(script)], program(running, sys.platform, {})):
        server = StdioServerParameters(
            command=command[0], args=[*command[1:], "serve", "--sandbox"], env=environment(tmp_path), cwd=hostile
        )
        async with Client(server) as client:
            assert not (await client.call_tool("find_customers", {"query": "contoso"})).is_error
    assert not (tmp_path / "trace").exists()


@pytest.mark.slow
def test_the_demonstration_imports_nothing_of_the_current_folder(hostile, tmp_path):
    script = Path(sys.executable).with_name("pc-mcp.exe" if sys.platform == "win32" else "pc-mcp")
    with subprocess.Popen([script, "demo"], env=environment(tmp_path), cwd=hostile, stdout=subprocess.PIPE) as demo:
        assert demo.stdout
        while "characters of text" not in (line := demo.stdout.readline().decode()):
            assert line
        demo.stdout.close()
    assert not (tmp_path / "trace").exists()


def test_an_entry_imports_nothing_of_what_its_environment_names(hostile, tmp_path):
    command = program(Running("x", sys.executable, []), sys.platform, {})
    env = environment(tmp_path, PYTHONPATH=str(hostile))
    done = subprocess.run([*command, "version"], env=env, cwd=hostile, capture_output=True, text=True, check=True)
    assert done.stdout == f"pc-mcp {__version__}\n"
    assert not (tmp_path / "trace").exists()


def test_the_module_without_its_option_imports_nothing_more_of_the_current_folder(tmp_path):
    """What is imported before the first line of it cannot be helped."""
    (tmp_path / "argparse.py").write_text("raise SystemExit('hostile')")
    command = [sys.executable, "-m", "pc_mcp", "version"]
    done = subprocess.run(command, env=environment(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"pc-mcp {__version__}\n", "")


def test_on_a_terminal_serve_says_that_it_is_for_assistants(tmp_path):
    ours, theirs = pty.openpty()
    command = [*COMMAND, "serve", "--sandbox"]
    with subprocess.Popen(
        command, env=environment(tmp_path), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        said = process.stderr.readline()
        process.terminate()
        assert process.wait(30) is not None
    for end in (ours, theirs):
        os.close(end)
    assert said.startswith("pc-mcp serve is for assistants")
    assert "pc-mcp demo" in said


@pytest.mark.slow
def test_a_command_loads_nothing_that_it_has_no_use_for(tmp_path):
    program = (
        "import sys; from pc_mcp.commands.cli import main; main(['install', 'cursor', '--sandbox', '--dry-run'])\n"
        "import pc_mcp.sandbox, pc_mcp.commands.sandbox, pc_mcp.settings\n"
        "unused = ('pc_mcp.inventory', 'pc_mcp.partner_center', 'pc_mcp.protocol', 'pc_mcp.tools', 'mcp', 'msal')\n"
        "print([name for name in sys.modules if name.startswith(unused)])"
    )
    done = run_to_end([sys.executable, "-c", program], env=environment(tmp_path))
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr


def test_what_runs_on_the_sandbox_leaves_the_environment_as_it_was():
    before = dict(os.environ)
    with sandbox_settings():
        assert os.environ["NO_PROXY"] == "*"
        assert Path(os.environ["SSL_CERT_FILE"]).is_file()
    assert dict(os.environ) == before


FULL = Path("/dev/full")


@pytest.mark.slow
@pytest.mark.skipif(not FULL.exists(), reason="there is no file that is always full")
def test_where_nothing_can_be_printed_that_is_said_in_one_line(tmp_path):
    commands = ("version", "--help", "status --json", "install cursor --sandbox --dry-run", "serve --new-secret")
    with FULL.open("w") as full:
        started = [
            subprocess.Popen(
                [*COMMAND, *command.split()],
                env=environment(tmp_path),
                stdin=subprocess.DEVNULL,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
            )
            for command in commands
        ]
    for process in started:
        with process:
            assert process.stderr
            said = process.stderr.read()
        assert process.returncode == 1
        *others, last = said.splitlines()
        assert last.startswith("pc-mcp: standard output cannot be written (No space left on device).")
        assert others in ([], ["Nothing was written."])
    assert not list(tmp_path.glob("**/http-secret"))  # clients would be locked out without a word
