"""Whatever could not be read makes an answer incomplete, and each such answer says what to do next."""

import json

import pytest

from pc_mcp.sandbox import ScriptedResponse

ID = "47021739-3426-40bf-9601-61b4b6d7c793"
CUSTOMER = "Coho Vineyard"
NOT_IN = "is in no count"

LIST = {"list_device_batches": {"customer": ID}, "list_devices": {"customer": ID}}
FIND = {"find_devices": {"customer": ID, "identifiers": ["no-such-device", "2R9-ZNP67"]}}
ODD = {
    "a customer": ("/customers?", [{"id": ID}, {"companyProfile": {"companyName": "X"}}], {"find_customers": {}}),
    "a batch": ("/deviceBatches", [{"id": "Test batch", "devicesCount": 2}, {"id": None}], LIST | FIND),
    "a device": ("/devices", [{"id": "1", "serialNumber": "2R9-ZNP67"}, None], LIST | FIND),
    "a policy": ("/policies", [{"id": "1", "name": "X"}, 7], {"list_configuration_policies": {"customer": ID}}),
    "a row": ("/batchJobStatus", [{"status": "finished"}, 7], {"get_batch_upload_status": {}}),
}


async def asked(client, tool, **arguments):
    """The structured content of an answer whose halves say the same of its completeness."""
    result = await client.call_tool(tool, arguments)
    text, data = result.content[0].text, result.structured_content
    assert not result.is_error, text
    assert text.startswith("INCOMPLETE: ") != data["complete"]
    facts = [data[name] for name in ("next_step", "next_step_seconds", "next_step_reason")]
    if data["complete"]:
        assert facts == [None] * 3
    else:
        assert data["next_step_reason"] in data["notes"]
        assert None not in (facts[0], facts[2])
    return data


@pytest.mark.parametrize("what", ODD)
async def test_an_item_that_cannot_be_read_makes_incomplete_whatever_counts_it(connect, sandbox, what):
    path, items, questions = ODD[what]
    body = {"items": items}
    if path == "/batchJobStatus":
        body = {"batchTrackingId": "t", "status": "finished", "devicesStatus": items}
        questions = {"get_batch_upload_status": {"customer": ID, "batch_tracking_id": "t"}}
    for cut in (items, items[:1]):
        whole = cut is not items
        body = json.loads(json.dumps(body).replace(json.dumps(items), json.dumps(cut)))
        sandbox.switches.scripted = [ScriptedResponse(path, body=json.dumps(body).encode())]
        if what == "a batch":
            devices = {"items": [{"id": "1", "serialNumber": "A1"}, {"id": "2", "serialNumber": "A2"}]}
            sandbox.switches.scripted.insert(0, ScriptedResponse("/devices", body=json.dumps(devices).encode()))
        async with connect() as client:
            for tool, arguments in questions.items():
                if what == "a device" and tool == "list_device_batches":
                    continue
                data = await asked(client, tool, **arguments)
                assert data["complete"] == whole, tool
                assert data["next_step"] == (None if whole else "none"), tool
                assert any("could not be read" in note for note in data["notes"]) != whole, tool


async def test_a_policy_that_cannot_be_read_makes_a_filter_by_policy_incomplete(connect, sandbox):
    device = {"id": "1", "policies": [{"value": "0f5a6f84-9c4e-4d0e-8f9b-1f0a4f6d1a11"}]}
    sandbox.switches.scripted = [
        ScriptedResponse("/policies", body=b'{"items": [7]}'),
        ScriptedResponse("/devices", body=json.dumps({"items": [device]}).encode()),
    ]
    async with connect() as client:
        assert (await asked(client, "list_devices", customer=ID))["complete"]
        by_name = await asked(client, "list_devices", customer=ID, policy="Kiosk")
    assert (by_name["complete"], by_name["next_step"]) == (False, "ask_again")
    assert "with refresh" in by_name["next_step_reason"]


