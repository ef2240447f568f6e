"""What an answer says of a list is all of one moment, whatever other calls read meanwhile."""

import anyio
import anyio.lowlevel
import pytest

from pc_mcp.inventory import DeviceFilter, find_devices, list_devices
from pc_mcp.inventory.errors import CursorRefused
from pc_mcp.inventory.reading.batch_reading import State
from pc_mcp.inventory.reading.generations import new_generation
from pc_mcp.sandbox import ScriptedResponse
from tests.inventory.test_inventory_memory import COFFEE, reading
from tests.scripted import devices_of


class ReadMeanwhile:
    """A store during whose second visit another call comes to the end of a batch."""

    def __init__(self, store, batch):
        self.store, self.batch = store, batch

    def serial_keys(self, *args, **options):
        self.batch.state, self.batch.problem = State.WHOLE, None
        return self.store.serial_keys(*args, **options)

    def __getattr__(self, name):
        return getattr(self.store, name)


async def test_what_was_not_found_so_far_is_not_called_not_found_when_the_rest_is_read_meanwhile(sandbox):
    refused = ScriptedResponse(match=devices_of("PO 4549717 Osaka"), status=403, body=b'{"code": 900308}')
    sandbox.switches.scripted.append(refused)
    async with reading(sandbox) as reader:
        await reader.devices(COFFEE)
        customer = await reader.customer(COFFEE)
        snapshot = reader.inventory.kept_snapshot(reader.call(), customer.id)
        (batch,) = [each for each in snapshot.readings if not each.complete]
        snapshot.store = ReadMeanwhile(snapshot.store, batch)
        found = await find_devices(reader.call(), customer, ["NOWHERE-AT-ALL"], limit=10)
    assert batch.complete
    assert (list(found.missing), found.coverage.complete) == (["NOWHERE-AT-ALL"], False)


async def test_a_cursor_is_held_against_the_list_as_it_is_when_its_turn_comes(sandbox):
    async with reading(sandbox) as reader:
        first = await reader.devices(COFFEE, limit=3, order="serial_number")
        snapshot = reader.inventory.kept_snapshot(reader.call(), (await reader.customer(COFFEE)).id)
        refused = []

        async def go_on():
            try:
                await reader.devices(COFFEE, limit=3, order="serial_number", cursor=first.page.cursors[-1])
            except CursorRefused as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks, snapshot._access:
            tasks.start_soon(go_on)
            await anyio.wait_all_tasks_blocked()
            snapshot.readings[0].generation = new_generation()
    assert len(refused) == 1


@pytest.mark.parametrize("batch", ["New starters 2026-11", "starters 2026-11"])
async def test_a_batch_that_the_list_lacks_is_looked_for_in_a_new_list_where_that_is_asked_for(sandbox, batch):
    """Though the walk of another one is under way, which asking again with refresh goes on with."""
    grown = b'{"items": [{"id": "Old", "devicesCount": 2}, {"id": "New starters 2026-11", "devicesCount": 1}]}'
    batches = ScriptedResponse("/deviceBatches", body=b'{"items": [{"id": "Old", "devicesCount": 2}]}', times=100)
    sandbox.switches.scripted = [
        ScriptedResponse("/New starters 2026-11/devices", body=b'{"items": [{"serialNumber": "A1"}]}', times=100),
        ScriptedResponse("/devices", 404, b'{"code": 1000}', times=100),
        batches,
    ]
    async with reading(sandbox) as reader:
        customer = await reader.customer(COFFEE)
        (known,) = (await reader.inventory.snapshot(reader.call(), customer)).readings
        known.begin()
        batches.body = grown
        answer = await list_devices(reader.call(), customer, batch, DeviceFilter(), limit=1, refresh=True)
    assert (answer.batch.id, answer.total, answer.coverage.complete) == ("New starters 2026-11", 1, True)
    assert not answer.coverage.unlisted


async def test_what_was_known_of_the_customers_at_one_moment_stays_as_it_was(sandbox):
    async with reading(sandbox) as reader:
        directory = await reader.inventory.directory(reader.call())
        then = directory.now()
        directory._entries.clear()
        directory.complete = False
        assert (len(then.entries), then.complete) == (27, True)
