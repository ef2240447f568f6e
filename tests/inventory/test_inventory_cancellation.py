"""A call that its client gives up leaves nothing behind that another call would stumble over."""

import logging
from uuid import UUID

import anyio
import pytest
from mcp import Client

from bench import plain
from pc_mcp.protocol.server import build_server
from pc_mcp.settings import Settings
from tests.double import HANG, serving
from tests.scripted import Noticed, ask, devices_of, pages_read

COFFEE = "Fourth Coffee"
TWO_PAGES = "PO 4549717 Osaka"
LITWARE = "Litware Inc"


async def give_up_at(hanging, client, tool, **arguments):
    """Calls a tool and gives the call up when it waits for the answer that hangs."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.call_tool, tool, arguments)
        await hanging.wait()
        tasks.cancel_scope.cancel()


async def test_a_call_that_is_given_up_ends_its_request_at_once_and_is_logged_as_that(mode, caplog):
    caplog.set_level(logging.INFO, "pc_mcp")
    async with serving(HANG) as service:
        settings = Settings(
            partner_center={"base_url": service.base_url}, auth={"mode": "token", "access_token": "a-token"}
        )
        async with Client(build_server(settings), mode=mode) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, "list_devices", {"customer": str(UUID(int=1))})
                await service.asked.wait()
                tasks.cancel_scope.cancel()
            with anyio.fail_after(10):
                await service.left.wait()
    (line,) = [record.getMessage() for record in caplog.records if record.name == "pc_mcp.tools.support.tool"]
    assert line.startswith("list_devices given up, ")


@pytest.mark.slow
@pytest.mark.parametrize("match", ["/customers?", "/deviceBatches", "/policies", devices_of(TWO_PAGES)])
async def test_after_a_call_was_given_up_the_next_one_is_answered_rightly(connect, sandbox, world, mode, match):
    expected = plain.customer_of(world, COFFEE)
    hanging = Noticed(match=match, hang=True, times=1)
    sandbox.switches.scripted.append(hanging)
    async with connect(mode, answers={"time_budget_seconds": 20}) as client:
        await give_up_at(hanging, client, "list_devices", customer=COFFEE, limit=0)
        answer = await ask(client, "list_devices", customer=COFFEE, limit=0, group_by=["policy"])
    assert answer["complete"]
    assert answer["devices_total"] == len(expected.devices)
    counted = {row["value"]: row["devices"] for row in answer["groups"][0]["values"]}
    expected_groups = plain.grouped(expected.devices, "policy")
    assert counted == {value or "(none)": devices for value, devices in expected_groups.items()}


@pytest.mark.slow
@pytest.mark.parametrize("pages", [1, 9, 25, 40])
async def test_wherever_a_walk_is_given_up_no_device_is_lost_or_doubled(connect, sandbox, world, pages):
    expected = plain.customer_of(world, LITWARE)
    hanging = Noticed(match="/devices", skip=pages, hang=True)
    sandbox.switches.scripted.append(hanging)
    async with connect() as client:
        await give_up_at(hanging, client, "list_devices", customer=LITWARE, limit=0)
        sandbox.switches.scripted.clear()
        answer = await ask(client, "list_devices", customer=LITWARE, limit=0, group_by=["batch"])
        assert answer["complete"]
        assert answer["devices_total"] == len(expected.devices)
        counted = {row["value"]: row["devices"] for row in answer["groups"][0]["values"]}
        assert counted == plain.grouped(expected.devices, "batch")
        assert {row["kind"]: row["devices"] for row in answer["attention"]} == plain.attention(
            expected.devices, expected.devices, expected.batches
        )
    # Up to eight requests were under way, and each batch may ask for one page again.
    assert sum(count - 1 for count in pages_read(sandbox).values()) <= 16


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("list_devices", {"limit": 0}),
        ("list_devices", {"limit": 0, "batch": TWO_PAGES}),
        ("find_devices", {"identifiers": ["no such device"]}),
    ],
)
@pytest.mark.parametrize("match", ["/deviceBatches", devices_of(TWO_PAGES)])
async def test_a_call_that_waits_for_one_that_is_given_up_takes_its_walk_over(connect, sandbox, match, tool, arguments):
    hanging = Noticed(match=match, hang=True, times=1)
    sandbox.switches.scripted.append(hanging)
    answers = []
    async with connect(answers={"time_budget_seconds": 20}) as client:

        async def waiting():
            answers.append(await ask(client, tool, customer=COFFEE, **arguments))

        async with anyio.create_task_group() as others, anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, "list_devices", {"customer": COFFEE, "batch": TWO_PAGES, "limit": 0})
            await hanging.wait()
            others.start_soon(waiting)
            # The other call has gone as far as it can when an unrelated one is answered.
            await ask(client, "list_devices", customer="Coho Winery", limit=0)
            tasks.cancel_scope.cancel()
    (answer,) = answers
    assert answer["complete"]
    if "limit" in arguments:
        assert answer["devices_total"] == (106 if "batch" in arguments else 308)
    of_the_batch = [count for (path, _), count in pages_read(sandbox).items() if devices_of(TWO_PAGES) in path]
    assert sum(of_the_batch) == (2 if match == "/deviceBatches" else 3)
