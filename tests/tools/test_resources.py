"""Whole device lists as resources: exact, masked, safe in Excel, and refused as long as they are not whole."""

import csv
import io
import json

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolResult,
)

from pc_mcp.sandbox import ScriptedResponse
from pc_mcp.tools.support.addresses import uri_of
from tests.answers.reading import check_halves, hidden

COHO = "Coho Vineyard"
BATCH = "R&D; phase=1"
COLUMNS = ["id", "serial_number", "manufacturer", "model", "policy", "batch", "uploaded", "product_key"]
TEMPLATES = [
    "pc-mcp://customers/{customer}/batches/{batch}/devices.csv",
    "pc-mcp://customers/{customer}/batches/{batch}/devices.json",
    "pc-mcp://customers/{customer}/devices.csv",
    "pc-mcp://customers/{customer}/devices.json",
]


async def content(client: Client, uri: str) -> str:
    (resource,) = (await client.read_resource(uri)).contents
    assert resource.uri == uri
    return resource.text


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a CSV file, read as Python reads one that Excel wrote."""
    lines = io.StringIO(text.encode().decode("utf-8-sig"), newline="")
    return list(csv.DictReader(lines, strict=True))


async def refused(client: Client, uri: str) -> tuple[int, str]:
    with pytest.raises(MCPError) as error:
        await client.read_resource(uri)
    return error.value.error.code, error.value.error.message


def serials(world, customer: str, batch: str) -> list[str]:
    """The serial numbers of a batch as its pages have them; empty where a device has none."""
    devices = world.devices(world.customer_id(customer), batch)
    return [str(device.get("serialNumber") or "") for device in devices]


async def test_both_eras_list_the_templates(connect, mode):
    async with connect(mode) as client:
        templates = (await client.list_resource_templates()).resource_templates
        assert (await client.list_resources()).resources == []
    assert [template.uri_template for template in templates] == TEMPLATES
    assert {template.mime_type for template in templates} == {"text/csv", "application/json"}
    assert all(template.title and template.description for template in templates)


async def test_a_batch_as_csv_has_every_device_in_order(connect, world, mode):
    uri = uri_of(world.customer_id(COHO), BATCH, "csv")
    async with connect(mode) as client:
        text = await content(client, uri)
    rows = rows_of(text)
    assert list(rows[0]) == COLUMNS
    assert [row["serial_number"] for row in rows] == serials(world, COHO, BATCH)
    assert {row["batch"] for row in rows} == {BATCH}


async def test_csv_begins_with_a_signature_and_quotes_every_cell(connect):
    async with connect() as client:
        text = await content(client, "pc-mcp://customers/Coho%20Vineyard/devices.csv")
    assert text.encode().startswith(b"\xef\xbb\xbf")
    lines = text.removeprefix("\ufeff").split("\r\n")
    assert lines.pop() == ""
    assert lines[0] == ",".join(f'"{column}"' for column in COLUMNS)
    assert all(line.startswith('"') and line.endswith('"') for line in lines)


async def test_the_list_of_a_customer_has_the_devices_of_every_batch(connect, world):
    customer = world.customer_id(COHO)
    expected = [serial for batch in world.batches(customer) for serial in serials(world, COHO, batch["id"])]
    async with connect() as client:
        rows = rows_of(await content(client, uri_of(customer, None, "csv")))
        data = json.loads(await content(client, uri_of(customer, None, "json")))
        counted = await client.call_tool("list_devices", {"customer": COHO, "limit": 0})
    assert [row["serial_number"] for row in rows] == expected
    assert [device["serial_number"] or "" for device in data["devices"]] == expected
    assert len(rows) == data["devices_total"] == counted.structured_content["devices_total"]


async def test_json_has_the_facts_of_the_list_and_nulls_for_what_is_not_known(connect, world):
    customer = world.customer_id(COHO)
    async with connect() as client:
        data = json.loads(await content(client, uri_of(customer, BATCH, "json")))
        answer = await client.call_tool("list_devices", {"customer": COHO, "batch": BATCH})
    told = answer.structured_content
    assert {name: data[name] for name in ("customer", "batch", "as_of", "complete", "batches_read")} == {
        name: told[name] for name in ("customer", "batch", "as_of", "complete", "batches_read")
    }
    assert [device["serial_number"] for device in data["devices"][:10]] == [
        device["serial_number"] for device in told["devices"][:10]
    ]
    assert list(data["devices"][0]) == COLUMNS
    assert any(device["serial_number"] is None or device["policy"] is None for device in data["devices"])


@pytest.mark.slow
@pytest.mark.parametrize("devices", [5000, 5001])
async def test_a_long_list_is_put_together_from_its_pieces(sandbox, connect, devices):
    items = [{"id": str(number), "serialNumber": f"S{number}"} for number in range(devices)]
    body = json.dumps({"totalCount": devices, "items": items}).encode()
    sandbox.switches.scripted.append(ScriptedResponse("/deviceBatches/Long/devices", 200, body))
    async with connect() as client:
        rows = rows_of(await content(client, "pc-mcp://customers/Coho%20Vineyard/batches/Long/devices.csv"))
        data = json.loads(await content(client, "pc-mcp://customers/Coho%20Vineyard/batches/Long/devices.json"))
    assert [row["serial_number"] for row in rows] == [item["serialNumber"] for item in items]
    assert [device["serial_number"] for device in data["devices"]] == [item["serialNumber"] for item in items]


async def test_an_empty_list_is_a_file_without_devices(connect):
    async with connect() as client:
        rows = rows_of(await content(client, "pc-mcp://customers/Tailspin%20Toys/devices.csv"))
        data = json.loads(await content(client, "pc-mcp://customers/Tailspin%20Toys/devices.json"))
    assert (rows, data["devices"], data["devices_total"], data["complete"]) == ([], [], 0, True)


@pytest.mark.slow
async def test_batches_of_any_name_can_be_read_and_nothing_hidden_is_in_them(connect, world):
    customer = world.customer_id("Proseware Inc")
    async with connect() as client:
        for batch in world.batches(customer):
            if not all(isinstance(item, dict) for item in world.devices(customer, batch["id"])):
                continue
            text = await content(client, uri_of(customer, batch["id"], "csv"))
            assert len(rows_of(text)) > 0
            assert hidden(text.removeprefix("\ufeff").replace("\r", "")) == []


async def test_a_percent_sign_in_a_batch_id_is_no_encoding(connect, world):
    customer = world.customer_id("Adventure Works Cycles")
    async with connect() as client:
        rows = rows_of(await content(client, f"pc-mcp://customers/{customer}/batches/a%252Fb/devices.csv"))
    assert {row["batch"] for row in rows} == {"a%2Fb"}


async def test_a_batch_with_slashes_and_spaces_is_percent_encoded(sandbox, connect, mode):
    body = b'{"totalCount": 1, "items": [{"id": "1", "serialNumber": "S1"}]}'
    sandbox.switches.scripted.append(ScriptedResponse("/deviceBatches/Lot 7/2025 100% \xe4/devices", 200, body))
    uri = "pc-mcp://customers/Coho%20Vineyard/batches/Lot%207%2F2025%20100%25%20%C3%A4/devices.csv"
    async with connect(mode) as client:
        (row,) = rows_of(await content(client, uri))
    assert (row["serial_number"], row["batch"]) == ("S1", "Lot 7/2025 100% ä")


@pytest.mark.parametrize("file_format", ["csv", "json"])
async def test_product_keys_are_masked_unless_the_setting_reveals_them(connect, world, file_format):
    customer = world.customer_id(COHO)
    keys = {d.get("productKey") for d in world.devices(customer, BATCH)} - {None, ""}
    uri = uri_of(customer, BATCH, file_format)
    async with connect() as client:
        text = await content(client, uri)
    async with connect(answers={"reveal_product_keys": True}) as client:
        revealed = await content(client, uri)
    assert keys
    assert all(key not in text and f"*****{key[-5:]}" in text and key in revealed for key in keys)


DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\u200b=1",
    "\uff1d1",
    '=HYPERLINK("https://x.example";"y")',
    '"=1+1',
    '""@x',
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    "\u3000=1",
]
# Excel of a country that splits at semicolons sees several cells in each of these.
SPLIT = {
    "x;=1+1": "x;'=1+1",
    "x;; @y;-1;+2": "x;; '@y;'-1;'+2",
    'x;"=1;y': "x;\"'=1;y",
    "x;\uff1d1": "x;'\uff1d1",
    "x=1; y-z; 'a": "x=1; y-z; 'a",
}


async def test_no_cell_is_a_formula_to_excel_and_json_is_as_it_was(sandbox, connect):
    devices = [{"id": str(number), "serialNumber": text, "modelName": text} for number, text in enumerate(DANGEROUS)]
    devices += [{"id": "s", "serialNumber": "s", "modelName": text} for text in SPLIT]
    devices.append({"id": "x", "serialNumber": 'a "b", c;d=1', "modelName": "line\nbreak"})
    body = json.dumps({"totalCount": len(devices), "items": devices}).encode()
    sandbox.switches.scripted.append(ScriptedResponse("/deviceBatches/=Lot/devices", 200, body))
    async with connect() as client:
        text = await content(client, "pc-mcp://customers/Coho%20Vineyard/batches/=Lot/devices.csv")
        data = json.loads(await content(client, "pc-mcp://customers/Coho%20Vineyard/batches/%3DLot/devices.json"))
    *rows, last = rows_of(text)
    for row in rows[: len(DANGEROUS)]:
        for column in ("serial_number", "model", "batch"):
            assert row[column].lstrip('"')[0] == "'"
    assert [row["model"] for row in rows[len(DANGEROUS) :]] == list(SPLIT.values())
    assert (last["serial_number"], last["model"]) == ('a "b", c;d=1', "line break")
    assert data["devices"][0]["serial_number"] == "=1+1"
    assert [device["model"] for device in data["devices"][len(DANGEROUS) : -1]] == list(SPLIT)
    assert data["batch"] == "=Lot"


async def test_a_list_that_is_not_complete_is_refused_until_it_is(sandbox, connect, world, mode):
    customer = world.customer_id(COHO)
    sandbox.switches.scripted.append(ScriptedResponse("/R&D; phase=1/devices", 403, b'{"code": 900308}'))
    uri = uri_of(customer, None, "csv")
    async with connect(mode) as client:
        code, words = await refused(client, uri)
        sandbox.switches.scripted.clear()
        rows = rows_of(await content(client, uri))
    assert code == INTERNAL_ERROR
    assert words.startswith("INCOMPLETE: ")
    assert "Asking again will not help" in words
    assert "It is this batch only" in words
    assert 'Batch "R&D; phase=1" could not be read to the end' in words
    assert "correlation id" in words
    assert len(rows) == sum(len(serials(world, COHO, batch["id"])) for batch in world.batches(customer))


@pytest.mark.slow
async def test_a_list_with_items_that_nobody_can_read_is_refused_and_says_that_asking_again_will_not_help(
    connect, world, mode
):
    customer = world.customer_id("Proseware Inc")
    async with connect(mode) as client:
        for batch in ("Unreadable items", None):
            code, words = await refused(client, uri_of(customer, batch, "csv"))
            assert code == INTERNAL_ERROR
            assert words.startswith("INCOMPLETE: ")
            assert "Asking again will not help" in words
            assert "4 devices of the service could not be read" in words


async def test_what_a_complete_list_lacks_is_told_beside_it(connect, world, mode):
    uri = uri_of(world.customer_id("Adventure Works Cycles"), "a%2Fb", "csv")
    async with connect(mode) as client:
        (resource,) = (await client.read_resource(uri)).contents
    facts = resource.meta
    assert facts["pc-mcp/devices_total"] == len(rows_of(resource.text))


@pytest.mark.slow
async def test_a_list_that_is_too_large_for_one_message_is_refused_with_what_to_do(sandbox, connect):
    facts = dict.fromkeys(("modelName", "oemManufacturerName", "serialNumber"), "x" * 250)
    items = [{"id": str(number), **facts} for number in range(24_000)]
    body = json.dumps({"totalCount": len(items), "items": items}).encode()
    sandbox.switches.scripted.append(ScriptedResponse("/deviceBatches/Large/devices", 200, body))
    async with connect() as client:
        code, words = await refused(client, "pc-mcp://customers/Coho%20Vineyard/batches/Large/devices.csv")
    assert code == INTERNAL_ERROR
    assert words.startswith("The list of 24,000 devices is larger than a resource may be, 16 MB.")
    assert "export_devices" in words
    assert "exports.folder" in words


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("pc-mcp://customers/Contosso/devices.csv", 'No customer matches "Contosso"'),
        ("pc-mcp://customers/contoso/devices.csv", "customers match"),
        ("pc-mcp://customers/Coho%20Vineyard/batches/Lott/devices.csv", 'The customer has no batch "Lott"'),
        ("pc-mcp://customers/Coho%20Vineyard/devices.xlsx", "There is no resource"),
        ("pc-mcp://customers//devices.csv", "There is no resource"),
        ("pc-mcp://customers/x%00y/devices.csv", "There is no resource"),
        ("file:///etc/passwd", "There is no resource"),
    ],
)
async def test_what_is_not_there_is_refused_with_what_would_be_right(connect, uri, why):
    async with connect() as client:
        code, words = await refused(client, uri)
    assert code == INVALID_PARAMS
    assert why in words
    assert why != "There is no resource" or all(template in words for template in TEMPLATES)


async def test_who_is_not_signed_in_is_told_how(connect, mode):
    async with connect(mode, auth={"mode": "delegated", "access_token": None}) as client:
        code, words = await refused(client, "pc-mcp://customers/Coho%20Vineyard/devices.csv")
    assert code == INTERNAL_ERROR
    assert "auth.client_id" in words


async def listed(client: Client, **arguments: object) -> CallToolResult:
    return await client.call_tool("list_devices", {"customer": COHO} | arguments)


async def test_an_answer_that_leaves_rows_out_names_the_whole_list_once_in_its_notes(connect, world, mode):
    customer = world.customer_id(COHO)
    async with connect(mode) as client:
        for batch, arguments in ((None, {"manufacturer": "e"}), (BATCH, {"batch": BATCH})):
            result = await listed(client, limit=1, **arguments)
            (text,) = result.content
            data, uri = result.structured_content, uri_of(customer, batch, "csv")
            check_halves(text.text, data, 8000)
            assert (
                data["notes"][-1] == f"All devices as a CSV file for people, whatever the filters: the resource {uri}"
            )
            assert (text.text.count(uri), json.dumps(data).count(uri)) == (1, 1)
            assert len(rows_of(await content(client, uri))) == data["devices_total"]


async def test_no_list_is_offered_where_no_rows_are_left_out_or_it_could_not_be_read(sandbox, connect, mode):
    async with connect(mode) as client:
        first = await listed(client, limit=1)
        results = [
            await listed(client, limit=0),
            await listed(client, limit=1, cursor=first.structured_content["next_cursor"]),
            await client.call_tool("list_devices", {"customer": "Documentation Sample", "batch": "testbatch"}),
        ]
        sandbox.switches.scripted.append(ScriptedResponse("/R&D; phase=1/devices", 403, b'{"code": 900308}'))
        results.append(await listed(client, limit=1, refresh=True))
    assert results[-1].structured_content["complete"] is False
    assert not any("the resource" in note for result in results for note in result.structured_content["notes"])
