"""The next page is asked for before the one that came is taken in."""

import threading
from dataclasses import dataclass, field

import anyio
import pytest

from pc_mcp.auth import ConfiguredAccount
from pc_mcp.inventory.reading.take import take
from pc_mcp.inventory.reading.walk import read
from pc_mcp.inventory.store import DeviceFilter, Scope, Store
from pc_mcp.partner_center import PartnerCenter, Transport
from pc_mcp.partner_center.models import Customer
from pc_mcp.sandbox import ScriptedResponse, catalog
from tests.scripted import devices_of

BATCH = "Malmö-2606"
PAGES = 6


@dataclass
class Asked(ScriptedResponse):
    """No answer of its own: notices each request."""

    seen: list[threading.Event] = field(default_factory=lambda: [threading.Event() for _ in range(PAGES)])

    def take(self, target):
        if self.match in target:
            next(event for event in self.seen if not event.is_set()).set()
        return False


class Patient:
    """A store that takes a page in only after the next one was asked for; nothing else can happen meanwhile."""

    def __init__(self, store: Store, asked: Asked) -> None:
        self.store, self.asked, self.taken = store, asked, 0

    def add(self, batch_number, position, devices):
        self.taken += 1
        assert self.taken == PAGES or self.asked.seen[self.taken].wait(20)
        self.store.add(batch_number, position, devices)

    def __getattr__(self, name):
        return getattr(self.store, name)


@pytest.mark.parametrize("indexed", [False, True])
async def test_the_next_page_is_asked_for_before_the_last_one_is_taken_in(sandbox, indexed):
    customer_id = sandbox.world.customer_id(catalog.ODD_BATCH_NAMES_CUSTOMER)
    async with Transport(sandbox.base_url.removesuffix("/v1")) as transport:
        account = ConfiguredAccount("an account", sandbox.token)
        partner_center = PartnerCenter(transport, account, "11111111-2222-4333-8444-555555555555")
        taken = await take(Customer(customer_id), partner_center, reveal_product_keys=False, max_bytes=2**30)
        (reading,) = [each for each in taken.readings if each.batch.id == BATCH]
        asked = Asked(match=devices_of(BATCH))
        sandbox.switches.scripted.append(asked)
        taken.store = store = Patient(taken.store, asked)
        if indexed:  # as a question does
            store.duplicates(Scope(0, taken.listed), DeviceFilter())
        with anyio.fail_after(60):
            await read(taken, [reading], partner_center, at_a_time=1)
    assert reading.complete
    assert reading.devices == reading.batch.devices
    assert store.taken == PAGES
    store.close()
