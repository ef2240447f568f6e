"""What is asked of a store ends in time, and leaves it as it was."""

import time
from functools import partial

import pytest

from pc_mcp.inventory.store import DeviceFilter, Scope, TooSlow
from pc_mcp.partner_center.models import Device


@pytest.mark.slow
def test_what_is_interrupted_while_it_is_counted_is_as_if_it_had_not_begun(new_store):
    store = new_store({}, reveal_product_keys=False)
    for number in range(50):
        some = [Device(id=f"{number}-{n}", serial_number=f"{n}" if n < 2 else f"{number}-{n}") for n in range(1000)]
        store.add(0, 1000 * number, some)
    asked = partial(store.duplicates, Scope(0, 1), DeviceFilter())
    found = partial(store.find, Scope(0, 1), ["7-700"])
    for question in (asked, found):
        with pytest.raises(TooSlow):
            store.in_time(time.monotonic() - 1, question)
    assert store.in_time(time.monotonic() + 60, asked).devices == 100
    assert [row.id for row in found()["7-700"]] == ["7-700"]
    store.add(0, 50_000, [Device(id="more", serial_number="1")])
    assert asked().devices == 101
