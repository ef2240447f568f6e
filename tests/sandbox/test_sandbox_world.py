"""What the simulated partner owns."""

import json
import re
from collections import Counter
from itertools import islice

import pytest

from pc_mcp.sandbox import World, catalog, hostile, uploads

pytestmark = pytest.mark.slow

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DATE = re.compile(r"(0001-01-01T00:00:00|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}([+-]\d\d:\d\d)?)")


def everything(world: World) -> str:
    parts = [world.customers()]
    for customer in world.customers():
        id_ = customer["id"]
        parts += [world.batches(id_), world.policies(id_), world.uploads(id_)]
        parts += [list(islice(world.devices(id_, b["id"]), 150)) for b in world.batches(id_)[:3]]
    return json.dumps(parts)


def many_devices(world: World, customer_id: str) -> list:
    """The first 20,000 devices of a customer, or all where there are fewer."""
    devices = (d for b in world.batches(customer_id) for d in world.devices(customer_id, b["id"]))
    return list(islice(devices, 20_000))


def test_the_same_seed_makes_the_same_world_and_another_seed_another():
    assert everything(World(7)) == everything(World(7))
    assert everything(World(7)) != everything(World(8))


def test_a_page_is_the_same_whatever_was_asked_before(world):
    customer = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    batch = max(world.batches(customer), key=lambda b: int(b.get("devicesCount", 0)))["id"]
    assert World().device_page(customer, batch, 57) == world.device_page(customer, batch, 57)


def test_one_customer_has_exactly_100_000_devices_by_its_pages_and_by_its_counts(world):
    customer = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    batches = world.batches(customer)
    counts = [int(b.get("devicesCount", b.get("deviceCount"))) for b in batches]
    devices = (device for batch in batches for device in world.devices(customer, batch["id"]))
    assert sum(1 for _ in devices) == sum(counts) == 100_000
    assert len(batches) == 20
    assert max(counts) == 12_000


def test_customers_have_from_no_batch_to_210(world):
    batches = {c["companyProfile"]["companyName"]: world.batches(c["id"]) for c in world.customers()}
    assert 25 <= len(batches) <= 30
    assert batches[catalog.NO_BATCHES_CUSTOMER] == []
    assert [b["devicesCount"] for b in batches[catalog.EMPTY_BATCH_CUSTOMER]] == [0]
    assert len(batches[catalog.MANY_BATCHES_CUSTOMER]) == 210
    assert all(len({b["id"] for b in bs}) == len(bs) for bs in batches.values())


def test_some_company_names_begin_alike_and_one_is_not_ascii(world):
    names = [c["companyProfile"]["companyName"] for c in world.customers()]
    assert sum(name.startswith("Contoso") for name in names) == 3
    assert not all(name.isascii() for name in names)


def test_batches_are_listed_with_every_oddity_that_was_recorded(world):
    customer = world.customer_id("Contoso Pharmaceuticals")
    batches = world.batches(customer)
    held = [sum(1 for _ in world.devices(customer, b["id"])) for b in batches]
    assert any("deviceCount" in b for b in batches)
    assert any(isinstance(b.get("devicesCount"), str) for b in batches)
    assert any(b.get("devicesCount") == n + 7 for b, n in zip(batches, held, strict=True))
    unknown = [b for b in batches if "status" not in b]
    assert [b["creationDate"] for b in unknown] == ["0001-01-01T00:00:00"]
    assert "createdBy" not in unknown[0]


def test_one_customer_has_every_kind_of_batch_name(world):
    ids = [b["id"] for b in world.batches(world.customer_id(catalog.ODD_BATCH_NAMES_CUSTOMER))]
    assert set(catalog.ODD_BATCH_NAMES) <= set(ids)
    for character in "/%?#+& ü":
        assert any(character in id_ for id_ in ids), character


