"""Arguments as hosts and models send them are read as they were meant, for every tool alike."""

from typing import Any

import pytest
from mcp import Client
from mcp.client._memory import InMemoryTransport
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_PARAMS, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

from pc_mcp.protocol.server import build_server
from pc_mcp.tools import all_tools
from pc_mcp.tools.support.hosts import ADDED_BY_HOSTS
from tests.commands.processes import MODERN
from tests.conftest import settings_for

CONTOSO = {"customer": "Contoso Ltd"}
BATCH = CONTOSO | {"batch": "FINANCE laptops"}
HOSTS_EXTRAS = dict.fromkeys(ADDED_BY_HOSTS, "x") | {"_meta": {"a": [1]}, "random_string": None}


async def content(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The structured content of an answer, without what differs from call to call."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, (arguments, result.content[0].text)
    return result.structured_content | {"next_cursor": "", "as_of": "", "expires_at": ""}


@pytest.mark.slow
async def test_an_optional_argument_that_is_null_or_empty_is_left_out(connect, mode):
    async with connect(mode) as client:
        for tool in all_tools():
            asked = dict(tool.example)
            right = await content(client, tool.name, asked)
            # What find_devices calls optional it needs for now.
            optional = [name for name in tool.parameters["properties"] if name not in asked]
            for nothing in (None, "", "  ", " \u00a0\t"):
                assert await content(client, tool.name, asked | dict.fromkeys(optional, nothing)) == right


@pytest.mark.slow
async def test_what_hosts_add_by_themselves_is_ignored(connect, mode):
    async with connect(mode) as client:
        for tool in all_tools():
            right = await content(client, tool.name, dict(tool.example))
            assert await content(client, tool.name, HOSTS_EXTRAS | tool.example) == right


async def test_numbers_truths_and_lists_may_come_as_text_and_one_value_as_itself(connect, mode):
    plain = {"limit": 1, "refresh": False, "group_by": ["model", "policy"], "fields": ["id"]}
    sent = [
        {"limit": "1", "refresh": "false", "group_by": '["model", "policy"]', "fields": '["id"]'},
        {"limit": " 1 ", "refresh": " False ", "group_by": ' \n[ "model",\t"policy" ] ', "fields": "id"},
        {"limit": 1.0, "refresh": 0, "group_by": "model, policy", "fields": " id "},
        {"limit": "1.0", "refresh": "0", "group_by": "model,policy", "fields": '"id"'},
        {"limit": "1", "refresh": "null", "group_by": ["model", "policy"], "fields": "id"},
    ]
    async with connect(mode) as client:
        right = await content(client, "list_devices", BATCH | plain)
        assert [group["by"] for group in right["groups"]] == ["model", "policy"]
        assert [list(device) for device in right["devices"]] == [["id"]]
        for arguments in sent:
            assert await content(client, "list_devices", BATCH | arguments) == right


async def test_a_strict_schema_that_has_every_argument_filled_in_asks_the_same(connect):
    filled = dict.fromkeys(("serial_number", "manufacturer", "model", "policy", "cursor"), "")
    filled |= {"uploaded_after": "", "uploaded_before": "", "fields": [], "limit": 20, "refresh": False}
    async with connect() as client:
        right = await content(client, "list_devices", BATCH | {"group_by": []})
        assert await content(client, "list_devices", BATCH | filled | {"group_by": "[]"}) == right
        assert await content(client, "list_devices", BATCH | filled | {"group_by": []}) == right
    assert right["groups"] == []


@pytest.mark.slow
async def test_an_identifier_may_come_alone_as_text_of_a_list_or_as_a_number(connect):
    async with connect() as client:
        devices = await content(client, "list_devices", BATCH | {"fields": ["serial_number"]})
        serial = devices["devices"][0]["serial_number"]
        for one in (serial, f'["{serial}"]', f' [ "{serial}" ] ', [serial]):
            found = await content(client, "find_devices", CONTOSO | {"identifiers": one})
            assert [each["identifier"] for each in found["found"]] == [serial]
        # A number of a list stays the text that it was.
        for absent, right in (
            ("51666489220", "51666489220"),
            ("[51666489220]", "51666489220"),
            ([51666489220], "51666489220"),
            (51666489220, "51666489220"),
            ("0999", "0999"),
            ("true", "true"),
        ):
            found = await content(client, "find_devices", CONTOSO | {"identifiers": absent})
            assert found["not_found"] == [right]


async def test_a_name_of_digits_may_come_as_a_number(connect):
    async with connect() as client:
        as_text = await content(client, "list_devices", BATCH | {"model": "5540"})
        assert await content(client, "list_devices", BATCH | {"model": 5540}) == as_text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tool", "after", "before"),
    [
        ("list_device_batches", "created_after", "created_before"),
        ("list_devices", "uploaded_after", "uploaded_before"),
    ],
)
async def test_a_date_may_have_spaces_around_it(connect, tool, after, before):
    spaced = {after: " 2020-03-31", before: "\u00a02025-03-31T14:00:00Z\n"}
    async with connect() as client:
        right = await content(client, tool, CONTOSO | {after: "2020-03-31", before: "2025-03-31T14:00:00Z"})
        assert await content(client, tool, CONTOSO | spaced) == right


