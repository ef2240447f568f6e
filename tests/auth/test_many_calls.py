"""Many calls at once: one sign-in, one refresh, an event loop that never waits; nothing is imported too early."""

import asyncio
import logging
import subprocess
import sys

import anyio
import pytest

from tests.auth.people import Asked, answered, asked, connected

pytestmark = pytest.mark.slow

CALLS = 20
IMPORTS = """
import anyio, sys
from mcp import Client
from pc_mcp.protocol.server import build_server
from pc_mcp.settings import Settings

async def main():
    auth = {"client_id": "0c7a4f6e-52d1-4b0e-9c53-1f6d5a3e8b21"}
    async with Client(build_server(Settings(auth=auth))) as client:
        assert (await client.list_tools()).tools
        assert (await client.list_prompts()).prompts

anyio.run(main)
# Cryptography is in any case: the MCP SDK itself imports it.
late = {"msal", "keyring", "filelock", "requests", "pc_mcp.auth.entra", "pc_mcp.auth.store", "pc_mcp.auth.app_only"}
print(*(late & set(sys.modules)))
"""


async def many(client) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(CALLS):
            tasks.start_soon(answered, client)


@pytest.mark.usefixtures("browser")
async def test_calls_without_a_token_share_one_sign_in(service, mode):
    async with connected(service, mode) as client:
        await many(client)
    assert asked(service) == {"authorize": 1, "authorization_code": 1}


async def test_calls_with_an_expired_token_share_one_refresh(service, mode):
    async with connected(service, mode, elicitation=Asked(service), auth={"flow": "browser"}) as client:
        await answered(client)
        service.entra.expire_access_tokens()
        await many(client)
    assert asked(service) == {"authorize": 1, "authorization_code": 1, "refresh_token": 1}


async def test_signing_in_does_not_block_the_event_loop(service, caplog):
    loop = asyncio.get_running_loop()
    loop.slow_callback_duration = 0.25
    loop.set_debug(True)
    caplog.set_level(logging.WARNING, "asyncio")
    auth = {"flow": "browser", "token_store": "file"}
    async with connected(service, elicitation=Asked(service), auth=auth) as client:
        await answered(client)
        service.entra.expire_access_tokens()
        await answered(client)
        await answered(client, "sign_out")
    loop.set_debug(False)
    assert [r.getMessage() for r in caplog.records if "Executing" in r.getMessage()] == []


def test_listing_tools_imports_nothing_that_signing_in_needs():
    result = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, timeout=50, check=True)
    assert result.stdout.split() == []
