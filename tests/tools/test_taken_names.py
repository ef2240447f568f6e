"""A part of a name is taken where one thing has it, and the answer says for which."""

import pytest

from pc_mcp.sandbox import documents
from tests.answers.reading import check_halves

CONTOSO = {"customer": "Contoso Ltd"}
PARTS = [
    ("list_device_batches", {"customer": "woodg"}, ['"woodg" was taken for the customer "Woodgrove Bank".']),
    ("list_configuration_policies", {"customer": "GROVE"}, ['"GROVE" was taken for the customer "Woodgrove Bank".']),
    (
        "find_devices",
        {"customer": "documentation", "identifiers": ["2R9-ZNP67"]},
        ['"documentation" was taken for the customer "Documentation Sample".'],
    ),
    (
        "list_devices",
        {"customer": "fourth", "batch": "osaka", "limit": 0},
        [
            '"fourth" was taken for the customer "Fourth Coffee".',
            '"osaka" was taken for the batch "PO 4549717 Osaka".',
        ],
    ),
    ("list_devices", CONTOSO | {"batch": "finance"}, ['"finance" was taken for the batch "FINANCE laptops".']),
]
WHOLE = [
    "Contoso Ltd",
    "contoso ltd",
    "CONTOSO\u00a0LTD",
    '"Contoso Ltd"',
    "contoso.onmicrosoft.com",
    "user@contoso.onmicrosoft.com",
    "https://partner.microsoft.com/customers/{}/devices",
    "{}",
]


@pytest.mark.parametrize(("tool", "arguments", "notes"), PARTS)
async def test_a_part_of_a_name_is_taken_and_said(connect, mode, tool, arguments, notes):
    async with connect(mode) as client:
        result = await client.call_tool(tool, arguments)
    text, answer = result.content[0].text, result.structured_content
    check_halves(text, answer, 8000)
    assert answer["notes"][: len(notes)] == notes
    assert "Notes:\n" + "\n".join(f"- {note}" for note in notes) in text
    # The answer has the service's spelling.
    for note in notes:
        assert note.rpartition("the ")[2].partition(" ")[2].rstrip(".") in answer["summary"]


@pytest.mark.slow
@pytest.mark.parametrize("words", WHOLE)
async def test_a_whole_name_needs_no_note_however_it_is_written(connect, world, words):
    words = words.format(world.customer_id("Contoso Ltd"))
    async with connect() as client:
        for extra in ({}, {"batch": "finance LAPTOPS"}, {"batch": '"FINANCE laptops"'}):
            result = await client.call_tool("list_devices", {"customer": words, "limit": 0, **extra})
            assert "taken for" not in result.content[0].text


@pytest.mark.parametrize("words", ["Contosso Ltd", "Woodgruve", "Fabrikan Manufacturing"])
async def test_a_mere_likeness_is_never_taken(connect, mode, words):
    async with connect(mode) as client:
        result = await client.call_tool("list_devices", {"customer": words})
    assert result.is_error
    assert "Nearest: " in result.content[0].text
    assert "(domain " in result.content[0].text


@pytest.mark.parametrize("most", [6000, 7000])
async def test_an_answer_keeps_its_budget_beside_such_notes(connect, most):
    async with connect(answers={"max_chars": most}) as client:
        result = await client.call_tool("list_devices", {"customer": "contoso l", "batch": "finance"})
    check_halves(result.content[0].text, result.structured_content, most)
    assert len(result.structured_content["notes"]) >= 2


async def test_a_batch_that_no_list_names_is_called_as_it_was_asked_for(connect):
    async with connect() as client:
        arguments = {"customer": documents.CUSTOMER_ID, "batch": "testbatch"}
        result = await client.call_tool("list_devices", arguments)
    assert "taken for" not in result.content[0].text
    assert any("it was asked for by its id" in note for note in result.structured_content["notes"])
