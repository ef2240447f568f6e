"""What Partner Center answers is read in every form it is known to take, and in any other without harm."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from pc_mcp.partner_center import collections, models
from pc_mcp.partner_center.models import AssignedPolicy, Customer, Device, DeviceBatch
from pc_mcp.sandbox import ScriptedResponse
from tests.double import asking, page, raw, serving

READERS = [
    models.customer,
    models.device_batch,
    models.device,
    models.configuration_policy,
    models.batch_upload_details,
]
ANY_TEXT = st.text(st.characters(), max_size=8)
KNOWN_KEYS = """
    id companyProfile tenantId companyName domain relationshipToPartner devicesCount deviceCount
    creationDate status createdBy serialNumber productKey oemManufacturerName modelName policies
    uploadedDate name category description devicesAssignedCount devicesAssigned policySettings
    createdDate lastModifiedDate batchTrackingId startedTime completedTime devicesStatus deviceId
    errorCode errorDescription
""".split()  # noqa: SIM905
FIELDS = st.sampled_from(KNOWN_KEYS)
KEYS = FIELDS | FIELDS.map(" {} ".format) | ANY_TEXT
DATES = st.datetimes().map(datetime.isoformat) | st.just("0001-01-01T00:00:00-08:00")
SCALARS = st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | ANY_TEXT | DATES
ANY_JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)
ANY_ITEM = ANY_JSON | st.dictionaries(KEYS, ANY_JSON)


def device_of(device):
    """A device without its policies, of which none and an empty list are the same."""
    return structs.replace(device, policies=None)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(item=ANY_ITEM)
def test_any_json_value_is_read_or_counted_as_unreadable(item):
    for read in READERS:
        kept, unreadable = models.read_all([item, item], read)
        assert len(kept) + unreadable == 2
        if not isinstance(item, dict):
            assert unreadable == 2


@pytest.mark.slow
@pytest.mark.no_cover
@settings(max_examples=40, deadline=None)
@given(item=st.dictionaries(KEYS, ANY_JSON))
def test_odd_facts_of_which_nothing_is_claimed_lose_no_device(item):
    known = {key: value for key, value in item.items() if key.strip() not in ("policies", "serialNumber")}
    device = models.device(known | {"policies": [{"value": None}]})
    assert device is not None
    assert all(policy.value is None or policy.value for policy in device.policies)
    uploaded = models.moment(device.uploaded)
    assert uploaded is None or (uploaded.tzinfo is UTC and uploaded.year > 1)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(before=st.lists(ANY_ITEM, max_size=3), after=st.lists(ANY_ITEM, max_size=3))
async def test_odd_items_never_cost_the_page_they_are_on(before, after):
    good = {"id": "1", "serialNumber": "2R9-ZNP67"}
    async with serving(page(*before, good, *after)) as service, asking(service.base_url) as client:
        [only] = [got async for got in client.devices("customer", "batch")]
    assert len(only.items) + only.unreadable == len(before) + 1 + len(after)
    read = sum(models.device(json.loads(json.dumps(item))) is not None for item in before)
    assert device_of(only.items[read]) == Device(id="1", serial_number="2R9-ZNP67")


@pytest.mark.parametrize(
    "odd",
    [
        rb'"\ud800"',
        rb'"\udc00\ud800"',
        b'"\xff\xfe"',
        b'"\xed\xa0\x80"',
        b"9" * 5000,
        b"-" + b"9" * 4300,
        b"1e999",
        b"1e-999",
        b"NaN",
        b"-Infinity",
        b'"' + b"x" * 100_000 + b'"',
        b"[" * 150 + b"]" * 150,
        b"[" * 600 + b"]" * 600,
        b'{"a":1,"a":2}',
    ],
    ids=lambda odd: repr(odd[:12]),
)
async def test_odd_values_in_one_item_do_not_lose_the_page(odd):
    keys = [b"serialNumber", b"uploadedDate", b"policies", b"hardwareHash", b"unknown"]
    fields = b",".join(b'"%b":%b' % (key, odd) for key in keys)
    body = b'{"items":[{"id":"1"},{"id":"2",%b},{"id":"3"}]}' % fields
    async with serving(raw(body)) as service, asking(service.base_url) as client:
        [only] = [got async for got in client.devices("customer", "batch")]
    ids = [device.id for device in only.items]
    assert (ids, only.unreadable) in ((["1", "2", "3"], 0), (["1", "3"], 1))
    # Only a text of some length, or a number, can be a serial number, and what cannot be is not called missing.
    assert (only.unreadable == 0) == ((odd.startswith(b'"') and len(odd) < 1000) or odd == b"1e-999")


async def test_a_byte_order_mark_is_no_part_of_the_answer(sandbox, world):
    sandbox.switches.byte_order_mark = True
    async with asking(sandbox.base_url) as client:
        walked = [got async for got in client.customers()]
    kept, unreadable = [item for got in walked for item in got.items], sum(got.unreadable for got in walked)
    assert ([customer.id for customer in kept], unreadable) == ([c["id"] for c in world.customers()], 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2017-08-09T14:43:26.0092288-07:00", datetime(2017, 8, 9, 21, 43, 26, 9228, tzinfo=UTC)),
        ("2017-08-09T14:43:26.0092288Z", datetime(2017, 8, 9, 14, 43, 26, 9228, tzinfo=UTC)),
        ("2017-07-25T01:51:00", datetime(2017, 7, 25, 1, 51, tzinfo=UTC)),
        ("2017-07-25T01:51:00.1", datetime(2017, 7, 25, 1, 51, 0, 100_000, tzinfo=UTC)),
        (" 2017-07-25T01:51:00Z ", datetime(2017, 7, 25, 1, 51, tzinfo=UTC)),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00-08:00", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("0002-01-01T00:00:00+01:00", None),
        ("9999-12-31T23:59:59.9999999-01:00", None),
        ("yesterday", None),
        ("2017-13-01T00:00:00", None),
        ("", None),
        (None, None),
        (1502314406, None),
        (20170809, None),
    ],
)
def test_a_moment_is_in_utc_and_year_1_is_unknown(text, expected):
    assert models.moment(text) == expected
    device = models.device({"uploadedDate": text})
    assert device is not None
    assert models.moment(device.uploaded) == expected


@pytest.mark.parametrize(
    ("fields", "devices"),
    [
        ({"devicesCount": 5}, 5),
        ({"deviceCount": 5}, 5),
        ({"devicesCount": "04"}, 4),
        ({"deviceCount": " 12 "}, 12),
        ({"devicesCount": 5.0}, 5),
        ({"devicesCount": None, "deviceCount": 7}, 7),
        ({"devicesCount": "many", "deviceCount": 7}, 7),
        ({"devicesCount": 0, "deviceCount": 7}, 0),
        ({"devicesCount": -1}, None),
        ({"devicesCount": 2.5}, None),
        ({"devicesCount": True}, None),
        ({"devicesCount": 10**40}, None),
        ({"devicesCount": "9" * 40}, None),
        ({"devicesCount": "٣"}, None),
        ({"devicesCount": [5]}, None),
        ({}, None),
    ],
)
def test_a_batch_counts_its_devices_by_either_name_as_number_or_text(fields, devices):
    assert models.device_batch({"id": "b"} | fields) == DeviceBatch(id="b", devices=devices)


def test_a_batch_as_recorded_has_no_status_no_creator_and_no_date():
    recorded = {"id": "Test batch", "creationDate": "0001-01-01T00:00:00", "devicesCount": 5}
    assert models.device_batch(recorded) == DeviceBatch(id="Test batch", devices=5)


@pytest.mark.parametrize("item", [{}, {"id": None}, {"id": ""}, {"id": ["b"]}, [], "b", 7, None])
def test_a_batch_that_cannot_be_asked_for_is_unreadable(item):
    assert models.device_batch(item) is None


def test_the_white_space_of_a_batch_id_is_kept_because_it_is_part_of_its_path():
    assert models.device_batch({"id": " a  b "}) == DeviceBatch(id=" a  b ")


@pytest.mark.parametrize("key", ["serialNumber", " serialNumber", "serialNumber ", "\tserialNumber\n"])
def test_white_space_around_a_key_does_not_matter(key):
    assert device_of(models.device({key: "2R9-ZNP67"})) == Device(serial_number="2R9-ZNP67")


@pytest.mark.parametrize("fields", [[" id", "id"], ["id", " id"]])
def test_a_key_without_white_space_goes_before_the_same_key_with_it(fields):
    item = {key: "right" if key == "id" else None for key in fields}
    assert device_of(models.device(item | {"policies": None})) == Device(id="right")


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([{"key": "o_o_b_e", "value": "DefaultRoaming"}], ["DefaultRoaming"]),
        ([{"key": "o_o_b_e", "value": None}], [None]),
        ([{"key": "o_o_b_e"}], [None]),
        ([{"key": "none", "value": "A"}, {"key": "o_o_b_e", "value": "B"}], ["A", "B"]),
        ([{" value": "A"}, None, 3, "x", []], ["A", "3", "x", None]),
        ([], []),
        (None, []),
        ("", []),
        ("A", ["A"]),
        (["A"], ["A"]),
        ({"key": "o_o_b_e", "value": "A"}, ["A"]),
        ([{"Value": "A"}], ["A"]),
        ([{"value": ["A"]}], ["A"]),
    ],
)
def test_a_device_has_the_policies_that_are_assigned(policies, expected):
    device = models.device({"id": "d", "policies": policies})
    assert device_of(device) == Device(id="d")
    assert device.policies == tuple(map(AssignedPolicy, expected))


@pytest.mark.parametrize(
    "odd",
    [
        *({"serialNumber": value} for value in (["A", "B"], {"value": "A"}, True, 10**40)),
        *({"policies": value} for value in ([{"value": ["A", "B"]}], [{"value": {"id": "A"}}], True, [[["A"]]])),
    ],
    ids=repr,
)
def test_a_fact_that_cannot_be_read_is_not_called_missing(odd):
    assert models.device({"id": "d", **odd}) is None
    page = collections.devices(json.dumps({"items": [{"id": "d", **odd}]}).encode())
    assert (page.items, page.unreadable) == ([], 1)


OF_EACH_KIND = {
    models.customer: {"id": "c", "companyProfile": {"tenantId": "C", "companyName": "Contoso"}},
    models.device_batch: {"id": "b", "status": "finished", "creationDate": "2025-01-02", "devicesCount": 3},
    models.device: {"id": "d", "serialNumber": "2R9-ZNP67", "modelName": "T7500", "policies": []},
    models.configuration_policy: {"id": "p", "name": "Kiosk", "category": "o_o_b_e"},
}


def test_a_resource_of_another_kind_is_unreadable():
    for read in OF_EACH_KIND:
        for kind, item in OF_EACH_KIND.items():
            assert (read(item) is not None) == (read is kind), (read, item)
        assert read({}) is None
    for kind, item in OF_EACH_KIND.items():
        page = collections.devices(json.dumps({"items": [item, {}]}).encode())
        assert page.unreadable == (1 if kind is models.device else 2)


def test_a_customer_with_two_ids_is_unreadable():
    assert models.customer({"id": "c", "companyProfile": {"tenantId": "d", "companyName": "Contoso"}}) is None


def test_unknown_keys_are_ignored():
    device = models.device({"id": "d", "allowedOperations": ["delete"], "new": {"a": 1}})
    assert device_of(device) == Device(id="d")


def test_a_serial_number_that_came_as_a_number_is_text():
    assert device_of(models.device({"serialNumber": 8412370553})) == Device(serial_number="8412370553")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"id": "c"}, Customer(id="c")),
        ({"companyProfile": {"tenantId": "t", "companyName": "Contoso"}}, Customer(id="t", name="Contoso")),
        ({"id": "c", "companyProfile": None}, Customer(id="c")),
        ({"id": "c", "companyProfile": "Contoso"}, Customer(id="c")),
        ({"id": "c", " companyProfile": {" domain": "c.example"}}, Customer(id="c", domain="c.example")),
        ({"id": "c", "relationshipToPartner": "reseller"}, Customer(id="c", relationship="reseller")),
        ({"companyProfile": {"companyName": "Contoso"}}, None),
        ({}, None),
        ("c", None),
    ],
)
def test_a_customer_needs_only_an_id(item, expected):
    assert models.customer(item) == expected


@pytest.mark.parametrize("key", ["devicesAssignedCount", "devicesAssigned"])
def test_a_policy_counts_its_devices_by_either_name(key):
    policy = models.configuration_policy({"id": "p", key: "3", "policySettings": ["skip_eula", None, ""]})
    assert policy is not None
    assert (policy.devices_assigned, policy.settings) == (3, ("skip_eula",))


def test_a_policy_without_settings_has_none():
    policy = models.configuration_policy({"id": "p", "policySettings": None})
    assert policy is not None
    assert policy.settings == ()


def test_an_upload_that_runs_has_no_end_and_its_odd_rows_are_counted():
    rows = [{"serialNumber": "S", "errorCode": 808}, None, {"errorCode": "808"}]
    times = {"startedTime": "2017-07-25T10:00:00", "completedTime": "0001-01-01T00:00:00"}
    upload = models.batch_upload_details({"batchTrackingId": "t", **times, "devicesStatus": rows})
    assert upload is not None
    assert upload.started == datetime(2017, 7, 25, 10, tzinfo=UTC)
    assert upload.completed is None
    assert [row.error_code for row in upload.devices] == ["808", "808"]
    assert upload.unreadable == 1


async def test_the_documents_own_devices_are_read_whole(sandbox):
    async with asking(sandbox.base_url) as client:
        customer_id = "47021739-3426-40bf-9601-61b4b6d7c793"
        [only] = [got async for got in client.devices(customer_id, "testbatch")]
    assert only.unreadable == 0
    assert only.items[0] == Device(
        id="7c141ea9-2816-4e15-a819-53f6856499ff",
        serial_number="2R9-ZNP67",
        product_key="00329-00000-0003-AA6069",
        manufacturer="Dell Inc.",
        model="Precision WorkStation T7500",
        policies=(AssignedPolicy(None),),
        uploaded="2017-08-09T14:43:26.0092288-07:00",
    )


async def test_odd_items_are_counted_in_the_answer_and_the_rest_is_there(sandbox, connect, mode):
    customer_id = "47021739-3426-40bf-9601-61b4b6d7c793"
    items = [{"id": "1", "serialNumber": "\ud800A\udc00"}, None, [], "text", 10**200, {"id": 2.5e300}]
    batches = [{"id": "odd \ud800 batch", "devicesCount": "06"}, {"devicesCount": 3}, 17]
    sandbox.switches.scripted = [
        ScriptedResponse(match, body=json.dumps({"items": body}).encode())
        for match, body in {"/devices": items, "/deviceBatches": batches}.items()
    ]
    async with connect(mode) as client:
        result = await client.call_tool("list_devices", {"customer": customer_id})
    assert not result.is_error
    data = result.structured_content
    assert data["devices_total"] == data["devices_matched"] == 2
    assert data["devices"][0]["serial_number"] == "A"
    assert data["complete"] is False
    assert data["next_step"] == "none"
    assert data["notes"] == [
        data["next_step_reason"],
        "1 of 1 batch read to the end; 1 page read, 2 of 6 devices, by devicesCount.",
        "4 devices of the service could not be read and are in no count.",
        "2 batches of the service could not be read and are in no count. Without a readable id its devices cannot be "
        "asked for.",
    ]