@pytest.mark.parametrize("nothing", [None, "", " ", "\u00a0"])
async def test_a_needed_argument_that_is_empty_is_asked_for(connect, nothing):
    async with connect() as client:
        for tool in all_tools():
            for name in tool.parameters.get("required", []):
                result = await client.call_tool(tool.name, {**tool.example, name: nothing})
                assert result.is_error
                assert f"\n- {name} is missing, or empty.\n" in result.content[0].text


async def test_arguments_of_prompts_and_completions_may_be_null_or_numbers_or_a_hosts_own(sandbox):
    """Written out, since no client of the SDK sends what the protocol does not know."""
    async with InMemoryTransport(build_server(settings_for(sandbox))) as (answers, requests):

        async def asked(number: int, method: str, **params: Any) -> dict[str, Any]:
            await requests.send(SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=number, method=method, params=params)))
            message = (await answers.receive()).message
            assert isinstance(message, JSONRPCResponse), message
            return message.result

        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "host", "version": "1"}}
        await asked(1, "initialize", **about)
        await requests.send(SessionMessage(JSONRPCNotification(jsonrpc="2.0", method="notifications/initialized")))
        prompt = {"name": "devices_without_policy"}
        sent = {"customer": 2025, "batch": None} | HOSTS_EXTRAS
        given = await asked(2, "prompts/get", **prompt, arguments=sent)
        right = await asked(3, "prompts/get", **prompt, arguments={"customer": "2025"})
        typed = {"ref": {"type": "ref/prompt"} | prompt, "argument": {"name": "batch", "value": "fin"}}
        before = {"arguments": CONTOSO | {"period": None}}
        completed = await asked(4, "completion/complete", **typed, context=before)
    assert given["messages"] == right["messages"]
    assert completed["completion"]["values"] == ["FINANCE laptops"]


async def test_responses_of_a_client_that_are_no_objects_are_refused_and_null_is_none(sandbox):
    """Written out, since no client of the SDK sends what the protocol does not permit."""
    async with InMemoryTransport(build_server(settings_for(sandbox))) as (answers, requests):
        for number, responses in enumerate((None, {"sign_in": {"code": -32600}}, 1, "", ["x"], {"sign_in": 12345})):
            params = {"name": "find_customers", "arguments": {}, "inputResponses": responses, "_meta": MODERN}
            request = JSONRPCRequest(jsonrpc="2.0", id=number, method="tools/call", params=params)
            await requests.send(SessionMessage(request))
            message = (await answers.receive()).message
            if number < 2:
                assert not message.result["isError"], responses
            else:
                assert "inputResponses is an object" in message.error.message, responses
                assert message.error.code == INVALID_PARAMS
