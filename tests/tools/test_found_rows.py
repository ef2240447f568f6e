"""What a row of `find_devices` tells, and how many fit one page."""

import pytest

from bench import plain
from tests.answers.reading import check_halves, table_below
from tests.scripted import ask

CONTOSO = "Contoso Ltd"
DEFAULT = ["batch", "policy", "uploaded"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [CONTOSO, "Litware Inc"])
async def test_40_serial_numbers_and_what_was_not_found_fit_one_page_in_either_half(connect, world, mode, name):
    serials = [device["serial_number"] for device in plain.customer_of(world, name).devices if device["serial_number"]]
    unknown = ["ABC-12345", "NOPE-1", "5CG0000000"]
    asked = [*dict.fromkeys(serials[:: len(serials) // 40])][:40]
    async with connect(mode) as client:
        result = await client.call_tool("find_devices", {"customer": name, "identifiers": [*asked, *unknown]})
    text, answer = result.content[0].text, result.structured_content
    check_halves(text, answer, 8000)
    assert (answer["omitted"], answer["next_cursor"]) == (0, None)
    assert [row["identifier"] for row in answer["found"]] == asked
    assert [list(row["device"]) for row in answer["found"]] == [DEFAULT] * 40
    assert [row[0] for row in table_below(text, "identifier", *DEFAULT)] == asked
    assert answer["not_found"] == unknown
    assert 'Not found: "ABC-12345", "NOPE-1", "5CG0000000".' in text


@pytest.mark.slow
async def test_the_serial_number_stands_beside_an_identifier_that_is_another(connect, mode):
    async with connect(mode) as client:
        spelt = await ask(client, "find_devices", customer=CONTOSO, identifiers=["9dlk36j"])
        first = await ask(client, "find_devices", customer=CONTOSO, identifiers=["9DLK36J"], fields=["id"])
        (device,) = [row["device"] for row in first["found"]]
        by_id = await ask(client, "find_devices", customer=CONTOSO, identifiers=["9DLK36J", device["id"]])
    assert [(row["identifier"], row["device"]["serial_number"]) for row in spelt["found"]] == [("9dlk36j", "9DLK36J")]
    assert [list(row["device"]) for row in by_id["found"]] == [["serial_number", *DEFAULT]] * 2
    assert {row["device"]["serial_number"] for row in by_id["found"]} == {"9DLK36J"}


@pytest.mark.slow
async def test_the_fields_that_are_asked_for_are_told(connect, mode):
    fields = ["product_key", "manufacturer", "serial_number"]
    question = {"customer": CONTOSO, "identifiers": ["9DLK36J"], "fields": fields}
    async with connect(mode) as client:
        found = await client.call_tool("find_devices", question)
        listed = await client.call_tool("list_devices", {"customer": CONTOSO, "fields": fields, "limit": 1})
        without = await client.call_tool("list_devices", {"customer": CONTOSO, "limit": 1})
    (row,) = found.structured_content["found"]
    assert list(row["device"]) == fields
    assert table_below(found.content[0].text, "identifier", *fields)
    note = "Product keys: the last five characters only."
    for result in (found, listed):
        assert note in result.structured_content["notes"]
        assert f"- {note}" in result.content[0].text
    assert note not in without.content[0].text
