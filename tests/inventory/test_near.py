"""What an identifier may have been is looked up, whatever the number of devices."""

import pytest

from pc_mcp.inventory.questions.near import Comparison
from pc_mcp.inventory.store import Scope
from pc_mcp.inventory.store.sqlite import SQLiteStore
from pc_mcp.partner_center.models import Device


@pytest.mark.parametrize(
    ("identifier", "serial", "why"),
    [
        ("51666489220", "051666489220", "leading zeros differ"),
        ("0051666489220", "51666489220", "leading zeros differ"),
        ("2r9-znp67", "2R9ZNP67", "punctuation differs"),
        ("x2r9-znp67", "2R9-ZNP67", "it contains the serial number"),
    ],
)
def test_whole_serial_numbers_are_found_by_an_index_and_each_device_once(identifier, serial, why):
    store = SQLiteStore({}, reveal_product_keys=False)
    others = [Device(id=serial, serial_number=f"{number:012}") for number in range(20)]
    store.add(0, 0, [*others, Device(id="1", serial_number=serial)])
    comparison = Comparison([identifier])
    for _ in range(2):
        comparison.look_up(store, Scope(0, 1), list(comparison.variants))
        [found] = comparison.found
        assert [(device, reason) for _, device, reason in found.best] == [(20, why)]
        assert found.count == 1
        assert comparison.go_on(store, Scope(0, 1), -1) == 20
