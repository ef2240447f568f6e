"""What the suites that others wrote are given to read is every text that a model gets before it calls a tool."""

import pytest
from mcp import Client

from conformance.texts import texts
from pc_mcp.protocol.server import build_server
from pc_mcp.settings import Settings

pytestmark = pytest.mark.slow


async def test_every_description_is_scanned(tmp_path):
    server = build_server(Settings(exports={"folder": tmp_path}))
    async with Client(server) as client:
        tools = (await client.list_tools()).tools
        prompts = (await client.list_prompts()).prompts
        templates = (await client.list_resource_templates()).resource_templates
        described = [*tools, *prompts, *templates, *(each for prompt in prompts for each in prompt.arguments or [])]
        instructions = client.instructions
    scanned = [item["description"] for item in await texts(server)]
    assert len(scanned) == len(tools) + len(prompts) + len(templates) + 1
    for text in [instructions, *(each.description for each in described)]:
        assert any(text in words for words in scanned), text
    assert "export_devices" in {tool.name for tool in tools}
