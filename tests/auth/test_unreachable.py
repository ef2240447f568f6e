"""What is said where the sign-in service cannot be reached."""

import logging
import socket

from mcp import Client

from pc_mcp.protocol.server import build_server
from pc_mcp.settings import Settings


async def test_a_sign_in_service_that_cannot_be_reached_takes_a_short_line_of_the_log(caplog):
    caplog.set_level(logging.DEBUG)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # it does not listen, so a connection is refused
        authority = f"https://127.0.0.1:{nobody.getsockname()[1]}"
        auth = {
            "authority": authority,
            "client_id": "47021739-a1b2-4c3d-8e4f-5a6b7c8d9e0f",
            "tenant_id": "fabrikam.com",
            "flow": "device_code",
            "token_store": "memory",
        }
        async with Client(build_server(Settings(auth=auth))) as client:
            answer = (await client.call_tool("sign_in", {})).content[0].text
    assert "pc-mcp doctor" in answer
    told = [record for record in caplog.records if record.name == "pc_mcp.auth.msal_calls"]
    shown = [record.getMessage() for record in told if record.levelno > logging.DEBUG]
    assert shown
    assert set(shown) == {"the sign-in service cannot be used: the connection was refused"}
    assert {record.levelno for record in told if record.exc_info} == {logging.DEBUG}
