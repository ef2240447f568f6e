"""Findings lead somewhere: `only` lists their devices, and orders put what belongs together side by side."""

import json

import pytest

from pc_mcp.sandbox import ScriptedResponse, documents
from tests.answers.reading import check_halves, table_below
from tests.scripted import ask, refusal

CUSTOMER = documents.CUSTOMER_ID
POLICY = [{"key": "o_o_b_e", "value": "Kiosk"}]
WHOLE = {"modelName": "Surface", "oemManufacturerName": "Microsoft", "policies": POLICY}
FIRST = [
    {"serialNumber": "B2", "uploadedDate": "2026-01-05T00:00:00Z", **WHOLE},
    {"serialNumber": "A1", "uploadedDate": "2026-01-07T00:00:00Z", **WHOLE},
    {"serialNumber": "C3", "uploadedDate": "2026-01-06T00:00:00Z", **WHOLE, "policies": []},
    {"serialNumber": "a1", "uploadedDate": "2026-01-01T00:00:00Z", **WHOLE},
]
SECOND = [
    {"serialNumber": "b2", **WHOLE},
    {"serialNumber": "D4", "uploadedDate": "2026-02-01T00:00:00Z", "oemManufacturerName": "Dell", "policies": POLICY},
    {"uploadedDate": "2026-01-02T00:00:00Z", "modelName": "Surface", "policies": POLICY},
]
LISTED = {
    "without_policy": ["C3"],
    "without_serial_number": [None],
    "without_model": ["D4"],
    "without_manufacturer": [None],
    "without_upload_date": ["b2"],
    "duplicate_serial_number": ["A1", "a1", "B2", "b2"],
}


@pytest.fixture(autouse=True)
def two_batches(sandbox) -> None:
    listed = [{"id": name, "devicesCount": len(held)} for name, held in (("Lot 1", FIRST), ("Lot 2", SECOND))]
    sandbox.switches.scripted = [
        ScriptedResponse("/Lot 1/devices", body=json.dumps({"items": FIRST}).encode(), times=100),
        ScriptedResponse("/Lot 2/devices", body=json.dumps({"items": SECOND}).encode(), times=100),
        ScriptedResponse("/deviceBatches", body=json.dumps({"items": listed}).encode(), times=100),
    ]


def serials(answer):
    return [device["serial_number"] for device in answer["devices"]]


async def test_every_finding_names_the_devices_that_it_counts(connect, mode):
    async with connect(mode) as client:
        result = await client.call_tool("list_devices", {"customer": CUSTOMER, "limit": 0})
        found = {row["kind"]: row["devices"] for row in result.structured_content["attention"]}
        assert found == {finding: len(devices) for finding, devices in LISTED.items()}
        assert {row["scope"] for row in result.structured_content["attention"]} == {"customer"}
        assert "**Attention** (to list such devices pass only):" in result.content[0].text
        for finding, devices in LISTED.items():
            assert f" (only: {finding})." in result.content[0].text
            given = await client.call_tool("list_devices", {"customer": CUSTOMER, "only": [finding]})
            answer = given.structured_content
            check_halves(given.content[0].text, answer, 8000)
            assert serials(answer) == devices
            assert answer["devices_matched"] == len(devices)
            # What only repeats the question is no finding.
            assert finding not in [row["kind"] for row in answer["attention"]]


async def test_several_findings_mean_any_of_them_beside_the_other_conditions(connect, mode):
    both = ["without_policy", "without_upload_date"]
    async with connect(mode) as client:
        any_of = await client.call_tool("list_devices", {"customer": CUSTOMER, "only": both})
        in_one = await ask(client, "list_devices", customer=CUSTOMER, batch="Lot 2", only=[*both, "without_model"])
        filtered = await ask(client, "list_devices", customer=CUSTOMER, only=both, model="surf", policy="kiosk")
    assert serials(any_of.structured_content) == ["C3", "b2"]
    words = '2 of 7 devices of "Documentation Sample" in 2 batches match (without a policy or without an upload date)'
    assert any_of.content[0].text.startswith(words)
    assert any_of.structured_content["summary"].startswith(words)
    assert {row["kind"] for row in any_of.structured_content["attention"]} >= set(both)
    assert serials(in_one) == ["b2", "D4"]
    assert serials(filtered) == ["b2"]


async def test_twins_stand_side_by_side_each_with_its_batch_and_on_every_page(connect, mode):
    question = {"customer": CUSTOMER, "only": ["duplicate_serial_number"]}
    async with connect(mode) as client:
        whole = await client.call_tool("list_devices", question)
        paged, cursor = [], None
        while not paged or cursor:
            page = await ask(client, "list_devices", **question, limit=1, cursor=cursor)
            paged += page["devices"]
            cursor = page["next_cursor"]
    rows = table_below(whole.content[0].text, "serial_number", "manufacturer", "model", "policy", "batch", "uploaded")
    assert [(row[0], row[4]) for row in rows] == [("A1", "Lot 1"), ("a1", "Lot 1"), ("B2", "Lot 1"), ("b2", "Lot 2")]
    assert whole.structured_content["order_by"] == "serial_number"
    assert "Devices 1 to 4 of 4, by serial number." in whole.content[0].text
    assert paged == whole.structured_content["devices"]


async def test_a_serial_number_is_a_duplicate_within_what_is_asked_about(connect):
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CUSTOMER, batch="Lot 1", only=["duplicate_serial_number"])
        counted = await ask(client, "list_devices", customer=CUSTOMER, batch="Lot 1", limit=0)
    assert serials(answer) == ["A1", "a1"]
    (row,) = [row for row in counted["attention"] if row["kind"] == "duplicate_serial_number"]
    assert (row["devices"], row["scope"]) == (2, "batch")
    assert "in the batch" in row["note"]


