"""`pc-mcp doctor` as a process, and after sign-ins that went a particular way."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pc_mcp.sandbox import Sandbox, ScriptedResponse, World, running
from tests.commands.processes import run
from tests.commands.signing_in import signing_in_to

pytestmark = pytest.mark.slow


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    with running(world, entra=True) as sandbox:
        yield sandbox


@pytest.fixture
def env(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    return signing_in_to(sandbox, tmp_path)


@pytest.fixture
def login(env: dict[str, str]) -> Callable[..., None]:
    def sign_in(account: str = "", **variables: str) -> None:
        person = f"{sys.executable} -P -m pc_mcp.sandbox.person %s {account}"
        assert run("login", env=env | {"BROWSER": person} | variables).returncode == 0

    return sign_in


def doctor(env: dict[str, str]) -> dict[str, tuple[str, str]]:
    """What is wrong: state and words, by check."""
    done = run("doctor", "--json", env=env)
    assert (done.returncode, done.stderr) == (1, "")
    checks = json.loads(done.stdout)["checks"]
    return {
        c["check"]: (c["state"], f"{c['found']} {c['mend']}") for c in checks if c["state"] not in {"ok", "warning"}
    }


def asked_a_person(sandbox: Sandbox) -> bool:
    return any("/authorize" in request.path or "/devicecode" in request.path for request in sandbox.entra.requests)


def test_a_sign_in_that_was_revoked_is_over_and_nobody_is_asked(env, login, sandbox):
    sandbox.entra.switches.token_life_seconds = 0
    login()
    sandbox.entra.switches.refresh_revoked = 50173
    sandbox.entra.requests.clear()
    found = doctor(env)
    assert found["signed in"][1].endswith("Run: pc-mcp login")
    assert found["role"] == ("not checked", "waits for signed in None")
    assert not asked_a_person(sandbox)


def test_an_account_without_the_role_is_told_which_one_it_needs(env, login, sandbox):
    login(sandbox.entra.accounts[2].username)
    found = doctor(env)
    assert list(found) == ["role"]
    assert "HTTP 403, code 1002, correlation id " in found["role"][1]
    assert "Admin agent or Sales agent" in found["role"][1]


def test_a_sign_in_without_mfa_is_explained(env, login, sandbox):
    sandbox.entra.switches.no_mfa = "always"
    login()
    found = doctor(env)
    assert list(found) == ["role"]
    assert "Sign in again with MFA" in found["role"][1]


def test_several_accounts_are_a_choice_to_make(env, login, sandbox):
    login()
    second = sandbox.entra.accounts[1].username
    login(second, PC_MCP_AUTH__ACCOUNT=second)
    found = doctor(env)
    assert list(found) == ["signed in", "role"]
    assert "Several accounts are signed in" in found["signed in"][1]


def test_no_check_waits_longer_than_it_may_and_the_command_ends(env, sandbox, login):
    sandbox.entra.switches.token_life_seconds = 0
    login()
    sandbox.entra.switches.hang = "token"
    sandbox.switches.scripted = [ScriptedResponse("/customers", hang=True)]
    done = run("doctor", "--timeout", "2", env=env)
    assert (done.returncode, done.stderr) == (1, "")
    late = [line for line in done.stdout.splitlines() if "no answer" in line or "does not answer" in line]
    assert [line.split("  ")[0] for line in late] == ["wrong"] * 2
    assert "signed in        The sign-in service does not answer. Check the network" in done.stdout


def test_a_configuration_file_that_is_never_read_is_not_waited_for(env, tmp_path):
    (silent := tmp_path / "silent.toml").touch()
    assert run("install", "codex", "--config", str(silent), env=env).returncode == 0
    silent.unlink()
    os.mkfifo(silent)
    done = run("doctor", "--timeout", "1", env=env)
    assert (done.returncode, done.stderr) == (1, "")
    wrong = [line for line in done.stdout.splitlines() if f"{silent} is a pipe" in line]
    assert [line.split()[1] for line in wrong] == ["configuration", "Codex"]


def test_no_secret_is_told(env, sandbox, login, tmp_path):
    login()
    (file,) = (tmp_path / "data" / "pc-mcp").glob("tokens-*.bin")
    kept = json.loads(file.read_bytes())["cache"]
    secrets = [entry["secret"] for section in kept.values() for entry in section.values() if "secret" in entry]
    assert secrets
    proxy = {"HTTP_PROXY": "http://adele:pa55word@127.0.0.1:1"}
    done = run("doctor", "--json", env=env | proxy)
    assert (done.returncode, done.stderr) == (0, "")
    assert not [secret for secret in [*secrets, "pa55word"] if secret in done.stdout]
