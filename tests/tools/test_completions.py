"""Completions of arguments: customers by the typed start, batches of the customer, and never an error."""

import pytest
from mcp import Client
from mcp_types import PromptReference, ResourceTemplateReference

from bench import plain
from pc_mcp.inventory.reading.customer_list import customer_entry
from pc_mcp.partner_center.models import Customer
from pc_mcp.protocol.completions import customers_beginning
from pc_mcp.sandbox import ScriptedResponse

OVERVIEW = PromptReference(name="device_overview")
BATCH_FILE = ResourceTemplateReference(uri="pc-mcp://customers/{customer}/batches/{batch}/devices.csv")


async def completed(client: Client, argument: str, typed: str, ref=OVERVIEW, **known: str):
    result = await client.complete(ref, {"name": argument, "value": typed}, known or None)
    return result.completion


async def test_customers_are_completed_by_the_start_of_name_or_domain(connect, world, mode):
    woodgrove = world.customer(world.customer_id("Woodgrove Bank"))["companyProfile"]["domain"]
    async with connect(mode) as client:
        assert client.server_capabilities.completions is not None
        by_name = await completed(client, "customer", "CONTOSO l")
        by_domain = await completed(client, "other_customer", woodgrove[:-4].upper())
        everything = await completed(client, "customer", "")
    assert (by_name.values, by_name.total, by_name.has_more) == (["Contoso Ltd"], 1, False)
    assert by_domain.values == [woodgrove]
    assert everything.values == sorted(everything.values, key=plain.key)
    assert everything.total == len(everything.values) > 5


@pytest.mark.slow
async def test_every_completed_customer_is_one_that_the_tools_know(connect):
    async with connect() as client:
        values = (await completed(client, "customer", "")).values
        for value in values:
            result = await client.call_tool("list_configuration_policies", {"customer": value})
            assert "match" not in result.content[0].text.partition("\n")[0]


async def test_batches_are_completed_once_the_customer_is_known(connect, world, mode):
    async with connect(mode) as client:
        known = await completed(client, "batch", "fin", customer="Contoso Ltd")
        all_of_them = await completed(client, "batch", "", ref=BATCH_FILE, customer="Contoso Ltd")
        unknown = await completed(client, "batch", "fin")
        of_nobody = await completed(client, "batch", "fin", customer="Nobody at all")
    assert known.values == ["FINANCE laptops"]
    ids = [batch["id"] for batch in world.batches(world.customer_id("Contoso Ltd"))]
    assert all_of_them.values == ids[:100]
    assert (unknown.values, of_nobody.values) == ([], [])


async def test_other_arguments_have_no_completions(connect):
    async with connect() as client:
        assert (await completed(client, "period", "la")).values == []


def test_more_than_a_hundred_customers_are_counted_by_the_protocols_rule():
    customers = [Customer(id=f"{number}", name=f"Customer {number:03}", domain=None) for number in range(101)]
    assert len(customers_beginning(list(map(customer_entry, customers)), "customer")) == 101


async def test_no_more_than_a_hundred_values_are_given(sandbox, connect):
    items = ",".join(
        f'{{"id": "00000000-0000-0000-0000-{number:012}", "companyProfile": {{"companyName": "Customer {number:03}"}}}}'
        for number in range(150)
    )
    body = f'{{"totalCount": 150, "items": [{items}]}}'.encode()
    sandbox.switches.scripted.append(ScriptedResponse("/customers?", 200, body))
    async with connect() as client:
        found = await completed(client, "customer", "customer")
    assert (len(found.values), found.total, found.has_more) == (100, 150, True)
    assert found.values[0] == "Customer 000"


def test_a_name_that_does_not_tell_which_customer_is_meant_is_replaced():
    long = "x" * 130
    customers = [
        Customer(id="1", name="Twin", domain="one.example"),
        Customer(id="2", name="twin", domain="two.example"),
        Customer(id="3", name="Twin", domain=None),
        Customer(id="4", name=long, domain="long.example"),
        Customer(id="5", name=None, domain="two-more.example"),
        Customer(id="6", name=None, domain=None),
    ]
    entries = list(map(customer_entry, customers))
    assert customers_beginning(entries, "tw") == ["3", "one.example", "two-more.example", "two.example"]
    assert customers_beginning(entries, "xx") == ["long.example"]


@pytest.mark.parametrize("status", [403, 500])
async def test_a_failure_of_the_service_is_an_empty_list(sandbox, connect, status):
    sandbox.switches.scripted.append(ScriptedResponse("/", status, b"{}", headers={"Retry-After": "0"}))
    async with connect() as client:
        found = await completed(client, "customer", "c")
    assert (found.values, found.total) == ([], 0)


@pytest.mark.slow
async def test_a_service_that_does_not_answer_is_an_empty_list_in_a_short_time(sandbox, connect):
    sandbox.switches.scripted.append(ScriptedResponse("/", hang=True))
    async with connect(answers={"time_budget_seconds": 0.5}) as client:
        assert (await completed(client, "customer", "c")).values == []


async def test_without_configuration_completions_are_empty(sandbox, connect):
    async with connect(auth={"mode": "delegated", "access_token": None}) as client:
        assert (await completed(client, "customer", "c")).values == []