@pytest.mark.parametrize(
    ("order_by", "expected", "words"),
    [
        (None, ["B2", "A1", "C3", "a1", "b2", "D4", None], "by batch and place in it"),
        ("batch", ["B2", "A1", "C3", "a1", "b2", "D4", None], "by batch and place in it"),
        ("uploaded", ["a1", None, "B2", "C3", "A1", "D4", "b2"], "oldest upload first"),
        ("-uploaded", ["D4", "A1", "C3", "B2", None, "a1", "b2"], "newest upload first"),
        ("serial_number", ["A1", "a1", "B2", "b2", "C3", "D4", None], "by serial number"),
    ],
)
async def test_devices_come_in_the_order_that_is_asked_for_and_said(connect, mode, order_by, expected, words):
    async with connect(mode) as client:
        result = await client.call_tool("list_devices", {"customer": CUSTOMER, "order_by": order_by})
        paged, cursor = [], None
        while not paged or cursor:
            page = await ask(client, "list_devices", customer=CUSTOMER, order_by=order_by, limit=2, cursor=cursor)
            paged += serials(page)
            cursor = page["next_cursor"]
        first = await ask(client, "list_devices", customer=CUSTOMER, order_by=order_by, limit=2)
        other = "-uploaded" if order_by != "-uploaded" else "uploaded"
        again = {"customer": CUSTOMER, "limit": 2, "order_by": other, "cursor": first["next_cursor"]}
        assert "does not belong to this question" in await refusal(client, "list_devices", **again)
    assert serials(result.structured_content) == paged == expected
    assert result.structured_content["order_by"] == (order_by or "batch")
    assert f"Devices 1 to 7 of 7, {words}." in result.content[0].text


async def test_a_period_says_how_many_devices_have_no_date(connect, mode):
    async with connect(mode) as client:
        result = await client.call_tool("list_devices", {"customer": CUSTOMER, "uploaded_after": "2026-01-01"})
        dated = await ask(client, "list_devices", customer=CUSTOMER, batch="Lot 1", uploaded_after="2026-01-01")
    note = "1 device without an upload date matches no period. Periods are UTC."
    assert note in result.structured_content["notes"]
    assert note in result.content[0].text
    assert "Periods are UTC." in dated["notes"]


async def test_a_finding_that_does_not_exist_is_refused_with_the_nearest(connect, mode):
    async with connect(mode) as client:
        words = await refusal(client, "list_devices", customer=CUSTOMER, only=["without_serial"])
    assert "without_serial_number" in words


async def test_what_is_unread_is_a_number_and_what_is_partial_says_of_what(connect, sandbox, mode):
    sandbox.switches.scripted.insert(0, ScriptedResponse("/Lot 2/devices", 403, b'{"code": 900308}', times=100))
    async with connect(mode) as client:
        result = await client.call_tool("list_devices", {"customer": CUSTOMER, "group_by": ["model"]})
        found = await ask(client, "find_devices", customer=CUSTOMER, identifiers=["A1", "zzz"])
    answer, text = result.structured_content, result.content[0].text
    for each in (answer, found):
        assert (each["devices_expected"], each["devices_total"], each["devices_unread"]) == (7, 4, 3)
    assert "4 of 7 devices, by devicesCount; 3 unread." in text
    assert "Groups of the 4 devices read so far, most devices first:" in text
    assert "of the devices read so far:\n- " in text


async def test_the_findings_of_a_cursor_may_come_in_any_order(connect):
    async with connect() as client:
        question = {"customer": CUSTOMER, "limit": 1}
        first = await ask(client, "list_devices", only=["without_model", "without_policy"], **question)
        turned = {**question, "only": ["without_policy", "without_model"], "cursor": first["next_cursor"]}
        assert len((await ask(client, "list_devices", **turned))["devices"]) == 1


async def test_devices_without_a_serial_number_are_told_apart_by_their_id(connect):
    async with connect() as client:
        for only in (["without_serial_number"], ["without_model", "without_serial_number"]):
            answer = await ask(client, "list_devices", customer=CUSTOMER, only=only)
            assert all("id" in device for device in answer["devices"])
        chosen = await ask(client, "list_devices", customer=CUSTOMER, only=["without_serial_number"], fields=["batch"])
        assert [*chosen["devices"][0]] == ["batch"]


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        ({}, ["model", "policy", "batch"]),
        ({"policy": "none"}, ["model", "batch"]),
        ({"only": ["without_model"]}, ["policy", "batch"]),
        ({"only": ["without_model", "without_policy"]}, ["model", "policy", "batch"]),
    ],
)
async def test_what_the_conditions_settle_is_not_counted_unasked(connect, condition, left):
    async with connect() as client:
        answer = await ask(client, "list_devices", customer=CUSTOMER, **condition)
        assert [group["by"] for group in answer["groups"]] in ([], left)
        asked = await ask(client, "list_devices", customer=CUSTOMER, group_by=["policy", "model"], **condition)
        assert [group["by"] for group in asked["groups"]] == ["policy", "model"]


async def test_what_needs_attention_is_said_on_the_first_page_only(connect, mode):
    async with connect(mode) as client:
        first = await client.call_tool("list_devices", {"customer": CUSTOMER, "limit": 3})
        more = {"customer": CUSTOMER, "limit": 3, "cursor": first.structured_content["next_cursor"]}
        second = await client.call_tool("list_devices", more)
    assert len(first.structured_content["attention"]) == len(LISTED)
    assert second.structured_content["attention"] == []
    assert "Attention" not in second.content[0].text
