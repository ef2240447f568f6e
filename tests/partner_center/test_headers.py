"""Requests carry the headers of "Partner Center REST headers", and ids that support can follow."""

from uuid import UUID

import pytest

from pc_mcp.partner_center.errors import Unreachable
from pc_mcp.sandbox import ScriptedResponse, catalog
from tests.double import (
    CORRELATION_ID,
    HANG,
    HANG_UP,
    asking,
    customer,
    raw,
    serving,
)


async def test_a_request_carries_what_the_documents_name():
    async with serving(customer()) as service, asking(service.base_url, locale="de-CH") as client:
        await client.customer("1")
    [request] = service.requests
    sent = request.headers
    assert sent["authorization"] == "Bearer sandbox-token"
    assert sent["accept"] == "application/json"
    assert sent["x-locale"] == "de-CH"
    assert sent["ms-partnercenter-application"] == "pc-mcp"
    assert sent["ms-correlationid"] == CORRELATION_ID
    assert str(UUID(sent["ms-requestid"])) == sent["ms-requestid"]
    assert "ms-continuationtoken" not in sent


async def test_the_language_is_english_unless_set():
    async with serving(customer()) as service, asking(service.base_url) as client:
        await client.customer("1")
    assert service.requests[0].headers["x-locale"] == "en-US"


async def test_settings_give_the_language(sandbox, connect, mode):
    async with connect(mode, partner_center={"locale": "fr-FR"}) as client:
        await client.call_tool("find_customers", {})
    assert {request.headers["x-locale"] for request in sandbox.requests} == {"fr-FR"}


async def test_one_tool_call_has_one_correlation_id_and_the_next_another(sandbox, world, connect, mode):
    name = world.customer(world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER))["companyProfile"]["companyName"]
    seen = []
    async with connect(mode) as client:
        for _ in range(2):
            arguments = {"customer": name, "limit": 1, "refresh": True}
            assert not (await client.call_tool("list_device_batches", arguments)).is_error
            seen.append({request.headers["ms-correlationid"] for request in sandbox.requests})
            assert len(sandbox.requests) > 1
            sandbox.requests.clear()
    [first], [second] = seen
    assert UUID(first) != UUID(second)


async def test_every_request_has_an_id_of_its_own(sandbox, connect, mode):
    async with connect(mode) as client:
        await client.call_tool("list_devices", {"customer": "Documentation Sample"})
    ids = [request.headers["ms-requestid"] for request in sandbox.requests]
    assert len(ids) > 2
    assert len({UUID(id_) for id_ in ids}) == len(ids)


@pytest.mark.parametrize(
    "silence",
    [
        pytest.param(HANG, id="no answer in time"),
        pytest.param(HANG_UP, id="closed without an answer"),
        pytest.param(raw(b'{"id":', length=50), id="closed in the middle of an answer"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="closed in the middle of a header"),
        pytest.param(b"no HTTP at all\r\n\r\n", id="no HTTP"),
    ],
)
async def test_the_request_id_is_kept_while_there_is_no_whole_answer(silence):
    async with (
        serving(silence, silence, customer()) as service,
        asking(service.base_url, timeout_seconds=0.4) as client,
    ):
        await client.customer("1")
    assert len(service.requests) == 3
    assert len({request.id for request in service.requests}) == 1


async def test_the_request_id_is_new_after_any_answer():
    busy = raw(status=503, Retry_After="0")
    answers = busy, HANG_UP, HANG_UP, busy, customer()
    async with serving(*answers) as service, asking(service.base_url) as client:
        await client.customer("1")
    first, second, third, fourth, fifth = (request.id for request in service.requests)
    assert second == third == fourth
    assert len({first, second, fifth}) == 3


async def test_the_correlation_id_is_kept_over_every_retry():
    answers = raw(status=503, Retry_After="0"), HANG_UP, customer()
    async with serving(*answers) as service, asking(service.base_url) as client:
        await client.customer("1")
    assert {request.headers["ms-correlationid"] for request in service.requests} == {CORRELATION_ID}


async def test_an_error_names_the_correlation_id_that_was_sent(sandbox, connect, mode):
    sandbox.switches.scripted.append(ScriptedResponse("/policies", status=409, body=b"{}"))
    async with connect(mode) as client:
        arguments = {"customer": "47021739-3426-40bf-9601-61b4b6d7c793"}
        result = await client.call_tool("list_configuration_policies", arguments)
    assert result.is_error
    sent = sandbox.requests[-1].headers["ms-correlationid"]
    assert f"correlation id {sent}" in result.content[0].text


async def test_an_error_without_an_answer_names_the_correlation_id_too():
    async with serving(HANG_UP) as service, asking(service.base_url) as client:
        with pytest.raises(Unreachable, match=f"correlation id {CORRELATION_ID}"):
            await client.customer("1")
