"""A list that never ends, and one that takes long to count: an answer in time that says what is missing."""

import itertools
import json
from collections.abc import Iterator
from contextlib import closing

import anyio
import pytest

from pc_mcp.inventory import Call, Inventory
from pc_mcp.inventory.errors import TimeIsUp
from pc_mcp.inventory.questions.customers import list_customers
from pc_mcp.inventory.questions.devices import list_devices
from pc_mcp.inventory.store import DeviceFilter
from pc_mcp.partner_center import PartnerCenter, errors
from pc_mcp.partner_center.collections import devices
from pc_mcp.partner_center.models import Customer
from pc_mcp.partner_center.paging import PagedRequest, pages
from tests.double import CORRELATION_ID, asking, page, raw, serving

CUSTOMER = Customer(id="47021739-3426-40bf-9601-61b4b6d7c793", name="Contoso")


@pytest.fixture
def inventory() -> Iterator[Inventory]:
    with closing(Inventory(snapshot_seconds=900, concurrency=2)) as inventory:
        yield inventory


class Endless:
    """Pages of devices with tokens that are always new; one batch."""

    def __init__(self, fact: str = "") -> None:
        self.numbers = itertools.count()
        self.fact = fact

    async def __call__(self, request):
        if request.target.endswith("/deviceBatches"):
            return page({"id": "endless", "devicesCount": 3})
        if request.target.endswith("/policies"):
            return page()
        number = next(self.numbers)
        items = [{"id": f"{number}-{n}", "serialNumber": f"{number}-{n}{self.fact}"} for n in range(100)]
        return raw(json.dumps({"items": items, "continuationToken": f"token {number}"}).encode())


async def ignored(_):
    """Nobody looks at the progress."""


def call_of(client: PartnerCenter, inventory: Inventory, seconds: float = 60, grace: float = 10) -> Call:
    until = anyio.current_time() + seconds
    return Call(inventory, client, until, until + grace, ignored)


async def test_a_list_ends_after_as_many_items_or_bytes_as_it_may_have():
    for limits, read in (({"most_items": 250}, 300), ({"most_bytes": 1}, 100)):
        async with serving(answer_to=Endless()) as service, asking(service.base_url) as client:
            request = PagedRequest("/devices", devices, **limits)
            walk = pages(client.transport, request, account=client.account, correlation_id=CORRELATION_ID)
            items = sum([len((await anext(walk)).items) for _ in range(read // 100)])
            assert items == read
            with pytest.raises(errors.ListTooLong, match=f"It had {read} items and went on"):
                await anext(walk)


async def test_a_customer_whose_devices_never_end_is_answered_incomplete_and_let_go_of():
    async with serving(answer_to=Endless("x" * 200)) as service, asking(service.base_url) as client:
        inventory = Inventory(snapshot_seconds=900, concurrency=2, max_customer_bytes=2**20)
        answer = await list_devices(call_of(client, inventory), CUSTOMER, None, DeviceFilter(), limit=5)
        assert answer.coverage.complete is False
        assert answer.coverage.next_step.remedy == "none"
        assert 0 < answer.matched == answer.total < 20_000
        [problem] = answer.coverage.problems
        assert "longer than can be held" in problem.reason
        assert inventory.kept_snapshot(call_of(client, inventory), CUSTOMER.id) is None


@pytest.mark.slow
async def test_a_list_of_customers_that_never_ends_is_answered_incomplete():
    numbers = itertools.count()

    async def answer_to(_):
        number = next(numbers)
        names = [{"id": f"{number}-{n}", "companyProfile": {"companyName": "x"}} for n in range(50_000)]
        link = {"next": {"headers": [{"key": "MS-ContinuationToken", "value": f"{number}"}]}}
        return raw(json.dumps({"items": names, "links": link}).encode())

    async with serving(answer_to=answer_to) as service, asking(service.base_url) as client:
        inventory = Inventory(snapshot_seconds=900, concurrency=2)
        answer = await list_customers(call_of(client, inventory), None, limit=5)
    assert "longer than can be held" in answer.problem.reason
    assert answer.total == 100_000


@pytest.mark.slow
async def test_a_question_that_takes_too_long_to_count_ends_in_time_and_the_next_one_is_right(inventory):
    async with serving(answer_to=Endless()) as service, asking(service.base_url) as client:

        async def asked(seconds: float, grace: float):
            call = call_of(client, inventory, seconds, grace)
            return await list_devices(call, CUSTOMER, None, DeviceFilter(), limit=5)

        first = await asked(1.5, 60)
        assert first.total > 1000
        # Time to read a little, and none to count: which serial numbers occur twice has to be found out anew.
        with pytest.raises(TimeIsUp, match="to count it took longer than a call may take"):
            await asked(0.2, -0.2)
        second = await asked(0.05, 60)
        assert second.total >= first.total
        assert second.matched == second.total
        assert "duplicate_serial_number" not in second.irregularities.devices
