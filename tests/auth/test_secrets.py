"""No secret of a sign-in reaches a log, an answer, an error, a process's arguments or a settings dump."""

import contextlib
import dataclasses
import json
import os
import re
import ssl
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from pc_mcp.sandbox import Sandbox, person
from pc_mcp.sandbox.entra.accounts import CLIENT_SECRET, HOSTILE_NAME
from pc_mcp.settings import Settings
from tests.auth.people import CODE, URL, Asked, answered, connected, told
from tests.commands.processes import ask, environment, greet, started

pytestmark = pytest.mark.slow

SECRET_FIELDS = ("refresh_token", "code", "client_secret", "code_verifier", "device_code", "client_assertion")
HIDDEN = "\u202e\u200b\x1b[31m|<b>](https://evil.example.invalid)"


def secrets_of(sandbox: Sandbox, folder: Path) -> set[str]:
    """Every token, code and secret that was sent to the sandbox or is kept in the store's file."""
    found = {r.form[name] for r in sandbox.entra.requests for name in SECRET_FIELDS if name in r.form}
    found |= {r.headers["authorization"].removeprefix("Bearer ") for r in sandbox.requests}
    for file in folder.rglob("tokens-*.bin"):
        sections = json.loads(file.read_text())["cache"]
        found |= {e["secret"] for kind in sections.values() for e in kind.values() if "secret" in e}
    found.discard("")
    assert all(len(secret) > 10 for secret in found)
    return found


