"""Filters by name: what is absent, what is called like it, and what nobody has."""

import json

import pytest

from pc_mcp.sandbox import ScriptedResponse
from tests.scripted import ask

CUSTOMER = "Contoso Ltd"
POLICIES = [{"id": "p-1", "name": "Kiosk mode"}, {"id": "{A47021739}", "name": "Never assigned"}]
DEVICES = [
    {"serialNumber": "1", "modelName": "Latitude\u00a05540", "policies": [{"value": "None"}]},
    {"serialNumber": "2", "modelName": "(none)", "policies": [{"value": "(none)"}]},
    {"serialNumber": "3", "modelName": "-", "policies": [{"value": "-"}]},
    {"serialNumber": "4", "policies": [{"value": None}]},
    {"serialNumber": "5", "modelName": "Latitude 5540", "policies": [{"value": "P\u20111"}]},
]


@pytest.fixture
def served(sandbox):
    for match, items in (("/devices", DEVICES), ("/deviceBatches", [{"id": "Lot"}]), ("/policies", POLICIES)):
        body = json.dumps({"items": items}).encode()
        sandbox.switches.scripted.append(ScriptedResponse(match=match, body=body, times=1000))


async def serials(client, **where):
    answer = await ask(client, "list_devices", customer=CUSTOMER, **where)
    return "".join(row["serial_number"] for row in answer["devices"])


async def test_what_is_absent_and_what_is_called_so_are_told_apart_by_filters(connect, served):
    cases = [
        ({"policy": "none"}, "4"),
        ({"policy": " None "}, "4"),
        ({"policy": "(none)"}, "4"),
        ({"policy": "(NONE)"}, "4"),
        ({"policy": "-"}, "4"),
        ({"policy": "\u2013"}, "4"),
        ({"policy": '"None"'}, "12"),
        ({"policy": "“(none)”"}, "2"),
        ({"policy": "'-'"}, "3"),
        ({"policy": '"kiosk"'}, "5"),
        ({"model": "(none)"}, "4"),
        ({"model": "-"}, "4"),
        ({"model": '"-"'}, "3"),
        ({"model": "Latitude 5540"}, "15"),
        ({"model": "latitude\u00a0 5540"}, "15"),
        ({"manufacturer": "(none)"}, "12345"),
    ]
    async with connect() as client:
        for where, expected in cases:
            assert await serials(client, **where) == expected, where


async def test_each_half_of_an_answer_tells_them_apart_as_the_filter_takes_them(connect, served):
    async with connect() as client:
        result = await client.call_tool("list_devices", {"customer": CUSTOMER, "group_by": ["policy"]})
        data, text = result.structured_content, result.content[0].text
        values = {group["value"] for group in data["groups"][0]["values"]}
        assert values == {'"None"', '"(none)"', '"-"', "(none)", "Kiosk mode"}
        assert [row["policy"] for row in data["devices"]] == ["None", "(none)", "-", None, "Kiosk mode"]
        for value in values:
            assert f"| {value} | 1 |" in text
            assert len(await serials(client, policy=value)) in (1, 2)
        for line in ('| 1 | - | Latitude 5540 | "None" |', '| 3 | - | "-" | "-" |', "| 4 | - | - | - |"):
            assert line in text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("where", "note"),
    [
        ({"policy": "Kiosc mode"}, 'No device has a policy that is called so. Nearest: "Kiosk mode" (1 device).'),
        ({"policy": "never"}, 'No device has a policy that is called so. Nearest: "Never assigned" (0 devices).'),
        ({"policy": "Zzz"}, "No device has a policy that is called so. Nearest: "),
        ({"model": "Latitude 5450"}, 'No device has a model that is called so. Nearest: "Latitude'),
        ({"manufacturer": "Dell"}, "No device has a manufacturer that is called so."),
        (
            {"manufacturer": "none"},
            'No device has a manufacturer that is called so. For devices without one ask manufacturer="(none)".',
        ),
        ({"model": "N/A"}, 'No device has a model that is called so. For devices without one ask model="(none)".'),
        ({"policy": "null"}, 'No device has a policy that is called so. For devices without one ask policy="(none)".'),
    ],
)
async def test_what_nobody_has_is_answered_with_0_and_the_nearest_names(connect, served, where, note):
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CUSTOMER, limit=0, **where)
        assert (answer["devices_matched"], answer["complete"]) == (0, True)
        assert [given for given in answer["notes"] if given.startswith(note)]
        together = await ask(client, "list_devices", customer=CUSTOMER, limit=0, model="Latitude", policy="none")
    assert not any("called so" in note for note in together["notes"])


async def test_what_only_repeats_the_question_or_is_about_no_device_of_it_needs_no_attention(connect, served, sandbox):
    batches = json.dumps({"items": [{"id": "Lot", "devicesCount": 7}]}).encode()
    sandbox.switches.scripted.insert(1, ScriptedResponse(match="/deviceBatches", body=batches, times=1000))
    async with connect() as client:
        kinds = {}
        for policy in ("", "none", "(none)", "Zzz"):
            answer = await ask(client, "list_devices", customer=CUSTOMER, policy=policy, limit=0)
            kinds[policy] = [item["kind"] for item in answer["attention"]]
        whole = await ask(client, "list_devices", customer=CUSTOMER, limit=0)
    others = ["without_model", "without_manufacturer", "without_upload_date"]
    everything = ["without_policy", *others, "batch_count_differs"]
    assert kinds == {"": everything, "none": others, "(none)": others, "Zzz": []}
    words = 'devicesCount differs by 2 devices from what was read: batch "Lot"; it says 7 and holds 5.'
    assert whole["attention"][-1]["note"] == words
