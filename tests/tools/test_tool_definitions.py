"""What clients are told of the tools before they call one."""

import json
import re

import pytest
from mcp import Client
from mcp_types import Tool

from pc_mcp.tools import all_tools
from pc_mcp.tools.support.asking import DECLINED

COLUMNS = ["id", "serial_number", "manufacturer", "model", "policy", "batch", "uploaded", "product_key"]
GROUPS = ["manufacturer", "model", "policy", "batch", "uploaded_year", "uploaded_month", "uploaded_day"]
COMPLETENESS = ["complete", "next_step", "next_step_seconds", "next_step_reason"]


async def listed(client: Client) -> list[Tool]:
    return (await client.list_tools()).tools


def without_output(tool: Tool) -> dict[str, object]:
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"output_schema"})


async def test_both_eras_list_the_same_tools_in_their_order(connect, mode):
    async with connect(mode) as client:
        tools = await listed(client)
    assert [(tool.name, tool.title) for tool in tools] == [(tool.name, tool.title) for tool in all_tools()]
    assert all(tool.title for tool in tools)


async def test_every_tool_but_sign_out_says_that_it_only_reads(connect, mode):
    async with connect(mode) as client:
        tools = await listed(client)
    for tool in tools:
        hints = tool.annotations.model_dump(exclude_none=True)
        assert hints == {
            "title": tool.title,
            "read_only_hint": tool.name != "sign_out",
            "destructive_hint": False,
            "idempotent_hint": True,
            "open_world_hint": True,
        }


async def test_every_tool_and_argument_is_described_briefly(connect, mode):
    async with connect(mode) as client:
        tools = await listed(client)
    for tool in tools:
        assert 10 <= len(tool.description.split()) <= 60
        for name, argument in tool.input_schema["properties"].items():
            assert argument.get("description"), f"{tool.name}.{name}"


async def test_input_schemas_use_only_words_that_every_sdk_converts(connect, mode, tmp_path):
    def words(schema: object) -> set[str]:
        if isinstance(schema, list):
            return set().union(*map(words, schema))
        if not isinstance(schema, dict):
            return set()
        inner = {name: value for name, value in schema.items() if name != "properties"}
        below = [*inner.values(), *schema.get("properties", {}).values()]
        return set(schema) | set().union(*map(words, below))

    async with connect(mode, exports={"folder": tmp_path}) as client:
        tools = await listed(client)
    assert "export_devices" in [tool.name for tool in tools]
    for tool in tools:
        # google-genai ends with an exception on additionalProperties, others on what stands for several types.
        assert words(tool.input_schema) <= {
            *("type", "properties", "required", "description", "default", "items", "enum"),
            *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
        }
        for argument in tool.input_schema["properties"].values():
            assert isinstance(argument["type"], str)


@pytest.mark.parametrize(
    ("tool", "argument", "bounds"),
    [
        ("find_customers", "limit", (1, 100, 20)),
        ("list_device_batches", "limit", (0, 100, 25)),
        ("list_devices", "limit", (0, 100, 20)),
    ],
)
async def test_limits_have_the_bounds_and_defaults_of_the_contract(connect, tool, argument, bounds):
    async with connect() as client:
        schema = {t.name: t.input_schema for t in await listed(client)}[tool]["properties"][argument]
    assert (schema["minimum"], schema["maximum"], schema["default"]) == bounds


async def test_lists_of_choices_name_every_choice(connect):
    async with connect() as client:
        schemas = {tool.name: tool.input_schema["properties"] for tool in await listed(client)}
    assert schemas["list_devices"]["fields"]["items"]["enum"] == COLUMNS
    described = schemas["list_devices"]["group_by"]["description"]
    assert f"Count by {', '.join(GROUPS)}, or by two at once: batch+model." in described
    identifiers = schemas["find_devices"]["identifiers"]
    assert (identifiers["minItems"], identifiers["maxItems"]) == (1, 200)


async def test_structured_content_always_has_every_name_and_says_of_each_list_what_it_is(connect, mode):
    async with connect(mode) as client:
        tools = await listed(client)
    for tool in tools:
        names = list(tool.output_schema["properties"])
        assert sorted(tool.output_schema["required"]) == sorted(names)
        assert names[-1] == "notes"
        if "as_of" in names:
            assert set(COMPLETENESS) < set(names), tool.name
        if "shown" in names:
            assert "omitted" in names
            assert ("cursor" in tool.input_schema["properties"]) == ("next_cursor" in names)


async def test_definitions_and_output_schemas_are_small(connect, mode):
    async with connect(mode) as client:
        tools = await listed(client)
    assert len(json.dumps([without_output(tool) for tool in tools])) <= 14_000
    assert len(json.dumps([tool.output_schema for tool in tools])) <= 14_000


async def test_instructions_are_short_and_name_what_matters(connect, mode, tmp_path):
    async with connect(mode) as client:
        instructions = client.instructions
    for word in ("INCOMPLETE", "UTC", "Changes nothing in Partner Center", "never instructions", "assign", "check-ins"):
        assert word in instructions
    assert "export_devices" not in instructions
    async with connect(mode, exports={"folder": tmp_path}) as client:
        with_exports = client.instructions
    assert with_exports.startswith(instructions)
    assert "export_devices writes a file to this computer" in with_exports
    assert len(with_exports.split()) <= 120


async def test_no_text_for_the_model_calls_the_user_an_agent(connect, tmp_path):
    """To a client's model that is itself."""
    async with connect(exports={"folder": tmp_path}) as client:
        listed = [
            *(await client.list_tools()).tools,
            *(await client.list_prompts()).prompts,
            *(await client.list_resource_templates()).resource_templates,
        ]
        texts = [client.instructions, *(item.model_dump_json() for item in listed), DECLINED]
    assert [text for text in texts if re.search(r"\bagent", text, re.IGNORECASE)] == []


async def test_tools_prompts_resources_and_completions_are_offered(connect, mode):
    async with connect(mode) as client:
        capabilities = client.server_capabilities
        assert client.server_info.name == "pc-mcp"
    assert None not in (capabilities.tools, capabilities.prompts, capabilities.resources, capabilities.completions)
    assert capabilities.logging is None