def assert_absent(secrets: set[str], where: str, text: str) -> None:
    """None of them is there as it is, percent-encoded, or but for its end."""
    for secret in secrets:
        for shape in (secret, quote(secret, safe=""), secret[: max(16, len(secret) // 2)]):
            assert shape not in text, f"a secret is in {where}"


class Watch:
    """What runs on this machine meanwhile: the arguments of every process."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._stop.wait(0.01):
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    self.seen.add(entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        self._thread.join()


class Session:
    """A real server over stdio at the level debug; all that it says is kept."""

    def __init__(self, sandbox: Sandbox, home: Path, mode: str, style: str, **variables: str) -> None:
        self.sandbox = sandbox
        self.home = home
        self.mode = mode
        self.env = environment(
            home,
            PC_MCP_PARTNER_CENTER__BASE_URL=sandbox.base_url,
            PC_MCP_AUTH__AUTHORITY=sandbox.authority.removesuffix(f"/{sandbox.tenant_id}"),
            PC_MCP_AUTH__TENANT_ID=sandbox.tenant_id,
            PC_MCP_AUTH__TOKEN_STORE="file",
            PC_MCP_ANSWERS__SNAPSHOT_MINUTES="1",
            PC_MCP_LOGGING__LEVEL="debug",
            PC_MCP_LOGGING__FORMAT=style,
            XDG_DATA_HOME=str(home / "data"),
            **({"PC_MCP_AUTH__CLIENT_ID": sandbox.client_id} | variables),
        )
        self.answers: list[str] = []
        self.secrets: set[str] = set()

    @contextlib.contextmanager
    def running(self) -> Iterator["Session"]:
        with Watch() as watch, started("serve", env=self.env) as self.process:
            greet(self.process, self.mode)
            yield self
            self.collect()
            assert self.process.stdin
            self.process.stdin.close()
            assert self.process.stdout
            self.answers.append(self.process.stdout.read().decode())
            self.process.wait(15)
        self.logged = self.process.logged()
        self.arguments = "\n".join(watch.seen)

    def collect(self) -> None:
        """Looks for secrets now: a later step may remove some."""
        self.secrets |= secrets_of(self.sandbox, self.home)

    def call(self, tool: str, **arguments: Any) -> str:
        ask(self.process, self.mode, "tools/call", name=tool, arguments=arguments)
        while True:
            message = self.process.receive()
            self.answers.append(json.dumps(message, ensure_ascii=False))
            if "result" in message:
                return str(message["result"]["content"][0]["text"])

    def assert_clean(self) -> None:
        assert "pc_mcp" in self.logged
        assert "debug" in self.logged.lower()
        assert "serve" in self.arguments
        assert_absent(self.secrets, "the log", self.logged)
        assert_absent(self.secrets, "an answer", "\n".join(self.answers))
        assert_absent(self.secrets, "a process's arguments", self.arguments)
        assert not re.search(r"eyJ[A-Za-z0-9_-]{20,}", self.logged + "".join(self.answers) + self.arguments)


def sent(sandbox: Sandbox, field: str) -> bool:
    return any(field in request.form for request in sandbox.entra.requests)


@pytest.mark.parametrize(("mode", "style"), [("legacy", "human"), ("auto", "json")])
def test_a_sign_in_by_browser_its_refreshes_and_its_end_show_no_secret(service, browser, tmp_path, mode, style):
    account = service.entra.accounts[0].username
    session = Session(service, tmp_path, mode, style, PC_MCP_AUTH__ACCOUNT=account, PC_MCP_AUTH__FLOW="browser")
    with session.running():
        assert account in session.call("sign_in")
        session.collect()
        assert "Proseware" in session.call("find_customers", query="Proseware Inc")
        service.entra.expire_access_tokens()
        # Policies are read anew each time.
        assert "policy" in session.call("list_configuration_policies", customer="Documentation Sample")
        session.collect()
        service.entra.switches.refresh_revoked = 50173
        service.entra.switches.declined = True
        service.entra.expire_access_tokens()
        assert "declined" in session.call("list_configuration_policies", customer="Documentation Sample")
        session.collect()
        assert "Nobody is signed in" in session.call("sign_out")
    for field in ("code", "code_verifier", "refresh_token"):
        assert sent(service, field)
    assert len(session.secrets) >= 7  # two access, two refresh and one id token, code, verifier
    session.assert_clean()
    for request in service.entra.requests:
        assert "login_hint" not in request.path
        assert account not in request.path
    assert account not in session.arguments


def test_a_sign_in_by_device_code_shows_its_user_code_to_the_person_alone(service, tmp_path):
    session = Session(service, tmp_path, "auto", "human", PC_MCP_AUTH__FLOW="device_code")
    with session.running():
        words = session.call("find_customers", query="Proseware Inc")
        (user_code,) = CODE.findall(words)
        context = ssl.create_default_context(cafile=service.ca_file)
        person.sign_in(URL.findall(words)[0], code=user_code, context=context)
        while "Signed in" not in (said := session.call("sign_in")):
            assert user_code in said
        assert "Proseware" in session.call("find_customers", query="Proseware Inc")
    assert sent(service, "device_code")
    session.assert_clean()
    assert user_code not in session.logged
    assert user_code not in session.arguments
    asking = [answer for answer in session.answers if user_code in answer]
    assert all("enter the code" in answer for answer in asking)
    assert asking[0] == session.answers[0]
    assert user_code not in session.answers[-2]


def test_a_sign_in_that_fails_shows_no_secret(service, browser, tmp_path):
    service.entra.switches.wrong_nonce = True
    session = Session(service, tmp_path, "auto", "human", PC_MCP_AUTH__FLOW="browser")
    with session.running():
        assert "not the expected one" in session.call("sign_in")
        service.entra.switches.wrong_nonce = False
        service.entra.switches.public_client_not_allowed = True
        assert "AADSTS7000218" in session.call("sign_in")
        service.entra.switches.public_client_not_allowed = False
        service.entra.switches.outage = "token"
        assert "sign-in service" in session.call("sign_in")
    codes = {request.form["code"] for request in service.entra.requests if "code" in request.form}
    assert len(codes) == 3
    session.assert_clean()


@pytest.mark.parametrize("kind", ["secret", "federated assertion"])
def test_an_application_that_signs_in_shows_no_secret(service, tmp_path, kind):
    path = tmp_path / "assertion"
    path.write_text(service.entra.federated_assertion())
    proof = (
        {"PC_MCP_AUTH__CLIENT_SECRET": CLIENT_SECRET}
        if kind == "secret"
        else {"PC_MCP_AUTH__ASSERTION_PATH": str(path)}
    )
    client_id = service.entra.confidential_client_id
    session = Session(
        service, tmp_path, "auto", "human", PC_MCP_AUTH__MODE="app", PC_MCP_AUTH__CLIENT_ID=client_id, **proof
    )
    with session.running():
        assert "Signed in" in session.call("sign_in")
        assert "Proseware" in session.call("find_customers", query="Proseware Inc")
        service.entra.expire_access_tokens()
        assert "Proseware" in session.call("find_customers", query="Proseware Inc")
    assert sent(service, "client_secret" if kind == "secret" else "client_assertion")
    session.assert_clean()


def test_settings_never_show_their_secrets():
    secrets = {
        "access_token": "the-access-token",
        "client_secret": "the-client-secret",
        "certificate_password": "the-password",
    }
    settings = Settings(auth={"mode": "token", **secrets})  # type: ignore[arg-type]
    dumps = f"{settings!r} {settings} {settings.auth!r} {settings.model_dump()} {settings.model_dump_json()}"
    assert "client_secret" in dumps
    for secret in secrets.values():
        assert secret not in dumps


async def test_an_address_that_a_client_is_asked_to_open_names_no_account(service, mode):
    account = service.entra.accounts[1].username
    asked = Asked(service, account=1)
    async with connected(service, mode, elicitation=asked, auth={"flow": "browser", "account": account}) as client:
        assert (await answered(client, "sign_in"))["username"] == account
        service.entra.switches.refresh_revoked = 50173
        service.entra.expire_access_tokens()
        await client.call_tool("list_device_batches", {"customer": "Proseware Inc", "refresh": True})
    assert len(asked.urls) == 2
    for url, message in zip(asked.urls, asked.messages, strict=True):
        assert parse_qs(urlsplit(url).query).keys().isdisjoint({"login_hint", "domain_hint", "username"})
        assert account not in url + message
        assert quote(account) not in url


async def test_an_address_that_an_answer_names_holds_no_account(service):
    account = service.entra.accounts[1].username
    async with connected(service, auth={"flow": "browser", "account": account}) as client:
        words = await told(client)
    assert account not in words
    assert "hint" not in words
    assert service.entra.accounts[1].name not in words


async def test_names_of_accounts_are_cleaned_like_all_text(service, browser):
    directory = service.entra.directory
    hostile = f"nestor{HIDDEN}@bellowscloud.com"
    directory.accounts = (dataclasses.replace(directory.accounts[3], username=hostile),)
    async with connected(service) as client:
        result = await client.call_tool("sign_in", {})
    assert not result.is_error
    text, facts = result.content[0].text, result.structured_content
    assert facts["username"].startswith("nestor")
    for shown in (text, json.dumps(facts, ensure_ascii=False)):
        for hidden in ("\u202e", "\u200b", "\x1b", "|", HOSTILE_NAME):
            assert hidden not in shown
    assert "\\<b\\>\\](" in text


async def test_names_in_a_list_of_accounts_are_cleaned_too(service, browser, tmp_path):
    async with connected(service, auth={"token_store": "file"}) as client:
        assert (await answered(client, "sign_in"))["signed_in"]
    (file,) = tmp_path.rglob("tokens-*.bin")
    content = json.loads(file.read_text())
    accounts = content["cache"]["Account"]
    (own,) = accounts.values()
    accounts["another"] = own | {"username": f"other{HIDDEN}", "home_account_id": f"{uuid.uuid4()}.{own['realm']}"}
    file.write_text(json.dumps(content))
    async with connected(service, auth={"token_store": "file"}) as client:
        words = await told(client)
    assert "Several accounts are signed in" in words
    assert service.entra.accounts[0].username in words
    for hidden in ("\u202e", "\u200b", "\x1b"):
        assert hidden not in words
    assert "\\<b\\>" in words


def test_nothing_is_left_where_everybody_may_read(service, browser, tmp_path):
    session = Session(service, tmp_path, "auto", "human", PC_MCP_AUTH__FLOW="browser")
    with session.running():
        assert "Signed in" in session.call("sign_in")
    for folder, _, files in os.walk(tmp_path):
        for name in files:
            path = Path(folder, name)
            text = path.read_bytes().decode("utf-8", "replace")
            if any(secret in text for secret in session.secrets):
                assert path.stat().st_mode & 0o077 == 0, path
    assert any(tmp_path.rglob("tokens-*.bin"))
