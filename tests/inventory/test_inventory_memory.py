"""What is kept of what was read: how long, how much, and never taken from under a question."""

import math
import threading
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import pytest

from bench import plain
from pc_mcp.auth import ConfiguredAccount
from pc_mcp.inventory import Call, DeviceFilter, Inventory, list_customers, list_devices, named_customer
from pc_mcp.inventory.reading.shelf import Shelf
from pc_mcp.inventory.reading.snapshot import Snapshot
from pc_mcp.inventory.store import Scope
from pc_mcp.partner_center import Page, PartnerCenter, Transport
from pc_mcp.sandbox import ScriptedResponse, catalog
from tests.scripted import Noticed, ask, devices_of, pages_read, reachable

pytestmark = pytest.mark.no_cover

COFFEE = "Fourth Coffee"
VINEYARD = "Coho Vineyard"
WINERY = "Coho Winery"
HOUR = 3600.0


@dataclass(eq=False)
class Thing:
    """Something to keep on a shelf."""

    weight: int
    touched: float = 0.0
    kept_until: float = -math.inf
    busy: bool = False
    is_full: bool = False

    def close(self):
        raise AssertionError("a shelf closes nothing itself")


def thing(weight=1, age=0.0, **details):
    return Thing(weight, anyio.current_time() - age, **details)


def shelf_of(**things):
    shelf = Shelf[str, Thing](HOUR, max_weight=10)
    for name, entry in things.items():
        shelf.put(name, entry)
    return shelf


async def test_the_shelf_lets_go_of_the_least_recently_used_first():
    a, b, c = thing(4), thing(4), thing(4)
    shelf = shelf_of(a=a, b=b, c=c)
    assert shelf.get("a") is a
    shelf.trim()
    assert shelf.to_close() == [b]
    assert shelf.get("b") is None
    a.weight = 7
    shelf.trim()
    assert shelf.to_close() == [c]
    assert shelf.get("c") is None
    assert shelf.get("a") is a


async def test_the_shelf_keeps_what_is_in_use_and_the_only_one_however_large():
    used, idle, last = thing(50, busy=True), thing(1), thing(60)
    shelf = shelf_of(used=used, idle=idle, last=last)
    shelf.trim()
    assert shelf.to_close() == [idle]
    used.busy = False
    shelf.trim()
    shelf.trim()
    assert shelf.to_close() == [used]
    assert shelf.get("last") is last


async def test_the_shelf_hands_out_nothing_that_was_last_read_too_long_ago_though_somebody_uses_it():
    old, fresh, used = thing(age=HOUR), thing(age=HOUR - 60), thing(age=2 * HOUR, busy=True)
    shelf = shelf_of(old=old, fresh=fresh, used=used)
    assert [shelf.get(name) for name in ("old", "fresh", "used")] == [None, fresh, None]
    shelf.trim()
    assert shelf.to_close() == [old]
    used.busy = False
    assert shelf.to_close() == [used]
    assert shelf.to_close() == []
    assert shelf.get("fresh") is fresh


async def test_the_shelf_lets_go_of_what_is_full_as_soon_as_nobody_uses_it():
    full, other = thing(is_full=True, busy=True), thing()
    shelf = shelf_of(full=full, other=other)
    shelf.trim()
    assert shelf.get("full") is full
    full.busy = False
    shelf.trim()
    assert shelf.to_close() == [full]
    assert shelf.get("full") is None
    assert shelf.get("other") is other


async def test_the_shelf_lets_go_of_what_is_replaced_and_at_the_end_of_everything_once():
    first, second, other = thing(), thing(), thing(busy=True)
    shelf = shelf_of(a=first, b=other)
    shelf.put("a", second)
    assert shelf.to_close() == [first]
    shelf.clear()
    shelf.clear()
    assert shelf.to_close() == [second]
    other.busy = False
    assert shelf.to_close() == [other]
    assert shelf.get("a") is None


class Reader:
    """Asks an inventory of its own about the sandbox's devices."""

    def __init__(self, world, inventory, transport, account):
        self.inventory = inventory
        self._world = world
        self._partner_center = PartnerCenter(transport, account, "11111111-2222-4333-8444-555555555555")

    def call(self, seconds=30.0):
        async def on_progress(progress):
            assert progress.devices_read >= 0

        until = anyio.current_time() + seconds
        return Call(self.inventory, self._partner_center, until, until + 10, on_progress)

    async def customer(self, name):
        return await named_customer(self.call(), self._world.customer_id(name))

    async def devices(self, name, seconds=30.0, **question):
        customer = await self.customer(name)
        question = {"limit": 10_000} | question
        return await list_devices(self.call(seconds), customer, None, DeviceFilter(), **question)


