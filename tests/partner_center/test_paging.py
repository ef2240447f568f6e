"""A paged collection is walked to its end, each page once, and never called complete when it is not."""

import pytest

from pc_mcp.partner_center.collections import devices
from pc_mcp.partner_center.errors import BrokenPaging, ListTooLong, MalformedResponse
from pc_mcp.partner_center.paging import PagedRequest, pages
from pc_mcp.sandbox import catalog
from tests.double import CORRELATION_ID, asking, page, raw, serving
from tests.partner_center.walks import ids, link, tokens_sent, walked


def large_batch(world):
    """A customer and one of its batches that has several pages."""
    customer = world.customer_id(catalog.HUNDRED_THOUSAND_CUSTOMER)
    for batch in world.batches(customer):
        if 3 <= world.page_count(customer, batch["id"]) <= 12:
            return customer, batch["id"]
    raise AssertionError("no batch of a few pages")


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"links_next": True},
        {"needs_seek_operation": True},
        {"links_next": True, "needs_seek_operation": True, "byte_order_mark": True},
    ],
    ids=str,
)
async def test_every_device_of_a_batch_is_read_once_in_each_way_of_paging(sandbox, world, switches):
    customer, batch = large_batch(world)
    for name, value in switches.items():
        setattr(sandbox.switches, name, value)
    async with asking(sandbox.base_url) as client:
        got, error = await walked(client.devices(customer, batch))
    assert error is None
    assert [device for page in got for device in page] == [device["id"] for device in world.devices(customer, batch)]


async def test_customers_are_paged_with_the_token_and_the_seek_operation():
    answers = page({"id": "1"}, **link("two")), page({"id": "2"}, **link("three")), page({"id": "3"})
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, error = await walked(client.customers())
    assert (got, error) == ([["1"], ["2"], ["3"]], None)
    assert tokens_sent(service) == [None, "two", "three"]
    assert [request.target for request in service.requests] == [
        "/v1/customers?size=500",
        "/v1/customers?size=500&seekOperation=Next",
        "/v1/customers?size=500&seekOperation=Next",
    ]


async def test_devices_are_paged_without_the_seek_operation():
    answers = page({"id": "1"}, token="two"), page({"id": "2"})
    async with serving(*answers) as service, asking(service.base_url) as client:
        await walked(client.devices("c", "b"))
    assert [request.target for request in service.requests] == ["/v1/customers/c/deviceBatches/b/devices"] * 2


async def test_a_first_page_that_comes_again_is_asked_for_once_more_with_the_seek_operation():
    answers = (
        page({"id": "1"}, token="two"),
        page({"id": "1"}, token="two"),
        page({"id": "2"}, token="three"),
        page({"id": "3"}),
    )
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, error = await walked(client.devices("c", "b"))
    assert (got, error) == ([["1"], ["2"], ["3"]], None)
    assert tokens_sent(service) == [None, "two", "two", "three"]
    assert [request.target.partition("?")[2] for request in service.requests] == [
        "",
        "",
        "seekOperation=Next",
        "seekOperation=Next",
    ]


async def test_a_page_that_comes_again_with_the_seek_operation_too_ends_the_walk():
    answers = page({"id": "1"}, token="two"), page({"id": "1"}, token="three")
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, error = await walked(client.devices("c", "b"))
    assert got == [["1"]]
    assert isinstance(error, BrokenPaging)
    assert len(service.requests) == 3


async def test_a_page_that_is_asked_for_again_counts_once_towards_what_a_list_may_have():
    one, two, three = (page({"id": f"{number}"}, token=f"{number}") for number in (1, 2, 3))
    request = PagedRequest("/devices", devices, most_items=3)
    async with serving(one, one, two, three) as service, asking(service.base_url) as client:
        got, error = await walked(
            pages(client.transport, request, account=client.account, correlation_id=CORRELATION_ID)
        )
    assert got == [["1"], ["2"], ["3"]]
    assert isinstance(error, ListTooLong)
    assert "It had 3 items and went on" in str(error)
    async with serving(one, two, two, three) as service, asking(service.base_url) as client:
        walk = pages(client.transport, request, account=client.account, correlation_id=CORRELATION_ID)
        first, _lost = await anext(walk), await anext(walk)
        again = pages(
            client.transport, request, account=client.account, correlation_id=CORRELATION_ID, token=first.next_token
        )
        got, error = await walked(again)
    assert got == [["2"], ["3"]]
    assert isinstance(error, ListTooLong)


