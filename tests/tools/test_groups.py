"""Counts by one fact or by two at once: what both halves of an answer say of them."""

import json

import pytest

from pc_mcp.sandbox import ScriptedResponse, documents
from tests.answers.reading import table_below
from tests.scripted import ask

CUSTOMER, BATCH = documents.CUSTOMER_ID, "Lot 1"
DEVICES = [
    {"serialNumber": "1", "modelName": "Latitude", "uploadedDate": "2026-02-03T00:00:00Z"},
    {"serialNumber": "2", "modelName": "Surface", "uploadedDate": "2025-12-31T00:00:00Z"},
    {"serialNumber": "3", "modelName": "Surface", "uploadedDate": "2026-02-04T00:00:00Z"},
    {"serialNumber": "4", "modelName": "Surface", "uploadedDate": "2026-02-04T00:00:00Z"},
    {"serialNumber": "5", "modelName": "Surface"},
]


@pytest.fixture
def lot(sandbox) -> None:
    listed = [{"id": BATCH, "devicesCount": len(DEVICES), "creationDate": "2025-12-01T00:00:00Z"}]
    sandbox.switches.scripted = [
        ScriptedResponse("/devices", body=json.dumps({"items": DEVICES}).encode()),
        ScriptedResponse("/deviceBatches", body=json.dumps({"items": listed}).encode()),
    ]


async def test_combinations_of_two_are_counted_in_both_halves(connect, mode, lot):
    async with connect(mode) as client:
        result = await client.call_tool("list_devices", {"customer": CUSTOMER, "group_by": ["batch+model"]})
    (group,) = result.structured_content["groups"]
    assert (group["by"], group["order"], group["other"]) == ("batch+model", "-devices", 0)
    assert group["values"] == [
        {"value": BATCH, "second": "Surface", "devices": 4},
        {"value": BATCH, "second": "Latitude", "devices": 1},
    ]
    text = result.content[0].text
    assert "\n\nGroups, most devices first:\n\n" in text
    assert table_below(text, "batch", "model", "devices") == [[BATCH, "Surface", "4"], [BATCH, "Latitude", "1"]]


async def test_times_are_in_their_order_and_devices_without_one_come_last(connect, mode, lot):
    by = ["uploaded_year", "uploaded_month", "uploaded_month+model"]
    async with connect(mode) as client:
        result = await client.call_tool("list_devices", {"customer": CUSTOMER, "group_by": by})
    year, month, both = result.structured_content["groups"]
    assert [(each["value"], each["devices"]) for each in year["values"]] == [("2025", 1), ("2026", 3), ("(none)", 1)]
    assert [each["value"] for each in month["values"]] == ["2025-12", "2026-02", "(none)"]
    assert [tuple(each.values()) for each in both["values"]] == [
        ("2025-12", "Surface", 1),
        ("2026-02", "Surface", 2),
        ("2026-02", "Latitude", 1),
        ("(none)", "Surface", 1),
    ]
    assert {group["order"] for group in (year, month, both)} == {"time"}
    assert "Groups in the order of time:" in result.content[0].text


async def test_one_device_comes_without_tables_that_nobody_asked_for(connect, lot):
    async with connect() as client:
        one = {"customer": CUSTOMER, "model": "latitude"}
        assert (await ask(client, "list_devices", **one))["groups"] == []
        (asked,) = (await ask(client, "list_devices", **one, group_by="policy"))["groups"]
        assert asked["values"] == [{"value": "(none)", "devices": 1}]
        several = await ask(client, "list_devices", customer=CUSTOMER)
        assert [group["by"] for group in several["groups"]] == ["model", "policy", "batch"]


async def test_the_same_group_written_twice_is_counted_once(connect, lot):
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CUSTOMER, group_by=["batch + model", "batch+model"])
    assert [group["by"] for group in answer["groups"]] == ["batch+model"]


@pytest.mark.parametrize("count", [0, None, 3])
async def test_a_batch_without_devices_is_called_empty_unless_it_is_said_to_have_some(connect, sandbox, mode, count):
    listed = [{"id": BATCH, "devicesCount": count, "creationDate": "2025-12-01T00:00:00Z"}]
    sandbox.switches.scripted = [
        ScriptedResponse("/devices", body=json.dumps({"totalCount": 0, "items": []}).encode()),
        ScriptedResponse("/deviceBatches", body=json.dumps({"items": listed}).encode()),
    ]
    async with connect(mode) as client:
        whole = await ask(client, "list_devices", customer=CUSTOMER, batch=BATCH)
        some = await ask(client, "list_devices", customer=CUSTOMER, batch=BATCH, model="surface")
    empty = not count
    assert ('of "Documentation Sample", which is empty; complete' in whole["summary"]) == empty
    assert ("which is empty, match (model contains" in some["summary"]) == empty


@pytest.mark.parametrize("wanted", [{"order_by": "-uploaded"}, {"serial_number": "1"}])
async def test_who_wants_certain_devices_gets_no_tables_that_nobody_asked_for(connect, lot, wanted):
    async with connect() as client:
        assert (await ask(client, "list_devices", customer=CUSTOMER, **wanted))["groups"] == []
        (asked,) = (await ask(client, "list_devices", customer=CUSTOMER, **wanted, group_by="batch"))["groups"]
    assert asked["by"] == "batch"


async def test_batches_that_no_group_names_are_named(connect, mode, sandbox):
    listed = [{"id": name, "devicesCount": count} for name, count in (("Full", 5), ("Nothing", 0), ("Void", 0))]
    empty = ScriptedResponse("/devices", body=b'{"items": []}')
    sandbox.switches.scripted = [
        ScriptedResponse("/Full/devices", body=json.dumps({"items": DEVICES}).encode()),
        empty,
        ScriptedResponse("/deviceBatches", body=json.dumps({"items": listed}).encode()),
    ]
    note = '2 batches are empty, and in no group: "Nothing", "Void".'
    async with connect(mode) as client:
        grouped = await ask(client, "list_devices", customer=CUSTOMER, limit=0, group_by=["batch"])
        others = [
            await ask(client, "list_devices", customer=CUSTOMER, limit=0, group_by=["model"]),
            await ask(client, "list_devices", customer=CUSTOMER, limit=0, group_by=["batch"], model="surface"),
        ]
        nothing = await client.call_tool("list_devices", {"customer": CUSTOMER, "batch": "Void"})
    assert note in grouped["notes"]
    assert not [each for answer in others for each in answer["notes"] if "empty" in each]
    assert "Groups" not in nothing.content[0].text
