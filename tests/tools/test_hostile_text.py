"""Text from the service is data: nothing hidden, live or long of it reaches a model, through any field."""

import json
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult

from pc_mcp.answers import cleaned
from pc_mcp.sandbox import ScriptedResponse
from pc_mcp.sandbox.hostile import BATCH_IDS, TEXTS
from pc_mcp.tools import all_tools
from tests.answers.reading import LIVE_LINK, check_cleaned, hidden, notes, texts

pytestmark = pytest.mark.no_cover

PROSEWARE = {"customer": "Proseware Inc"}
ALL_FIELDS = ["id", "serial_number", "manufacturer", "model", "policy", "batch", "uploaded", "product_key"]
GROUPS = ["manufacturer", "model", "policy", "batch"]
ID = "5f6f8a4c-8f43-4e31-a0a3-3c3a5ff4bb12"


def check(result: CallToolResult) -> None:
    assert not result.is_error, result.content[0].text
    text, data = result.content[0].text, result.structured_content
    check_cleaned(text, data)
    sentences = {data["summary"], *notes(text), *(item["note"] for item in data.get("attention", []))}
    assert all(len(value) <= 120 for value in texts(data) if value not in sentences)


@pytest.fixture
def hostile(sandbox):
    """Every text of the service's answers is this one, whatever the field."""

    def answer(match: str, body: object) -> None:
        sandbox.switches.scripted.append(ScriptedResponse(match, 200, json.dumps(body).encode()))

    def set_text(text: str) -> None:
        policies = [{"value": text}]
        device = dict.fromkeys(("id", "serialNumber", "productKey", "modelName", "oemManufacturerName"), text)
        uploaded = dict.fromkeys(("deviceId", "serialNumber", "productKey", "status", "errorDescription"), text)
        batch = {"id": text, "createdBy": text, "status": text, "devicesCount": 3}
        policy = dict.fromkeys(("id", "name", "category", "description"), text) | {"policySettings": [text]}
        profile = {"companyName": text, "domain": text}
        customers = [{"id": ID, "companyProfile": profile, "relationshipToPartner": text}]
        customers.append({"id": text, "companyProfile": profile})
        answer("/devices", {"items": [device | {"policies": policies}] * 2 + [7]})
        answer("/deviceBatches", {"items": [batch, None]})
        answer("/policies", {"items": [policy, "odd"]})
        answer("/batchJobStatus", {"status": text, "devicesStatus": [uploaded | {"errorCode": text}, 3]})
        answer(f"/customers/{ID}", customers[0])
        answer("/customers?", {"items": [*customers, []]})

    return set_text


@pytest.mark.slow
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
async def test_hostile_text_in_every_field_of_every_tool_is_cleaned(connect, hostile, text):
    hostile(text)
    everything = {"customer": ID, "fields": ALL_FIELDS, "group_by": GROUPS}
    async with connect() as client:
        for tool in all_tools():
            arguments = {name: value for name, value in everything.items() if name in tool.parameters["properties"]}
            asked = {"query": None} if tool.name == "find_customers" else {**tool.example, **arguments}
            result = await client.call_tool(tool.name, asked)
            check(result)
            assert text not in result.content[0].text or text.isprintable()


# An id that is as long as the last one cannot be asked for.
@pytest.mark.parametrize("text", TEXTS[:-1], ids=range(len(TEXTS) - 1))
async def test_hostile_text_in_an_error_is_cleaned(connect, sandbox, hostile, text):
    part = cleaned(text)[:3]
    other = f"{cleaned(text)[:9]}q"
    sandbox.switches.scripted.append(ScriptedResponse("q/devices", 404))
    hostile(text)
    async with connect() as client:
        for arguments, beginning in (
            ({"customer": ID, "batch": other}, "The customer has no batch"),
            ({"customer": part}, "2 customers match"),
        ):
            result = await client.call_tool("list_devices", arguments)
            words = result.content[0].text
            assert result.is_error
            assert words.startswith(beginning)
            assert "Nearest: " in words or " id " in words
            assert hidden(words) == []
            assert LIVE_LINK.search(words) is None
            assert len(words) <= 4000


@pytest.mark.slow
async def test_a_batch_is_found_by_what_an_answer_shows_of_its_id(connect):
    async with connect() as client:
        ids: list[str] = []
        cursor = None
        while cursor or not ids:
            listed = await client.call_tool("list_device_batches", PROSEWARE | {"cursor": cursor})
            check(listed)
            ids += [batch["id"] for batch in listed.structured_content["batches"]]
            cursor = listed.structured_content["next_cursor"]
        assert len(ids) == len(BATCH_IDS)
        for batch in ids:
            await devices_of(client, batch)


async def devices_of(client: Client, batch: str) -> dict[str, Any]:
    arguments = PROSEWARE | {"batch": batch, "limit": 5, "fields": ALL_FIELDS}
    result = await client.call_tool("list_devices", arguments)
    check(result)
    assert result.structured_content["batch"] == batch
    return result.structured_content


async def test_product_keys_are_masked_unless_a_setting_reveals_them(connect):
    asked = {"customer": "Contoso Ltd", "batch": "FINANCE laptops", "fields": ["product_key"]}
    async with connect() as client:
        masked = (await client.call_tool("list_devices", asked)).structured_content["devices"]
    async with connect(answers={"reveal_product_keys": True}) as client:
        whole = (await client.call_tool("list_devices", asked)).structured_content["devices"]
    keys = [device["product_key"] for device in whole]
    assert all(len(key) > 20 for key in keys)
    assert [device["product_key"] for device in masked] == [f"*****{key[-5:]}" for key in keys]
