"""`pc-mcp login`, `logout` and `status`, as a support agent runs them."""

import json
import re
import shlex
import signal
import ssl
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from pc_mcp.sandbox import Sandbox, World, running
from pc_mcp.sandbox.person import GaveUp, sign_in
from tests.commands.processes import COMMAND, SOON, Process, run, run_to_end, started
from tests.commands.signing_in import PERSON, signing_in_to

pytestmark = pytest.mark.slow

NOBODY = f"{shlex.quote(sys.executable)} -c pass %s"  # opens, and nobody is there
CODE = re.compile(r"Open (\S+) in any browser, enter the code (\S+) and sign in")


@pytest.fixture
def sandbox(world: World) -> Iterator[Sandbox]:
    with running(world, entra=True) as sandbox:
        sandbox.entra.switches.device_code_interval = 1
        yield sandbox


@pytest.fixture
def env(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    return signing_in_to(sandbox, tmp_path)


@pytest.fixture
def measured(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """As `env`; the coverage of the process counts."""
    return signing_in_to(sandbox, tmp_path, measured=True)


def files(home: Path) -> list[Path]:
    return sorted((home / "data" / "pc-mcp").glob("tokens-*.bin"))


def enter_code(process: Process, sandbox: Sandbox, account: int = 0) -> None:
    """Does what the command asks for, on another device."""
    found = CODE.search(process.first_line)
    assert found, process.first_line
    trust = ssl.create_default_context(cafile=sandbox.ca_file)
    sign_in(found[1], sandbox.entra.accounts[account].username, found[2], trust)


def asked_a_person(sandbox: Sandbox) -> bool:
    """Whether anybody was sent to a page of the sign-in service."""
    return any("/authorize" in request.path or "/devicecode" in request.path for request in sandbox.entra.requests)


def apart_from_the_expiry(output: str) -> str:
    return re.sub(r"good until .* UTC", "good until …", output)


def ended(process: Process) -> tuple[int, str, str]:
    """Exit status, output and errors."""
    status = process.wait(SOON)
    assert process.stdout
    return status, process.stdout.read().decode(), process.logged()


def test_before_anybody_signed_in_the_status_says_so_and_what_to_do(measured, tmp_path):
    done = run("status", env=measured)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("Nobody is signed in to Partner Center.\n")
    assert done.stdout.endswith("Sign in with: pc-mcp login\n")
    assert json.loads(run("status", "--json", env=measured).stdout)["account"] is None


def test_login_signs_in_through_the_browser_and_the_status_says_who_where_and_until_when(measured, sandbox, tmp_path):
    before = datetime.now(UTC)
    done = run("login", env=measured)
    assert (done.returncode, done.stderr) == (0, "")
    assert asked_a_person(sandbox)
    (file,) = files(tmp_path)
    expiry = re.search(r"good until (\S+ \S+) UTC", done.stdout)
    assert expiry
    assert done.stdout.splitlines() == [
        f"Signed in as {sandbox.entra.accounts[0].username}.",
        f"  Tenant:       {sandbox.tenant_id}",
        "  Cloud:        global",
        f"  Token store:  {file} (not encrypted)",
        f"  Access token: good until {expiry[1]} UTC, renewed by itself",
    ]
    afterwards = run("status", env=measured).stdout
    assert apart_from_the_expiry(afterwards) == apart_from_the_expiry(done.stdout)  # what is kept is a second older
    told = run("status", "--json", env=measured)
    assert told.returncode == 0
    facts = json.loads(told.stdout)
    expires_at = datetime.fromisoformat(facts.pop("expires_at"))
    assert timedelta(minutes=59) < expires_at - before < timedelta(minutes=62)
    assert facts == {
        "signed_in": True,
        "mode": "delegated",
        "account": sandbox.entra.accounts[0].username,
        "tenant": sandbox.tenant_id,
        "cloud": "global",
        "store": "file",
        "path": str(file),
        "note": None,
    }


def test_login_where_somebody_is_signed_in_asks_nobody(env, sandbox):
    assert run("login", env=env).returncode == 0
    sandbox.entra.requests.clear()
    done = run("login", env=env | {"BROWSER": NOBODY})
    assert (done.returncode, done.stderr) == (0, "")
    assert not asked_a_person(sandbox)


def test_the_status_does_not_mention_an_access_token_that_is_no_longer_good(env, sandbox):
    sandbox.entra.switches.token_life_seconds = 0
    run("login", env=env)
    done = run("status", env=env)
    assert done.returncode == 0
    assert "Access token" not in done.stdout
    assert json.loads(run("status", "--json", env=env).stdout)["expires_at"] is None


def test_login_with_a_device_code_waits_until_it_is_entered(measured, sandbox):
    with started("login", "--device-code", env=measured | {"BROWSER": NOBODY}) as process:
        enter_code(process, sandbox, account=1)
        status, output, errors = ended(process)
    assert status == 0
    assert output.startswith(f"Signed in as {sandbox.entra.accounts[1].username}.\n")
    assert errors.count("\n") == 1
    assert "ask the same again" not in errors


def test_a_blocked_device_code_is_explained(env, sandbox):
    sandbox.entra.switches.device_code_blocked = True
    with started("login", "--device-code", env=env) as process:
        with pytest.raises(GaveUp):
            enter_code(process, sandbox)
        status, output, errors = ended(process)
    assert (status, output) == (1, "")
    assert "AADSTS53003" in errors
    assert 'auth.flow to "browser"' in errors


def test_login_says_at_once_that_a_window_was_opened_and_where_to_go_without_it(env, sandbox):
    with started("login", env=env | {"BROWSER": NOBODY}) as process:
        assert "A browser window was opened" in process.first_line
        url = process.first_line.rpartition(" ")[2]
        sign_in(url, context=ssl.create_default_context(cafile=sandbox.ca_file))
        status, output, _ = ended(process)
    assert status == 0
    assert output.startswith(f"Signed in as {sandbox.entra.accounts[0].username}.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("option", [[], ["--device-code"]])
def test_ctrl_c_ends_a_login_quietly(env, option, tmp_path):
    with started("login", *option, env=env | {"BROWSER": NOBODY}) as process:
        assert "You are not signed in" in process.first_line
        process.send_signal(signal.SIGINT)
        status, output, errors = ended(process)
    assert (status, output) == (130, "")
    assert errors.count("\n") == 1
    assert run("status", env=env).returncode == 1


def test_logout_forgets_the_sign_in_even_while_the_sign_in_service_is_out_of_reach(measured, sandbox, tmp_path):
    run("login", env=measured)
    sandbox.entra.switches.outage = "everywhere"
    assert run("status", env=measured).returncode == 0
    done = run("logout", env=measured)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Nobody is signed in to Partner Center.\n")
    assert "Signed out: the sign-in was removed from this computer. That revokes nothing" in done.stdout
    (file,) = files(tmp_path)
    kept = json.loads(file.read_bytes())
    assert not any(kept["cache"].values())
    assert sandbox.entra.accounts[0].username not in file.read_text()
    assert run("status", env=measured).returncode == 1
    again = run("logout", env=measured)
    assert again.returncode == 0
    assert "Signed out" not in again.stdout


def test_another_account_than_the_configured_one_is_refused_and_not_kept(measured):
    done = run("login", env=measured | {"PC_MCP_AUTH__ACCOUNT": "somebody.else@example.com"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pc-mcp: Another account signed in than the one that auth.account names.")
    assert run("status", env=measured).returncode == 1


@pytest.mark.parametrize(
    ("switch", "value", "words"),
    [
        ("declined", True, "The consent was declined"),
        ("no_consent", True, "Nobody has consented to the application yet"),
        ("outage", "everywhere", "The sign-in service cannot be reached"),
        ("outage", "token", "The sign-in service"),
    ],
)
def test_a_login_that_fails_says_why_in_one_line(env, sandbox, switch, value, words):
    setattr(sandbox.entra.switches, switch, value)
    done = run("login", env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"pc-mcp: {words}")
    assert done.stderr.count("\n") == 1


def test_a_sign_in_that_cannot_be_kept_is_said_to_be_over(env):
    done = run("login", env=env | {"PC_MCP_AUTH__TOKEN_STORE": "memory"})
    assert done.returncode == 0
    assert "This sign-in is not kept: it has ended with this command." in done.stdout
    assert run("status", env=env).returncode == 1


def test_where_no_keyring_can_keep_the_sign_in_that_is_said_before_and_a_file_is_offered(env, sandbox):
    env |= {"PC_MCP_AUTH__TOKEN_STORE": "auto", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    refused = run("login", env=env)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "There is no usable keyring" in refused.stderr
    assert "pc-mcp login --keep-in-file" in refused.stderr
    assert not asked_a_person(sandbox)
    assert run("login", "--keep-in-file", env=env).returncode == 0
    assert run("status", env=env).returncode == 0
    assert run("logout", env=env).returncode == 0
    assert run("status", env=env).returncode == 1


def test_where_the_disk_is_full_that_is_said_before_anybody_signs_in(env, sandbox, tmp_path):
    # What may be written is bounded, which a shell can do to what it starts.
    command = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *COMMAND, "login", "--keep-in-file"]
    done = run_to_end(command, env=env)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written (File too large), so the sign-in is kept in memory only" in done.stderr
    assert "Nobody was signed in." in done.stderr
    assert not asked_a_person(sandbox)
    assert not files(tmp_path)


def test_logout_says_that_a_file_it_cannot_read_is_left_alone(env, tmp_path):
    assert run("login", env=env).returncode == 0
    (file,) = files(tmp_path)
    file.write_bytes(b"pc-mcp 1\n" + bytes(60))
    left = run("logout", env=env)
    assert left.returncode == 1
    assert f"{file} may hold a sign-in, which could not be read and was not removed" in left.stderr


def test_without_a_client_id_every_command_says_what_to_configure(env):
    del env["PC_MCP_AUTH__CLIENT_ID"]
    login = run("login", env=env)
    assert (login.returncode, login.stdout) == (1, "")
    assert "PC_MCP_AUTH__CLIENT_ID" in login.stderr
    status = run("status", env=env)
    assert (status.returncode, status.stderr) == (1, "")
    assert "PC_MCP_AUTH__CLIENT_ID" in status.stdout
    assert run("logout", env=env).returncode == 0


def test_a_configured_token_is_neither_signed_in_nor_out(env, sandbox):
    env |= {"PC_MCP_AUTH__MODE": "token", "PC_MCP_AUTH__ACCESS_TOKEN": sandbox.token}
    for command in ("login", "status", "logout"):
        done = run(command, env=env)
        assert done.returncode == 0
        assert "The token comes from the configuration" in done.stdout
        assert sandbox.token not in done.stdout + done.stderr
    del env["PC_MCP_AUTH__ACCESS_TOKEN"]
    for command in ("login", "status"):
        done = run(command, env=env)
        assert done.returncode == 1
        assert "There is no access token" in done.stdout + done.stderr


def test_the_status_of_an_application_says_whether_its_credential_works(env, sandbox):
    env |= {
        "PC_MCP_AUTH__MODE": "app",
        "PC_MCP_AUTH__CLIENT_ID": sandbox.entra.confidential_client_id,
        "PC_MCP_AUTH__CLIENT_SECRET": sandbox.entra.client_secret,
    }
    facts = json.loads(run("status", "--json", env=env).stdout)
    assert (facts["signed_in"], facts["mode"]) == (True, "app")
    assert facts["account"] == sandbox.entra.confidential_client_id
    wrong = run("status", env=env | {"PC_MCP_AUTH__CLIENT_SECRET": "wrong"})
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "AADSTS7000215" in wrong.stderr


async def test_a_server_started_after_a_login_finds_it_and_asks_nobody(env, sandbox, mode):
    assert run("login", env=env).returncode == 0
    sandbox.entra.requests.clear()
    server = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "serve"], env=env | {"BROWSER": NOBODY})
    async with Client(server, mode=mode) as client:
        answer = await client.call_tool("find_customers", {"query": "contoso"})
        assert not answer.is_error
        who = await client.call_tool("sign_in", {})
    assert who.structured_content
    assert who.structured_content["username"] == sandbox.entra.accounts[0].username
    assert not asked_a_person(sandbox)


def test_no_secret_is_printed_or_kept_readable_by_others(env, sandbox, tmp_path):
    outputs = [run("login", env=env), run("status", env=env), run("status", "--json", env=env)]
    (file,) = files(tmp_path)
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600
    kept = json.loads(file.read_bytes())["cache"]
    secrets = [entry["secret"] for section in kept.values() for entry in section.values() if "secret" in entry]
    assert len(secrets) == 3  # access, refresh and id token
    said = "".join(done.stdout + done.stderr for done in outputs)
    assert not [secret for secret in secrets if secret in said]
    assert PERSON not in said