@pytest.mark.parametrize("name", ["Contoso Ltd", "Fabrikam Manufacturing"])
def test_larger_customers_have_a_little_of_every_dirt(world, name):
    devices = many_devices(world, world.customer_id(name))
    rare = {
        "no serial number": [d for d in devices if "serialNumber" not in d],
        "null serial number": [d for d in devices if d.get("serialNumber", "") is None],
        "empty serial number": [d for d in devices if d.get("serialNumber") == ""],
        "no model": [d for d in devices if "modelName" not in d],
        "null maker": [d for d in devices if d["oemManufacturerName"] is None],
        "empty product key": [d for d in devices if d.get("productKey") == ""],
        "no policies": [d for d in devices if "policies" not in d],
        "null policies": [d for d in devices if d.get("policies", "") is None],
        "no optional key": [d for d in devices if "uploadedBy" not in d],
        "odd key": [d for d in devices if " attributes" in d],
        "unknown date": [d for d in devices if d["uploadedDate"].startswith("0001")],
        "odd id": [d for d in devices if not GUID.fullmatch(d["id"])],
        "hardware hash": [d for d in devices if len(d.get("hardwareHash", "")) == 4000],
    }
    for dirt, found in rare.items():
        assert 0 < len(found) <= len(devices) / 400, dirt
    serials = Counter(d.get("serialNumber") or None for d in devices)
    del serials[None]
    assert any(count > 1 for count in serials.values())


def test_a_serial_number_occurs_in_several_batches(world):
    customer = world.customer_id("Woodgrove Bank")
    holders = Counter(
        serial
        for batch in world.batches(customer)
        for serial in {d.get("serialNumber") for d in world.devices(customer, batch["id"])}
        if serial
    )
    assert max(holders.values()) > 5


def test_dates_are_between_2017_and_now_in_every_recorded_form(world):
    devices = many_devices(world, world.customer_id("Contoso Pharmaceuticals"))
    dates = [d["uploadedDate"] for d in devices]
    assert all(DATE.fullmatch(date) for date in dates)
    assert {date[27:] for date in dates} >= {"", "-07:00", "+00:00", "+02:00"}
    assert max(dates) < "2026-06-30T12"
    assert min(d for d in dates if not d.startswith("0001")) >= "2017"


def test_policies_arrive_as_name_as_guid_as_null_and_not_at_all(world):
    customer = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    policies = world.policies(customer)
    values = Counter(p["value"] for d in many_devices(world, customer) for p in d.get("policies") or [])
    assert len(policies) == 6
    assert {"devicesAssigned", "devicesAssignedCount"} <= {key for p in policies for key in p}
    assert values[None] > 0
    assert any(values[p["name"]] for p in policies)
    assert any(values[p["id"]] for p in policies)
    assert set(values) <= {None, *(p["name"] for p in policies), *(p["id"] for p in policies)}


def test_uploads_cover_every_status_and_every_row_error(world):
    found = world.uploads(world.customer_id("Contoso Ltd"))
    assert {u["status"] for u in found} == set(uploads.STATUSES)
    codes = {row.get("errorCode") for u in found for row in u["devicesStatus"]}
    assert codes == {None, *uploads.ROW_ERRORS}
    for upload in found:
        over = upload["status"].startswith("finished")
        assert upload["completedTime"].startswith("0001") is not over


def test_one_customer_has_hostile_text_and_items_that_are_no_devices(world):
    customer = world.customer_id(catalog.HOSTILE_CUSTOMER)
    batches = world.batches(customer)
    items = [item for b in batches for item in world.devices(customer, b["id"])]
    devices = [item for item in items if isinstance(item, dict)]
    assert [b["id"] for b in batches] == list(hostile.BATCH_IDS)
    assert len(items) - len(devices) >= 3
    assert any("id" not in d for d in devices)
    assert any(isinstance(d["serialNumber"], dict) for d in devices)
    shown = {d.get(key) for d in devices for key in ("modelName", "oemManufacturerName")}
    assert len(shown & set(hostile.TEXTS)) > 5
    assert len(hostile.LONG_TEXT) == 10_000


@pytest.mark.parametrize("seed", range(20))
def test_any_seed_makes_first_and_last_pages_that_fit_their_batch(seed):
    world = World(seed)
    for customer in world.customers():
        for batch in world.batches(customer["id"])[:12]:
            last = world.page_count(customer["id"], batch["id"])
            for number in {1, last}:
                found = len(world.device_page(customer["id"], batch["id"], number))
                assert found == 100 or number == last


def test_unknown_names_and_ids_are_key_errors(world):
    with pytest.raises(KeyError):
        world.customer_id("Contoso")
    with pytest.raises(KeyError):
        world.batches("00000000-0000-4000-8000-000000000000")
    with pytest.raises(KeyError):
        list(world.devices(world.customer_id("Contoso Ltd"), "no such batch"))
