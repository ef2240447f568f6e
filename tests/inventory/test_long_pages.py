"""A page that takes long to take in: others are answered meanwhile, and the next call goes on where one ended."""

import json
import threading
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
import pytest

from pc_mcp.auth import ConfiguredAccount
from pc_mcp.inventory.reading.take import take
from pc_mcp.inventory.reading.walk import read
from pc_mcp.inventory.store import DeviceFilter, Scope, Store
from pc_mcp.partner_center import PartnerCenter, Transport
from pc_mcp.partner_center.models import Customer
from pc_mcp.sandbox import ScriptedResponse
from tests.scripted import ask, pages_read

CUSTOMER = "47021739-3426-40bf-9601-61b4b6d7c793"
LONG = "\ufdfa" * 240  # each stands for eighteen characters
DEVICES = 1000


def scripted(token: str | None = None) -> list[ScriptedResponse]:
    items = [{"id": f"{n}", "serialNumber": f"{n}{LONG}"} for n in range(DEVICES)]
    first = json.dumps({"items": items, "continuationToken": token}, ensure_ascii=False).encode()
    last = json.dumps({"items": [{"id": "last", "serialNumber": "LAST"}]}).encode()
    return [
        ScriptedResponse("/deviceBatches/long/devices MS-ContinuationToken", body=last),
        ScriptedResponse("/deviceBatches/long/devices", body=first),
        ScriptedResponse("/deviceBatches", body=b'{"items": [{"id": "long"}]}'),
    ]


@dataclass
class Waiting:
    """A store that says when it is given devices for the `at`-th time, and goes on when somebody lets it."""

    store: Store
    at: int
    taken: int = 0
    begun: threading.Event = field(default_factory=threading.Event)
    let: threading.Event = field(default_factory=threading.Event)

    def add(self, batch_number, position, devices):
        self.taken += 1
        if self.taken == self.at:
            self.begun.set()
            assert self.let.wait(20)
        self.store.add(batch_number, position, devices)

    def __getattr__(self, name):
        return getattr(self.store, name)


@pytest.mark.slow
@pytest.mark.parametrize("token", [None, "two"])
async def test_a_long_page_lets_others_run_and_is_gone_on_with_where_its_call_ended(sandbox, token):
    sandbox.switches.scripted = scripted(token)
    async with Transport(sandbox.base_url.removesuffix("/v1")) as transport:
        account = ConfiguredAccount("an account", sandbox.token)
        partner_center = PartnerCenter(transport, account, "11111111-2222-4333-8444-555555555555")
        taken = await take(Customer(CUSTOMER), partner_center, reveal_product_keys=False, max_bytes=2**30)
        (reading,) = taken.readings
        taken.store = store = Waiting(taken.store, at=3)
        with anyio.fail_after(60):
            async with anyio.create_task_group() as call:
                call.start_soon(lambda: read(taken, [reading], partner_center, at_a_time=1))
                # That this goes on while the page is taken in is what lets that go on.
                assert await anyio.to_thread.run_sync(store.begun.wait, 20)
                call.cancel_scope.cancel()
                store.let.set()
            assert not reading.complete
            assert 0 < reading.devices < DEVICES
            assert len(store.rows(Scope(0, 1), DeviceFilter(), after=-1, limit=9999)) == reading.devices
            await read(taken, [reading], partner_center, at_a_time=1)
        rows = store.rows(Scope(0, 1), DeviceFilter(), after=-1, limit=9999)
    expected = [f"{n}" for n in range(DEVICES)] + (["last"] if token else [])
    assert reading.complete
    assert [row.id for row in rows] == expected
    assert reading.devices == len(expected)
    first = [count for (_, asked), count in pages_read(sandbox).items() if asked is None]
    assert first == [1]
    store.close()


async def test_a_page_that_replaces_others_is_gone_on_with_where_its_call_ended(sandbox):
    items = [{"id": f"{n}", "serialNumber": f"S{n}"} for n in range(250)]
    body = json.dumps({"items": items}).encode()
    sandbox.switches.scripted = [
        ScriptedResponse("/deviceBatches/short/devices", body=body),
        ScriptedResponse("/deviceBatches", body=b'{"items": [{"id": "short"}]}'),
    ]
    async with Transport(sandbox.base_url.removesuffix("/v1")) as transport:
        account = ConfiguredAccount("an account", sandbox.token)
        partner_center = PartnerCenter(transport, account, "11111111-2222-4333-8444-555555555555")
        taken = await take(Customer(CUSTOMER), partner_center, reveal_product_keys=False, max_bytes=2**30)
        (reading,) = taken.readings
        await read(taken, [reading], partner_center, at_a_time=1)
        reading.begin_again()
        taken.store = store = Waiting(taken.store, at=2)
        async with anyio.create_task_group() as call:
            call.start_soon(lambda: read(taken, [reading], partner_center, at_a_time=1))
            assert await anyio.to_thread.run_sync(store.begun.wait, 20)
            call.cancel_scope.cancel()
            store.let.set()
        assert 0 < reading.devices < 250
        await read(taken, [reading], partner_center, at_a_time=1)
    rows = store.rows(Scope(0, 1), DeviceFilter(), after=-1, limit=9999)
    assert [row.id for row in rows] == [f"{n}" for n in range(250)]
    assert (reading.devices, reading.complete) == (250, True)
    store.close()


@pytest.mark.slow
async def test_a_long_page_of_a_batch_that_is_not_listed_is_counted_once(connect, sandbox):
    sandbox.switches.scripted = [*scripted("two")[:2], ScriptedResponse("/deviceBatches", body=b'{"items": []}')]
    async with connect() as client:
        answers = [await ask(client, "list_devices", customer=CUSTOMER, batch="long", limit=0) for _ in range(2)]
    assert [(each["devices_total"], each["complete"]) for each in answers] == [(DEVICES + 1, True)] * 2