@asynccontextmanager
async def reading(sandbox, token=None, **settings):
    inventory = Inventory(**{"snapshot_seconds": 900.0, "concurrency": 8} | settings)
    account = ConfiguredAccount(token or "an account", token or sandbox.token)
    async with Transport(sandbox.base_url.removesuffix("/v1")) as transport:
        yield Reader(sandbox.world, inventory, transport, account)
    inventory.close()


async def test_snapshots_of_the_least_recently_used_customers_go_first(sandbox):
    async with reading(sandbox, max_devices_kept=700) as reader:

        async def pages_for(name):
            before = sum(pages_read(sandbox).values())
            await reader.devices(name)
            return sum(pages_read(sandbox).values()) - before

        assert [await pages_for(name) for name in (COFFEE, VINEYARD, WINERY)] == [5, 5, 3]
        assert [await pages_for(name) for name in (COFFEE, VINEYARD, WINERY)] == [0, 0, 0]
        assert await pages_for(COFFEE) == 0
        # 308 + 157 + 210 devices fit, 62 more do not: the least recently used are Coho Vineyard's.
        assert await pages_for("Trey Research") == 1
        assert [await pages_for(name) for name in (COFFEE, WINERY, "Trey Research")] == [0, 0, 0]
        assert await pages_for(VINEYARD) == 5


async def test_a_snapshot_lives_for_its_time_since_it_was_last_read(sandbox):
    async with reading(sandbox, snapshot_seconds=900.0) as reader:
        await reader.devices(COFFEE)
        snapshot = reader.inventory.kept_snapshot(reader.call(), (await reader.customer(COFFEE)).id)
        read = pages_read(sandbox)
        snapshot.touched -= 880
        await reader.devices(COFFEE)
        assert pages_read(sandbox) == read
        snapshot.touched -= 30
        await reader.devices(COFFEE)
        assert pages_read(sandbox) == read + read


async def test_what_was_read_is_kept_until_the_same_may_be_asked_again(sandbox):
    sandbox.switches.scripted.append(
        ScriptedResponse(match=devices_of("PO 4549717 Osaka"), status=429, headers={"Retry-After": "300"}, times=1)
    )
    async with reading(sandbox, snapshot_seconds=60.0) as reader:
        result = await reader.devices(COFFEE, seconds=20)
        assert (result.coverage.next_step.remedy, result.coverage.next_step.seconds) == ("wait", 300)
        snapshot = reader.inventory.kept_snapshot(reader.call(), (await reader.customer(COFFEE)).id)
        # A page that comes later makes it live no shorter.
        await snapshot.keep(next(each for each in snapshot.readings if not each.complete), Page([], 0, None, 2))
        snapshot.touched -= 340
        snapshot.kept_until -= 340
        assert reader.inventory.kept_snapshot(reader.call(), snapshot.customer.id) is snapshot
        snapshot.kept_until -= 30
        assert reader.inventory.kept_snapshot(reader.call(), snapshot.customer.id) is None


async def test_the_list_of_customers_lives_as_long(sandbox):
    async with reading(sandbox) as reader:
        for _ in range(2):
            await list_customers(reader.call(), None, limit=1)
        assert len(sandbox.requests) == 1
        (await reader.inventory.directory(reader.call())).touched -= 900
        await list_customers(reader.call(), None, limit=1)
        assert len(sandbox.requests) == 2


async def test_what_one_account_read_is_not_shown_to_another(sandbox):
    async with reading(sandbox) as reader, reading(sandbox, token="another") as other:
        await reader.devices(COFFEE)
        customer = await reader.customer(COFFEE)
        assert reader.inventory.kept_snapshot(reader.call(), customer.id)
        assert other.inventory.kept_snapshot(other.call(), customer.id) is None


async def test_a_question_about_another_customer_does_not_wait_behind_a_walk(sandbox):
    hanging = Noticed(match=f"{world_path(sandbox, COFFEE)}deviceBatches/", hang=True)
    sandbox.switches.scripted.append(hanging)
    async with reading(sandbox, concurrency=2) as reader, anyio.create_task_group() as tasks:
        tasks.start_soon(reader.devices, COFFEE)
        await hanging.wait()
        assert (await reader.devices(WINERY)).coverage.complete
        assert sum(world_path(sandbox, COFFEE) in path for path, _ in pages_read(sandbox)) == 2
        tasks.cancel_scope.cancel()


