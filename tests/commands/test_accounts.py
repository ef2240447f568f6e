"""Which way of signing in the settings choose, and what is said where they choose none."""

import logging
import re
import subprocess
import sys

import pytest

from pc_mcp.auth import NotConfigured, StaticToken, Unconfigured
from pc_mcp.auth.delegated import DelegatedTokens
from pc_mcp.commands.cli import main, parser
from pc_mcp.protocol.token_providers import NO_CLIENT_ID, token_provider
from pc_mcp.runtime.failures import AddressRefused, Failure
from pc_mcp.settings import ConfigurationError, Settings
from tests.commands.processes import environment

CLIENT_ID = "00000000-0000-4000-8000-00000000000a"
SECRET = "a-secret-of-the-application"


def provider(**auth):
    return token_provider(Settings(auth=auth))


async def test_a_configured_token_is_sent_as_it_is():
    tokens = provider(mode="token", access_token="abc.def")
    assert isinstance(tokens, StaticToken)
    async with tokens:
        assert await (await tokens.account()).token() == "abc.def"
        assert (await tokens.sign_in()).signed_in


async def test_a_token_that_is_missing_is_no_reason_to_fail_before_it_is_needed():
    async with provider(mode="token") as tokens:
        assert (await tokens.status()).signed_in is False
        with pytest.raises(NotConfigured, match="PC_MCP_AUTH__ACCESS_TOKEN"):
            await tokens.sign_in()


@pytest.mark.parametrize("mode", ["delegated", "app"])
async def test_without_a_client_id_every_way_says_what_to_configure(mode):
    tokens = provider(mode=mode)
    assert isinstance(tokens, Unconfigured)
    async with tokens:
        for work in (tokens.account, tokens.sign_in):
            with pytest.raises(NotConfigured) as caught:
                await work()
            assert str(caught.value) == NO_CLIENT_ID
        for status in (await tokens.status(), await tokens.sign_out()):
            assert (status.signed_in, status.note) == (False, NO_CLIENT_ID)


def test_what_is_said_without_a_client_id_names_the_setting_the_documents_and_commands_that_exist():
    for word in ("auth.client_id", "PC_MCP_AUTH__CLIENT_ID", "docs/sign-in.md", "administrator"):
        assert word in NO_CLIENT_ID
    commands = re.findall(r"pc-mcp ([a-z][^,():]*?)(?= \(|, |$)", NO_CLIENT_ID)
    assert commands == ["install CLIENT --client-id ID --tenant-id ID", "install CLIENT --sandbox", "demo"]
    for command in commands:
        assert parser().parse_args(command.replace("CLIENT", "cursor").split())


async def test_tools_without_a_client_id_say_what_to_configure(connect, sandbox, mode):
    async with connect(mode, auth={"mode": "delegated", "access_token": None}) as client:
        for tool in ("find_customers", "sign_in"):
            result = await client.call_tool(tool, {})
            assert result.is_error
            assert "Set auth.client\\_id" in result.content[0].text or "Set auth.client_id" in result.content[0].text
        left = await client.call_tool("sign_out", {})
    assert left.structured_content["signed_in"] is False
    assert sandbox.requests == []


@pytest.mark.parametrize("way", [None, "browser", "device_code"])
async def test_a_person_signs_in_by_default_and_nothing_is_asked_before_it_is_needed(way):
    tokens = token_provider(Settings(auth={"client_id": CLIENT_ID}), way)
    assert isinstance(tokens, DelegatedTokens)
    async with tokens:
        pass


@pytest.mark.parametrize("command", ["login", "logout", "status"])
def test_the_commands_say_what_to_configure(command, tmp_path, monkeypatch, capsys):
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    before = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        assert main([command]) == (0 if command == "logout" else 1)
    finally:
        logging.getLogger().handlers[:], logging.getLogger().level = before
    shown = capsys.readouterr()
    assert NO_CLIENT_ID in " ".join((shown.out + shown.err).split())


async def test_an_application_needs_a_tenant_of_its_own():
    async with provider(mode="app", client_id=CLIENT_ID, client_secret=SECRET) as tokens:
        with pytest.raises(NotConfigured, match=r"auth\.tenant_id"):
            await tokens.account()


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"client_secret": SECRET, "assertion_path": "x"},
        {"client_secret": SECRET, "certificate_path": "x"},
        {"certificate_path": "x", "assertion_path": "x"},
        {"certificate_password": SECRET},
        {"private_key_path": "x"},
    ],
)
async def test_an_application_has_exactly_one_credential(credentials):
    async with provider(mode="app", client_id=CLIENT_ID, tenant_id="example.com", **credentials) as tokens:
        with pytest.raises(NotConfigured, match="exactly one of") as caught:
            await tokens.account()
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "files",
    [
        {"certificate_path": "missing.pfx"},
        {"certificate_path": "missing.pem", "private_key_path": "missing.key"},
    ],
)
async def test_a_certificate_that_is_not_there_is_named(files, tmp_path):
    paths = {name: tmp_path / file for name, file in files.items()}
    async with provider(mode="app", client_id=CLIENT_ID, tenant_id="example.com", **paths) as tokens:
        with pytest.raises(NotConfigured, match=r"missing\.(pfx|pem|key).*cannot be read"):
            await tokens.account()


def test_failures_say_with_what_a_command_ends():
    assert (Failure.exit_status, AddressRefused.exit_status, ConfigurationError.exit_status) == (1, 1, 2)
    assert issubclass(AddressRefused, Failure)
    assert issubclass(ConfigurationError, Failure)


@pytest.mark.slow
def test_making_a_provider_imports_neither_msal_nor_the_keyring(tmp_path):
    program = (
        "import sys\n"
        "from pc_mcp.protocol.token_providers import token_provider\n"
        "from pc_mcp.settings import Settings\n"
        f"token_provider(Settings(auth={{'client_id': '{CLIENT_ID}'}}))\n"
        "print([name for name in ('msal', 'keyring', 'cryptography', 'jwt', 'requests') if name in sys.modules])\n"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout == "[]\n"