def failing(status, code=None, batch="", **headers):
    body = json.dumps({"code": code}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ScriptedResponse(f"/deviceBatches/{batch}", status, body, named)


STEPS = {
    "a right": (failing(403, 1002), "none", None),
    "a relationship": (failing(403, 20002), "none", None),
    "a batch that vanished": (failing(404, 1000), "none", None),
    "a refusal": (failing(400, 3000), "none", None),
    "another refusal": (failing(451), "none", None),
    "a conflict": (failing(409), "ask_again", 60),
    "a failure": (failing(500, 500, Retry_After="0"), "ask_again", 60),
    "an answer that cannot be read": (ScriptedResponse("/deviceBatches/", body=b"[]"), "ask_again", 60),
    "a sign-in": (failing(401, 800001), "sign_in", None),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", STEPS)
@pytest.mark.parametrize("tool", ["list_devices", "find_devices"])
async def test_the_next_step_is_what_the_failure_of_one_batch_calls_for(connect, sandbox, world, what, tool):
    fault, step, seconds = STEPS[what]
    batch = world.batches(world.customer_id(CUSTOMER))[-1]["id"]
    fault.match = f"/deviceBatches/{batch}/devices"
    sandbox.switches.scripted = [fault]
    arguments = {"identifiers": ["x"]} if tool == "find_devices" else {"limit": 0}
    async with connect() as client:
        data = await asked(client, tool, customer=CUSTOMER, **arguments)
        assert (data["next_step"], data["next_step_seconds"]) == (step, seconds)
        only = [note for note in data["notes"] if "It is this batch only" in note]
        assert bool(only) == (fault.status == 403)
        if step == "none":
            assert "Asking again will not help" in data["next_step_reason"]
        # What may be gone is advised in one way.
        assert ("with refresh" in data["next_step_reason"]) == (fault.status == 404)


async def test_a_right_that_every_batch_lacks_is_not_said_to_be_of_one_batch(connect, sandbox):
    sandbox.switches.scripted = [ScriptedResponse("/devices", 403, b'{"code": 1002}', skip=0)]
    async with connect() as client:
        result = await client.call_tool("list_devices", {"customer": CUSTOMER})
    assert result.is_error
    assert "only" not in result.content[0].text


@pytest.mark.parametrize("code", [1002, 20002, 7])
async def test_a_batch_that_is_refused_is_said_to_be_the_only_one_when_it_is_asked_for_alone(
    connect, sandbox, world, code
):
    batch = world.batches(world.customer_id(CUSTOMER))[-1]["id"]
    refused = failing(403, code)
    refused.match = f"/deviceBatches/{batch}/devices"
    sandbox.switches.scripted = [refused]
    async with connect() as client:
        before = await client.call_tool("list_devices", {"customer": CUSTOMER, "batch": batch})
        await asked(client, "list_devices", customer=CUSTOMER, limit=0)
        after = await client.call_tool("list_devices", {"customer": CUSTOMER, "batch": batch})
    assert before.is_error
    assert after.is_error
    assert "only: others of this customer" not in before.content[0].text
    assert "It is this batch only: others of this customer were read." in after.content[0].text
    assert f"HTTP 403, code {code}" in after.content[0].text


async def test_what_stands_in_the_way_of_everything_comes_first(connect, sandbox, world):
    first, *_, last = [batch["id"] for batch in world.batches(world.customer_id(CUSTOMER))]
    refused = failing(403, 1002)
    refused.match = f"/deviceBatches/{first}/devices"
    failed = failing(500, 500, Retry_After="0")
    failed.match = f"/deviceBatches/{last}/devices"
    sandbox.switches.scripted = [refused, failed]
    async with connect() as client:
        both = await asked(client, "list_devices", customer=CUSTOMER, limit=0)
        assert (both["next_step"], both["next_step_seconds"]) == ("ask_again", 60)
        sandbox.switches.scripted = [refused]
        left = await asked(client, "list_devices", customer=CUSTOMER, limit=0)
        assert (left["next_step"], left["batches_read"]) == ("none", left["batches_total"] - 1)
        sandbox.switches.scripted = []
        assert (await asked(client, "list_devices", customer=CUSTOMER, limit=0))["complete"]


@pytest.mark.slow
async def test_time_that_ran_out_is_gone_on_with_at_once(connect, sandbox, world):
    batch = world.batches(world.customer_id(CUSTOMER))[-1]["id"]
    sandbox.switches.scripted = [ScriptedResponse(f"/deviceBatches/{batch}/devices", hang=True)]
    async with connect(answers={"time_budget_seconds": 2}) as client:
        data = await asked(client, "list_devices", customer=CUSTOMER, limit=0)
    assert (data["next_step"], data["next_step_seconds"]) == ("ask_again", None)
    assert data["notes"][0].startswith("Time ran out")


async def test_a_throttled_list_is_waited_for_as_long_as_the_service_says(connect, sandbox, world):
    batch = world.batches(world.customer_id(CUSTOMER))[-1]["id"]
    throttled = ScriptedResponse(
        f"/deviceBatches/{batch}/devices", 429, b'{"statusCode":429,"message":"x"}', {"Retry-After": "57"}
    )
    sandbox.switches.scripted = [throttled]
    async with connect(answers={"time_budget_seconds": 10}) as client:
        data = await asked(client, "list_devices", customer=CUSTOMER, limit=0)
    assert data["next_step"] == "wait"
    assert 56 <= data["next_step_seconds"] <= 57
    assert f"Wait {data['next_step_seconds']} s" in data["next_step_reason"]


async def test_a_list_of_batches_that_breaks_off_asks_for_a_refresh(connect, sandbox, world):
    batches = world.batches(world.customer_id(CUSTOMER))[:2]
    body = json.dumps({"items": batches, "links": {"next": {"uri": "/v1/more"}}}).encode()
    sandbox.switches.scripted = [ScriptedResponse("/deviceBatches", body=body)]
    async with connect() as client:
        for tool in ("list_device_batches", "list_devices"):
            data = await asked(client, tool, customer=CUSTOMER)
            assert (data["complete"], data["next_step"]) == (False, "ask_again")
            assert "with refresh" in data["next_step_reason"]
        sandbox.switches.scripted = []
        assert (await asked(client, "list_device_batches", customer=CUSTOMER, refresh=True))["complete"]


async def test_for_how_long_to_wait_is_said_once_and_as_the_service_says_it(connect, sandbox, world):
    batch = world.batches(world.customer_id(CUSTOMER))[-1]["id"]
    sandbox.switches.scripted = [ScriptedResponse(f"/{batch}/devices", 429, headers={"Retry-After": "120"})]
    async with connect(answers={"time_budget_seconds": 5}) as client:
        data = await asked(client, "list_devices", customer=CUSTOMER, limit=0)
    assert (data["next_step"], data["next_step_seconds"]) == ("wait", 120)
    assert "Wait 120 s" in data["next_step_reason"]
    assert "minute" not in " ".join(data["notes"])
