"""The service's own counts of devices by policy: called old where the devices are known, and never taken for theirs."""

import json

from pc_mcp.sandbox import ScriptedResponse, documents
from tests.answers.reading import check_halves
from tests.scripted import ask

CUSTOMER = documents.CUSTOMER_ID
POLICIES = [("p1", "Kiosk", 2), ("p2", "Reception", 1), ("p3", "Twin", 7), ("p4", "twin", 7), ("p5", "Nobody", 3)]


def scripted(devices):
    policies = [{"id": key, "name": name, "devicesAssignedCount": count} for key, name, count in POLICIES]
    items = [{"serialNumber": f"{n}", "policies": [{"key": "o_o_b_e", "value": key}]} for n, key in enumerate(devices)]
    listed = [{"id": "Lot", "devicesCount": len(items)}]
    return [
        ScriptedResponse("/policies", body=json.dumps({"items": policies}).encode(), times=100),
        ScriptedResponse("/devices", body=json.dumps({"items": items}).encode(), times=100),
        ScriptedResponse("/deviceBatches", body=json.dumps({"items": listed}).encode(), times=100),
    ]


async def noted(client):
    result = await client.call_tool("list_configuration_policies", {"customer": CUSTOMER})
    check_halves(result.content[0].text, result.structured_content, 8000)
    return result.structured_content["notes"][-1]


async def test_counts_are_called_old_once_the_devices_are_known_to_be_others(connect, sandbox, mode):
    sandbox.switches.scripted = scripted(["p1", "p1", "p1", "p2", "p3"])
    async with connect(mode) as client:
        before = await noted(client)
        await ask(client, "list_devices", customer=CUSTOMER, limit=0)
        after = await noted(client)
    assert before.startswith("devices_assigned is the service's own count, and can be old and far off")
    assert after.startswith("devices_assigned may be old: the devices themselves, as of ")
    # Which of two policies of one name a device has is not told by the name.
    assert after.endswith('UTC, are others: "Kiosk" 3, "Nobody" 0.')


async def test_counts_that_are_those_of_the_devices_are_not_called_old(connect, sandbox):
    sandbox.switches.scripted = scripted(["p1", "p1", "p2", "p5", "p5", "p5"])
    async with connect() as client:
        await ask(client, "list_devices", customer=CUSTOMER, limit=0)
        note = await noted(client)
    assert "; it is that of the devices as of " in note
    assert note.endswith("UTC, for 3 of the policies.")


async def test_devices_without_a_policy_or_with_several_are_not_taken_for_those_of_one(connect, sandbox):
    sandbox.switches.scripted = scripted(["p1", "p1"])
    policies = [("p1", "Kiosk", 3), ("p2", "Reception", 1), ("p6", "None", 1)]
    listed = [{"id": key, "name": name, "devicesAssignedCount": count} for key, name, count in policies]
    of = [["p1"], ["p1"], ["p1", "p2"], ["p6"], [], []]
    items = [
        {"serialNumber": f"{n}", "policies": [{"key": "o_o_b_e", "value": each} for each in keys]}
        for n, keys in enumerate(of)
    ]
    sandbox.switches.scripted[0].body = json.dumps({"items": listed}).encode()
    sandbox.switches.scripted[1].body = json.dumps({"items": items}).encode()
    async with connect() as client:
        await ask(client, "list_devices", customer=CUSTOMER, limit=0)
        note = await noted(client)
    assert "; it is that of the devices as of " in note
    assert note.endswith("UTC, for 1 of the policies.")


async def test_nothing_is_said_of_devices_that_were_not_all_read(connect, sandbox):
    sandbox.switches.scripted = scripted(["p1"])
    sandbox.switches.scripted[2].body = b'{"items": [{"id": "Lot", "devicesCount": 1}, {"id": "Refused"}]}'
    sandbox.switches.scripted.insert(0, ScriptedResponse("/Refused/devices", 403, b'{"code": 900308}', times=100))
    async with connect() as client:
        await ask(client, "list_devices", customer=CUSTOMER, limit=0)
        assert "can be old and far off" in await noted(client)