async def test_a_later_page_that_comes_again_ends_the_walk():
    answers = page({"id": "1"}, **link("two")), page({"id": "2"}, **link("three"))
    again = page({"id": "2"}, **link("four"))
    async with serving(*answers, again) as service, asking(service.base_url) as client:
        got, error = await walked(client.customers())
    assert got == [["1"], ["2"]]
    assert isinstance(error, BrokenPaging)


async def test_pages_on_which_nothing_can_be_read_are_told_apart():
    answers = page("odd", token="two"), page("other", token="three"), page("other")
    async with serving(*answers) as service, asking(service.base_url) as client:
        pages = client.devices("c", "b")
        assert [(await anext(pages)).unreadable for _ in range(2)] == [1, 1]
        with pytest.raises(BrokenPaging):
            await anext(pages)


@pytest.mark.parametrize("again", ["two", "three"])
async def test_a_token_that_comes_twice_ends_the_walk_after_what_was_read(again):
    answers = page({"id": "1"}, token="two"), page({"id": "2"}, token="three"), page({"id": "3"}, token=again)
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, error = await walked(client.devices("c", "b"))
    assert got == [["1"], ["2"], ["3"]]
    assert isinstance(error, BrokenPaging)
    assert "token came twice" in str(error)
    assert len(service.requests) == 3


async def test_an_empty_page_in_the_middle_is_no_end():
    answers = page(token="two"), page({"id": "1"}, token="three"), page(token="four"), page({"id": "2"})
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, error = await walked(client.devices("c", "b"))
    assert (got, error) == ([[], ["1"], [], ["2"]], None)


async def test_pages_that_stay_empty_end_the_walk():
    answers = [page(token=f"t{number}") for number in range(10)]
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, error = await walked(client.devices("c", "b"))
    assert isinstance(error, BrokenPaging)
    assert "empty" in str(error)
    assert len(got) == len(service.requests) == 5


@pytest.mark.parametrize("needs_seek", [False, True])
async def test_a_walk_goes_on_from_any_page_where_it_stopped(sandbox, world, needs_seek):
    customer, batch = large_batch(world)
    sandbox.switches.needs_seek_operation = needs_seek
    async with asking(sandbox.base_url) as client:
        whole = [read async for read in client.devices(customer, batch)]
        # From the second page on it is known whether the service wants the seek operation.
        for number, read in enumerate(whole[1:-1], 2):
            rest, error = await walked(client.devices(customer, batch, read.next_token))
            assert error is None
            assert rest == [ids(later) for later in whole[number:]]


async def test_a_walk_that_goes_on_before_that_is_known_counts_no_page_twice(sandbox, world):
    customer, batch = large_batch(world)
    sandbox.switches.needs_seek_operation = True
    async with asking(sandbox.base_url) as client:
        first = await anext(client.devices(customer, batch))
        rest, error = await walked(client.devices(customer, batch, first.next_token))
    assert error is None
    assert [id_ for page in [ids(first), *rest] for id_ in page] == [d["id"] for d in world.devices(customer, batch)]


