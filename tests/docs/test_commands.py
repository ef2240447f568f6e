"""The commands and programs of the documents do what the documents say, run as they stand there.

Two things differ: `CLIENT` is one of the clients, and the port 8700 is one that is free. The machine is that
of a newcomer who has installed the project as README.md says; their tenant is simulated.
"""

import csv
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

import node_tools
from pc_mcp.sandbox import World, running
from tests.commands.processes import run_to_end
from tests.commands.signing_in import signing_in_to
from tests.docs.documents import DOCUMENTS, ROOT, Block, blocks, column, runnable, shown_after
from tests.docs.powershell import commands, members

README, SCRIPTING = ROOT / "README.md", ROOT / "docs" / "scripting.md"
MAKE = re.compile(r"(make [a-z-]+\n)+")
PROGRAMS = {"sh": "bash", "bash": "bash", "python": "python3", "powershell": "pwsh"}
SUFFIXES = {"powershell": ".ps1"}
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "false"}  # false: without isolation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass
class Newcomer:
    """A person's machine: a home, an environment with a Python of its own, a folder to work in."""

    home: Path
    env: Mapping[str, str]
    folder: Path
    port: int
    serving: ExitStack = field(default_factory=ExitStack)

    def run(self, block: Block) -> str:
        """What `block` prints. A command that serves goes on until the end of the test."""
        text = block.text.replace("CLIENT", "cursor").replace("8700", str(self.port))
        script = self.home / f"block{SUFFIXES.get(block.language, '')}"
        script.write_text(text, encoding="utf-8")
        if text.startswith("pc-mcp serve"):
            self._serve(shlex.split(text))
            return ""
        return self.program([PROGRAMS[block.language], str(script)], str(block))

    def program(self, command: Sequence[str], name: str = "") -> str:
        """What a command prints that must end well."""
        done = run_to_end(command, cwd=self.folder, env=self.env, timeout=60)
        assert done.returncode == 0, f"{name or command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ended(self, *command: str) -> int:
        """How a command of the Inspector ends; unless it is well, it says why."""
        inspector = ["mcp-inspector", "--cli", "--quiet", "--format", "json"]
        done = run_to_end([*inspector, *command], cwd=self.folder, env=self.env, timeout=60)
        assert done.returncode == 0 or json.loads(done.stderr.splitlines()[-1])["error"]["message"]
        return done.returncode

    def run_all(self, document: Path) -> None:
        """Every block of `document`, in its order; each prints what is shown."""
        with self.serving:
            for block in blocks(document):
                if runs_here(block):
                    shown, printed = shown_after(block), self.run(block)
                    assert shown is None or printed == shown, f"{block} prints\n{printed}"

    def _serve(self, command: list[str]) -> None:
        process = self.serving.enter_context(
            subprocess.Popen(command, cwd=self.folder, env=self.env, stderr=subprocess.PIPE)
        )
        self.serving.callback(process.send_signal, signal.SIGTERM)
        assert process.stderr
        assert any(b"listening on" in line for line in process.stderr)