def world_path(sandbox, name):
    return f"/customers/{sandbox.world.customer_id(name)}/"


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["list_devices", "find_devices"])
async def test_a_list_that_is_replaced_while_a_question_reads_it_still_answers_that_question(connect, sandbox, tool):
    hanging = Noticed(match=devices_of("PO 4549717 Osaka"), hang=True, times=1)
    sandbox.switches.scripted.append(hanging)
    question = {"identifiers": ["x"]} if tool == "find_devices" else {"limit": 0}
    answers = []
    async with connect(answers={"time_budget_seconds": 0.7}) as client:

        async def asked():
            answers.append(await ask(client, tool, customer=COFFEE, **question))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(asked)
            await hanging.wait()
            await ask(client, "list_device_batches", customer=COFFEE, refresh=True)
        again = await ask(client, tool, customer=COFFEE, **question)
    assert not answers[0]["complete"]
    assert any("Time ran out" in note for note in answers[0]["notes"])
    assert again["complete"]


async def test_a_snapshot_that_is_let_go_of_in_use_is_closed_when_the_last_question_leaves(sandbox):
    async with reading(sandbox) as reader:
        await reader.devices(COFFEE)
        snapshot = reader.inventory.kept_snapshot(reader.call(), (await reader.customer(COFFEE)).id)
        with snapshot.in_use():
            with snapshot.in_use():
                reader.inventory.close()
            await reader.inventory.tidy()
            assert len(await snapshot.query(rows_of, snapshot)) == 308
        await reader.inventory.tidy()
        with pytest.raises(Exception, match="closed"):
            await snapshot.query(rows_of, snapshot)


@dataclass(eq=False)
class Slow:
    """Takes as long to close as the event loop takes to do something else."""

    turned: threading.Event
    weight: int = 1
    touched: float = -HOUR
    kept_until: float = -math.inf
    busy: bool = False
    is_full: bool = False

    def close(self):
        assert self.turned.wait(20)


async def test_what_is_let_go_of_is_closed_without_holding_up_anything_else(sandbox):
    slow = Slow(threading.Event())
    async with reading(sandbox) as reader, anyio.create_task_group() as tasks:
        reader.inventory._snapshots.put(("somebody", "a customer"), slow)
        tasks.start_soon(reader.inventory.tidy)
        await anyio.lowlevel.checkpoint()
        slow.turned.set()


async def test_nothing_is_kept_of_a_customer_that_was_asked_for_once_and_is_let_go_of(sandbox):
    async with reading(sandbox) as reader:
        await reader.devices(WINERY)
        reader.inventory.close()
        assert not [each for each in reachable(reader.inventory) if isinstance(each, anyio.Lock | Snapshot)]


def rows_of(snapshot):
    return snapshot.store.rows(Scope(0, snapshot.listed), DeviceFilter(), after=-1, limit=1000)


@pytest.mark.slow
async def test_a_list_of_devices_holds_every_row_and_every_group_value_that_is_asked_for(sandbox, world):
    customer_id = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    largest = max(world.batches(customer_id), key=lambda batch: int(batch.get("devicesCount", 0)))
    names = {policy["id"]: policy["name"] for policy in world.policies(customer_id)}
    items = world.devices(customer_id, largest["id"])
    expected = [plain.device_of(item, largest["id"], names) for item in items]
    async with reading(sandbox, reveal_product_keys=True) as reader:
        customer = await reader.customer(catalog.HUNDRED_THOUSAND_CUSTOMER)
        result = await list_devices(
            reader.call(),
            customer,
            largest["id"],
            DeviceFilter(),
            group_by=[(by,) for by in plain.GROUPINGS],
            limit=100_000,
        )
    assert [
        (row.row.id, row.row.serial_number, row.row.policy, row.row.uploaded, row.row.product_key)
        for row in result.devices
    ] == [(row["id"], row["serial_number"], row["policy"], row["uploaded"], row["product_key"]) for row in expected]
    for group in result.groups:
        assert dict(group.values) == plain.combined(expected, *group.by)
    assert result.page.cursors[-1] is None