async def test_a_walk_of_customers_goes_on_with_the_seek_operation():
    answers = page({"id": "1"}, **link("two")), page({"id": "2"})
    async with serving(*answers) as service, asking(service.base_url) as client:
        first = await anext(client.customers())
        got, _ = await walked(client.customers(first.next_token))
    assert got == [["2"]]
    assert service.requests[1].target == "/v1/customers?size=500&seekOperation=Next"


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'"text"',
        b"null",
        b"7",
        b'{"items":{}}',
        b'{"items":"x"}',
        b'{"code":3000,"description":"an error that comes with 200"}',
        b'{"statusCode":429,"message":"Rate limit is exceeded.","totalCount":0}',
        b"{}",
        b'{"items":null}',
        b'{"value":[{"id":"1"}]}',
        b'{"error":{"code":"TooManyRequests"}}',
        b'{"items":[],"code":429}',
        b'{"items":[{"id":"1"}],"Error":"x"}',
        b'{"items":[],"StatusCode":"429"}',
        b'{"items":[],"status":503}',
        b'{"items":[],"message":"Rate limit is exceeded."}',
        b'{"items":[],"description":"An error occurred","source":"x"}',
        b'{"items":[],"exceptionMessage":"x"}',
        b'{"items":[],"fault":{"x":1}}',
        b'{"items":[],"success":false}',
        b'{"items":[{"id":"1"}],"success":false}',
        b'{"items":[],"data":{"items":[{"id":"1"}]}}',
        b'{"items":[],"anything":"else"}',
        b'{"totalCount":100,"items":null}',
        b'{"totalCount":"many"}',
        b'{"totalCount":0,"value":[{"id":"1"}]}',
        b'{"totalCount":0,"Items":[{"id":"1"}]}',
        b'{"items":[],"Items":[{"id":"1"}]}',
        b'{"items":null,"attributes":{"objectType":"Customer"}}',
    ],
)
async def test_a_body_that_is_no_collection_is_malformed(body):
    async with serving(raw(body)) as service, asking(service.base_url) as client:
        got, error = await walked(client.devices("c", "b"))
    assert got == []
    assert type(error) is MalformedResponse
    assert "no collection" in str(error)


@pytest.mark.parametrize(
    "body",
    [
        b'{"items":[]}',
        b'{"totalCount":0}',
        b'{"totalCount":0,"items":null}',
        b'{"totalCount":"0","items":[],"code":null,"error":""}',
        b'{"items":null,"attributes":{"objectType":"Collection"}}',
    ],
)
async def test_a_collection_with_a_missing_null_or_empty_list_is_empty(body):
    async with serving(raw(body)) as service, asking(service.base_url) as client:
        got, error = await walked(client.device_batches("c"))
    assert (got, error) == ([[]], None)


@pytest.mark.parametrize("kind", ["device_batches", "configuration_policies"])
async def test_a_list_that_is_said_to_have_items_and_brings_none_is_no_empty_list(kind):
    answers = page(totalCount=100), page(token="two"), page(totalCount="04")
    async with serving(*answers) as service, asking(service.base_url) as client:
        for said in ("100", "4"):
            got, error = await walked(getattr(client, kind)("c"))
            assert all(not items for items in got)
            assert isinstance(error, BrokenPaging)
            assert f"said to have {said} items, and none came" in str(error)


@pytest.mark.parametrize("totals", [(2, 2), (1, 1), (2, 1), (None, 2), (0, 0), (1, 3), (100, "03")])
async def test_a_total_beside_items_is_not_believed_whatever_it_says(totals):
    answers = page({"id": "1"}, token="two", totalCount=totals[0]), page({"id": "2"}, totalCount=totals[1])
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, error = await walked(client.devices("c", "b"))
    assert (got, error) == ([["1"], ["2"]], None)


async def test_the_total_of_a_page_is_not_believed():
    answers = page({"id": "1"}, token="two", totalCount="04"), page({"id": "2"}, totalCount=-1)
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, error = await walked(client.devices("c", "b"))
    assert ([len(items) for items in got], error) == ([1, 1], None)


@pytest.mark.parametrize("depth", [190, 300, 600, 850])
async def test_pages_of_deeply_nested_items_are_compared_without_harm(depth):
    nested = "[" * depth + "]" * depth
    first = raw(f'{{"items":[{{"id":"1","x":{nested}}}],"continuationToken":"two"}}'.encode())
    second = raw(f'{{"items":[{{"id":"1","x":{nested}}}],"continuationToken":"three"}}'.encode())
    async with serving(first, second) as service, asking(service.base_url) as client:
        got, error = await walked(client.devices("c", "b"))
    assert got == [["1"]]
    assert isinstance(error, BrokenPaging)


@pytest.mark.parametrize("kind", ["device_batches", "configuration_policies"])
async def test_lists_that_are_documented_as_one_page_are_walked_too(kind):
    answers = page({"id": "1"}, **link("two")), page({"id": "2"})
    async with serving(*answers) as service, asking(service.base_url) as client:
        got, error = await walked(getattr(client, kind)("c"))
    assert (got, error) == ([["1"], ["2"]], None)
