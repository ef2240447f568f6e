"""A keyring that is locked, and that nobody unlocks: it is named, and keeps no command and no server from its end."""

import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pc_mcp.sandbox import Sandbox, World, running
from tests.commands.processes import AT_ONCE, SOON, ask, greet, run, started
from tests.commands.signing_in import signing_in_to
from tests.documentation import ROOT

NAMED = "The keyring did not answer within 5 s; it may be locked"


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    with running(world, entra=True) as sandbox:
        yield sandbox


@pytest.fixture
def env(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    return signing_in_to(
        sandbox,
        tmp_path,
        **dict.fromkeys(("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"), ""),
        PYTHONPATH=str(ROOT),
        PYTHON_KEYRING_BACKEND="tests.auth.keyrings.Silent",
        PC_MCP_AUTH__TOKEN_STORE="auto",
    )


def text_of(message: dict) -> str:
    return str(message["result"]["content"][0]["text"])


@pytest.mark.slow
def test_commands_end_and_name_it(env, sandbox):
    processes = {command: started(command, env=env) for command in ("status", "logout", "login")}
    with processes["status"] as status, processes["logout"] as logout, processes["login"] as login:
        assert status.wait(SOON) == 1
        assert NAMED in status.stdout.read().decode()
        assert logout.wait(SOON) == 0  # there is no file that may hold a sign-in
        assert NAMED in logout.stdout.read().decode()
        assert login.wait(SOON) == 1
        assert NAMED in login.logged()
        assert "login --keep-in-file" in login.logged()
        assert "Nobody was signed in." in login.logged()
    assert not sandbox.entra.requests


@pytest.mark.slow
def test_a_server_names_it_in_its_answer_and_ends_at_once(env):
    with started("serve", env=env) as server, started("serve", env=env) as another:
        for process in (server, another):
            greet(process, "legacy")
            ask(process, "legacy", "tools/call", name="sign_in", arguments={})
        answers = [text_of(process.receive()) for process in (server, another)]
        assert all(NAMED in answer and "Partner Center did not answer" not in answer for answer in answers)
        ask(server, "legacy", "tools/call", name="sign_in", arguments={})
        server.send_signal(signal.SIGTERM)
        assert server.wait(AT_ONCE) == 0
        another.stdin.close()
        assert another.wait(AT_ONCE) == 0


@pytest.mark.slow
def test_a_server_that_waits_for_the_keyring_or_the_sign_in_service_ends_at_once(env, sandbox):
    sandbox.entra.switches.hang = "everywhere"
    waiting = env | {"PC_MCP_AUTH__TOKEN_STORE": "file"}
    with started("serve", env=env) as by_keyring, started("serve", env=waiting) as by_service:
        for process in (by_keyring, by_service):
            greet(process, "legacy")
            ask(process, "legacy", "tools/call", name="find_customers", arguments={})
        while not sandbox.entra.requests:
            pass
        for process in (by_keyring, by_service):
            process.send_signal(signal.SIGTERM)
            assert process.wait(AT_ONCE) == 0
            assert "Traceback" not in process.logged()


@pytest.mark.slow
def test_what_no_keyring_can_keep_is_kept_in_a_file_when_that_is_said(env, sandbox, tmp_path):
    env |= {"BROWSER": f"{shlex.quote(sys.executable)} -m pc_mcp.sandbox.person %s"}
    kept = run("login", "--keep-in-file", env=env)
    assert kept.returncode == 0
    (file,) = (tmp_path / "data" / "pc-mcp").glob("tokens-*.bin")
    assert f"{file} (not encrypted)" in kept.stdout
    found = run("status", env=env)  # as every server finds it, after it has asked the keyring
    assert found.returncode == 0
    assert found.stdout == kept.stdout
