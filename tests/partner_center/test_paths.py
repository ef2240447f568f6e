"""Ids are free text, and each arrives at the service as the one segment of a path that it is."""

import json
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pc_mcp.partner_center import models
from pc_mcp.partner_center.errors import AddressTooLong, UnsafeId
from tests.double import asking, page, raw, serving

ODD_IDS = [
    "Test batch",
    " a  b ",
    "2024/03 EMEA",
    "100%",
    "%2F",
    "%252e",
    "what?",
    "a#b",
    "a+b",
    "a&b=c;d",
    "a\\b",
    "Zürich: Größe",
    "日本 🚀",
    "\u202ertl",
    "tab\tand\nline",
    "\x00",
    "...",
    "../../customers",
    "//elsewhere.example/x",
    "@elsewhere.example",
    ":80",
]


async def arrived(*ids):
    """The ids that a service decodes from the paths of requests for their devices."""
    async with serving(page()) as service, asking(service.base_url) as client:
        for batch_id in ids:
            async for _ in client.devices("the customer", batch_id):
                pass
    found = []
    for request in service.requests:
        assert request.target.isascii()
        path, question, _ = request.target.partition("?")
        assert not question
        *before, batch_id, last = path.split("/")
        assert (before, last) == (["", "v1", "customers", "the%20customer", "deviceBatches"], "devices")
        found.append(unquote(batch_id, errors="strict"))
    return found


async def test_odd_ids_arrive_as_they_are():
    assert await arrived(*ODD_IDS) == ODD_IDS


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(ids=st.lists(st.text(min_size=1).filter(lambda text: text not in {".", ".."}), min_size=1, max_size=4))
@example(ids=[chr(code) for code in range(1, 256) if chr(code) != "."])
async def test_any_text_arrives_as_it_is(ids):
    assert await arrived(*ids) == ids


async def test_text_that_utf_8_cannot_carry_arrives_as_question_marks():
    assert await arrived("a\ud800b") == ["a?b"]


@pytest.mark.parametrize("odd", ["a/b", "...", "a?b=c#d"])
async def test_ids_of_customers_and_uploads_are_encoded_too(odd):
    answers = raw(json.dumps({"batchTrackingId": odd}).encode()), page()
    async with serving(*answers) as service, asking(service.base_url) as client:
        await client.batch_upload_details(odd, odd)
        _ = [read async for read in client.device_batches(odd)]
        _ = [read async for read in client.configuration_policies(odd)]
    paths = [[unquote(part) for part in request.target.split("/")] for request in service.requests]
    assert paths == [
        ["", "v1", "customers", odd, "batchJobStatus", odd],
        ["", "v1", "customers", odd, "deviceBatches"],
        ["", "v1", "customers", odd, "policies"],
    ]


async def test_an_id_that_no_address_can_hold_is_refused_and_not_sent():
    async with serving(page()) as service, asking(service.base_url) as client:
        with pytest.raises(AddressTooLong, match="is too long"):
            _ = [read async for read in client.devices("1", "\u6771" * 10_000)]
    assert service.requests == []


@pytest.mark.parametrize("dots", [".", ".."])
async def test_an_id_that_leads_to_another_place_is_refused_and_not_sent(dots):
    async with serving(page()) as service, asking(service.base_url) as client:
        for ask in (
            lambda: client.customer(dots),
            lambda: client.batch_upload_details("1", dots),
            lambda: anext(client.devices("1", dots)),
            lambda: anext(client.devices(dots, "1")),
        ):
            with pytest.raises(UnsafeId, match="one or two dots"):
                await ask()
    assert service.requests == []


@pytest.mark.slow
async def test_every_batch_with_an_odd_name_in_the_sandbox_is_found_by_it(sandbox, world):
    read = 0
    async with asking(sandbox.base_url) as client:
        for customer in world.customers():
            if customer["relationshipToPartner"] == "none":
                continue
            for batch in world.batches(customer["id"]):
                if all(char.isalnum() or char in " -_" for char in batch["id"]):
                    continue
                first = await anext(client.devices(customer["id"], batch["id"]))
                sent = world.device_page(customer["id"], batch["id"], 1)
                assert [device.id for device in first.items] == [item["id"] for item in sent if isinstance(item, dict)]
                assert len(first.items) + first.unreadable == len(sent)
                read += 1
    assert read > 5


async def test_the_path_of_a_base_url_is_kept():
    async with serving(raw(b'{"id":"1"}')) as service, asking(service.base_url + "/gateway/v1/") as client:
        assert await client.customer("1") == models.Customer(id="1")
    assert service.requests[0].target == "/gateway/v1/customers/1"
