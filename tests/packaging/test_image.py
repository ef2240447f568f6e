"""The container image's server and health check run as the Dockerfile has them, and write nothing."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

from pc_mcp.sandbox import Sandbox
from tests.commands.http_server import WITH_SECRET, asking
from tests.commands.processes import AT_ONCE, COMMAND, environment, reading

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
FINAL = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
COPIED = {
    source for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE) for source in line.split()[:-1]
}
ADDRESS = "127.0.0.1:8700"

# Python reports what it opens before it does; a file that is to be written ends the process.
READ_ONLY = """
import os, sys
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate", "tempfile.mkstemp"}
def watch(event, arguments):
    if event in CHANGES or event == "open" and arguments[2] & WRITING and arguments[0] != os.devnull:
        os.write(2, f"it writes: {event} {arguments}\\n".encode())
        os._exit(70)
sys.addaudithook(watch)
"""


def words(instruction: str) -> list[str]:
    """The command that an instruction of the image has in its JSON form."""
    found = re.search(rf"^{instruction}\b[^\[\n]*(\[.*\])$", FINAL, re.MULTILINE)
    assert found, instruction
    command: list[str] = json.loads(found[1])
    return command


@pytest.fixture
def address() -> str:
    """A free address in the place of the image's own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def env(sandbox: Sandbox, tmp_path) -> dict[str, str]:
    """The environment that the image sets, where nothing may be written and the user has no home."""
    (tmp_path / "sitecustomize.py").write_text(READ_ONLY)
    own = dict(re.findall(r" (\w+)=([^\s\"]+)", " ".join(re.findall(r"^ENV (.*)$", FINAL, re.MULTILINE))))
    assert own["PYTHONDONTWRITEBYTECODE"] == "1"
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    return environment(Path("/nonexistent"), **reading(sandbox), **WITH_SECRET) | own | {"PYTHONPATH": path}


def here(command: list[str], address: str) -> list[str]:
    """A command of the image, with the places that its parts have on this machine."""
    places = {"python": sys.executable, "/opt/healthcheck.py": str(ROOT / "docker" / "healthcheck.py")}
    return [places.get(word, word).replace(ADDRESS, address) for word in command]


def health(address: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = here(words("HEALTHCHECK"), address)
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)


async def devices_of(url: str) -> int:
    """Walks a customer's whole list, which is what a server has most to keep for."""
    async with asking(url) as client:
        result = await client.call_tool("list_devices", {"customer": "Contoso Ltd"})
        return int(result.structured_content["devices_total"])


def test_it_serves_and_is_healthy_without_writing_anything(address, env):
    assert words("ENTRYPOINT") == ["pc-mcp"]
    command = [*COMMAND, *here(words("CMD"), address)]
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stderr
            assert f"listening on http://{address}/mcp" in server.stderr.readline()
            found = health(address, env)
            assert (found.returncode, found.stderr) == (0, "")
            # A secret that lies in a file of the server's own is not known to the check.
            found = health(address, {name: value for name, value in env.items() if name not in WITH_SECRET})
            assert (found.returncode, found.stderr) == (0, "")
            found = health(address, env | dict.fromkeys(WITH_SECRET, "another"))
            assert found.returncode == 1
            assert "the server answers with an error" in found.stderr
            assert anyio.run(devices_of, f"http://{address}/mcp") > 0
            server.send_signal(signal.SIGTERM)
            assert server.wait(AT_ONCE) == 0, server.stderr.read()
        finally:
            server.kill()
    found = health(address, env)
    assert found.returncode == 1
    assert "the server does not answer" in found.stderr


def test_a_server_that_answers_with_an_error_is_not_healthy(sandbox, env):
    found = health(sandbox.base_url.removeprefix("http://").partition("/")[0], env)
    assert found.returncode == 1
    assert "the server answers with an error" in found.stderr


def test_writing_would_be_noticed(env, tmp_path):
    command = [sys.executable, "-c", f"open({str(tmp_path / 'file')!r}, 'w')"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 70
    assert "it writes: open" in done.stderr


def test_its_user_is_not_root():
    users = re.findall(r"^USER (\d+):(\d+)$", FINAL, re.MULTILINE)
    assert len(users) == 1
    assert all(int(number) > 0 for number in users[0])


def test_what_it_copies_is_enough_to_build_the_program(tmp_path):
    for source in COPIED:
        (tmp_path / source).parent.mkdir(exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / source)
        else:
            shutil.copyfile(ROOT / source, tmp_path / source)
    build = [sys.executable, "-m", "uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
    done = subprocess.run([*build, "--wheel", tmp_path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "dist").glob("pc_mcp-*.whl"))) == 1


def test_the_build_is_given_what_it_copies_and_nothing_else():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == COPIED
