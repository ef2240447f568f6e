"""What stands for an absent value, in an answer's text or counts, is no value's own name."""

import json

import pytest

from pc_mcp.sandbox import ScriptedResponse
from tests.answers.reading import table_below

ID = "47021739-3426-40bf-9601-61b4b6d7c793"
OF_CUSTOMER = {"customer": ID}
# What is sent, and how a cell, the counts and a sentence show it.
SENT = (None, "", "\u200b", "(none)", "-", "None", '"(none)"', "finished")
CELLS = ("-", "-", "-", '"(none)"', '"-"', '"None"', '""(none)""', "finished")
COUNTS = {"(none)": 3, '"(none)"': 1, '"-"': 1, '"None"': 1, '""(none)""': 1, "finished": 1}
SENTENCE = ("(none) 3", '"(none)" 1', '"-" 1', '"None" 1', "\"'(none)'\" 1", '"finished" 1')


@pytest.fixture
def asked(connect, sandbox):
    """Both halves of the answer to a question, where the service answers with this body below this path."""

    async def call(path, body, tool, arguments):
        sandbox.switches.scripted = [ScriptedResponse(path, body=json.dumps(body).encode())]
        async with connect() as client:
            result = await client.call_tool(tool, arguments)
        assert not result.is_error, result.content[0].text
        return result.content[0].text, result.structured_content

    return call


def check_counts(text, by_status, number_of):
    assert {each["value"]: each[number_of] for each in by_status} == COUNTS
    (line,) = [line for line in text.split("\n") if line.startswith("By status: ")]
    assert sorted(line.removeprefix("By status: ").removesuffix(".").split(", ")) == sorted(SENTENCE)


async def test_batches_of_any_status_and_maker_are_told_apart(asked):
    items = [{"id": f"B{n}", "devicesCount": 1, "status": s, "createdBy": s} for n, s in enumerate(SENT)]
    text, data = await asked("/deviceBatches", {"items": items}, "list_device_batches", OF_CUSTOMER)
    rows = table_below(text, "batch", "devices", "created", "status", "created by")
    assert [row[3] for row in rows] == [row[4] for row in rows] == list(CELLS)
    assert [batch["status"] for batch in data["batches"]] == [None] * 3 + list(SENT[3:])
    check_counts(text, data["by_status"], "batches")


async def test_devices_of_an_upload_of_any_status_are_told_apart(asked):
    rows = [{"serialNumber": s, "status": s, "errorDescription": s} for s in SENT]
    body = {"batchTrackingId": "t", "status": "finished", "devicesStatus": rows}
    arguments = OF_CUSTOMER | {"batch_tracking_id": "t"}
    text, data = await asked("/batchJobStatus", body, "get_batch_upload_status", arguments)
    shown = table_below(text, "serial number", "product key", "status", "error", "meaning", "device id")
    for column in (0, 2, 4):
        assert sorted(row[column] for row in shown) == sorted(CELLS)
    check_counts(text, data["by_status"], "devices")


async def test_an_upload_whose_status_shows_nothing_has_none(asked):
    body = {"batchTrackingId": "t", "status": "\u200b", "devicesStatus": [{"status": "finished"}]}
    arguments = OF_CUSTOMER | {"batch_tracking_id": "t"}
    text, data = await asked("/batchJobStatus", body, "get_batch_upload_status", arguments)
    assert "the upload has no status" in text
    assert data["status"] is None


async def test_policies_and_customers_of_any_name_are_told_apart(asked):
    policies = [{"name": s, "description": s, "policySettings": [s]} for s in SENT]
    arguments = ("list_configuration_policies", OF_CUSTOMER)
    text, data = await asked("/policies", {"items": policies}, *arguments)
    head = ("policy", "devices assigned", "settings", "description", "category", "created", "modified", "id")
    rows = table_below(text, *head)
    for column in (0, 2, 3):
        assert [row[column] for row in rows] == list(CELLS)
    assert [policy["settings"] for policy in data["policies"]] == [[]] * 3 + [[s] for s in SENT[3:]]

    customers = [{"id": f"{n}{ID[1:]}", "companyProfile": {"companyName": s}} for n, s in enumerate(SENT)]
    text, data = await asked("/customers?", {"items": customers}, "find_customers", {})
    rows = table_below(text, "name", "domain", "id", "relationship")
    assert sorted(row[0] for row in rows) == sorted(CELLS)
    assert {customer["name"] for customer in data["customers"]} == {None, *SENT[3:]}


async def test_a_value_that_is_called_others_is_not_the_rest_of_its_group(asked):
    items = [{"serialNumber": f"S{n}", "modelName": "others"} for n in range(3)]
    items += [{"serialNumber": f"M{n}", "modelName": f"{'Model' * 20} {n}"} for n in range(90)]
    text, _ = await asked("/devices", {"items": items}, "list_devices", OF_CUSTOMER | {"group_by": ["model"]})
    values = [row[0] for row in table_below(text, "model", "devices")]
    assert (values[0], values[-1]) == ('"others"', "72 others")