def runs_here(block: Block) -> bool:
    """Whether it is run, and not by CI; PowerShell's are where there is one."""
    if MAKE.fullmatch(block.text):
        return False
    return block in runnable(block.document) or (
        block.language == "powershell" and not block.marks and bool(shutil.which("pwsh"))
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The programs of an environment into which the project was installed as README.md says.

    What the project needs is there already, so nothing is fetched.
    """
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], timeout=60, check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "needed.pth").write_text(sysconfig.get_path("purelib"))
    (line,) = [line for block in runnable(README) for line in block.text.splitlines() if "pip install" in line]
    variables = OFFLINE | {"PATH": path(folder / "bin")}
    subprocess.run(shlex.split(line), cwd=ROOT, env=os.environ | variables, timeout=60, check=True)
    return folder / "bin"


@pytest.fixture(scope="module")
def programs(installed: Path) -> Path:
    """The same programs, and the Inspector that the project pins."""
    inspector = installed / "mcp-inspector"
    inspector.write_text(f'#!/bin/sh\nexec "{node_tools.NODE}" "{node_tools.installed(node_tools.INSPECTOR)}" "$@"\n')
    inspector.chmod(0o755)
    return installed


def path(first: Path) -> str:
    return f"{first}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def newcomer(programs: Path, world: World, tmp_path: Path) -> Iterator[Newcomer]:
    (home := tmp_path / "home").mkdir()
    (folder := tmp_path / "work").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with running(world, entra=True) as sandbox:
        data = str(home / ".local" / "share")  # where it is on Linux without a word
        env = signing_in_to(sandbox, home, PATH=path(programs), LC_ALL="C.UTF-8", XDG_DATA_HOME=data, **OFFLINE)
        yield Newcomer(home, env, folder, port)


async def test_the_readme_connects_claude_desktop_to_the_simulated_customers(newcomer):
    (connecting,) = [block for block in runnable(README) if block.text.endswith("claude-desktop --sandbox\n")]
    newcomer.folder = ROOT
    newcomer.run(connecting)
    (configuration,) = newcomer.home.rglob("claude_desktop_config.json")
    entry = json.loads(configuration.read_text())["mcpServers"]["pc-mcp"]
    async with Client(StdioServerParameters(**entry, cwd=newcomer.home)) as client:
        answer = await client.call_tool("find_customers", {})
    assert answer.structured_content["customers_total"] == 27


# The scripts rely on jq, which a clean machine may not have: .ci/run installs it.
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.stem)
def test_every_block_runs_and_prints_what_is_shown(document, newcomer):
    if any("jq " in block.text for block in runnable(document)):
        assert shutil.which("jq"), "needs jq; on Debian: apt-get install jq"
    if document == README:  # "from a checkout of this repository"
        newcomer.folder = ROOT
    elif any(map(runs_here, blocks(document))):  # who reads on has signed in
        newcomer.program(["pc-mcp", "login"])
    newcomer.run_all(document)


def test_what_powershell_starts_answers_what_its_blocks_read(newcomer):
    """Without PowerShell: its commands are run, and the members that it reads are in what they answer."""
    scripts = [block.text for block in blocks(SCRIPTING) if block.language == "powershell"]
    configuration = re.search(r"'(\{.+\})' \| Set-Content (\S+)", scripts[0])
    assert configuration
    (newcomer.folder / configuration[2]).write_text(configuration[1])
    started = [command for script in scripts for command in commands(script, "mcp-inspector")]
    assert len(started) == 2
    asked, listed = (newcomer.program(["mcp-inspector", *command]) for command in started)
    answer = json.loads(asked)
    known = {*answer, *answer["result"], *answer["result"]["structuredContent"]}
    assert set().union(*map(members, scripts)) - {"OutputEncoding", "UTF8"} <= known
    assert listed == ""
    with (newcomer.folder / "devices.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(row["model"] == "TravelMate P2" for row in rows) == 56


def test_every_shell_and_language_shows_the_same_numbers():
    shown: dict[str, set[str]] = {}
    for block in blocks(SCRIPTING):
        shown.setdefault(block.language, set()).update(
            re.findall(r"\d{2,}", (shown_after(block) or "").replace(",", ""))
        )
    assert {"1546", "56"} <= shown["bash"]
    assert {"1546", "5126"} <= shown["python"]
    assert {"1546", "5126", "56"} == shown["powershell"]


UNSOUND = """
from typing import Annotated

from mcp.server.mcpserver import MCPServer
from pydantic import Field, WithJsonSchema

server = MCPServer("unsound")


@server.tool()
def unsound(anything: Annotated[object, WithJsonSchema({"type": "object", "properties": {"x": True}})]) -> str:
    return ""


server.run()
"""


class Closed(BaseHTTPRequestHandler):
    """Asks everybody to sign in."""

    def do_POST(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def closed() -> Iterator[str]:
    """The address of a server that asks everybody to sign in."""
    with HTTPServer(("127.0.0.1", 0), Closed) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/mcp"
        finally:
            server.shutdown()
            thread.join()


def test_the_exit_status_is_what_the_table_says(newcomer):
    """Each way to end, once."""
    (newcomer.folder / "unsound.py").write_text(UNSOUND)
    listing, ours = ("--method", "tools/list"), ("--", "pc-mcp", "serve", "--sandbox")
    calling = ("--method", "tools/call", "--tool-name")
    nobody = f"http://127.0.0.1:{newcomer.port}/mcp"
    with closed() as address:
        ended = {
            "0": [newcomer.ended(*calling, "find_customers", *ours)],
            "1": [
                newcomer.ended("--method", "tools/lost", *ours),
                newcomer.ended(*listing, "--", "/nowhere/pc-mcp"),
                newcomer.ended("--method", "resources/read", "--uri", "pc-mcp://customers/Nobody/devices.csv", *ours),
                newcomer.ended("--method", "prompts/get", "--prompt-name", "device_overview", *ours),
            ],
            "3": [newcomer.ended(*listing, "--server-url", address)],
            "4": [newcomer.ended(*listing, "--server-url", nobody)],
            "5": [newcomer.ended(*calling, name, *ours) for name in ("list_devices", "list_device")],
            "6": [newcomer.ended(*listing, "--strict", "--", "python3", "unsound.py")],
        }
    assert {int(status): set(codes) for status, codes in ended.items()} == {int(each): {int(each)} for each in ended}
    assert column(SCRIPTING, "status") == list(ended)


async def test_a_server_that_a_client_starts_gets_the_variables_that_are_handed_on(newcomer, monkeypatch):
    """A setting that adds a tool shows which ones it gets."""
    name, folder = "PC_MCP_EXPORTS__FOLDER", str(newcomer.folder)
    newcomer.env = {**newcomer.env, name: folder}
    monkeypatch.setenv(name, folder)
    inspector = ["mcp-inspector", "--cli", "--quiet", "--method", "tools/list"]
    command = str(shutil.which("pc-mcp", path=newcomer.env["PATH"]))
    for handed_on in (False, True):
        options = ["-e", f"{name}={folder}"] if handed_on else []
        listed = newcomer.program([*inspector, *options, "--", command, "serve", "--sandbox"])
        assert ("export_devices" in listed) == handed_on
        server = StdioServerParameters(
            command=command, args=["serve", "--sandbox"], env={name: folder} if handed_on else None
        )
        async with Client(server) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
        assert ("export_devices" in tools) == handed_on
